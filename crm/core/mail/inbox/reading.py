"""Raw bytes of a mail → plain values, pure. Whatever comes, there is an answer: what cannot be decoded is shown as well as it can be.

The standard library splits the message; words in headers, charsets and limits are our own, because its own stumble over what people send.
Raises TooComplex, and nothing else, for what is built to exhaust its reader.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import hashlib
import quopri
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from urllib.parse import unquote_to_bytes

from crm.core.mail.addresses import BadAddress, normalise, one_line
from crm.core.mail.inbox.markup import words_of
from crm.core.mail.message import short

CONTAINERS = 60  # multiparts and mails inside a mail
PARTS = 400
HEAD = 20_000  # characters of one header that are read
TEXT = 200_000  # characters of a text that are kept; all of it stays in the raw mail
HEADERS = (  # kept for `nature`, as they stand
    "auto-submitted", "precedence", "x-autoreply", "x-autorespond", "x-auto-reply-from", "x-auto-response-suppress", "x-failed-recipients",
    "list-id", "list-unsubscribe", "return-path", "content-type",
)  # fmt: skip
_CONTAINER = re.compile(rb"content-type:[ \t\r\n]*(?:multipart|message)/", re.IGNORECASE)
_WORD = re.compile(r"=\?([^?\s*]{1,40})(?:\*[^?\s]*)?\?([bq])\?([^?]*)\?=", re.IGNORECASE)
_ID = re.compile(r"<[^<>\s]{1,300}>")
_UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u2028\u2029\ufeff]")
_KIND = re.compile(r"^[a-z0-9][a-z0-9!#$&^_.+-]{0,60}/[a-z0-9][a-z0-9!#$&^_.+-]{0,60}$")
_CHARSETS = re.compile(
    r"^(utf-(7|8|16|32)(-[lb]e)?|ascii|latin\d*|iso8859-\d+|cp\d+|koi8-[rut]|gb2312|gbk|gb18030|hz|big5(hkscs)?|shift_jis(_2004|x0213)?|euc_(jp|kr|jis_2004|jisx0213)"
    r"|iso2022_(jp|kr)[\w]*|johab|mac-\w+|tis-620|ptcp154)$"
)


class TooComplex(Exception):
    """So many parts that no honest mail has them."""


@dataclass(frozen=True)
class FileNote:
    """An attachment: its name as it may be stored, its MIME type, its size in bytes."""

    name: str
    kind: str
    size: int


@dataclass(frozen=True)
class Received:
    """A mail as it came in. Addresses are normalised, "" where there is none; `references` begins with what it answers, then from the nearest
    to the farthest; `text` is its plain text (made of the HTML where there is no other), `html` as it was sent, not yet made harmless."""

    sender: str = ""
    sender_name: str = ""
    reply_to: str = ""
    to: tuple[str, ...] = ()
    heading: str = ""
    date: datetime | None = None
    message_id: str = ""
    references: tuple[str, ...] = ()
    text: str = ""
    html: str = ""
    files: tuple[FileNote, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def answer_to(self) -> str:
        """Where an answer goes."""
        return self.reply_to or self.sender


def read(raw: bytes) -> Received:
    """Everything about a mail at once. Raises TooComplex."""
    return received(parse(raw))


def parse(raw: bytes) -> Message:
    """The message with its parts. Raises TooComplex, before any work is done."""
    if sum(1 for _ in _CONTAINER.finditer(raw)) > CONTAINERS or raw.count(b"\n--") > 20 * PARTS:
        raise TooComplex
    return message_from_bytes(raw, policy=policy.compat32)


def received(message: Message) -> Received:
    """The values of a parsed message."""
    head = _head(message)
    sender_name, sender = _first_address(head.get("from", ""))
    texts: list[str] = []
    htmls: list[str] = []
    files: list[FileNote] = []
    for part in leaves(message):
        kind = _kind_of(part)
        name = _file_name(part)
        is_file = bool(name) or _disposition(part) == "attachment" or kind not in ("text/plain", "text/html")
        if is_file:
            files.append(FileNote(shown_name(name, kind), kind, len(content_of(part))))
        else:
            (texts if kind == "text/plain" else htmls).append(clean(decode(content_of(part), str(part.get_param("charset", "") or ""))))
    html = "\n".join(htmls)
    text = "\n\n".join(piece.strip("\n") for piece in texts if piece.strip())
    if not text and html:
        text = words_of(html)
    answered = _ID.findall(head.get("in-reply-to", ""))
    further = _ID.findall(head.get("references", ""))
    ids = _ID.findall(head.get("message-id", ""))
    return Received(
        sender=sender,
        sender_name=sender_name,
        reply_to=_first_address(head.get("reply-to", ""))[1],
        to=tuple(address for _name, address in _addresses(head.get("to", "") + ", " + head.get("cc", ""))),
        heading=one_line(clean(words(head.get("subject", ""))))[:300].strip(),
        date=_date(head.get("date", "")),
        message_id=ids[0] if ids else "",
        references=tuple(dict.fromkeys([*answered, *reversed(further)]))[:50],
        text=text[:TEXT],
        html=html[:TEXT],
        files=tuple(files),
        headers={name: head[name] for name in HEADERS if name in head},
    )


def leaves(message: Message) -> Iterator[Message]:
    """The parts that hold something, in order; a mail inside a mail is one part. Raises TooComplex."""
    waiting, count = [message], 0
    while waiting:
        part = waiting.pop(0)
        count += 1
        if count > PARTS:
            raise TooComplex
        if part.is_multipart() and part.get_content_maintype() == "multipart":
            waiting[:0] = inner(part)
        else:
            yield part


def inner(part: Message) -> list[Message]:
    """The mails or parts inside of this one. A single part is not asked for its text: that would be decoded by whatever charset it names."""
    found = part.get_payload() if part.is_multipart() else []
    return [one for one in found if isinstance(one, Message)] if isinstance(found, list) else []


def file_of(raw: bytes, number: int) -> tuple[FileNote, bytes] | None:
    """The attachment of this number (from 0, as in `Received.files`) with its bytes."""
    found = -1
    for part in leaves(parse(raw)):
        kind, name = _kind_of(part), _file_name(part)
        if name or _disposition(part) == "attachment" or kind not in ("text/plain", "text/html"):
            found += 1
            if found == number:
                data = content_of(part)
                return FileNote(shown_name(name, kind), kind, len(data)), data
    return None


def identity(raw: bytes, mail: Received) -> str:
    """What makes two deliveries the same mail, as a SHA-256: who wrote it when, its Message-ID, its words and its body.

    The way it came (Received lines, flags, where it lay) does not count. Without a date two machines may say the same and mean it twice:
    then only equal bytes are the same mail.
    """
    if mail.date is None:
        return hashlib.sha256(raw).hexdigest()
    _head, _, body = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
    kind = mail.headers.get("content-type", "")
    facts = (mail.message_id, mail.sender, mail.reply_to, mail.date.astimezone(UTC).isoformat(), mail.heading, *mail.references, kind)
    return hashlib.sha256("\n".join(facts).encode("utf-8", "replace") + b"\n\n" + body.strip()).hexdigest()


# --- pieces -----------------------------------------------------------------------------------------------------------------------------


def content_of(part: Message) -> bytes:
    """The bytes of a part behind its transfer encoding."""
    if part.is_multipart():  # a mail inside a mail
        return b"".join(_as_bytes(one) for one in inner(part))
    try:
        payload = part.get_payload(decode=True)
    except (ValueError, LookupError, TypeError, AttributeError):
        payload = None
    return payload if isinstance(payload, bytes) else b""


def decode(data: bytes, charset: str) -> str:
    """Bytes as text: in the charset they name if it is one for text, else UTF-8, else Windows-1252."""
    known = known_charset(charset)
    for name in dict.fromkeys([known if known != "ascii" else "", "utf-8"]):
        if name:
            try:
                return data.decode(name)
            except (UnicodeError, ValueError):
                continue
    return data.decode(known, "replace") if known and known not in ("ascii", "utf-8") else data.decode("cp1252", "replace")


def known_charset(name: str) -> str:
    """The codec of a charset, "" for what is none: Python's codecs also unpack archives and undo escapes."""
    try:
        found = codecs.lookup(name.strip().strip("\"'")[:40]).name
    except (LookupError, ValueError, UnicodeError):
        return ""
    return {"iso8859-1": "cp1252"}.get(found, found) if _CHARSETS.match(found) else ""


