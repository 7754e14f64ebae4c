"""A mailbox for tests: as much of IMAP4rev1 (RFC 3501) as reading one takes, in a thread of this process, with faults to order."""

from __future__ import annotations

import contextlib
import re
import socket
import socketserver
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any


@dataclass
class Kept:
    """One mail in the folder."""

    uid: int
    raw: bytes
    arrived_at: datetime
    flags: set[str] = field(default_factory=set)


class Imap:
    """`with Imap() as box: box.put(raw)`. `fault(command)` may raise: OSError breaks the connection, ValueError is a NO."""

    def __init__(self, user: str = "service", password: str = "geheim") -> None:
        self.user, self.password = user, password
        self.mails: list[Kept] = []
        self.uidvalidity = 1
        self.commands: list[str] = []
        self.fault: Callable[[str], Any] = lambda command: None
        self.lock = threading.RLock()
        self._uid = 0
        box = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError, ValueError):
                    _Talk(box, self.rfile, self.wfile).go()

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = int(self._server.server_address[1])

    def __enter__(self) -> Imap:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def put(self, raw: bytes, *, at: datetime | None = None) -> int:
        """A mail arrives; a second later, because mailboxes cut fractions off and nothing said before may stand behind it. Returns its UID."""
        with self.lock:
            self._uid += 1
            self.mails.append(Kept(self._uid, raw, at or datetime.now(UTC) + timedelta(seconds=1)))
            return self._uid

    def count_anew(self) -> None:
        """Another UIDVALIDITY, other UIDs, as after a restore of the mail server."""
        with self.lock:
            self.uidvalidity += 1
            for number, mail in enumerate(self.mails, start=1):
                mail.uid = number + 100
            self._uid = len(self.mails) + 100

    def unseen(self) -> list[bytes]:
        return [mail.raw for mail in self.mails if "\\Seen" not in mail.flags]


class _Talk:
    """One connection."""

    def __init__(self, box: Imap, reader: Any, writer: Any) -> None:
        self.box, self.reader, self.writer = box, reader, writer
        self.read_only = False

    def go(self) -> None:
        self.say("* OK IMAP4rev1 ready")
        while line := self.reader.readline():
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            while literal := re.search(r"\{(\d+)\}$", text):
                self.say("+ go ahead")
                text = text[: literal.start()] + '"' + self.reader.read(int(literal[1])).decode() + '"' + self.reader.readline().decode().rstrip("\r\n")
            tag, _, command = text.partition(" ")
            self.box.commands.append(command)
            try:
                self.box.fault(command)
                done = self.answer(command)
            except ValueError as error:
                self.say(f"{tag} NO {error}")
                continue
            self.say(f"{tag} {done}")
            if command.upper() == "LOGOUT":
                return

    def say(self, text: str) -> None:
        self.writer.write(text.encode() + b"\r\n")
        self.writer.flush()

    def answer(self, command: str) -> str:
        words = command.split(" ")
        name = " ".join(words[:2]).upper() if words[0].upper() == "UID" else words[0].upper()
        with self.box.lock:
            if name == "CAPABILITY":
                self.say("* CAPABILITY IMAP4rev1")
            elif name == "LOGIN":
                given = [word.strip('"') for word in words[1:3]]
                if given != [self.box.user, self.box.password]:
                    raise ValueError("[AUTHENTICATIONFAILED] wrong user or password")
                return "OK [CAPABILITY IMAP4rev1] welcome"
            elif name in ("SELECT", "EXAMINE"):
                if words[1].strip('"').upper() != "INBOX":
                    raise ValueError("[NONEXISTENT] no such folder")
                self.read_only = name == "EXAMINE"
                self.say(f"* {len(self.box.mails)} EXISTS")
                self.say(f"* OK [UIDVALIDITY {self.box.uidvalidity}] counts")
            elif name == "UID SEARCH":
                self.say("* SEARCH " + " ".join(str(mail.uid) for mail in self.found(command)))
            elif name == "UID FETCH":
                self.fetch(command)
            elif name == "UID STORE":
                if self.read_only:
                    raise ValueError("read-only")
                for mail in self.among(words[2]):
                    mail.flags.add("\\Seen")
            elif name == "LOGOUT":
                self.say("* BYE")
            elif name != "NOOP":
                raise ValueError(f"{name} is not known here")
        return "OK done"

    def among(self, ranges: str) -> list[Kept]:
        highest = max((mail.uid for mail in self.box.mails), default=0)
        wanted: set[int] = set()
        for piece in ranges.split(","):
            ends = [highest if end == "*" else int(end) for end in piece.split(":")]
            wanted |= set(range(min(ends), max(ends) + 1))
        return [mail for mail in self.box.mails if mail.uid in wanted]

    def found(self, command: str) -> list[Kept]:
        mails = self.box.mails
        if ranges := re.search(r"UID SEARCH .*?UID (\S+)", command):
            mails = self.among(ranges[1].strip("()"))
        if since := re.search(r'SINCE "?(\d+-\w+-\d+)"?', command):
            day = datetime.strptime(since[1], "%d-%b-%Y").date()
            mails = [mail for mail in mails if mail.arrived_at.date() >= day]
        return mails

    def fetch(self, command: str) -> None:
        ranges = command.split(" ")[2]
        for number, mail in enumerate(self.among(ranges), start=1):
            facts = [f"UID {mail.uid}", f'INTERNALDATE "{mail.arrived_at.strftime("%d-%b-%Y %H:%M:%S +0000")}"']
            if "RFC822.SIZE" in command:
                facts.append(f"RFC822.SIZE {len(mail.raw)}")
            body = None
            if "BODY.PEEK[HEADER]" in command:
                body, name = mail.raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n", "BODY[HEADER]"
            elif "BODY.PEEK[]" in command:
                body, name = mail.raw, "BODY[]"
            elif "BODY[]" in command or "RFC822 " in command:
                mail.flags.add("\\Seen")
                body, name = mail.raw, "BODY[]"
            head = f"* {number} FETCH ({' '.join(facts)}"
            if body is None:
                self.say(head + ")")
            else:
                self.writer.write(f"{head} {name} {{{len(body)}}}\r\n".encode() + body + b")\r\n")
                self.writer.flush()


def closed_port() -> int:
    """A port at which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
