"""How letters begin: every row of the table, ten thousand people of unknown gender, and what holds for any name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contacts.first_names import gender_of
from contacts.salutation import Addressee, address_block, address_line, letter_salutation, own_words
from tests.contacts.salutation_cases import CASES, ORGANISATIONS
from tests.contacts.salutation_people import GENDERED, HERR_OR_FRAU, people
from tests.contacts.salutation_rules import RULES, Case

Greet = Callable[[Addressee], str]


def addressee(case: Case) -> Addressee:
    return Addressee(**case.person, informal=case.form == "du", own=case.own, language=case.language)  # type: ignore[arg-type]


def told(greet: Greet, count: int) -> int:
    """How many of `count` people of unknown gender were called Herr, Frau, Mr or Ms, or anything else that says it."""
    found = 0
    for person in people(count):
        for language in ("de", "en"):
            for informal in (False, True):
                who = Addressee(**person, informal=informal, language=language)  # type: ignore[arg-type]
                letter = greet(who)
                found += bool(HERR_OR_FRAU.search(letter) or GENDERED.search(letter) or HERR_OR_FRAU.search(address_line(who)))
    return found


def guessing(who: Addressee) -> str:
    """An engine that takes the first name for an answer: what nobody told is looked up."""
    return letter_salutation(Addressee(**{**vars(who), "salutation": gender_of(who.first_name) or who.salutation}))


@pytest.mark.proof("salutation")
def test_every_case_of_the_table_holds(figures: Any) -> None:
    wrong = []
    for case in CASES:
        who = addressee(case)
        got = letter_salutation(who), address_line(who)
        if got != (case.letter, case.address):
            wrong.append(f"{case.rule}: {case.language} {case.form} {case.who!r}: {got}, not {(case.letter, case.address)}")
    for language, house, own, letter, address in ORGANISATIONS:
        who = Addressee(house=house, own=own, language=language)  # type: ignore[arg-type]
        if (letter_salutation(who), address_line(who)) != (letter, address):
            wrong.append(f"organisation: {language} {house!r}: {letter_salutation(who)}, {address_line(who)}")
    print("\n".join(wrong))
    total = len(CASES) + len(ORGANISATIONS)
    figures.record("cases in the table", total, "cases", goal="≥ 250", holds=total >= 250)
    figures.record("rules they show", len({case.rule for case in CASES}) + 1, "rules", goal="each at least once", holds={case.rule for case in CASES} | {"organisation"} == set(RULES))
    figures.record("cases that hold", total - len(wrong), "cases", goal="all", holds=not wrong)


@pytest.mark.proof("salutation")
def test_nobody_of_unknown_gender_is_called_herr_or_frau(figures: Any) -> None:
    figures.record("people of unknown gender", 10_000, "people")
    found = told(letter_salutation, 10_000)
    figures.record("called Herr, Frau, Mr, Ms or in a gendered form", found, "letters", goal="0", holds=found == 0)
    red = told(guessing, 1_000)
    figures.record("red control: an engine that guesses by first name", red, "letters of 1,000 people", goal="> 0", holds=red > 0)


NAMES = st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=24)
FIELDS = {"title": NAMES, "first_name": NAMES, "nobility": NAMES, "last_name": NAMES, "suffix": NAMES}


@settings(max_examples=500)
@given(st.fixed_dictionaries(FIELDS), st.sampled_from(["", "neutral", "ms", "mr"]), st.booleans(), st.sampled_from(["de", "en"]), NAMES)
def test_any_name_makes_a_tidy_line(fields: dict[str, str], salutation: str, informal: bool, language: Any, own: str) -> None:
    """Never empty, never two blanks, none around; the person's own words win; nothing typed is turned into something else."""
    who = Addressee(salutation=salutation, informal=informal, language=language, **fields)
    letter, address = letter_salutation(who), address_line(who)
    assert letter
    assert (address != "") == bool((fields["first_name"] + fields["nobility"] + fields["last_name"]).split())
    for line in (letter, address):
        assert line == " ".join(line.split())
    if salutation in ("", "neutral"):
        typed = " ".join(fields.values())
        for word in HERR_OR_FRAU.findall(letter):
            assert word in typed
    mine = own_words(own)
    assert letter_salutation(Addressee(own=own, salutation=salutation, informal=informal, language=language, **fields)) == (mine or letter)


@pytest.mark.parametrize(
    ("place", "lines"),
    [
        (("Hauptstraße 1", "50667", "Köln", "DE"), ["Herrn Dr. Ben Weber", "Hauptstraße 1", "50667 Köln"]),
        (("Hauptstraße 1", "50667", "Köln", ""), ["Herrn Dr. Ben Weber", "Hauptstraße 1", "50667 Köln"]),
        (("Via Roma 2", "50123", "Firenze", "IT"), ["Herrn Dr. Ben Weber", "Via Roma 2", "50123 FIRENZE", "ITALIEN"]),
        (("Mariahilfer Straße 9", "1060", "Wien", "at"), ["Herrn Dr. Ben Weber", "Mariahilfer Straße 9", "1060 WIEN", "ÖSTERREICH"]),
        (("10 Baker Street", "NW1 6XE", "London", "GB"), ["Herrn Dr. Ben Weber", "10 Baker Street", "LONDON NW1 6XE", "VEREINIGTES KÖNIGREICH"]),
        (("1 Main St", "10001", "New York", "US"), ["Herrn Dr. Ben Weber", "1 Main St", "NEW YORK 10001", "VEREINIGTE STAATEN"]),
        (("", "", "Bonn", "DE"), ["Herrn Dr. Ben Weber", "Bonn"]),
        (("", "", "", ""), ["Herrn Dr. Ben Weber"]),
        (("Weg  3", " 50667 ", " Köln ", "XX"), ["Herrn Dr. Ben Weber", "Weg 3", "50667 KÖLN", "XX"]),
    ],
)
def test_the_address_is_set_as_din_5008_says(place: tuple[str, str, str, str], lines: list[str]) -> None:
    who = Addressee("mr", "Dr.", "Ben", "", "Weber")
    assert address_block(who, *place) == lines
    assert address_block(who, *place, above="Werk GmbH") == ["Werk GmbH", *lines]


def test_the_country_is_said_in_the_language_of_the_house_that_posts() -> None:
    who = Addressee("ms", "", "Anna", "", "Weber", language="en")
    assert address_block(who, "Via Roma 2", "50123", "Firenze", "IT")[-1] == "ITALIEN"
    assert address_block(who, "Via Roma 2", "50123", "Firenze", "IT", posted_in="en") == ["Ms Anna Weber", "Via Roma 2", "50123 FIRENZE", "ITALY"]