def words(text: str) -> str:
    """A header with its encoded words (RFC 2047) put into plain text. A letter may be cut between two of them."""
    text = text[:HEAD]
    found: list[str] = []
    run: tuple[str, bytes] | None = None
    place = 0
    for match in _WORD.finditer(text):
        between = text[place : match.start()]
        charset, data = match[1].lower(), _word(match[2], match[3])
        if run is not None and not between.strip() and run[0] == charset:
            run = (charset, run[1] + data)
        else:
            found += [decode(run[1], run[0])] if run is not None else []
            found.append(between if run is None or between.strip() else "")
            run = (charset, data)
        place = match.end()
    found += [decode(run[1], run[0])] if run is not None else []
    return "".join([*found, text[place:]])


def clean(text: str) -> str:
    """Text as it is kept: line feeds for line ends, no control characters, no lone surrogates."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return re.sub(r"[\ud800-\udfff]", "\ufffd", _UNSEEN.sub("", text))


def shown_name(name: str, kind: str) -> str:
    """A file's name without a path, in one line."""
    last = re.split(r"[/\\]", one_line(clean(name)))[-1].strip(" .")
    return short(last) if last else {"message/rfc822": "mail.eml", "text/html": "text.html", "text/plain": "text.txt"}.get(kind, f"{kind.partition('/')[0]}.{kind.rpartition('/')[2]}"[:60])


