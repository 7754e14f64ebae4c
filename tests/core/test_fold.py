"""Names in order and found in every spelling: one table judges Python and SQL alike."""

import unicodedata

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from crm.core.fold import Fold, Grams, Sort, fold, grams, inner_grams, sort_key

# text, crm_sort, crm_fold
NAMES = [
    ("", "", ""),
    ("Bauer", "bauer", "baur"),
    ("Baumann", "baumann", "baumann"),
    ("Müller", "muller", "muller"),
    ("Mueller", "mueller", "muller"),
    ("Muller", "muller", "muller"),
    ("MÜLLER", "muller", "muller"),
    ("Mu\u0308ller", "muller", "muller"),  # decomposed, as macOS writes file names
    ("François", "francois", "francois"),
    ("Núñez", "nunez", "nunez"),
    ("Çelik", "celik", "celik"),
    ("Søren", "soren", "soren"),
    ("Soeren", "soeren", "soren"),
    ("Łukasz", "lukasz", "lukasz"),
    ("Đorđević", "dordevic", "dordevic"),
    ("Straße", "strasse", "strasse"),
    ("STRASSE", "strasse", "strasse"),
    ("STRAẞE", "strasse", "strasse"),
    ("Erdoğan", "erdogan", "erdogan"),
    ("ĞÜRSEL", "gursel", "gursel"),
    ("İstanbul", "istanbul", "istanbul"),
    ("Istanbul", "istanbul", "istanbul"),
    ("Işık", "isik", "isik"),
    ("Diyarbakır", "diyarbakir", "diyarbakir"),
    ("Ærø", "aero", "aro"),
    ("Œuvre", "oeuvre", "ouvre"),
    ("Goethe", "goethe", "gothe"),
    ("Göthe", "gothe", "gothe"),
    ("Böhm", "bohm", "bohm"),
    ("Boehm", "boehm", "bohm"),
    ("Ångström", "angstrom", "angstrom"),
    ("Dvořák", "dvorak", "dvorak"),
    ("Škoda", "skoda", "skoda"),
    ("Nguyễn", "nguyen", "nguyen"),
    ("Ștefan", "stefan", "stefan"),
    ("O'Neill", "o'neill", "o'neill"),
    ("Groß-Gerau", "gross-gerau", "gross-gerau"),
    ("ΝΙΚΟΣ", "νικοσ", "νικοσ"),
    ("Νίκος", "νικοσ", "νικοσ"),
    ("Йошкар", "иошкар", "иошкар"),
    ("東京", "東京", "東京"),
    ("100 % & \\ 'x' \"y\"", "100 % & \\ 'x' \"y\"", "100 % & \\ 'x' \"y\""),
    ("e\u0301\u0323", "e", "e"),
    ("\u0300", "", ""),
    ("\u036f", "", ""),
]

# Every line in the order a German phone book reader expects.
ORDERS = [
    ["Bauer", "Baumann", "Bäumer", "Bayer"],
    ["Ábel", "Adam", "Ärzte", "Zoe"],
    ["Muller", "Muñoz"],
    ["Oskar", "Øster", "Otto"],
    ["Lukas", "Łukasz", "Lutz"],
    ["Strasser", "Straßer A", "Strauß"],
]


@pytest.mark.parametrize(("text", "sort", "folded"), NAMES)
def test_table(text: str, sort: str, folded: str) -> None:
    assert sort_key(text) == sort
    assert fold(text) == folded


@pytest.mark.parametrize("names", ORDERS)
def test_order(names: list[str]) -> None:
    assert sorted(names[1:] + names[:1], key=sort_key) == names


@pytest.mark.parametrize("same", [("Müller", "Mueller", "Muller"), ("Goethe", "Göthe"), ("Søren", "Soeren"), ("Straße", "STRASSE")])
def test_spellings_meet(same: tuple[str, ...]) -> None:
    assert len({fold(text) for text in same}) == 1


LETTERS = st.text(st.sampled_from("aeouAEOUäöüÄÖÜßæœøłıİñçmlr -"), max_size=24)


