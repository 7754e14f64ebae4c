"""Columns and values of a foreign file find their place: one table of headers, one of spellings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.core.fold import likeness
from sales.matching import Target, closest, guess_columns, verdict

TARGETS = [
    Target("number", ("Nummer", "Number", "ID", "Opportunity ID", "Verkaufschance Nr."), "text"),
    Target("name", ("Bezeichnung", "Titel", "Name", "Title", "Subject", "Betreff"), "text"),
    Target("owner", ("Verkäufer", "Zuständig", "Owner", "Sales agent", "Sales rep", "Betreuer", "Außendienst"), "text"),
    Target("product", ("Produkt", "Artikel", "Product", "Item"), "text", ("GTX Basic", "GTX Pro", "MG Special")),
    Target("party", ("Kunde", "Firma", "Organisation", "Account", "Customer", "Company"), "text"),
    Target("stage", ("Phase", "Stufe", "Stage", "Deal stage", "Status"), "text", ("Prospecting", "Engaging", "Won", "Lost")),
    Target("opened_on", ("Angelegt am", "Beginn", "Opened", "Engage date", "Created", "Start date"), "date"),
    Target("closed_on", ("Abschluss am", "Abschlussdatum", "Close date", "Closed", "End date"), "date"),
    Target("amount", ("Wert", "Betrag", "Umsatz", "Amount", "Close value", "Value", "Auftragswert"), "money"),
    Target("email", ("E-Mail", "Mail", "Email address"), "email"),
    Target("phone", ("Telefon", "Tel.", "Phone", "Durchwahl"), "phone"),
]

HEADERS = [
    ("real export", ["opportunity_id", "sales_agent", "product", "account", "deal_stage", "engage_date", "close_date", "close_value"],
     [["1C1I7A6R", "Z063OYW0"], ["Moses Frase", "Darcel Schlecht"], ["GTX Plus Basic", "GTXPro"], ["Cancity", ""], ["Won", "Engaging"],
      ["2016-10-20", ""], ["2017-03-01", ""], ["1054", ""]],
     ["number", "owner", "product", "party", "stage", "opened_on", "closed_on", "amount"]),
    ("German", ["Chance-Nr.", "Verkaeufer", "Artikel", "Firma", "Phase", "Beginn", "Abschluss", "Auftragswert (€)"],
     [["1"], ["Anna"], ["X"], ["Y GmbH"], ["Angebot"], ["01.02.2026"], ["03.04.2026"], ["1.234,50"]],
     ["number", "owner", "product", "party", "stage", "opened_on", "closed_on", "amount"]),
    ("camel case", ["OpportunityId", "SalesRep", "ProductName", "CustomerName", "DealStage", "StartDate", "CloseDate", "Amount"],
     [["1"], ["A"], ["X"], ["Y"], ["Won"], ["2026-01-01"], ["2026-01-02"], ["5"]],
     ["number", "owner", "product", "party", "stage", "opened_on", "closed_on", "amount"]),
    ("shouting and short", ["KUNDE", "E-MAIL-ADRESSE", "TEL", "UMSATZ EUR"], [["A"], ["a@b.de"], ["0221/1234567"], ["5,00"]],
     ["party", "email", "phone", "amount"]),
    ("typing errors", ["Kudne", "Prodkut", "Betrg"], [["A"], ["X"], ["5"]], ["party", "product", "amount"]),
    ("values speak where names do not", ["Spalte 1", "Spalte 2", "Spalte 3"], [["a@b.de", "c@d.de"], ["GTX Pro", "MG Special"], ["Won", "Lost"]],
     ["email", "product", "stage"]),
    ("kinds contradict", ["Betrag", "Close date"], [["abc", "def"], ["Meier", "Kurz"]], [None, None]),
    ("nothing alike", ["Lieblingsfarbe", "Haustier"], [["rot"], ["Hund"]], [None, None]),
    ("empty columns still match by name", ["Kunde", "Abschlussdatum"], [[], []], ["party", "closed_on"]),
    ("the better of two wins", ["Name", "Kunde", "Kundennummer"], [["Angebot 5"], ["A"], ["77"]], ["name", "party", None]),
    ("blank header", ["", "Kunde"], [["x"], ["y"]], [None, "party"]),
    ("twice the same header", ["Kunde", "Kunde"], [["x"], ["y"]], ["party", None]),
]  # fmt: skip


@pytest.mark.parametrize(("header", "samples", "expected"), [case[1:] for case in HEADERS], ids=[case[0] for case in HEADERS])
def test_columns(header: list[str], samples: list[list[str]], expected: list[str | None]) -> None:
    found = guess_columns(header, samples, TARGETS)
    assert [found[column][0] if column in found else None for column in range(len(header))] == expected


def test_a_target_is_given_once() -> None:
    found = guess_columns(["Kunde", "Firma", "Account"], [["a"], ["b"], ["c"]], TARGETS)
    assert [target for target, _score in found.values()].count("party") == 1


def test_an_exact_name_scores_highest() -> None:
    found = guess_columns(["Kunde", "Betrg"], [["a"], ["5"]], TARGETS)
    assert found[0][1] > found[1][1] > 0


PRODUCTS = ["GTX Basic", "GTX Pro", "MG Special", "MG Advanced", "GTX Plus Pro", "GTX Plus Basic", "GTK 500"]
SECTORS = [
    "technology",
    "medical",
    "retail",
    "software",
    "entertainment",
    "marketing",
    "telecommunications",
    "finance",
    "employment",
    "services",
]
COUNTRIES = ["United States", "Kenya", "Philippines", "Japan", "Italy", "Norway", "Korea", "Jordan", "Brazil", "Germany", "China", "Panama", "Belgium", "Romania", "Poland"]  # fmt: skip
PEOPLE = ["Moses Frase", "Darcel Schlecht", "Anna Müller", "Anna Möller", "Björn Weiß"]
FIRMS = ["Müller & Söhne GmbH", "Cancity", "dambase", "J-Texon", "Ron-tech", "Acme Corporation", "Bluth Company", "Hatfan", "Goodsilron"]

# value, candidates, verdict, best candidate
VALUES = [
    ("GTX Pro", PRODUCTS, "exact", "GTX Pro"),
    (" gtx  pro ", PRODUCTS, "exact", "GTX Pro"),
    ("GTXPro", PRODUCTS, "doubtful", "GTX Pro"),
    ("gtx-pro", PRODUCTS, "doubtful", "GTX Pro"),
    ("GTX_Plus_Pro", PRODUCTS, "doubtful", "GTX Plus Pro"),
    ("Pro GTX", PRODUCTS, "doubtful", "GTX Pro"),
    ("GTX Baisc", PRODUCTS, "similar", "GTX Basic"),
    ("MG Advnced", PRODUCTS, "similar", "MG Advanced"),
    ("GTK500", PRODUCTS, "doubtful", "GTK 500"),
    ("GTK 600", PRODUCTS, "none", None),
    ("GTK 5000", PRODUCTS, "none", None),
    ("GTX Ultra", PRODUCTS, "none", None),
    ("MG", PRODUCTS, "none", None),
    ("technolgy", SECTORS, "similar", "technology"),
    ("Technology", SECTORS, "exact", "technology"),
    ("telecomunications", SECTORS, "similar", "telecommunications"),
    ("entertainement", SECTORS, "similar", "entertainment"),
    ("retial", SECTORS, "similar", "retail"),
    ("hardware", SECTORS, "none", None),
    ("Philipines", COUNTRIES, "similar", "Philippines"),
    ("Germnay", COUNTRIES, "similar", "Germany"),
    ("UnitedStates", COUNTRIES, "doubtful", "United States"),
    ("Untied States", COUNTRIES, "similar", "United States"),
    ("Chile", COUNTRIES, "none", None),
    ("Iran", COUNTRIES, "none", None),
    ("Moses Fraser", PEOPLE, "similar", "Moses Frase"),
    ("Frase, Moses", PEOPLE, "doubtful", "Moses Frase"),
    ("Anna Mueller", PEOPLE, "doubtful", "Anna Müller"),
    ("Anna Muller", PEOPLE, "doubtful", "Anna Müller"),
    ("Anna Moeller", PEOPLE, "doubtful", "Anna Möller"),
    ("Bjoern Weiss", PEOPLE, "doubtful", "Björn Weiß"),
    ("Anne Meier", PEOPLE, "none", None),
    ("MÜLLER & SÖHNE GMBH", FIRMS, "exact", "Müller & Söhne GmbH"),
    ("Müller und Söhne GmbH", FIRMS, "similar", "Müller & Söhne GmbH"),
    ("Dambase", FIRMS, "exact", "dambase"),
    ("J Texon", FIRMS, "doubtful", "J-Texon"),
    ("Rontech", FIRMS, "doubtful", "Ron-tech"),
    ("Acme Corporaton", FIRMS, "similar", "Acme Corporation"),
    ("Acme", FIRMS, "none", None),
    ("Hatfam", FIRMS, "similar", "Hatfan"),
    ("Goodsliron", FIRMS, "similar", "Goodsilron"),
    ("", FIRMS, "none", None),
    ("   ", FIRMS, "none", None),
    ("Won", ["Won", "Lost"], "exact", "Won"),
    ("Now", ["Won", "Lost"], "none", None),
    ("Last", ["Won", "Lost"], "similar", "Lost"),
]


@pytest.mark.parametrize(("value", "candidates", "expected", "best"), VALUES)
def test_values(value: str, candidates: list[str], expected: str, best: str | None) -> None:
    found = closest(value, candidates)
    assert (verdict(found[0][1]) if found else "none") == expected
    assert (found[0][0] if found else None) == best


def test_the_nearest_come_first() -> None:
    assert [name for name, _score in closest("Anna Mller", PEOPLE)] == ["Anna Müller", "Anna Möller"]
    assert len(closest("aaaa1", ["aaaa 1", "a aaa1", "aa aa1", "aaa a1"], limit=2)) == 2


def test_an_exact_value_leaves_no_choice() -> None:
    assert closest("GTX Pro", ["GTX Pro", "GTXPro"]) == [("GTX Pro", 1.0)]


@given(st.text(max_size=12), st.text(max_size=12))
def test_likeness_is_a_share_and_has_two_equal_sides(a: str, b: str) -> None:
    assert 0 <= likeness(a, b) == likeness(b, a) <= 1
    assert likeness(a, a) == 1


def test_likeness_counts_swapped_neighbours_once() -> None:
    assert likeness("retial", "retail") == pytest.approx(1 - 1 / 6)
    assert likeness("abcd", "abc") == pytest.approx(0.75)


def test_a_long_list_is_quick() -> None:
    names = [f"Firma {chr(97 + n % 26)}{n * 7919 % 10007} Handel" for n in range(3000)]
    assert closest("Firma a0 Handle", names)
    assert closest("x" * 5000, names) == []
