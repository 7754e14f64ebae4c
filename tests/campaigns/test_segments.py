"""Segments hold whom a slow reading aloud finds, no matter the tree; and nobody counts what they may not see."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import translation

from accounts.grants import sync_grants
from accounts.models import FieldRule, Role
from campaigns.segments import words as vocabulary
from campaigns.segments.who import members
from campaigns.segments.words import vocabulary_for
from contacts.models import Affiliation, Party
from crm.core.conditions import sentence, to_query, words
from crm.core.conditions import tree as engine
from tests.campaigns import reference
from tests.campaigns.world import build, read
from tests.factories import PersonFactory

pytestmark = pytest.mark.django_db
SMALL, FULL = 60, 300


def disagreements(cast: Any, number: int, seed: int = 11, *, first: bool = False) -> tuple[list[str], int]:
    """Trees on which engine and reference differ, for one who sees all and one who sees a part; and how many trees held for some but not all."""
    ids = build(cast)
    north = cast.firm.north.pk
    everybody, annas = read(lambda row: True), read(lambda row: row["team_id"] == north or row["owner_id"] == cast.anna.pk)
    wrong, telling = [], 0
    for n, tree in enumerate(reference.trees(seed, number, ids)):
        reader, world = (cast.anna, annas) if n % 3 == 2 else (cast.emil, everybody)
        expected = world.members(tree)
        telling += 0 < len(expected) < len(world.parties)
        for asked in ("one", "few", "all"):  # each way of asking, whichever the number of contacts would choose
            query = to_query(tree, vocabulary_for(reader, reference.TODAY, asked=asked))
            found = list(Party.objects.visible_to(reader).filter(query).values_list("pk", flat=True))
            if sorted(found) != sorted(expected):
                wrong.append(f"{reader}, {asked=}: {tree}: {set(found) ^ expected}")
        if wrong and first:
            break
        assert sentence(tree, vocabulary_for(reader, reference.TODAY))
    return wrong, telling


@pytest.mark.proof("segments")
def test_generated_trees_equal_the_slow_reference(cast: Any, figures: Any, prove_full: bool) -> None:
    number = FULL if prove_full else SMALL
    wrong, telling = disagreements(cast, number)
    print(*wrong[:5], sep="\n")
    figures.record("generated trees asked", number, "trees", goal="300 in full, 60 in the suite")
    figures.record("trees that held for some, but not for all", telling, "trees", goal="> a third", holds=telling > number / 3)
    figures.record("trees that differ from the slow reference", len(wrong), "trees", goal="0", holds=not wrong)


@pytest.mark.proof("segments")
@pytest.mark.parametrize("mutant", ["a quantifier off by one", "a range of days off by one", "not of an unknown value", "the employer's things do not count"])
def test_mutants_are_seen(cast: Any, figures: Any, monkeypatch: pytest.MonkeyPatch, mutant: str) -> None:
    if mutant == "a quantifier off by one":
        plain = engine.amount_of
        monkeypatch.setattr(engine, "amount_of", lambda relation, measure, value: plain(relation, measure, value) + (measure == "count" and value and value > 1))
    elif mutant == "a range of days off by one":
        plain_days = words.days_of
        monkeypatch.setattr(words, "days_of", lambda op, value, today: plain_days(op, value - 1 if op == "within" else value, today))
    elif mutant == "not of an unknown value":
        monkeypatch.setattr(words, "OPPOSITE", {})
        monkeypatch.setattr(words.Word, "query", _query_with_unknowns)
    else:
        monkeypatch.setattr(vocabulary, "_main_job", lambda reader: Affiliation.objects.none())
    wrong, _ = disagreements(cast, 150, 13, first=True)  # a row of trees in which each of these shows early
    figures.record(f"mutant “{mutant}”", "seen" if wrong else "survived", goal="seen", holds=bool(wrong))


def _query_with_unknowns(self: Any, op: str, value: Any, today: Any, _ask: Any = None) -> Any:
    """As `Word.query`, but an empty owner, industry … is neither in nor out of a choice."""
    found = Q(pk__in=[])
    for place in self.places:
        found |= place.holds(lambda path: self._test(path, {"not_in": "in", "unset": "set"}.get(op, op), value, today))
    return found if op not in ("not_in", "unset") else ~found & Q(**{f"{self.places[0].path}__isnull": False}) if self.places[0].rows is None else ~found


@pytest.mark.parametrize("never", [{"not": {}}, {"any": []}, {"not": {"all": []}}])
def test_who_has_at_most_one_of_what_nobody_has_is_everybody(cast: Any, never: Any) -> None:
    PersonFactory(owner=cast.emil)
    tree = {"related": "purchase", "measure": "count", "op": "at_most", "value": 1, "where": never}
    assert members(tree, cast.emil).count() == 1 and not members({"not": tree}, cast.emil).exists()


def test_a_hidden_field_is_no_oracle(cast: Any) -> None:
    tree = {"field": "source", "op": "contains", "value": "x"}
    assert members(tree, cast.anna).count() == 0
    FieldRule.objects.create(role=Role.objects.get(key="rep"), entity="party", field="source")
    sync_grants()
    assert "source" not in vocabulary_for(cast.anna).words
    with pytest.raises(ValidationError, match=r"may not see|nicht sehen"):
        members(tree, cast.anna)
    assert members(tree, cast.clara).count() == 0


def test_what_one_may_not_see_cannot_be_counted(cast: Any) -> None:
    """Marketing sees no opportunities and cases unless the matrix says so: the words are closed, and say so."""
    for things in ("opportunity", "purchase", "case"):
        with pytest.raises(ValidationError, match=r"may not see|nicht sehen"):
            members({"related": things, "measure": "count", "op": "at_least", "value": 1}, cast.mia)
    assert members({"related": "interaction", "measure": "count", "op": "at_least", "value": 1}, cast.mia).count() == 0


@pytest.mark.parametrize(
    "tree",
    [
        {"related": "case"}, {"related": "x", "measure": "count", "op": "at_least", "value": 1}, {"related": "case", "measure": "goodwill", "op": "at_least", "value": 1},
        {"related": "case", "measure": "count", "op": "is", "value": 1}, {"related": "case", "measure": "count", "op": "at_least", "value": -1}, {"related": "case", "measure": "count", "op": "at_least", "value": [1]},
        {"related": "case", "measure": "count", "op": "at_least", "value": 1, "where": {"field": "city", "op": "set"}}, {"field": "owner__password", "op": "contains", "value": "x"},
        {"field": "city", "op": "is", "value": "x"}, {"field": "city", "op": "contains", "value": ""}, {"field": "city", "op": "contains", "value": {"a": 1}}, {"field": "kind", "op": "in", "value": []},
        {"field": "kind", "op": "in", "value": ["robot"]}, {"field": "kind", "op": "in", "value": "person"}, {"field": "created_at", "op": "within", "value": -1}, {"field": "created_at", "op": "within", "value": "x"},
        {"field": "created_at", "op": "at_least", "value": "0001-01-01"}, {"field": "employees", "op": "at_least", "value": "1e999"}, {"all": [{}] * 300},
    ],
)  # fmt: skip
def test_nonsense_is_refused_in_words(cast: Any, tree: Any) -> None:
    with pytest.raises(ValidationError):
        members(tree, cast.emil)


SAID = [
    ({}, "Kontakte", "Contacts"),
    (
        {"all": [{"field": "kind", "op": "in", "value": ["person"]}, {"field": "state", "op": "in", "value": ["customer", "former"]}, {"not": {"related": "case", "measure": "count", "op": "at_least", "value": 1, "where": {"all": [{"field": "type", "op": "in", "value": ["complaint"]}, {"field": "opened_at", "op": "within", "value": 90}]}}}]},
        "Personen, deren Status Kunde oder ehemaliger Kunde ist und zu denen es keine Vorgänge gibt (Art ist Beschwerde und eröffnet in den letzten 90 Tagen)",
        "People whose status is customer or former customer and who have no cases (type is complaint and opened within the last 90 days)",
    ),
    (
        {"all": [{"any": [{"field": "city", "op": "begins", "value": "Köln"}, {"field": "last_contact", "op": "ago", "value": 180}]}, {"related": "purchase", "measure": "amount", "op": "at_least", "value": "5000"}]},
        "Kontakte, (deren Ort mit „Köln“ beginnt oder mit denen der letzte Kontakt mehr als 180 Tage zurückliegt) und zu denen es Käufe über zusammen mindestens 5.000,00 gibt",
        "Contacts (whose city begins with “Köln” or with whom the last contact was more than 180 days ago) and who have purchases worth at least 5,000.00 in all",
    ),
    ({"not": {"any": [{"field": "role", "op": "in", "value": ["supplier"]}, {"field": "email", "op": "unset"}]}}, "Kontakte, deren Rolle nicht Lieferant ist und die eine E-Mail-Adresse haben", "Contacts whose role is not supplier and who have an e-mail address"),
]  # fmt: skip


@pytest.mark.parametrize(("tree", "german", "english"), SAID)
def test_the_sentence_reads_like_language(cast: Any, tree: Any, german: str, english: str) -> None:
    known = vocabulary_for(cast.emil)
    with translation.override("de"):
        assert sentence(tree, known) == german
    with translation.override("en"):
        assert sentence(tree, known) == english
