"""The bench: our pages show what hand-written SQL returns for the same reader, and cost little more."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection

from crm import today
from crm.bench import floors, measure, results, walk
from crm.bench.personas import of_each_role, personas
from crm.core.digest import digest
from tests.proofs import Figures

pytestmark = pytest.mark.django_db


@pytest.mark.proof("bench")
def test_the_bench_finds_the_same_rows(grown: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, figures: Figures) -> None:
    """What the pages show is what the hand-written SQL returns, for whoever sees all, much, little and next to nothing. Red control: a gate that
    opens one team too many is seen."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    names = ["people", "organisations", "search", "palette", "longest", "opportunities", "board", "queue", "check", "segment"]
    monkeypatch.setattr(measure, "TIMES", 1)
    call_command("bench", *names, json=tmp_path / "bench.json", stdout=StringIO())
    rows = json.loads((tmp_path / "bench.json").read_text())
    assert {row["persona"] for row in rows} == {"management", "wide", "narrow", "few", "rep"} and len(rows) > 60
    readers = {reader.name: reader for reader in personas()}
    assert readers["narrow"].sees > readers["narrow"].reached == min(reader.reached for name, reader in readers.items() if name != "few")
    other = [(row["operation"], row["persona"]) for row in rows if not row["same"]]
    above = [(row["operation"], row["persona"], row["buffers"]) for row in rows if not row["holds"]]
    print(*other, *above, sep="\n")
    figures.record("lines measured", len(rows), "lines")
    figures.record("lines that show other rows than the floor", len(other), "lines", "0", not other)
    figures.record("lines above three times the floor and 3,000 buffers", len(above), "lines", "0", not above)

    monkeypatch.setattr(floors.Gate, "walk", lambda gate: ("true", []))
    call_command("bench", "people, first page", persona=["few"], json=tmp_path / "red.json", stdout=StringIO())
    assert not json.loads((tmp_path / "red.json").read_text())[0]["same"]


@pytest.mark.proof("bench")
def test_a_walk_from_page_to_page_finds_what_costs_much(grown: list[str], monkeypatch: pytest.MonkeyPatch, figures: Figures) -> None:
    """Of each role, from the first page along the links. Red controls: a page that reads one table row by row is told, and one that falls."""
    monkeypatch.setattr(walk, "SAME", 1)
    monkeypatch.setattr(walk, "SAME_VIEW", 2)
    pages = [page for persona in of_each_role() for page in walk.walk(persona)]
    missed = [page.line() for page in pages if not page.holds]
    print(*missed, sep="\n")
    figures.record("pages walked to", len(pages), "pages", "> 300", len(pages) > 300)
    figures.record("pages that failed or touch more than 100,000 buffers", len(missed), "pages", "0", not missed)

    def one_by_one(*_: Any) -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(p) FROM generate_series(1, 60000) n, LATERAL (SELECT id FROM contacts_party WHERE id >= n % 700 ORDER BY id LIMIT 1) p")
        return []

    def falls(*_: Any) -> list[Any]:
        raise ZeroDivisionError

    seller = next(persona for persona in of_each_role() if persona.name == "Vertrieb")
    for broken, status in ((one_by_one, 200), (falls, 500)):
        monkeypatch.setattr(today, "_quiet", broken)
        page = next(page for page in walk.walk(seller) if page.url.startswith("/today"))
        assert (page.status, page.holds) == (status, False)


@pytest.mark.parametrize(("ours", "floor", "grows", "outgrows"), [(12_000, 1_000, False, False), (40_000, 1_200, True, True), (40_000, 3_500, True, False)])
def test_growth_is_told_beside_that_of_the_floor(ours: int, floor: int, grows: bool, outgrows: bool) -> None:
    """Of a stock that grew tenfold: a list that reads as little as before, one that reads four times as much as the best SQL need, and one for
    which the best SQL reads four times as much itself."""
    earlier = {("search", "wide"): {"buffers": 10_000, "floor_buffers": 1_000}}
    grown, floor_grown = results._grown(earlier["search", "wide"], ours, floor)
    line = results.Result("search", "wide", 1.0, ours, floor, 3, 1.0, 1.0, 1.0, True, growth=grown, floor_growth=floor_grown)
    assert (line.grows, line.outgrows) == (grows, outgrows)
    assert line.line().split()[-2:] == [f"{ours / 10_000:.1f}", f"{floor / 1_000:.1f}"]


@pytest.mark.proof("bench")
def test_long_work_does_what_plain_sql_does_and_leaves_nothing(grown: list[str], tmp_path: Path, figures: Figures) -> None:
    """Exports, import, bulk update, a team that moves and signing in, in small: the same files and rows as by hand, and nothing of it stays."""
    before = digest(model for model in apps.get_models() if not model._meta.proxy)
    call_command("bench", "export", "import", "bulk", "team", "sign-in", long=True, rows=120, json=tmp_path / "long.json", stdout=StringIO())
    rows = json.loads((tmp_path / "long.json").read_text())
    print(*rows, sep="\n")
    assert {row["operation"].split(",")[0] for row in rows} == {"export", "import", "bulk update", "team", "sign-in"} and len(rows) > 12
    other = [(row["operation"], row["persona"]) for row in rows if not row["same"]]
    figures.record("long works", len(rows), "lines")
    figures.record("long works that do something else than plain SQL", len(other), "lines", "0", not other)
    differing = [table for table, now in digest(model for model in apps.get_models() if not model._meta.proxy).items() if now != before[table]]
    figures.record("tables that differ afterwards", len(differing), "tables", "0", not differing)
