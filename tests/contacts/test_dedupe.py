"""Duplicates while creating: figures over the labelled pairs, and what each reason rests on."""

import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.dedupe import WARN, Identity, block_keys, cologne, core_name, score, street_key
from tests.contacts.dedupe_pairs import PAIRS, firm, person

# Postel 1969, "Die Kölner Phonetik"; the words are those of its usual descriptions.
COLOGNE = [
    ("Müller-Lüdenscheidt", "65752682"),
    ("Wikipedia", "3412"),
    ("Breschnew", "17863"),
    ("Müller", "657"),
    ("Mueller", "657"),
    ("Meier", "67"),
    ("Mayer", "67"),
    ("Schmidt", "862"),
    ("Schmitt", "862"),
    ("Christoph", "47823"),
    ("Philipp", "351"),
    ("Xaver", "4837"),
    ("Axel", "0485"),
    ("Celik", "854"),
    ("Karl", "475"),
    ("Carl", "475"),
    ("Heinz", "068"),
    ("Weiß", "38"),
    ("", ""),
    ("123", ""),
    ("H", ""),
    ("Aa", "0"),
]

CORES = [
    ("Müller GmbH & Co. KG", "muller"),
    ("Bau Union AG", "bau union"),
    ("BAU-UNION Aktiengesellschaft", "bau union"),
    ("Acme Corp.", "acme"),
    ("Philipp Reis UG (haftungsbeschränkt)", "philipp reis"),
    ("Zentrum für Licht e.V.", "zentrum fur licht"),
    ("Dontechi S.A.", "dontechi"),
    ("Schmidt & Söhne KG", "schmidt sohne"),
    ("Schmidt und Söhne", "schmidt sohne"),
    ("Smith and Sons, Inc.", "smith sons"),
    ("KG Meier", "meier"),
    ("GmbH", "gmbh"),
    ("", ""),
]

STREETS = [
    ("Aachener Straße 12", "aachener str 12"),
    ("Aachener Str. 12", "aachener str 12"),
    ("AACHENERSTR.12", "aachenerstr 12"),
    ("Hauptstraße 3 a", "hauptstr 3a"),
    ("Hauptstr. 3a", "hauptstr 3a"),
    ("Am Markt 1", "am markt 1"),
    ("Königsplatz 5-7", "konigspl 5-7"),
    ("Koenigspl. 5 - 7", "konigspl 5-7"),
    ("", ""),
]


@pytest.mark.parametrize(("word", "code"), COLOGNE)
def test_cologne(word: str, code: str) -> None:
    assert cologne(word) == code


@pytest.mark.parametrize(("name", "core"), CORES)
def test_core_name(name: str, core: str) -> None:
    assert core_name(name) == core


@pytest.mark.parametrize(("street", "key"), STREETS)
def test_street_key(street: str, key: str) -> None:
    assert street_key(street) == key


def test_precision_and_recall(record_property: Callable[[str, object], None]) -> None:
    assert len(PAIRS) >= 60
    assert 0.4 < sum(same for *_pair, same in PAIRS) / len(PAIRS) < 0.6
    warned = [(score(a, b).score >= WARN, same) for a, b, same in PAIRS]
    hits = sum(said and same for said, same in warned)
    precision = hits / sum(said for said, _same in warned)
    recall = hits / sum(same for _said, same in warned)
    blocked = sum(bool(block_keys(a) & block_keys(b)) for a, b, same in PAIRS if same) / sum(same for *_pair, same in PAIRS)
    print(f"duplicates: {len(PAIRS)} pairs, precision {precision:.3f}, recall {recall:.3f}, found by block keys {blocked:.3f}")
    record_property("precision", precision)
    record_property("recall", recall)
    wrong = [(a, b, same, score(a, b)) for (a, b, same), (said, _) in zip(PAIRS, warned, strict=True) if said != same]
    assert precision >= 0.95, wrong
    assert recall >= 0.9, wrong
    assert len(wrong) <= 1, wrong  # what was reached is kept
    assert blocked >= 0.98


