"""A mail as plain values → the bytes that go over the wire (RFC 5322, MIME), pure.

Written out by hand: the standard library's message classes take as long for one mail as the whole hand-over. Every header is made of
`one_line` text, every body is encoded to ASCII, so nothing anybody types can begin a header, end the body or break a boundary.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import quote

from crm.core.mail.addresses import one_line

# What a mail may carry beyond its own headers; each value in ASCII, at most 900 characters.
EXTRA_HEADERS = frozenset({"List-Unsubscribe", "List-Unsubscribe-Post", "List-Id", "Feedback-ID", "In-Reply-To", "References", "Auto-Submitted"})
_KIND = re.compile(r"^[a-z]+/[a-z0-9][a-z0-9.+-]*$")
_PLAIN = re.compile(r"^[A-Za-z0-9._-]+$")
_ATOMS = re.compile(r"^[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*$")


@dataclass(frozen=True)
class File:
    """An attachment: its name as people see it, its MIME type and bytes."""

    name: str
    kind: str
    data: bytes


@dataclass(frozen=True)
class Letter:
    """One mail to one recipient. `sender` and `to` are (name, address); `html` may be empty."""

    sender: tuple[str, str]
    to: tuple[str, str]
    heading: str
    text: str
    message_id: str
    date: datetime
    html: str = ""
    reply_to: tuple[str, str] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    files: Sequence[File] = ()


def compose(letter: Letter) -> bytes:
    """The whole message with CRLF line ends, not yet dot-stuffed. Raises ValueError for a header or MIME type that is not allowed."""
    head = [
        f"From: {mailbox(*letter.sender)}",
        f"To: {mailbox(*letter.to)}",
        *([f"Reply-To: {mailbox(*letter.reply_to)}"] if letter.reply_to else []),
        f"Subject: {words(letter.heading)}",
        f"Message-ID: {letter.message_id}",
        f"Date: {format_datetime(letter.date)}",
        *(f"{name}: {value}" for name, value in checked(letter.headers).items()),
        "MIME-Version: 1.0",
    ]
    boundary = f"=_{hashlib.sha256(letter.message_id.encode()).hexdigest()[:24]}"  # "=_" stands in no encoded body
    body = _text("plain", letter.text)
    shown = [file for file in letter.files if f"cid:{file.name}" in letter.html and _PLAIN.match(file.name)]  # within the text, by their names
    if letter.html:
        page = _text("html", letter.html)
        body = _several("alternative", f"{boundary}a", [body, _several("related", f"{boundary}r", [page, *(_file(file, shown=True) for file in shown)]) if shown else page])
    beside = [file for file in letter.files if file not in shown]
    if beside:
        body = _several("mixed", f"{boundary}m", [body, *map(_file, beside)])
    return "\r\n".join(head).encode() + b"\r\n" + body


def checked(headers: Mapping[str, str]) -> dict[str, str]:
    """The extra headers, if each is allowed and holds nothing but one line of ASCII. Raises ValueError."""
    for name, value in headers.items():
        if name not in EXTRA_HEADERS or not value or not value.isascii() or value != one_line(value) or len(value) > 900:
            raise ValueError(f"The header {name!r} cannot be sent with this value.")
    return dict(headers)


def words(text: str) -> str:
    """A line of text as a header holds it: itself if it is short ASCII, else RFC 2047 words on lines of their own."""
    text = one_line(text)
    if text.isascii() and "=?" not in text and len(text) < 900:
        return text
    return encoded(text)


def encoded(text: str) -> str:
    """A line of text as RFC 2047 words, each on a line of its own."""
    return "\r\n ".join(f"=?utf-8?b?{base64.b64encode(piece).decode()}?=" for piece in _pieces(text))


def mailbox(name: str, address: str) -> str:
    """A name and an address as a header holds them."""
    name = one_line(name)
    if not name:
        return address
    if not name.isascii() or "=?" in name or len(name) > 200:
        return f"{encoded(name)} <{address}>"
    if not _ATOMS.match(name):
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}" <{address}>'
    return f"{name} <{address}>"


def short(name: str) -> str:
    """A file's name of at most 150 bytes in UTF-8, so that its header fits a line; the ending stays."""
    stem, dot, ending = name.rpartition(".")
    ending = dot + ending if stem and len(ending) < 12 else ""
    stem = name.removesuffix(ending)
    while len((stem + ending).encode()) > 150:
        stem = stem[:-1]
    return stem + ending or "file"


def _pieces(text: str, limit: int = 45) -> list[bytes]:
    """The text in UTF-8, cut between characters into pieces that fit an encoded word."""
    pieces, piece = [], b""
    for character in text:
        encoded = character.encode()
        if len(piece) + len(encoded) > limit:
            pieces.append(piece)
            piece = b""
        piece += encoded
    return [*pieces, piece]


def _text(subtype: str, text: str) -> bytes:
    lines = re.sub(r"[\ud800-\udfff]", "\ufffd", text).replace("\r\n", "\n").replace("\r", "\n").rstrip("\n") + "\n"
    encoded = binascii.b2a_qp(lines.replace("\n", "\r\n").encode(), istext=True)
    return f"Content-Type: text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n".encode() + encoded


def _several(subtype: str, boundary: str, parts: Sequence[bytes]) -> bytes:
    head = f'Content-Type: multipart/{subtype}; boundary="{boundary}"\r\n\r\n'.encode()
    line = f"--{boundary}".encode()
    return head + b"".join(line + b"\r\n" + part.removesuffix(b"\r\n") + b"\r\n" for part in parts) + line + b"--\r\n"


def _file(file: File, *, shown: bool = False) -> bytes:
    """A file beside the text, or one that the text shows (`cid:` and its name)."""
    if not _KIND.match(file.kind):
        raise ValueError(f"{file.kind!r} is no MIME type")
    name = short(one_line(file.name))
    named = f'filename="{name}"' if _PLAIN.match(name) else f"filename*=utf-8''{quote(name, safe='')}"
    place = f"Content-ID: <{name}>\r\nContent-Disposition: inline" if shown else "Content-Disposition: attachment"
    head = f"Content-Type: {file.kind}\r\nContent-Transfer-Encoding: base64\r\n{place}; {named}\r\n\r\n"
    return head.encode() + base64.encodebytes(file.data).replace(b"\n", b"\r\n")
