"""A wire that breaks: stands between sender and mail server and cuts, answers or dawdles at a chosen step of SMTP.

    with Proxy(sink.port) as proxy:
        proxy.coming = [Fault("rcpt", "cut"), None, Fault("dot", "451 4.3.0 later")]

Each mail takes the next of `coming` that is for mails, each connection the next that is for connections; None lets a mail pass, and an
empty list lets everything pass. `met` counts what was really done.

Steps: connect, banner, ehlo (per connection); mail, rcpt, data, body (after half of it), dot (before the last dot is passed on),
answer (the server has accepted and answered, the sender does not hear it), done (cut right behind the 250). What: "cut", "slow"
(byte by byte), or the words of an answer. An answer in place of the server's is given without passing the command on, so the server
never accepts what the sender was told it refused.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from dataclasses import dataclass
from typing import Any

PER_CONNECTION = ("connect", "banner", "ehlo")
PER_MAIL = ("mail", "rcpt", "data", "body", "dot", "answer", "done")


@dataclass(frozen=True)
class Fault:
    """What goes wrong, and where."""

    step: str
    what: str = "cut"

    def __post_init__(self) -> None:
        assert self.step in PER_CONNECTION + PER_MAIL, self.step
        assert self.what in ("cut", "slow") or self.what[:3].isdigit(), self.what


CUTS = [Fault(step) for step in PER_CONNECTION + PER_MAIL]
CODES = ["421 4.3.2 going down", "450 4.2.0 later", "451 4.3.0 later", "452 4.3.1 no room", "550 5.1.1 nobody here", "552 5.2.2 full"]
ANSWERS = [Fault(step, code) for step in ("banner", "ehlo", "mail", "rcpt", "data", "dot") for code in CODES]
SLOW = [Fault(step, "slow") for step in ("banner", "ehlo", "mail", "rcpt", "data", "dot")]


class Broken(Exception):
    """The wire was cut."""


class Proxy:
    """The wire, in a thread of its own. `pace` is the seconds per byte of "slow"."""

    def __init__(self, upstream: int, *, pace: float = 1.0) -> None:
        self.upstream, self.pace = upstream, pace
        self.port = 0
        self.coming: list[Fault | None] = []
        self.met: Counter[Fault] = Counter()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy")

    def __enter__(self) -> Proxy:
        self._thread.start()
        server = asyncio.run_coroutine_threadsafe(asyncio.start_server(self._serve, "127.0.0.1", 0), self._loop).result(10)
        self._server = server
        self.port = server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _next(self, steps: tuple[str, ...]) -> Fault | None:
        """The next fault for one of these steps; a None is for a mail."""
        for place, fault in enumerate(self.coming):
            if fault.step in steps if fault else steps is PER_MAIL:
                return self.coming.pop(place)
        return None

    async def _serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        to_server: asyncio.StreamWriter | None = None
        try:
            fault = self._next(PER_CONNECTION)
            self._cut(fault, "connect")
            server, to_server = await asyncio.open_connection("127.0.0.1", self.upstream)
            await _Conversation(self, client, to_client, server, to_server).run(fault)
        except (Broken, ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            for writer in (to_client, to_server):
                if writer is not None:
                    writer.transport.abort() if writer is to_client else writer.close()

    def _cut(self, fault: Fault | None, step: str) -> None:
        if fault is not None and fault == Fault(step):
            self.met[fault] += 1
            raise Broken


class _Conversation:
    """One connection through the wire."""

    def __init__(self, proxy: Proxy, client: asyncio.StreamReader, to_client: asyncio.StreamWriter, server: asyncio.StreamReader, to_server: asyncio.StreamWriter) -> None:
        self.proxy, self.client, self.to_client, self.server, self.to_server = proxy, client, to_client, server, to_server

    async def run(self, fault: Fault | None) -> None:
        """Pass the conversation on, line by line."""
        if await self._faulty(fault, "banner", await self._reply()):
            return
        while line := await self.client.readline():
            verb = line[:4].upper().decode("ascii", "replace")
            if verb in ("EHLO", "HELO"):
                await self._command(line, fault, "ehlo")
            elif verb == "MAIL":
                fault = self.proxy._next(PER_MAIL)
                await self._command(line, fault, "mail")
            elif verb == "RCPT":
                await self._command(line, fault, "rcpt")
            elif verb == "DATA":
                if await self._command(line, fault, "data") == b"3":
                    await self._body(fault)
                fault = None
            else:
                await self._command(line, None, "")

    async def _command(self, line: bytes, fault: Fault | None, step: str) -> bytes:
        """Pass a command and its answer on; returns the first digit of what the sender hears."""
        if self._is_answer(fault, step):
            assert fault
            return await self._say(fault)
        self.proxy._cut(fault, step)
        self.to_server.write(line)
        reply = await self._reply()
        await self._faulty(fault, step, reply)
        return reply[:1]

    async def _body(self, fault: Fault | None) -> None:
        lines = []
        while (line := await self.client.readuntil(b"\n")) != b".\r\n":
            lines.append(line)
        if fault == Fault("body"):
            self.to_server.write(b"".join(lines[: len(lines) // 2]))
            await self.to_server.drain()
            self.proxy._cut(fault, "body")
        self.proxy._cut(fault, "dot")
        if self._is_answer(fault, "dot"):
            assert fault
            await self._say(fault)
            raise Broken  # upstream is in the midst of a body: this connection is over for both
        self.to_server.write(b"".join(lines) + b".\r\n")
        reply = await self._reply()
        self.proxy._cut(fault, "answer")
        await self._faulty(fault, "dot", reply)
        self.proxy._cut(fault, "done")

    def _is_answer(self, fault: Fault | None, step: str) -> bool:
        return fault is not None and fault.step == step and fault.what not in ("cut", "slow")

    async def _say(self, fault: Fault) -> bytes:
        """Give the fault's answer instead of the server's. After 421 the connection is over."""
        self.proxy.met[fault] += 1
        self.to_client.write(fault.what.encode() + b"\r\n")
        await self.to_client.drain()
        if fault.what.startswith("421"):
            await asyncio.sleep(0.01)
            raise Broken
        return fault.what[:1].encode()

    async def _faulty(self, fault: Fault | None, step: str, reply: bytes) -> bool:
        """Pass the server's reply on, slowly or not at all if the fault says so. True if something else was said in its place."""
        if step == "banner":
            self.proxy._cut(fault, step)
            if self._is_answer(fault, step):
                assert fault
                await self._say(fault)
                return True
        if fault == Fault(step or "connect", "slow"):
            self.proxy.met[fault] += 1
            for number in range(len(reply)):
                self.to_client.write(reply[number : number + 1])
                await self.to_client.drain()
                await asyncio.sleep(self.proxy.pace)
        else:
            self.to_client.write(reply)
        await self.to_client.drain()
        return False

    async def _reply(self) -> bytes:
        """One whole answer of the server."""
        lines = [await self.server.readuntil(b"\n")]
        while lines[-1][3:4] == b"-":
            lines.append(await self.server.readuntil(b"\n"))
        return b"".join(lines)


def spread(faults: list[Fault], times: int, draw: Any) -> list[Fault | None]:
    """Each fault `times` times in random order, with mails that pass in between."""
    order: list[Fault | None] = [fault for fault in faults for _ in range(times)]
    order += [None] * len(order)
    draw.shuffle(order)
    return order
