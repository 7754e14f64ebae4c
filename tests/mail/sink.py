"""A mail server that keeps what it accepts: the far end of every measurement of sending.

Runs in a process of its own (aiosmtpd) and writes two files into its folder: `accepted.jsonl`, one line per accepted mail with its
recipients and the place of its bytes in `bytes`, and `maillog` as Postfix writes it. Both are written before the answer 250 leaves,
so what the sender is told never runs ahead of what was counted.

    with Sink(folder, before=0.01) as sink: …; sink.accepted()

Seconds of thought widen the gaps in which a killed sender does not know: `before` at RCPT, `taking` between the last dot and the moment
a mail is accepted, `after` between that moment and the 250; a client that is silent for `timeout` is dropped. A recipient named `refuse-550-…` is refused, `later-450-2-…` is put off twice and then taken.
"""

from __future__ import annotations

import asyncio
import contextlib
import email
import email.policy
import hashlib
import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP

ROOT = Path(__file__).resolve().parents[2]
MESSAGE_ID = re.compile(rb"^message-id:\s*(<[^>]*>)", re.IGNORECASE | re.MULTILINE)
ANSWERED = re.compile(r"(?P<how>refuse|later)-(?P<code>\d{3})-(?:(?P<times>\d+)-)?")


@dataclass(frozen=True)
class Mail:
    """One accepted mail. `body` is the decoded plain text with its line ends as \\n."""

    to: tuple[str, ...]
    sender: str
    message_id: str
    queue_id: str
    at: float
    content: bytes

    @property
    def message(self) -> Any:
        """The parsed message."""
        return email.message_from_bytes(self.content, policy=email.policy.default)

    @property
    def body(self) -> str:
        """Its plain text."""
        part = self.message.get_body(("plain",))
        return str(part.get_content()).replace("\r\n", "\n") if part else ""

    @property
    def digest(self) -> str:
        """A hash of the plain text, to compare with what was meant."""
        return digest_of(self.body)


def digest_of(body: str) -> str:
    """The hash of a text, whatever white space ends it."""
    return hashlib.sha256(body.strip().encode()).hexdigest()


class Sink:
    """The process, as the tests see it."""

    def __init__(self, folder: Path, *, before: float = 0, taking: float = 0, after: float = 0, timeout: float = 300, pipelining: bool = True, log: bool = True) -> None:
        self.folder = folder
        self.options = {"before": before, "taking": taking, "after": after, "pipelining": pipelining, "log": log}
        self.timeout = timeout
        self.port = 0
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Sink:
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "tests.mail.sink", str(self.folder), json.dumps(self.options), str(self.timeout)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        self.port = int(self._process.stdout.readline())
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process and self._process.stdout
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(10)
        self._process.stdout.close()

    @property
    def maillog(self) -> Path:
        """The log, as Postfix writes it."""
        return self.folder / "maillog"

    def accepted(self) -> list[Mail]:
        """Everything accepted so far, in order."""
        try:
            lines = (self.folder / "accepted.jsonl").read_text().splitlines()
        except FileNotFoundError:
            return []
        content = (self.folder / "bytes").read_bytes()
        rows = [json.loads(line) for line in lines]
        return [Mail(tuple(r["to"]), r["from"], r["id"], r["queue"], r["at"], content[r["offset"] : r["offset"] + r["length"]]) for r in rows]

    def count(self) -> int:
        """How many were accepted so far."""
        path = self.folder / "accepted.jsonl"
        return path.read_bytes().count(b"\n") if path.exists() else 0


class Handler:
    """What aiosmtpd asks."""

    def __init__(self, folder: Path, before: float, taking: float, after: float, pipelining: bool, log: bool) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._list, self._bytes = os.open(folder / "accepted.jsonl", flags), os.open(folder / "bytes", flags)
        self._log = os.open(folder / "maillog", flags) if log else None
        self._offset = os.fstat(self._bytes).st_size
        self._pipelining = pipelining
        self._before, self._taking, self._after = before, taking, after
        self._tries: Counter[str] = Counter()
        self._running: set[asyncio.Task[str]] = set()
        self._number = 0

    def note(self, program: str, text: str) -> None:
        """One line of the log, in the form of syslog."""
        if self._log is not None:
            os.write(self._log, f"{time.strftime('%b %e %H:%M:%S')} sink postfix/{program}[{os.getpid()}]: {text}\n".encode())

    async def handle_EHLO(self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]) -> list[str]:
        session.host_name = hostname
        self.note("smtpd", "connect from localhost[127.0.0.1]")
        return [responses[0], "250-PIPELINING", *responses[1:]] if self._pipelining else responses

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if self._before:
            await asyncio.sleep(self._before)
        found = ANSWERED.search(address)
        if found:
            self._tries[address] += 1
            if found["how"] == "refuse" or self._tries[address] <= int(found["times"] or 1):
                self.note("smtpd", f"NOQUEUE: reject: RCPT from localhost[127.0.0.1]: {found['code']} <{address}>: as its name asks")
                return f"{found['code']} {found['code'][0]}.1.0 <{address}>: as its name asks"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Once the last dot is here the mail is taken, whether or not the sender still listens."""
        task = asyncio.ensure_future(self._accept(envelope.mail_from, list(envelope.rcpt_tos), envelope.content))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def _accept(self, sender: str, to: list[str], content: bytes) -> str:
        if self._taking:
            await asyncio.sleep(self._taking)
        self._number += 1
        queue_id = f"{os.getpid() % 4096:03X}{self._number:07X}"
        found = MESSAGE_ID.search(content)
        message_id = found[1].decode() if found else ""
        os.write(self._bytes, content)
        row = {"to": to, "from": sender, "id": message_id, "queue": queue_id, "at": time.time(), "offset": self._offset, "length": len(content)}
        self._offset += len(content)
        os.write(self._list, json.dumps(row).encode() + b"\n")
        self.note("cleanup", f"{queue_id}: message-id={message_id}")
        self.note("qmgr", f"{queue_id}: from=<{sender}>, size={len(content)}, nrcpt={len(to)} (queue active)")
        if self._after:
            await asyncio.sleep(self._after)
        return f"250 2.0.0 Ok: queued as {queue_id}"


class Noting(SMTP):
    """A connection whose end is logged, as Postfix does."""

    def connection_lost(self, error: Exception | None) -> None:
        self.event_handler.note("smtpd", "disconnect from localhost[127.0.0.1]")
        super().connection_lost(error)


async def serve(folder: Path, options: dict[str, Any], timeout: float) -> None:
    """Print the port, then serve until SIGTERM."""
    loop = asyncio.get_running_loop()
    handler = Handler(folder, **options)
    server = await loop.create_server(lambda: Noting(handler, enable_SMTPUTF8=True, hostname="sink", timeout=timeout, loop=loop), "127.0.0.1", 0)
    ended = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    print(server.sockets[0].getsockname()[1], flush=True)
    await ended.wait()
    server.close()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """aiosmtpd logs each line of each mail."""
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)
    yield


if __name__ == "__main__":
    with quiet():
        asyncio.run(serve(Path(sys.argv[1]), json.loads(sys.argv[2]), float(sys.argv[3])))
