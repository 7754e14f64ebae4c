"""How a letter to somebody begins, in German and English, and the lines of its address. Pure: values in, words out.

Nothing is guessed: whose salutation nobody told is greeted without Frau or Herr, whatever the first name suggests. The rules, each with its
source, and what comes of them stand in `tests/contacts/salutation_cases.py`. Names stay as they were typed; only blanks are tidied.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from babel import Locale

Language = Literal["de", "en"]
HOME = "DE"  # the country the house posts from: letters within it bear no country

_PROFESSOR = re.compile(r"\bprof(essor)?(in|\.in)?\b", re.IGNORECASE)
_DOCTOR = re.compile(r"\b(d?dr|doktor)(in|\.in)?\b", re.IGNORECASE)
# Ranks of nobility: part of the name since 1919. The first group is spoken instead of Frau and Herr, the second is left out when speaking.
_SPOKEN = {
    "ms": "gräfin fürstin prinzessin herzogin baronin baronesse komtess komtesse erbprinzessin großherzogin erzherzogin reichsgräfin landgräfin markgräfin burggräfin altgräfin",
    "mr": "graf fürst prinz herzog baron erbprinz erbgraf großherzog erzherzog reichsgraf landgraf markgraf burggraf altgraf",
}
_SILENT = {"ms": "freifrau freiin edle", "mr": "freiherr ritter edler"}
RANKS = {word: who for group in (_SPOKEN, _SILENT) for who in ("ms", "mr") for word in group[who].split()}
_SPOKEN_RANKS = {word for words in _SPOKEN.values() for word in words.split()}
# Where the postcode stands behind the city.
_CITY_FIRST = {"GB", "IE", "US", "CA", "AU", "NZ", "IN"}


@dataclass(frozen=True)
class Addressee:
    """Whom a letter goes to, as plain values; '' = not known. `salutation` is ms, mr, neutral or '' (both greeted alike).

    An organisation has `house` and nothing else. `own` is the salutation the addressee wants, word for word. `informal` means Du.
    """

    salutation: str = ""
    title: str = ""
    first_name: str = ""
    nobility: str = ""
    last_name: str = ""
    suffix: str = ""
    informal: bool = False
    own: str = ""
    house: str = ""
    language: Language = "de"


def tidy(text: str) -> str:
    """Blanks of any kind as one, none around."""
    return " ".join(text.split())


def own_words(text: str) -> str:
    """A salutation as somebody wants it, without the comma that closes it in a letter."""
    return tidy(text).rstrip(", ")


def letter_salutation(who: Addressee) -> str:
    """The first line of a letter or mail, without its closing comma; never empty."""
    german = who.language == "de"
    if own := own_words(who.own):
        return own
    if house := tidy(who.house):
        return "Guten Tag" if german else f"Dear {house} team"
    first, last = tidy(who.first_name), tidy(who.last_name)
    if who.informal and first:
        return f"{_friendly(who.salutation)} {first}" if german else f"Dear {first}"
    return _german(who, first, last) if german else _english(who, first, last)


def address_line(who: Addressee) -> str:
    """The line with the name on an envelope ("Herrn Dr. Ben Weber"); '' while nothing is known."""
    if who.house:
        return tidy(who.house)
    name = _joined(who.first_name, who.nobility, who.last_name)
    if not name:
        return ""
    if who.language == "de":
        return _joined({"ms": "Frau", "mr": "Herrn"}.get(who.salutation, ""), who.title, name, who.suffix)
    return _joined(_english_title(who.title) or {"ms": "Ms", "mr": "Mr"}.get(who.salutation, ""), name, who.suffix)


def address_block(who: Addressee, street: str, postcode: str, city: str, country: str, *, above: str = "", posted_in: Language = "de") -> list[str]:
    """The address zone of a letter after DIN 5008, line by line; empty lines are left out.

    `country` is a code of two letters; abroad the city stands in capitals and the country in the last line, in the language of the house
    that posts the letter (`posted_in`). `above` is a line over the name: the firm at whose address somebody works.
    """
    abroad = country.upper() not in ("", HOME)
    place = tidy(city).upper() if abroad else tidy(city)
    parts = (place, postcode) if country.upper() in _CITY_FIRST else (postcode, place)
    land = str(Locale(posted_in).territories.get(country.upper(), country)).upper() if abroad else ""
    lines: Sequence[str] = (tidy(above), address_line(who), tidy(street), _joined(*parts), land)
    return [line for line in lines if line]


def spoken_title(title: str) -> Literal["professor", "doctor", ""]:
    """The one title that is spoken: the highest."""
    return "professor" if _PROFESSOR.search(title) else "doctor" if _DOCTOR.search(title) else ""


def rank_of(nobility: str) -> str:
    """The rank at the front of a title of nobility, folded to lower case ("freiherr" of "Freiherr von"); '' for a mere particle."""
    word = tidy(nobility).partition(" ")[0].lower()
    return word if word in RANKS else ""


def _joined(*parts: str) -> str:
    return tidy(" ".join(parts))


def _friendly(salutation: str) -> str:
    return {"ms": "Liebe", "mr": "Lieber"}.get(salutation, "Hallo")


def _surname(who: Addressee) -> tuple[str, bool]:
    """The last name as it is spoken, and whether a rank in it takes the place of Frau and Herr."""
    rank = rank_of(who.nobility)
    nobility = tidy(who.nobility)
    if rank and rank not in _SPOKEN_RANKS:
        nobility = nobility.partition(" ")[2]
    return _joined(nobility, who.last_name), rank in _SPOKEN_RANKS


def _german(who: Addressee, first: str, last: str) -> str:
    surname, ranked = _surname(who)
    title = spoken_title(who.title)
    if not last or who.salutation not in ("ms", "mr"):
        short = {"professor": "Prof.", "doctor": "Dr.", "": ""}[title]
        named = first or (last and (short or ranked))
        return _joined("Guten Tag", short, first, who.nobility if first else "", last if first else surname) if named else "Guten Tag"
    woman = who.salutation == "ms"
    spoken = {"professor": "Professorin" if woman else "Professor", "doctor": "Dr.", "": ""}[title]
    frau = "" if ranked and not spoken else "Frau" if woman else "Herr"
    return _joined("Sehr geehrte" if woman else "Sehr geehrter", frau, spoken, surname)


def _english_title(title: str) -> str:
    return {"professor": "Professor", "doctor": "Dr", "": ""}[spoken_title(title)]


def _english(who: Addressee, first: str, last: str) -> str:
    surname, ranked = _surname(who)
    title = _english_title(who.title)
    if title and (first or last):
        return _joined("Dear", title, surname if last else first)
    if last and who.salutation in ("ms", "mr"):
        return _joined("Dear", "" if ranked else "Ms" if who.salutation == "ms" else "Mr", surname)
    if first:
        return _joined("Dear", first, who.nobility, last)
    return f"Dear {surname}" if last and ranked else "Hello"