REASONS = [
    (person("Eva", "Kurz", mail="e@kurz.de"), person("Eva", "Kurz", mail="E@kurz.de"), {"same_name", "same_email"}),
    (person("Eva", "Kurz", phone="0221 123456"), person("Efa", "Kurtz", phone="+49221123456"), {"similar_name", "same_phone"}),
    (firm("Bau AG", postcode="50674", street="Weg 1"), firm("Bau GmbH", postcode="50674", street="Weg 1"), {"same_name", "same_address"}),
    (firm("Bau Nord", website="bau-nord.de"), firm("Nordbau", mail="x@bau-nord.de"), {"same_domain"}),
]


@pytest.mark.parametrize(("a", "b", "reasons"), REASONS)
def test_reasons(a: Identity, b: Identity, reasons: set[str]) -> None:
    assert reasons <= set(score(a, b).reasons)


def test_a_further_address_is_looked_up_and_counts_like_the_main_one() -> None:
    a = firm("Alpha", street="Weg 1", postcode="50674", city="Köln", further=(("Kai 9", "20457", "Hamburg"), ("", "", "Ulm")))
    b = firm("Alfa Zwei", street="Kai 9", postcode="20457", city="Hamburg")
    assert "address:20457:kai9" in block_keys(a) & block_keys(b)
    assert "same_address" in score(a, b).reasons and "same_address" in score(b, a).reasons
    assert "same_city" in score(a, firm("Alpha", city="Ulm")).reasons


def test_free_mail_is_no_domain() -> None:
    a, b = firm("Alpha", mail="alpha@t-online.de"), firm("Beta", mail="beta@t-online.de")
    assert "same_domain" not in score(a, b).reasons
    assert not block_keys(a) & block_keys(b)


def test_swapped_letters_are_looked_up() -> None:
    assert block_keys(firm("Hatfan")) & block_keys(firm("Hatafn"))
    assert block_keys(firm("Stahlbau Nord GmbH")) & block_keys(firm("Stalhbau Nord"))


def test_endless_names_take_no_time() -> None:
    started = time.process_time()
    score(firm("x" * 100_000), firm("y" * 100_000))
    score(person("a" * 100_000, "b" * 100_000), person("c" * 100_000, "d" * 100_000))
    assert time.process_time() - started < 3


def test_nothing_is_no_evidence() -> None:
    assert score(Identity(kind="person"), Identity(kind="person")).score == 0
    assert block_keys(Identity(kind="person")) == set()


def test_more_evidence_never_lowers_the_score() -> None:
    a = person("Eva", "Kurz")
    bare = score(a, a).score
    for more in (
        {"emails": ("e@kurz.de",)},
        {"phones": ("0221 123456",)},
        {"street": "Weg 1", "postcode": "50674"},
        {"born": "1970-01-01"},
    ):
        richer = replace(a, **more)
        assert score(richer, richer).score > bare


texts = st.text(st.sampled_from("abcäöüß -.&GmbHStr5"), max_size=12)
identities = st.builds(
    Identity, kind=st.sampled_from(["person", "organisation"]), name=texts, first_name=texts, last_name=texts, organisation_name=texts,
    emails=st.lists(st.sampled_from(["a@b.de", "c@gmx.de", "kaputt", ""]), max_size=2).map(tuple),
    phones=st.lists(st.sampled_from(["0221 123456", "x", ""]), max_size=2).map(tuple),
    postcode=st.sampled_from(["", "50674"]), street=texts, city=texts, website=st.sampled_from(["", "b.de", "http://", "::"]),
    born=st.sampled_from(["", "1970-01-01"]),
    further=st.lists(st.tuples(texts, st.sampled_from(["", "50674", "53111"]), texts), max_size=2).map(tuple),
)  # fmt: skip


@given(identities, identities)
def test_score_is_a_share_and_has_two_equal_sides(a: Identity, b: Identity) -> None:
    match = score(a, b)
    assert 0 <= match.score <= 1
    assert match == score(b, a)
    assert bool(match.reasons) or match.score < WARN


@given(st.text(max_size=30))
def test_any_text_has_keys(text: str) -> None:
    identity = Identity(kind="organisation", name=text, emails=(text,), phones=(text,), street=text, website=text)
    assert all(isinstance(key, str) and len(key) < 120 for key in block_keys(identity))
    assert set(cologne(text)) <= set("012345678")
