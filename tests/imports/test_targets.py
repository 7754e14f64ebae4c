"""Kind and columns of a file are guessed from its header and first rows, in German and English."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from sales.imports.reading import name_key, understand
from sales.imports.targets import guess_content
from tests.imports.export_files import write_export

EXPECTED = {
    "accounts.csv": ("organisation", ["name", "industry", "founded", "revenue", "employees", "country", "parent"]),
    "products.csv": ("product", ["name", "series", "price"]),
    "sales_teams.csv": ("agent", ["name", "manager", "region"]),
    "sales_pipeline.csv": ("opportunity", ["external_id", "agent", "product", "account", "stage", "opened_on", "closed_on", "amount"]),
}


def test_the_four_files_are_recognised(tmp_path: Path) -> None:
    for path in write_export(tmp_path):
        with path.open(encoding="utf-8") as file:
            header, *rows = csv.reader(file)
        kind, mapping = guess_content(header, rows[:50])
        assert (kind, [mapping.get(str(place)) for place in range(len(header))]) == EXPECTED[path.name]


GERMAN = [
    (["Firma", "Branche", "Umsatz", "Land"], ["Werft Nord", "Bau", "12,5", "Deutschland"], "organisation", ["name", "industry", "revenue", "country"]),
    (["Produkt", "Listenpreis"], ["Kran", "1.200,00 €"], "product", ["name", "price"]),
    (["Verkäufer", "Vorgesetzter", "Gebiet"], ["Anke Harms", "Uwe Tiede", "Nord"], "agent", ["name", "manager", "region"]),
    (
        ["Vorgangsnummer", "Betreuer", "Produkt", "Kunde", "Phase", "Beginn", "Abschlussdatum", "Betrag"],
        ["V1", "Anke Harms", "Kran", "Werft Nord", "Gewonnen", "01.02.2017", "03.04.2017", "1.200,50"],
        "opportunity",
        ["external_id", "agent", "product", "account", "stage", "opened_on", "closed_on", "amount"],
    ),
]


@pytest.mark.parametrize(("header", "row", "kind", "targets"), GERMAN)
def test_german_headers(header: list[str], row: list[str], kind: str, targets: list[str]) -> None:
    found, mapping = guess_content(header, [row] * 3)
    assert (found, [mapping.get(str(place)) for place in range(len(header))]) == (kind, targets)


def test_a_stranger_is_nothing() -> None:
    assert guess_content(["x", "y"], [["1", "2"]]) == ("", {})


def test_what_cannot_be_read_is_named() -> None:
    mapping = {"0": "external_id", "1": "stage", "2": "opened_on", "3": "amount"}
    facts, reasons = understand("opportunity", ["A1", "", "31.02.2017", "−5"], mapping, ["", "", "%d.%m.%Y", ","])
    assert facts == {"external_id": "A1"}
    assert [reason[0] for reason in reasons] == ["missing", "unreadable", "unreadable"]


def test_names_are_known_whatever_their_case_and_blanks() -> None:
    assert name_key("  Größe  & Söhne ") == name_key("GRÖSSE & Söhne")