def _word(encoding: str, text: str) -> bytes:
    data = text.encode("utf-8", "surrogateescape")
    return _from_base64(data) if encoding in "bB" else quopri.decodestring(data.replace(b"_", b" "))


def _from_base64(data: bytes) -> bytes:
    """As much of it as can be read."""
    letters = re.sub(rb"[^A-Za-z0-9+/]", b"", data)
    letters = letters[: len(letters) - (len(letters) % 4 == 1)]
    try:
        return base64.b64decode(letters + b"=" * (-len(letters) % 4))
    except (binascii.Error, ValueError):
        return b""


def _head(message: Message) -> dict[str, str]:
    """Header → its first value, unfolded, in small letters; raw bytes become text."""
    found: dict[str, str] = {}
    for name, value in message.raw_items():  # type: ignore[attr-defined]  # typeshed does not know it
        key = str(name).lower()
        if key not in found:
            found[key] = re.sub(r"\r?\n[ \t]*", " ", _plain_header(value))
    return found


def _plain_header(value: object) -> str:
    text = str(value)[:HEAD]
    return decode(text.encode("utf-8", "surrogateescape"), "") if not text.isascii() else text


def _addresses(value: str) -> list[tuple[str, str]]:
    """(name, normalised address) of each that can be answered, at most fifty. Split first, decoded afterwards: a name cannot become an address."""
    found = []
    for name, address in split_addresses(value):
        try:
            found.append((one_line(clean(words(name)))[:200], normalise(address)))
        except BadAddress:
            continue
    return found[:50]


def split_addresses(value: str) -> list[tuple[str, str]]:
    """A header as (name, address) pairs, neither of them looked at. Groups inside of groups, a thousand deep, are nobody's address."""
    try:
        return getaddresses([value[:HEAD]], strict=False) if _STRICT else getaddresses([value[:HEAD]])
    except RecursionError:
        return []


_STRICT = "strict" in (getaddresses.__kwdefaults__ or {})  # newer Pythons give up on a whole list for one odd entry


def _first_address(value: str) -> tuple[str, str]:
    return next(iter(_addresses(value)), ("", ""))


def _date(value: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(value)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError, IndexError):
        return None


def _kind_of(part: Message) -> str:
    kind = part.get_content_type().lower()
    return kind if _KIND.match(kind) else "application/octet-stream"


def _disposition(part: Message) -> str:
    return _plain_header(part.get("content-disposition", "")).partition(";")[0].strip().lower()


def _file_name(part: Message) -> str:
    """The name in any of the ways in which programs write it."""
    for key, raw in list(part.raw_items()):  # type: ignore[attr-defined]  # typeshed does not know it
        if key.lower() in ("content-disposition", "content-type") and not str(raw).isascii():
            part.replace_header(key, _plain_header(raw))  # bare UTF-8, which the library would show as question marks
    for header, parameter in (("content-disposition", "filename"), ("content-type", "name")):
        try:
            value = part.get_param(parameter, None, header)
        except (ValueError, IndexError, AttributeError, TypeError, LookupError):
            value = None
        if isinstance(value, tuple):
            charset, _language, text = value
            return decode(text.encode("latin-1", "replace") if text.isascii() is False else unquote_to_bytes(text), charset or "")
        if value:
            return words(_plain_header(value))
    return ""


def _as_bytes(message: Message) -> bytes:
    try:
        return message.as_bytes()
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return b""
