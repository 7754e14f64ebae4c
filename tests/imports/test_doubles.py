"""Files of organisations are judged in parts by several workers: what stands twice or is here already is seen, and rows are shown in the order of the file."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection, transaction
from django.urls import reverse

from contacts.models import Party
from crm.core import jobs
from crm.core.models import Job
from crm.core.work import work
from sales.imports import checking, services, tally
from sales.imports.models import ImportRow, ImportRun
from tests.imports.steps import apply, begin, check, run_to_end

pytestmark = pytest.mark.django_db


def _file(path: Path, lines: list[str]) -> Path:
    path.write_text("account,sector,office_location\n" + "".join(line + "\n" for line in lines), encoding="utf-8")
    return path


def _judged_backwards(run: ImportRun, by: Any) -> ImportRun:
    """As if the worker with the last part had been the quickest."""
    job = services.map_files(run, {file.pk: (file.kind, file.mapping) for file in run.files.all()}, pipeline=run.pipeline, by=by)
    while Job.objects.filter(pk=job.pk, state__in=jobs.OPEN).exists():
        parts = list(job.parts.order_by("-pk"))
        if not parts and jobs._do_step(job)[0]:
            break
        for part in parts:
            with work(by=by, job=job.pk):
                checking.check_part(job, part.params)
                part.delete()
    run.refresh_from_db()
    assert run.state == ImportRun.State.CHECKED
    return run


def test_the_first_of_a_name_counts_over_parts_and_files(cast: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "CHUNK", 20)
    lines = [f"Werft {number},retail,Germany" for number in range(50)]
    lines[45] = " werft  3,unheard of,Germany"
    paths = [_file(tmp_path / "a.csv", lines), _file(tmp_path / "b.csv", ["WERFT 3,retail,Germany", "Neu,retail,Atlantis", "Werft 49,retail,Germany"])]
    run = _judged_backwards(begin(paths, cast.emil), cast.emil)
    refused = {(row.file.name, row.line): row for row in run.rows.select_related("file").filter(verdict="refused")}
    assert {place: row.reasons for place, row in refused.items()} == {
        ("a.csv", 47): [["double", {"file": "a.csv", "line": 5}]],
        ("b.csv", 2): [["double", {"file": "a.csv", "line": 5}]],
        ("b.csv", 4): [["double", {"file": "a.csv", "line": 51}]],
    }
    assert all(row.target_id is None and row.asks == [] and row.changes == {} for row in refused.values())
    # Nobody is asked for the branch of a row that is not taken in; the country of one that is stays a question.
    assert list(run.questions.values_list("kind", "value", "rows")) == [("country", "Atlantis", 1)]
    assert [(str(one["sentence"]), one["count"]) for one in tally.reasons(run)] == [("Zum Beispiel: Dasselbe wie Zeile 5 von „a.csv“.", 3)]
    assert run.rows.count() == 53 and run.rows.filter(file__name="a.csv").first().kind == "organisation"


def test_what_was_refused_before_stays_first_and_keeps_its_reason(cast: SimpleNamespace, tmp_path: Path) -> None:
    run = check(begin([_file(tmp_path / "a.csv", ["Kern,retail,Germany,zu,viel", "Kern,retail,Germany", "kern,retail,Germany"])], cast.emil), cast.emil)
    reasons = [row.reasons[0][0] for row in run.rows.order_by("line")]
    assert reasons == ["beyond_header", "double", "double"]
    assert {row.reasons[0][1]["line"] for row in run.rows.filter(line__gt=2)} == {2}
    assert [(str(one["sentence"]), one["count"]) for one in tally.reasons(run) if one["key"] == "double"] == [("Dasselbe wie Zeile 2 von „a.csv“.", 2)]


def test_who_was_renamed_here_is_known_by_what_the_source_calls_it(cast: SimpleNamespace, tmp_path: Path) -> None:
    path = _file(tmp_path / "a.csv", ["Werft Süd,retail,Germany"])
    apply(check(begin([path], cast.emil), cast.emil), cast.emil)
    firm = Party.objects.get(legal_name="Werft Süd")
    Party.objects.filter(pk=firm.pk).update(legal_name="Werft Nord")
    run = check(begin([path], cast.emil), cast.emil)
    assert list(run.rows.values_list("verdict", "target_id")) == [("matched", firm.pk)]
    assert list(check(begin([path], cast.emil, source="Anderswo"), cast.emil).rows.values_list("verdict", flat=True)) == ["new"]


def test_pages_go_on_in_the_order_of_the_file(cast: SimpleNamespace, sign_in: Callable[[Any], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "CHUNK", 20)
    paths = [_file(tmp_path / "a.csv", [f"Werft {number},retail,Germany" for number in range(90)]), _file(tmp_path / "b.csv", [f"Kai {number},retail,Germany" for number in range(30)])]
    run = _judged_backwards(begin(paths, cast.emil), cast.emil)
    by_key, by_place = (list(run.rows.order_by(*order).values_list("pk", flat=True)) for order in (["pk"], ["file", "line"]))
    assert by_key != by_place
    browser, shown, address = sign_in(cast.emil), [], reverse("import-rows", args=[run.pk])
    while address:
        page = browser.get(address).content.decode()
        shown += re.findall(r">((?:Werft|Kai) \d+)<", page)
        further = re.search(r'rel="next" href="(\?[^"]+)"', page)
        address = reverse("import-rows", args=[run.pk]) + further[1].replace("&amp;", "&") if further else ""
    assert list(dict.fromkeys(shown)) == [f"Werft {number}" for number in range(90)] + [f"Kai {number}" for number in range(30)]


@pytest.mark.django_db(transaction=True)
def test_two_workers_ask_the_same_question_once(cast: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One has asked and not yet committed when the other asks: it waits, and asks nothing twice."""
    monkeypatch.setattr(checking, "CHUNK", 20)
    run = begin([_file(tmp_path / "a.csv", [f"Werft {number},unheard of,Germany" for number in range(39)])], cast.emil)
    job = services.map_files(run, {file.pk: (file.kind, file.mapping) for file in run.files.all()}, pipeline=run.pipeline, by=cast.emil)
    while not job.parts.exists():
        jobs._do_step(job)
    first, second = job.parts.order_by("pk")
    failed: list[BaseException] = []

    def other() -> None:
        try:
            with work(by=cast.emil, job=job.pk):
                checking.check_part(job, second.params)
        except BaseException as error:
            failed.append(error)
        finally:
            connection.close()

    beside = threading.Thread(target=other)
    with transaction.atomic(), work(by=cast.emil, job=job.pk):
        checking.check_part(job, first.params)
        beside.start()
        beside.join(1)
        assert beside.is_alive()
    beside.join(30)
    job.parts.all().delete()
    run_to_end(job)
    assert not failed and ImportRow.objects.filter(run=run).count() == 39
    assert list(run.questions.values_list("value", "rows")) == [("unheard of", 39)]
