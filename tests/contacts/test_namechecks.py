"""What looks wrong about names: every row of the table, and that a check only ever speaks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.first_names import MEN, WOMEN, gender_of
from contacts.namechecks import name_hints
from contacts.salutation import Addressee
from crm.core.fold import fold
from tests.contacts.salutation_conflicts import CHECKS, CONFLICTS
from tests.contacts.salutation_rules import Case


def person(who: str, own: str = "") -> Addressee:
    return Addressee(**Case("", "de", "sie", who, "", "").person, own=own)


@pytest.mark.proof("salutation")
def test_every_conflict_is_flagged_and_nothing_else(figures: Any) -> None:
    wrong = []
    for who, own, expected in CONFLICTS:
        got = {hint.code: hint.fix for hint in name_hints(person(who, own))}
        if got != expected:
            wrong.append(f"{who!r} {own!r}: {got}, not {expected}")
    print("\n".join(wrong))
    quiet = sum(not expected for _who, _own, expected in CONFLICTS)
    figures.record("conflict cases", len(CONFLICTS), "cases", goal="each check at least twice", holds={code for *_case, expected in CONFLICTS for code in expected} == set(CHECKS))
    figures.record("of these nothing to flag", quiet, "cases")
    figures.record("conflict cases that hold", len(CONFLICTS) - len(wrong), "cases", goal="all", holds=not wrong)


def test_a_fix_settles_its_own_hint() -> None:
    """Whoever accepts is not asked the same again."""
    for who, own, expected in CONFLICTS:
        before = person(who, own)
        for hint in name_hints(before):
            if hint.fix:
                fixed = {{"letter_salutation": "own"}.get(name, name): value for name, value in hint.fix.items()}
                assert hint.code not in {left.code for left in name_hints(replace(before, **fixed))}, (who, expected)


def test_a_hint_is_known_again_until_its_values_change() -> None:
    first = name_hints(person("mr||Petra||Vogel|"))[0]
    assert name_hints(person("mr|Dr.|Petra ||Lang|"))[0].key == first.key
    assert name_hints(person("mr||Sabine||Vogel|"))[0].key != first.key
    assert name_hints(person("ms||Peter||Vogel|"))[0].key != first.key


def test_first_names_are_told_apart() -> None:
    women, men = {fold(name) for name in WOMEN.split()}, {fold(name) for name in MEN.split()}
    assert not women & men
    assert len(women) == len(WOMEN.split()) and len(men) == len(MEN.split())
    assert (gender_of(""), gender_of("  "), gender_of("-"), gender_of("Rainer Maria"), gender_of("AYSE")) == ("", "", "", "mr", "ms")


TEXT = st.text(max_size=20) | st.sampled_from(["Herr", "Frau ", "Dr.", "Prof. Dr. h. c.", "Graf", "Gräfin von", "Weber, MBA", "jun.", "e. V.", "Peter", "Petra", ",", ". ."])


@given(st.fixed_dictionaries(dict.fromkeys(["title", "first_name", "nobility", "last_name", "suffix", "own"], TEXT)), st.sampled_from(["", "ms", "mr", "neutral"]))
def test_any_name_can_be_looked_at(fields: dict[str, str], salutation: str) -> None:
    """Never an error; no fix leaves a person without a name or fills more than a field holds."""
    who = Addressee(salutation=salutation, **fields)
    for hint in name_hints(who):
        fixed = replace(who, **{{"letter_salutation": "own"}.get(name, name): value for name, value in hint.fix.items()})
        if who.first_name.strip() or who.last_name.strip():
            assert fixed.first_name.strip() or fixed.last_name.strip()
        assert len(hint.key) <= 40
