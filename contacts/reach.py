"""An address as consents know it: of one channel, in one spelling, and as a keyed hash where nothing else may be kept.

The hash is HMAC-SHA-256 under a key made of SECRET_KEY: who has the database alone cannot try addresses out. Postgres computes the same
(`AddressHash`), so a hundred thousand addresses are compared where they lie. `key_name()` stands beside what must never be missed: rows
under another SECRET_KEY are seen, and then nothing leaves.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Any

import idna
from django.conf import settings
from django.db.models import CharField, Func
from django.utils.crypto import salted_hmac

from contacts.models import PostalAddress
from crm.core.fold import fold
from crm.core.mail.addresses import ascii_domain, domain_of
from crm.core.mail.plan import normalise_or_say
from crm.core.phone import dialled

EMAIL, PHONE, POST = "email", "phone", "post"
_BLOCK = 64  # bytes, of SHA-256


@dataclass(frozen=True)
class Reach:
    """Where somebody is reached. `address` as it was ("" where only its hash is known); `hashes`: the first names it, further ones are
    other spellings of the same address (a domain with umlauts)."""

    channel: str
    address: str
    hashes: tuple[str, ...]

    @property
    def hash(self) -> str:
        """The one that stands in the ledger."""
        return self.hashes[0]


def reach(channel: str, text: str) -> Reach:
    """An address of this channel. Raises RuleBroken for what is no e-mail address."""
    return Reach(channel, text.strip(), tuple(address_hash(channel, spelling) for spelling in spellings(channel, text)))


def reach_of(row: Any) -> Reach:
    """That of an e-mail address, a telephone number or a postal address of a contact."""
    if isinstance(row, PostalAddress):
        return reach(POST, f"{row.street}, {row.postcode} {row.city}")
    return reach(PHONE, row.number) if hasattr(row, "number") else reach(EMAIL, row.address)


def spellings(channel: str, text: str) -> list[str]:
    """The normalised address, and how else it may stand in a table: an e-mail domain in small ASCII first, then with its umlauts."""
    if channel == PHONE:
        return [dialled(text)]
    if channel == POST:
        return [" ".join(fold(text).replace(",", " ").split())]
    local, _at, domain = normalise_or_say(text).rpartition("@")
    found = [f"{lower(local)}@{domain}"]
    try:
        shown = idna.decode(domain)
    except (idna.IDNAError, UnicodeError):
        return found
    return found if shown == domain or ascii_domain(shown) != domain else [*found, f"{lower(local)}@{lower(shown)}"]


def lower(text: str) -> str:
    """Small letters one by one, as Postgres does in C.UTF-8."""
    return "".join(letter.lower()[0] for letter in text)


def masked(address: str) -> str:
    """What may stand on a page that anybody with the link can open: "a•••@firma.de"."""
    return f"{address[:1]}•••@{domain_of(address)}" if "@" in address else "•••"


def address_hash(channel: str, normalised: str) -> str:
    """The keyed hash of a normalised address: 64 hexadecimal digits."""
    return hmac.new(_key(), f"{channel}\n{normalised}".encode(), hashlib.sha256).hexdigest()


def key_name() -> str:
    """Which key the hashes are made with, without telling it: 8 hexadecimal digits."""
    return hmac.new(_key(), b"name", hashlib.sha256).hexdigest()[:8]


class AddressHash(Func):
    """`address_hash` of a column, computed by Postgres: an e-mail address as typed or as it is sent to, the `key` of a telephone number."""

    output_field = CharField(max_length=64)
    arity = 1

    def __init__(self, expression: Any, channel: str = EMAIL) -> None:
        super().__init__(expression)
        self.channel = channel

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, tuple[Any, ...]]:  # type: ignore[override]
        inner, params = compiler.compile(self.source_expressions[0])
        text = f'lower(normalize({inner}) COLLATE "pg_c_utf8")' if self.channel == EMAIL else inner
        key = _key().ljust(_BLOCK, b"\0")
        inside, outside = bytes(byte ^ 0x36 for byte in key) + f"{self.channel}\n".encode(), bytes(byte ^ 0x5C for byte in key)
        return f"encode(sha256(decode(%s, 'hex') || sha256(decode(%s, 'hex') || convert_to({text}, 'UTF8'))), 'hex')", (outside.hex(), inside.hex(), *params)


def _key() -> bytes:
    return salted_hmac("lotse.consent.address", "", secret=settings.SECRET_KEY, algorithm="sha256").digest()
