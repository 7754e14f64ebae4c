"""What the columns of each kind of file may fill, and which kind a header speaks of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.utils.translation import gettext_lazy as _

from sales.imports.models import Kind
from sales.matching import Target, guess_columns
from sales.presets import PIPELINES


@dataclass(frozen=True, eq=False)  # each exists once
class Field:
    """A target: `names` are the headers it is known by, `kind` as in `sales.matching.Target`, `length` the characters it holds."""

    key: str
    label: Any
    names: tuple[str, ...]
    kind: str = "text"
    required: bool = False
    length: int = 160
    examples: tuple[str, ...] = ()


_STATES = tuple(word for _key, german, english, _rate, _gate in PIPELINES["short"][2] for word in (german, english))
_STATES += ("Won", "Lost", "Gewonnen", "Verloren")

FIELDS: dict[str, tuple[Field, ...]] = {
    Kind.AGENT: (
        Field("name", _("name of the person"), ("Sales agent", "Agent", "Sales rep", "Salesperson", "Owner", "Verkäufer", "Mitarbeiter", "Betreuer", "Vertriebler"), required=True, length=150),
        Field("manager", _("led by"), ("Manager", "Team lead", "Supervisor", "Vorgesetzter", "Vertriebsleiter", "Leitung", "Teamleiter"), length=80),
        Field("region", _("region"), ("Region", "Regional office", "Office", "Territory", "Gebiet", "Niederlassung", "Regionalbüro", "Vertriebsgebiet"), length=80),
    ),
    Kind.PRODUCT: (
        Field("name", _("product"), ("Product", "Product name", "Produkt", "Artikel", "Produktname", "Bezeichnung"), required=True, length=120),
        Field("number", _("article number"), ("Article number", "SKU", "Product number", "Artikelnummer", "Produktnummer"), length=60),
        Field("series", _("series"), ("Series", "Product line", "Category", "Serie", "Produktreihe", "Baureihe", "Warengruppe"), length=60),
        Field("price", _("list price"), ("Sales price", "List price", "Price", "Unit price", "Listenpreis", "Preis", "Verkaufspreis"), "money"),
    ),
    Kind.ORGANISATION: (
        Field("name", _("name of the organisation"), ("Account", "Account name", "Company", "Organisation", "Customer", "Firma", "Firmenname", "Unternehmen", "Kunde", "Konto"), required=True),
        Field("industry", _("industry"), ("Sector", "Industry", "Branche", "Industrie", "Wirtschaftszweig"), length=120),
        Field("founded", _("founded"), ("Year established", "Founded", "Year founded", "Gründungsjahr", "Gegründet", "Gründung"), "number"),
        Field("revenue", _("yearly revenue (million)"), ("Revenue", "Annual revenue", "Turnover", "Umsatz", "Jahresumsatz"), "money"),
        Field("employees", _("employees"), ("Employees", "Number of employees", "Headcount", "Mitarbeiter", "Mitarbeiterzahl", "Beschäftigte"), "number"),
        Field("country", _("country"), ("Office location", "Country", "Location", "Land", "Standort", "Staat", "Sitz"), length=80),
        Field("city", _("city"), ("City", "Town", "Ort", "Stadt"), length=80),
        Field("parent", _("belongs to"), ("Subsidiary of", "Parent", "Parent account", "Parent company", "Tochter von", "Gehört zu", "Muttergesellschaft", "Konzern")),
    ),
    Kind.OPPORTUNITY: (
        Field("external_id", _("number there"), ("Opportunity ID", "ID", "Deal ID", "Opportunity number", "Vorgangsnummer", "Chancennummer", "Nummer", "Verkaufschance Nr"), required=True, length=120),
        Field("name", _("name"), ("Opportunity name", "Deal name", "Title", "Name", "Titel", "Betreff", "Verkaufschance")),
        Field("agent", _("owner"), ("Sales agent", "Agent", "Owner", "Sales rep", "Salesperson", "Verkäufer", "Betreuer", "Betreut von", "Zuständig", "Mitarbeiter")),
        Field("product", _("product"), ("Product", "Product name", "Produkt", "Artikel")),
        Field("account", _("organisation"), ("Account", "Account name", "Company", "Customer", "Organisation", "Kunde", "Firma", "Unternehmen")),
        Field("stage", _("stage or result"), ("Deal stage", "Stage", "Status", "State", "Phase", "Stufe", "Ergebnis", "Stand"), required=True, length=120, examples=_STATES),
        Field("opened_on", _("opened"), ("Engage date", "Created", "Created date", "Open date", "Start date", "Eröffnet", "Angelegt am", "Beginn", "Kontakt am", "Erstellt"), "date"),
        Field("closed_on", _("closed"), ("Close date", "Closed", "Closed date", "Won date", "Abgeschlossen", "Abschlussdatum", "Abschluss", "Geschlossen am"), "date"),
        Field("expected_close", _("expected close"), ("Expected close", "Expected close date", "Forecast date", "Abschluss erwartet", "Erwarteter Abschluss"), "date"),
        Field("amount", _("amount"), ("Close value", "Amount", "Value", "Deal value", "Wert", "Betrag", "Summe", "Auftragswert", "Abschlusswert"), "money"),
    ),
}  # fmt: skip


def field_of(kind: str, key: str) -> Field:
    """The target of this kind with this key."""
    return next(field for field in FIELDS[kind] if field.key == key)


@cache
def _targets(kind: str) -> tuple[Target, ...]:
    return tuple(Target(field.key, field.names, field.kind, field.examples) for field in FIELDS[kind])


def guess_mapping(kind: str, header: Sequence[str], samples: Sequence[Sequence[str]]) -> dict[str, str]:
    """{column: target}; `samples` are rows. A column that fits nothing is left out."""
    columns = [[row[place] if place < len(row) else "" for row in samples] for place in range(len(header))]
    found = guess_columns(header, columns, _targets(kind))
    return {str(column): key for column, (key, _score) in sorted(found.items())}


def guess_content(header: Sequence[str], samples: Sequence[Sequence[str]]) -> tuple[str, dict[str, str]]:
    """(kind, mapping): the kind whose targets explain most of the columns, ("", {}) if none has all it requires."""
    columns = [[row[place] if place < len(row) else "" for row in samples] for place in range(len(header))]
    best: tuple[float, str, dict[str, str]] = (0.0, "", {})
    for kind in Kind.values:
        found = guess_columns(header, columns, _targets(kind))
        mapping = {str(column): key for column, (key, _score) in sorted(found.items())}
        explained = sum(score for _key, score in found.values()) / max(len(header), 1)
        if not missing(kind, mapping) and explained > best[0]:
            best = (explained, kind, mapping)
    return best[1], best[2]


def missing(kind: str, mapping: Mapping[str, str]) -> list[Field]:
    """The required targets that no column fills."""
    return [field for field in FIELDS[kind] if field.required and field.key not in mapping.values()]
