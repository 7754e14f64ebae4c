"""Requests as bytes, because no library sends what a hostile client sends; answers as far as a browser reads them."""

from __future__ import annotations

import contextlib
import http.client
import socket
import time
from dataclasses import dataclass, field

PATIENCE = 20  # seconds somebody waits for an answer
MOST = 2_000_000  # bytes of an answer that are read


@dataclass
class Asked:
    """One request. `raw` is sent as it is; else line, headers and body are put together, with the person's cookies unless a header brings others."""

    who: str
    method: bytes
    target: bytes
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    cookies: bytes = b""  # beside those of the person
    raw: bytes = b""
    about: str = ""  # which route or form, and what was done to it
    plain: bool = False  # an ordinary request

    @property
    def alone(self) -> bool:
        """Whether nothing else can go over its connection: it says another length than it has."""
        return bool(self.raw) or any(name in (b"Content-Length", b"Transfer-Encoding", b"Expect", b"Upgrade") for name, _value in self.headers)

    def wire(self, bind: bytes, cookies: bytes) -> bytes:
        """What goes over the wire."""
        if self.raw:
            return self.raw
        names = {name.lower() for name, _value in self.headers}
        lines = [self.method + b" " + self.target + b" HTTP/1.1"]
        own = [(b"Host", bind), (b"Cookie", b"; ".join(filter(None, (cookies, self.cookies)))), (b"Accept-Language", b"de")]
        if self.body or self.method == b"POST":
            own.append((b"Content-Length", str(len(self.body)).encode()))
        lines += [name + b": " + value for name, value in own if name.lower() not in names and value]
        lines += [name + b": " + value for name, value in self.headers]
        return b"\r\n".join(lines) + b"\r\n\r\n" + self.body

    def repeated(self, bind: str) -> str:
        """A command that sends it again; instead of a session it names the person."""
        if self.raw:
            return f"printf '{_octal(self.raw[:4000])}' | nc {bind.replace(':', ' ')}"
        words = [f"-X $'{_quoted(self.method)}'", f"-H 'Cookie: <{self.who}>{_quoted(b'; ' + self.cookies) if self.cookies else ''}'"]
        words += [f"-H $'{_quoted(name)}: {_quoted(value[:1500])}'" for name, value in self.headers]
        words += [f"--data-binary $'{_quoted(self.body[:3000])}'"] if self.body else []
        return f"curl -g --path-as-is {' '.join(words)} $'http://{bind}{_quoted(self.target[:3000])}'"


def _quoted(text: bytes) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 and byte not in b"'\\" else f"\\x{byte:02x}" for byte in text)


def _octal(text: bytes) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 and byte not in b"'\\%" else f"\\{byte:03o}" for byte in text)


@dataclass(frozen=True)
class Answer:
    """What came back; status 0 if the house hung up without a word, -1 if it let us wait."""

    status: int
    head: str
    body: bytes
    seconds: float


class Line:
    """A connection that is kept as long as the house keeps it."""

    def __init__(self, bind: str) -> None:
        host, _, port = bind.rpartition(":")
        self.place = (host, int(port))
        self.source = ("127.0.0.1", 0)
        self.socket: socket.socket | None = None

    def close(self) -> None:
        """Hang up."""
        if self.socket:
            self.socket.close()
        self.socket = None

    def ask(self, words: bytes, *, method: bytes = b"GET", alone: bool = False) -> Answer:
        """Send, and read one answer. `alone`: over a connection of its own, of which our side is closed afterwards."""
        begin = time.monotonic()
        if alone:
            self.close()
        fresh = self.socket is None
        try:
            answer = self._once(words, method, alone)
            if answer is None and not fresh:  # it had been kept long enough
                answer = self._once(words, method, alone)
        except TimeoutError:
            self.close()
            return Answer(-1, "", b"", time.monotonic() - begin)
        return Answer(*(answer or (0, "", b"")), time.monotonic() - begin)

    def _once(self, words: bytes, method: bytes, alone: bool) -> tuple[int, str, bytes] | None:
        try:
            if self.socket is None:
                self.socket = socket.create_connection(self.place, PATIENCE, self.source)
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # an answer may have come before we were done
                self.socket.sendall(words)
            if alone:
                self.socket.shutdown(socket.SHUT_WR)
            reply = http.client.HTTPResponse(self.socket, method=method.decode("latin-1"))
            reply.begin()
            body = reply.read(MOST)
            head = "".join(f"{name}: {value}\n" for name, value in reply.getheaders())
            if reply.will_close or alone or not reply.isclosed():
                self.close()
            return reply.status, head, body
        except TimeoutError:
            raise
        except (OSError, http.client.HTTPException, ValueError):
            self.close()
            return None