@given(LETTERS, LETTERS)
def test_what_is_typed_so_far_finds_the_whole(start: str, rest: str) -> None:
    """A prefix stays a prefix after folding, or search-as-you-type would lose hits between two keys."""
    assert fold(start + rest).startswith(fold(start).rstrip())
    assert sort_key(start + rest).startswith(sort_key(start))


@given(st.text())
def test_no_mark_survives(text: str) -> None:
    assert not any("\u0300" <= char <= "\u036f" for char in fold(text) + sort_key(text))
    assert sort_key(sort_key(text)) == sort_key(text)


def test_grams() -> None:
    assert grams("") == []
    assert grams("ab") == sorted(["  a", " ab", "ab "])
    assert grams("mull") == sorted(["  m", " mu", "mul", "ull", "ll "])
    assert inner_grams("ull") == ["ull"]
    assert inner_grams("ul") == []


@given(
    st.text(st.sampled_from("abcü "), max_size=12),
    st.text(st.sampled_from("abc"), min_size=3, max_size=4),
    st.text(st.sampled_from("abcü "), max_size=12),
)
def test_an_inner_part_has_its_grams_in_the_whole(before: str, part: str, after: str) -> None:
    assert set(inner_grams(part)) <= set(grams(before + part + after))


def in_sql(function: str, texts: list[str]) -> list[object]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(t) FROM unnest(%s::text[]) WITH ORDINALITY AS given(t, place) ORDER BY place", [texts])
        return [row[0] for row in cursor.fetchall()]


@pytest.mark.django_db
def test_sql_agrees_on_the_table() -> None:
    texts = [text for text, _sort, _folded in NAMES]
    assert in_sql("crm_sort", texts) == [sort for _text, sort, _folded in NAMES]
    assert in_sql("crm_fold", texts) == [folded for _text, _sort, folded in NAMES]
    assert in_sql("crm_grams", texts) == [grams(text) for text in texts]


@pytest.mark.django_db
def test_sql_agrees_on_every_character() -> None:
    """All characters both Unicode tables know. Python lowers a few characters to two (SpecialCasing), Postgres by the simple table."""
    texts = [f"x{chr(code)}e" for code in range(1, 0x20000) if unicodedata.category(chr(code)) not in ("Cn", "Cs")]
    assert [t for t, sql in zip(texts, in_sql("crm_sort", texts), strict=True) if sort_key(t) != sql] == []
    assert [t for t, sql in zip(texts, in_sql("crm_fold", texts), strict=True) if fold(t) != sql] == []


@pytest.mark.django_db
def test_sql_does_not_depend_on_the_columns_collation() -> None:
    """lower() under COLLATE "C" knows ASCII only; stored keys are such columns, so the function must name its own rules."""
    with connection.cursor() as cursor:
        cursor.execute("""SELECT crm_sort('ÄÖÜẞ' COLLATE "C"), crm_fold('ØŁ' COLLATE "C"), crm_sort(NULL)""")
        assert cursor.fetchone() == ("aouss", "ol", None)


@pytest.mark.django_db
def test_sql_may_stand_in_an_index() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT proname, provolatile, proparallel, proisstrict FROM pg_proc WHERE proname = ANY(%s) ORDER BY proname",
            [["crm_sort", "crm_fold", "crm_grams"]],
        )
        assert cursor.fetchall() == [(name, "i", "s", True) for name in ("crm_fold", "crm_grams", "crm_sort")]
        # With an empty search path nothing unqualified would be found: as pg_restore and autovacuum run.
        cursor.execute("SELECT current_schema()")
        (schema,) = cursor.fetchone()
        cursor.execute("SET LOCAL search_path = pg_catalog")
        cursor.execute(f"SELECT {schema}.crm_sort('Ä'), {schema}.crm_fold('Müller'), {schema}.crm_grams('ab')")
        assert cursor.fetchone() == ("a", "muller", ["  a", " ab", "ab "])


def test_expressions_name_the_functions() -> None:
    assert [(f.function, f.arity) for f in (Sort, Fold, Grams)] == [("crm_sort", 1), ("crm_fold", 1), ("crm_grams", 1)]
