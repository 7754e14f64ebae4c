"""E-mail addresses and header words, pure: one spelling per address, and nothing that could end a header."""

from __future__ import annotations

import re
import unicodedata
from email.utils import parseaddr

import idna

_NOT_LOCAL = re.compile(r'[\s"(),:;<>@\[\\\]]|^\.|\.$|\.\.')
_CONTROL = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029\ufeff\ud800-\udfff]+")
_LONGEST = 500  # characters of a name with its address; the standard library reads brackets within brackets until its stack ends


class BadAddress(ValueError):
    """This text is no e-mail address mail can be sent to."""


def normalise(address: str) -> str:
    """The spelling under which an address is kept: composed Unicode, the domain in small ASCII (xn--…), the local part as it is.

    "Anna@Straße.DE " → "Anna@xn--strae-oqa.de". Raises BadAddress; quoted local parts and numeric hosts are no addresses here.
    """
    text = unicodedata.normalize("NFC", address.strip())
    local, at, domain = text.rpartition("@")
    if not at or not local or _NOT_LOCAL.search(local) or _CONTROL.search(local) or len(local.encode("utf-8", "replace")) > 64:
        raise BadAddress(address)
    return f"{local}@{ascii_domain(domain)}"


def ascii_domain(domain: str) -> str:
    """A domain as DNS knows it, without a last dot. Raises BadAddress. A name without a dot is none, except localhost."""
    name = domain.strip().rstrip(".").lower()
    try:
        found = idna.encode(name, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        raise BadAddress(domain) from None
    if (("." not in found or found.rpartition(".")[2].isdigit()) and found != "localhost") or len(found) > 253:
        raise BadAddress(domain)
    return found


def domain_of(address: str) -> str:
    """What follows the last @."""
    return address.rpartition("@")[2]


def needs_utf8(address: str) -> bool:
    """Whether the mail server must speak SMTPUTF8 for it."""
    return not address.isascii()


def one_line(text: str) -> str:
    """Text for a header: every run of white space, line ends and control characters becomes one space, lone surrogates vanish."""
    return _CONTROL.sub(" ", text).strip()


def read_mailbox(text: str) -> tuple[str, str]:
    """"Lotse <crm@firma.de>" or a bare address → (name, normalised address). Raises BadAddress."""
    if len(text) > _LONGEST:
        raise BadAddress(text[:_LONGEST])
    name, address = parseaddr(one_line(text))
    return one_line(name), normalise(address)
