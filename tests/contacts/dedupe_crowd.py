"""A crowd of contacts with duplicates planted among them, made from seeded dice and laid by COPY: the measure of `contacts.pairs`.

Each planted pair is one contact written down twice as people do it: an umlaut spelt out, first and last name in each other's field, a slip in
the name, "Str." for "Straße", another legal form; what stays the same is one thing alone — address, telephone, e-mail, town, employer, domain.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

from accounts.models import Team
from contacts.dedupe import Identity, block_keys
from contacts.models import Affiliation, EmailAddress, Party, PartySearch, PhoneNumber, PostalAddress
from crm.core.bulk import Rows, reserve
from crm.core.numbers import take_numbers
from crm.core.phone import phone_key
from crm.core.work import work

SHARE = 0.02  # of the contacts are written down twice
SLICE = 20_000
FIRST = [a + b for a, b in product(["An", "Bert", "Clau", "Det", "Ed", "Frie", "Ger", "Hein", "Ing", "Jür", "Kat", "Lo", "Mar", "Nor", "Ot"], ["na", "ke", "dia", "lef", "gar", "da", "hard", "rich", "rid", "gen", "ja", "tte"])]
FREQUENT = ["Müller", "Schmidt", "Schneider", "Fischer", "Weber", "Meyer", "Wagner", "Becker", "Schulz", "Hoffmann", "Schäfer", "Koch", "Bauer", "Richter", "Klein", "Wolf"]
START, MIDDLE, END = ["Br", "Dr", "F", "Gr", "H", "K", "Kr", "L", "M", "N", "P", "R", "S", "Schw", "T", "W", "Z", "St", "Sp", "Tr"], ["a", "e", "i", "o", "u", "ä", "ö", "ü", "ei", "au"], ["ber", "mann", "hofer", "kamp", "ler", "nitz", "stedt", "wald", "horst", "mert", "ning", "rup", "gart", "dorf", "bach", "linger", "zig", "sen", "kert", "wig"]
TRADES = ["Maschinenbau", "Fördertechnik", "Logistik", "Metallbau", "Anlagenbau", "Elektro", "Verpackung", "Kunststoff", "Holzbau", "Feinmechanik"]
FORMS = ["GmbH", "GmbH & Co. KG", "AG", "KG", "e.K."]
CITIES = [(f"{10000 + 137 * n % 89999:05d}", name) for n, name in enumerate(a + b for a, b in product(["Neu", "Alt", "Ober", "Unter", "Bad ", "Groß", "Klein", "Hohen", "Nieder", "Wald"], ["kirchen", "stadt", "heim", "hausen", "bach", "feld", "münster", "ried", "furt", "berg", "au", "burg", "weiler", "brück", "see", "moor", "tal", "rode", "born", "werder"]))]
STREETS = [a + "straße" for a in ["Haupt", "Bahnhof", "Garten", "Schul", "Berg", "Ring", "Linden", "Mühl", "Wald", "Kirch", "Feld", "Wiesen", "Post", "Brunnen"]]


@dataclass
class Crowd:
    """`planted` are pairs of ids by what they have in common."""

    size: int
    planted: dict[str, list[tuple[int, int]]] = field(default_factory=dict)

    @property
    def pairs(self) -> dict[tuple[int, int], str]:
        """All of them: pair → what it has in common."""
        return {pair: way for way, pairs in self.planted.items() for pair in pairs}


def lay(size: int, seed: int = 7) -> Crowd:
    """Write about `size` contacts, slice by slice."""
    crowd, dice = Crowd(0), random.Random(seed)
    team = Team.objects.get(parent=None).pk
    while crowd.size < size:
        _write(crowd, list(_slice(dice, min(SLICE, size - crowd.size))), team)
    return crowd


def _slice(dice: random.Random, count: int) -> Iterator[tuple[Identity, int | None, str, int | None]]:
    """(identity, place of the employer in the slice, what was planted, place of the first one)."""
    written: list[tuple[Identity, int | None]] = []
    firms = max(count * 15 // 100, 3)
    while len(written) < count:
        place = len(written)
        employer = dice.randrange(firms) if place >= firms and dice.random() < 0.7 else None
        one = _firm(dice) if place < firms else _person(dice, written[employer][0].name if employer is not None else "")
        written.append((one, employer))
        yield one, employer, "", None
        if place >= firms and dice.random() < SHARE * 100 / 85:
            way = dice.choice(["mail", "phone", "address", "town", "employer"] if employer is not None else ["mail", "phone", "address", "town"])
            first, again, other = _twice(dice, one, way)
            del first
            written.append((again, employer))
            yield again, (employer if way == "employer" else other), way, place
    # firms written down twice stand at the end, where no employer counts them
    for _ in range(max(int(count * SHARE * 0.15), 4)):
        place = dice.randrange(firms)
        way = dice.choice(["firm-domain", "firm-phone", "firm-address", "firm-name"])
        yield _firm_twice(dice, written[place][0], way), None, way, place


def _family(dice: random.Random) -> str:
    return dice.choice(FREQUENT) if dice.random() < 0.2 else dice.choice(START) + dice.choice(MIDDLE) + dice.choice(["l", "m", "n", "r", "t"]) + dice.choice(MIDDLE) + dice.choice(END)


def _slug(text: str) -> str:
    return text.lower().translate(str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", " ": "-", "&": "u", ".": ""}))


def _number(dice: random.Random) -> str:
    return f"0199 {dice.randrange(10_000_000, 99_999_999)}"


def _firm(dice: random.Random) -> Identity:
    name = f"{_family(dice)}{dice.choice(['', '', ' & Söhne', ' ' + _family(dice)])} {dice.choice(TRADES)}"
    postcode, city = dice.choice(CITIES)
    site = f"{_slug(name)}{dice.randrange(999)}.example"
    return Identity("organisation", f"{name} {dice.choice(FORMS)}", emails=(f"info@{site}",), phones=(_number(dice),), postcode=postcode, city=city, street=f"{dice.choice(STREETS)} {dice.randrange(1, 180)}", website=f"https://{site}")


def _person(dice: random.Random, employer: str) -> Identity:
    first, last = dice.choice(FIRST), _family(dice)
    postcode, city = dice.choice(CITIES)
    return Identity(
        "person", first_name=first, last_name=last, organisation_name=employer, emails=(f"{_slug(first)}.{_slug(last)}{dice.randrange(99_999)}@post.example",) if dice.random() < 0.85 else (),
        phones=(_number(dice),) if dice.random() < 0.7 else (), postcode=postcode, city=city, street=f"{dice.choice(STREETS)} {dice.randrange(1, 180)}" if dice.random() < 0.6 else "",
    )  # fmt: skip


def _slip(dice: random.Random, text: str) -> str:
    """One letter doubled, dropped or swapped with its neighbour, not at the beginning."""
    place = dice.randrange(1, len(text) - 1)
    return dice.choice([text[:place] + text[place] + text[place:], text[:place] + text[place + 1 :], text[:place] + text[place + 1] + text[place] + text[place + 2 :]])


def _twice(dice: random.Random, one: Identity, way: str) -> tuple[Identity, Identity, int | None]:
    spelt = one.last_name.replace("ä", "ae").replace("ö", "oe").replace("ü", "ue")
    other = replace(one, emails=(), phones=(), street="", postcode="", city="", organisation_name="", last_name=spelt)
    if way == "mail":
        other = replace(other, emails=one.emails, last_name=_slip(dice, spelt)) if one.emails else replace(other, city=one.city, postcode=one.postcode)
    elif way == "phone":
        swapped = dice.random() < 0.5
        other = replace(other, phones=tuple(f"+49 (0)199/{text[5:]}" for text in one.phones), first_name=spelt if swapped else one.first_name, last_name=one.first_name if swapped else spelt)
        other = other if one.phones else replace(other, city=one.city, postcode=one.postcode)
    elif way == "address" and one.street:
        other = replace(other, street=one.street.replace("straße", "str."), postcode=one.postcode, city=one.city, last_name=_slip(dice, spelt))
    elif way == "employer":
        other = replace(other, organisation_name=one.organisation_name)
    else:
        other = replace(other, postcode=one.postcode, city=one.city)
    return one, other, None


def _firm_twice(dice: random.Random, one: Identity, way: str) -> Identity:
    core = one.name
    for form in sorted(FORMS, key=len, reverse=True):
        core = core.removesuffix(f" {form}")
    other = replace(one, name=f"{core} {dice.choice(FORMS)}", emails=(), phones=(), street="", postcode="", city="", website="")
    if way == "firm-domain":
        return replace(other, website=one.website.replace("https://", "http://www."), name=_slip(dice, core))
    if way == "firm-phone":
        return replace(other, phones=one.phones, name=_slip(dice, core))
    if way == "firm-address":
        return replace(other, street=one.street.replace("straße", "str."), postcode=one.postcode, city=one.city)
    return other


def _write(crowd: Crowd, rows: list[tuple[Identity, int | None, str, int | None]], team: int) -> None:
    with work():
        ids, numbers = reserve(Party, len(rows)), take_numbers("party", len(rows))
        party = Rows(Party, "id", "kind", "number", "first_name", "last_name", "legal_name", "website", "team_id")
        email = Rows(EmailAddress, "party_id", "address", "is_primary")
        phone = Rows(PhoneNumber, "party_id", "number", "key", "is_primary")
        postal = Rows(PostalAddress, "party_id", "street", "postcode", "city", "is_primary")
        job = Rows(Affiliation, "person_id", "organisation_id", "is_primary")
        search = Rows(PartySearch, "party_id", "keys", "tsv")
        for place, (one, employer, way, twin) in enumerate(rows):
            pk = ids[place]
            party.add(pk, one.kind, numbers[place], one.first_name, one.last_name, one.name, one.website, team)
            for text in one.emails:
                email.add(pk, text, True)
            for text in one.phones:
                phone.add(pk, text, phone_key(text), True)
            if one.city:
                postal.add(pk, one.street, one.postcode, one.city, True)
            if employer is not None and one.organisation_name:
                job.add(pk, ids[employer], True)
            search.add(pk, sorted(block_keys(one)), "")
            if twin is not None:
                crowd.planted.setdefault(way, []).append((ids[twin], pk))
        for table in (party, email, phone, postal, job, search):
            table.write()
    crowd.size += len(rows)


def recall(crowd: Crowd, found: set[tuple[int, int]]) -> tuple[float, dict[str, Any]]:
    """The share of planted pairs that were found, and by what they have in common."""
    by_way = {way: sum(pair in found for pair in pairs) / len(pairs) for way, pairs in sorted(crowd.planted.items())}
    return sum(pair in found for pair in crowd.pairs) / len(crowd.pairs), by_way
