"""One connection to the mail server. Every wait has an end, and every end says whether the server may have the mail."""

from __future__ import annotations

import contextlib
import io
import re
import smtplib
import socket
import ssl
import time
from typing import Any

from django.utils.translation import gettext as _

from crm.core.mail.addresses import needs_utf8
from crm.core.mail.answers import Answer, Meaning, broken, understand
from crm.core.mail.server import Server
from crm.core.models import MailSetup

PER_CONNECTION = 100  # mails; then a new one, as mail servers like it
DOT_PATIENCE = 3  # times the usual wait: behind the last dot the server checks and stores the mail
LAST_PACKET = 32_768  # bytes that leave together with the last dot; what comes before cannot have been the whole mail
_DOTS = re.compile(rb"^\.", re.MULTILINE)


class Unreachable(Exception):
    """No conversation came about: nothing was handed over, and that is no mail's fault. Says what the server or the network said."""


class Line:
    """A connection for several mails, one after the other."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._client: Any = None
        self._fresh = True
        self._carried = 0

    def open(self) -> None:
        """Connect, greet, encrypt and sign in as the settings say. Raises Unreachable."""
        self.close()
        server = self._server
        if server.password_lost:
            raise Unreachable(_("The stored password cannot be read any more. Enter it again."))
        make = _TlsClient if server.security == MailSetup.Security.TLS else _Client
        try:
            context = {"context": ssl.create_default_context()} if make is _TlsClient else {}
            self._client = make(local_hostname=server.our_name, timeout=server.timeout, **context)
            code, text = self._client.connect(server.host, server.port)
            if code != 220:
                raise smtplib.SMTPConnectError(code, text)
            self._client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # no packet waits for the one before it
            self._client.ehlo_or_helo_if_needed()
            if server.security == MailSetup.Security.STARTTLS:
                self._client.starttls(context=ssl.create_default_context())
                self._client.ehlo_or_helo_if_needed()
            if server.username:
                self._client.login(server.username, server.password)
        except (OSError, smtplib.SMTPException, UnicodeError) as error:
            self._drop()
            raise Unreachable(said(error)) from error
        self._fresh = True
        self._carried = 0

    def hand_over(self, sender: str, to: str, content: bytes) -> Answer:
        """One mail to one recipient, under an answer that never lies: UNKNOWN only when the server may have it."""
        client = self._client
        utf8 = needs_utf8(to) or needs_utf8(sender)
        if utf8 and not client.has_extn("smtputf8"):
            return Answer(Meaning.REFUSED, None, _("The mail server cannot write to addresses with such letters (SMTPUTF8)."))
        if {"\r", "\n"} & set(sender + to):
            return Answer(Meaning.REFUSED, None, _("An address holds a line break."))
        client.command_encoding = "utf-8" if utf8 else "ascii"
        size = f" SIZE={len(content)}" if client.has_extn("size") else ""
        commands = [("mail", f"MAIL FROM:<{sender}>{size}{' SMTPUTF8' if utf8 else ''}"), ("rcpt", f"RCPT TO:<{to}>"), ("data", "DATA")]
        if not self._fresh:
            commands.insert(0, ("rset", "RSET"))
        self._fresh = False
        step = "mail"
        try:
            answer = self._begin(commands)
            if answer:
                return self._ended(answer)
            stuffed = _DOTS.sub(b"..", content) if content.startswith(b".") or b"\n." in content else content
            body, end = stuffed[:-LAST_PACKET], stuffed[-LAST_PACKET:]
            if body:
                step = "body"
                client.send(body)
            step = "dot"
            client.patience = self._server.timeout * DOT_PATIENCE
            client.send(end + b".\r\n")
            answer = understand(step, *_read(client))
            assert answer
            self._fresh = answer.meaning is Meaning.ACCEPTED  # then the server has already begun anew
            return self._ended(answer)
        except (OSError, smtplib.SMTPException) as error:
            return self._ended(broken(step, said(error)))
        finally:
            client.patience = self._server.timeout

    def _begin(self, commands: list[tuple[str, str]]) -> Answer | None:
        """Everything up to the server's "go ahead"; None once it is there. All in one packet where the server allows it (RFC 2920)."""
        client = self._client
        together = client.has_extn("pipelining")
        if together:
            client.send("".join(f"{words}\r\n" for _name, words in commands))
        first: Answer | None = None
        code = 0
        for step, words in commands:
            if not together:
                client.putcmd(words)
            code, text = _read(client)
            answer = understand(step, code, text)
            first = first or answer
            if first and not (together and first.alive):
                return first
        if first and code == 354:  # it goes ahead although it knows no recipient: nothing follows
            client.send(b".\r\n")
            _read(client)
        return first

    def close(self) -> None:
        """Say goodbye if the line still stands; what the server answers to that nobody waits for."""
        if self._client is not None:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                self._client.putcmd("QUIT")
        self._drop()

    def _ended(self, answer: Answer) -> Answer:
        self._carried += 1
        if not answer.alive:
            self._drop()
        return answer

    def _drop(self) -> None:
        if self._client is not None:
            with contextlib.suppress(OSError):
                self._client.close()
        self._client = None

    @property
    def stands(self) -> bool:
        """Whether the next mail can go over it."""
        return self._client is not None and self._carried < PER_CONNECTION


def said(error: Exception) -> str:
    """What the server or the network said, in its own words."""
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}"
    return str(error) or type(error).__name__


def _read(client: Any) -> tuple[int, str]:
    code, text = client.getreply()
    return int(code), _text(text)


def _text(text: Any) -> str:
    return (text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)).replace("\x00", "")[:2000]


class _Patient:
    """smtplib waits for each byte anew, so a server that sends one byte a second is never too slow. Here each whole answer has an end."""

    patience: float
    sock: Any
    file: Any
    timeout: float

    def __init__(self, *args: Any, timeout: float, **options: Any) -> None:
        self.patience = timeout
        super().__init__(*args, timeout=timeout, **options)  # type: ignore[call-arg]

    def getreply(self) -> tuple[int, bytes]:
        self.answer_until = time.monotonic() + self.patience
        if self.file is None and self.sock is not None:
            self.file = io.BufferedReader(_Timed(self))
        return super().getreply()  # type: ignore[misc,no-any-return]

    def send(self, text: Any) -> None:
        if self.sock is not None:
            self.sock.settimeout(self.timeout)
        super().send(text)  # type: ignore[misc]


class _Timed(io.RawIOBase):
    """The bytes of one answer, until its time is over."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._client.answer_until - time.monotonic()
        if left <= 0:
            raise TimeoutError(_("The mail server took too long to answer."))
        self._client.sock.settimeout(left)
        return int(self._client.sock.recv_into(buffer))


class _Client(_Patient, smtplib.SMTP):
    pass


class _TlsClient(_Patient, smtplib.SMTP_SSL):
    pass
