"""Many rows at once: by COPY, by one UPDATE, and ids drawn beforehand."""

from __future__ import annotations

import threading
from collections import OrderedDict
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection

from accounts.models import Team
from contacts.models import Party
from crm.core import bulk
from crm.core.models import Change
from crm.core.work import work
from sales.imports.models import ImportFile, ImportRow, ImportRun
from tests.factories import OrganisationFactory

pytestmark = pytest.mark.django_db
ODD = "a\tb\\c\nd\re „ü“ \\N {\"x\", y}"


def test_copy_keeps_every_character() -> None:
    assert bulk.text(OrderedDict(a="b\\")) == bulk.text({"a": "b\\"}) and bulk.text(ImportRow.Verdict.NEW) == "new"  # of a kind, though not that type itself
    assert bulk.text(None) == "\\N" and bulk.text(True) == "t" and bulk.text("\\N") == "\\\\N"
    rows = bulk.Rows(Team, "name")
    rows.add(ODD)
    assert rows.write() == 1 and rows.write() == 0
    assert Team.objects.filter(name=ODD).exists()


def test_copy_keeps_lists_and_json(cast: SimpleNamespace) -> None:
    run = ImportRun.objects.create(name="x", source="y", pipeline="z", team=cast.emil.team)
    file = ImportFile.objects.create(run=run, name="x", digest="d", size=1, encoding="utf-8", delimiter=",", quotechar='"', header_row=1, header_key="k")
    rows = bulk.Rows(ImportRow, "run_id", "file_id", "line", "kind", "key", "cells", "facts", "verdict", "reasons", "asks", "changes")
    rows.add(run.pk, file.pk, 2, "organisation", ODD, [ODD, ""], {"name": ODD}, "new", [["double", {"file": ODD}]], [ODD, "", "NULL"], {})
    rows.write()
    row = ImportRow.objects.unrestricted().get(run=run)
    assert (row.key, row.cells, row.facts, row.reasons) == (ODD, [ODD, ""], {"name": ODD}, [["double", {"file": ODD}]])
    assert (row.asks, row.changes, row.before) == ([ODD, "", "NULL"], {}, None)
    assert bulk.change_rows(ImportRow, [{"id": row.pk, "asks": [ODD], "facts": {"name": ""}, "before": None, "target_id": 7}]) == 1
    row.refresh_from_db()
    assert (row.asks, row.facts, row.before, row.target_id, row.key) == ([ODD], {"name": ""}, None, 7, ODD)


def test_a_record_changed_with_others_tells_who_did_it(cast: SimpleNamespace) -> None:
    firms: list[Any] = [OrganisationFactory(employees=1) for _ in range(3)]
    with work(by=cast.emil):
        assert bulk.change_rows(Party, [{"id": firm.pk, "employees": 5, "parent_id": None, "legal_name": ODD} for firm in firms[:2]], by=cast.emil) == 2
        assert bulk.change_rows(Party, [], by=cast.emil) == 0
    now = [Party.objects.get(pk=firm.pk) for firm in firms]
    assert [(firm.employees, firm.legal_name == ODD) for firm in now] == [(5, True), (5, True), (1, False)]
    assert [firm.version for firm in now] == [firms[0].version + 1] * 2 + [firms[2].version]
    assert {firm.updated_by for firm in now[:2]} == {cast.emil} and now[0].updated_at > firms[0].updated_at
    assert set(Change.objects.filter(relation="contacts_party", op="U").values_list("actor_id", flat=True)) == {cast.emil.pk}


def test_a_place_is_drawn_once() -> None:
    first = bulk.reserve(Party, 10)
    assert first == sorted(set(first)) and len(first) == 10
    assert bulk.reserve(Party, 5)[0] > first[-1]


def test_two_who_draw_at_once_do_not_hold_each_other_up(cast: SimpleNamespace, django_assert_num_queries: Any) -> None:
    """Two workers of an import once drew again and again because the other's ids lay between theirs."""
    other: list[int] = []
    begun, over = threading.Event(), threading.Event()

    def draw() -> None:
        try:
            while not over.is_set():
                other.extend(bulk.reserve(Party, 10))
                begun.set()
        finally:
            connection.close()

    beside = threading.Thread(target=draw)
    beside.start()
    try:
        assert begun.wait(10)
        for _try in range(50):
            with django_assert_num_queries(1):
                mine = bulk.reserve(Party, 20_000)
            if mine[-1] - mine[0] >= 20_000:
                break
    finally:
        over.set()
        beside.join()
    assert len(set(mine)) == 20_000 and not set(mine) & set(other)
    assert mine[-1] - mine[0] >= 20_000, "the other drew nothing meanwhile: this shows nothing"


def test_thousands_are_asked_for_by_one_array(cast: SimpleNamespace) -> None:
    firm: Any = OrganisationFactory(legal_name="Werft")
    assert Party.objects.filter(pk__in=bulk.among([firm.pk, 0])).get().pk == firm.pk
    assert Party.objects.filter(legal_name__in=bulk.among(["Werft", "x"], "text")).get().pk == firm.pk
    assert not Party.objects.filter(pk__in=bulk.among([])).exists()
