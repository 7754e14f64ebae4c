"""How a letter to a contact begins: the stored, and the typed, as the plain values `contacts.salutation` makes lines of.

Every mail and letter greets through here, and the page of a contact shows what comes of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contacts.models import Affiliation, Party
from contacts.parts import PLACE, main
from contacts.salutation import Addressee, Language, address_block, letter_salutation
from crm.core.access import hidden_fields
from crm.core.fold import fold
from crm.core.models import Installation

# The columns of a person that a letter reads, as `Addressee` calls them.
NAMES = {
    "salutation": "salutation", "title": "title", "first_name": "first_name", "nobility": "nobility", "last_name": "last_name", "suffix": "suffix",
    "letter_salutation": "own", "legal_name": "house",
}  # fmt: skip
COLUMNS = (*NAMES, "form_of_address", "language")


@dataclass(frozen=True)
class Letter:
    """The beginning of a letter: its salutation without the closing comma, the lines of the address, and the language it is written in."""

    salutation: str
    lines: list[str]
    language: Language


def addressee(values: Mapping[str, Any], house: str) -> Addressee:
    """Columns of a contact, stored or typed, as the plain values a letter needs. Without a language of its own it is written to in `house`."""
    plain = {to: str(values.get(column) or "")[:200] for column, to in NAMES.items()}
    return Addressee(**plain, informal=values.get("form_of_address") == Party.AddressForm.DU, language=_language(values.get("language"), house))


def stored(party: Party) -> dict[str, Any]:
    """A contact's columns for `addressee`."""
    return {column: getattr(party, column) for column in COLUMNS}


def letter_to(party: Party, reader: Any) -> Letter:
    """How a letter to this contact begins, as far as the reader may see the fields it is made of."""
    house, hidden = _house(), hidden_fields(reader, Party)
    who = addressee({column: value for column, value in stored(party).items() if column not in hidden}, house)
    place, firm = _place(party, reader, hidden)
    return _letter(who, {name: value for name, value in place.items() if name not in hidden}, house, firm)


def letter_typed(values: Mapping[str, Any]) -> Letter:
    """How a letter would begin to what stands in a form so far, valid or not."""
    house = _house()
    return _letter(addressee(values, house), values, house)


def greeting(user: Any) -> str:
    """How a mail of ours to somebody of the house begins. Users have a name and a language; nobody asks them for more."""
    return letter_salutation(Addressee(first_name=user.first_name, last_name=user.last_name, language=_language(user.language, "de")))


def _letter(who: Addressee, place: Mapping[str, Any], house: str, firm: str = "") -> Letter:
    lines = address_block(who, *(str(place.get(name) or "")[:200] for name in PLACE), above=firm, posted_in=_language(house, "de"))
    return Letter(letter_salutation(who), lines, who.language)


def _place(party: Party, reader: Any, hidden: frozenset[str]) -> tuple[dict[str, str], str]:
    """The main address, and the firm over the name where it is the firm's: that of the main employer, if the reader may see it.

    Who has no address of one's own is written to at work.
    """
    own = _values(main(party.addresses))
    if not party.is_person or "employer" in hidden:
        return own, ""
    job = Affiliation.objects.visible_to(reader).filter(person=party.pk, is_primary=True).select_related("organisation").first()
    if job is None:
        return own, ""
    work = _values(main(job.organisation.addresses))
    if any(own.values()):
        return own, job.organisation.legal_name if _same(own, work) else ""
    return (work, job.organisation.legal_name) if any(work.values()) else (own, "")


def _values(row: Any) -> dict[str, str]:
    return {name: getattr(row, name, "") for name in PLACE}


def _same(one: dict[str, str], other: dict[str, str]) -> bool:
    return all(fold(one[name]).split() == fold(other[name]).split() for name in ("street", "postcode", "city"))


def _house() -> str:
    return str(Installation.current().language)


def _language(chosen: Any, otherwise: str) -> Language:
    return "en" if (chosen or otherwise) == "en" else "de"
