"""The pages of the import: uploads good and bad, columns, decisions, rights, stop and resume."""

from __future__ import annotations

import codecs
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile
from django.test import override_settings
from django.urls import reverse

from crm.core import jobs
from crm.core.models import Job
from sales.imports import applying, checking
from sales.imports.models import ImportFile, ImportRun
from sales.models import Opportunity
from tests.imports.export_files import write_export
from tests.imports.steps import apply, begin, business_digest, check, revert, run_to_end

pytestmark = pytest.mark.django_db

CREATE = "import-create"
GOOD = SimpleUploadedFile("produkte.csv", "Produkt;Listenpreis\nKran groß;1.200,50\nWinde;55,00\n".encode("cp1252"))


def upload(name: str, content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def test_encoding_delimiter_and_header_are_found(cast: SimpleNamespace, sign_in: Callable[[Any], Any]) -> None:
    GOOD.seek(0)
    wide = codecs.BOM_UTF16_LE + "Firma\tLand\nÄhre & Öl\tDeutschland\nÉtoile\tFrankreich\n".encode("utf-16-le")
    answer = sign_in(cast.emil).post(reverse(CREATE), {"source": "Alt", "files": [GOOD, upload("firmen.txt", wide)]})
    assert answer.status_code == 302
    products, firms = ImportFile.objects.order_by("name").reverse()
    assert (products.kind, products.encoding, products.delimiter, products.mapping) == ("product", "cp1252", ";", {"0": "name", "1": "price"})
    assert (firms.kind, firms.delimiter, firms.mapping, firms.samples[0][0]) == ("organisation", "\t", {"0": "name", "1": "country"}, "Ähre & Öl")


BAD = {
    "nothing": b"",
    "nul": b"a,b\n1,2\n" * 30_000 + b"3,\x004\n",
    "one long line": b"x" * 5_000_000,
    "many columns": b",".join(b"c%d" % n for n in range(100_000)) + b"\n" + b",".join(b"1" for _ in range(100_000)) + b"\n",
    "a picture": b"\x89PNG\r\n\x1a\n" + b"\x00\x01" * 500,
    "header only": b"Firma;Land\n",
    "open quote": b'a,b\n"1,2\n',
}


@pytest.mark.parametrize("content", BAD.values(), ids=BAD.keys())
def test_a_file_that_is_none_is_refused_in_words_and_nothing_is_lost(content: bytes, cast: SimpleNamespace, sign_in: Callable[[Any], Any]) -> None:
    browser = sign_in(cast.emil)
    GOOD.seek(0)
    begun = time.process_time()
    answer = browser.post(reverse(CREATE), {"source": "Mein Altsystem", "files": [GOOD, upload("kaputt.csv", content)]})
    assert time.process_time() - begun < 2
    assert answer.status_code == 422 and not ImportRun.objects.exists()
    page = answer.content.decode()
    assert "kaputt.csv: " in page or not content
    assert "Mein Altsystem" in page and "produkte.csv" in page
    kept = page.split('name="kept" value="')[1].split('"')[0]
    again = browser.post(reverse(CREATE), {"source": "Mein Altsystem", "kept": kept})
    assert again.status_code == 302
    assert ImportFile.objects.get().name == "produkte.csv"


@override_settings(LOTSE_UPLOAD_LIMIT=100_000)
def test_a_file_beyond_the_limit_is_passed_over(cast: SimpleNamespace, sign_in: Callable[[Any], Any]) -> None:
    huge = TemporaryUploadedFile("riese.csv", "text/csv", 0, None)
    huge.write(b"a" * 3_000_000)
    huge.seek(0)
    GOOD.seek(0)
    answer = sign_in(cast.emil).post(reverse(CREATE), {"source": "Alt", "files": [huge, GOOD]})
    assert answer.status_code == 422
    assert "riese.csv" in answer.content.decode() and "produkte.csv" in answer.content.decode()


def test_without_a_source_the_files_are_kept(cast: SimpleNamespace, sign_in: Callable[[Any], Any]) -> None:
    GOOD.seek(0)
    answer = sign_in(cast.emil).post(reverse(CREATE), {"source": "", "files": [GOOD]})
    assert answer.status_code == 422 and 'name="kept"' in answer.content.decode()


@pytest.mark.parametrize("forged", ["x", "WzEsMl0:1:abc", "../../etc/passwd"])
def test_a_forged_token_is_no_file(forged: str, cast: SimpleNamespace, sign_in: Callable[[Any], Any]) -> None:
    answer = sign_in(cast.emil).post(reverse(CREATE), {"source": "Alt", "kept": forged})
    assert answer.status_code == 422 and not ImportRun.objects.exists()


def test_the_mapping_is_remembered_for_the_same_header(cast: SimpleNamespace, sign_in: Callable[[Any], Any], tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("Xq;Zw\nKran;5\nWinde;7\n")
    run = begin([path], cast.emil)
    file = run.files.get()
    assert file.kind == ""
    browser = sign_in(cast.emil)
    data = {f"kind-{file.pk}": "product", f"col-{file.pk}-0": "name", f"col-{file.pk}-1": "price", "pipeline": run.pipeline}
    assert browser.post(reverse("import-check", args=[run.pk]), {**data, "again": file.pk}).status_code == 302
    file.refresh_from_db()
    assert (file.kind, file.confirmed) == ("product", False)
    assert browser.post(reverse("import-check", args=[run.pk]), data).status_code == 302
    assert begin([path], cast.emil).files.get().mapping == {"0": "name", "1": "price"}


def test_two_columns_cannot_fill_one_target_and_what_is_needed_is_said(cast: SimpleNamespace, sign_in: Callable[[Any], Any], tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("Produkt;Preis\nKran;5\n")
    run = begin([path], cast.emil)
    file, browser, url = run.files.get(), sign_in(cast.emil), reverse("import-check", args=[run.pk])
    for first, second in (("name", "name"), ("", "price"), ("nonsense", "price"), ("external_id", "")):
        data = {f"kind-{file.pk}": "product", f"col-{file.pk}-0": first, f"col-{file.pk}-1": second, "pipeline": run.pipeline}
        assert browser.post(url, data).status_code == 422
    assert not Job.objects.exists()


@pytest.mark.parametrize(("name", "sees"), [("emil", True), ("clara", False), ("anna", None), ("greta", None), ("frieda", None)])
def test_an_import_is_seen_by_those_who_hold_the_right(name: str, sees: bool | None, cast: SimpleNamespace, sign_in: Callable[[Any], Any], tmp_path: Path) -> None:
    write_export(tmp_path, opportunities=5)
    run = begin(sorted(tmp_path.iterdir()), cast.emil)
    browser = sign_in(getattr(cast, name))
    status = browser.get(reverse("import-detail", args=[run.pk])).status_code
    assert status == {True: 200, False: 404, None: 403}[sees]
    for address in ("import-check", "import-apply", "import-revert", "import-stop", "import-resume", "import-remap"):
        assert (browser.post(reverse(address, args=[run.pk])).status_code in (403, 404)) == (sees is not True)
    assert browser.get(reverse("import-rows", args=[run.pk])).status_code == status


def test_a_lead_brings_in_only_what_the_lead_may(cast: SimpleNamespace, tmp_path: Path) -> None:
    """Clara leads one team: no new users, teams and products; opportunities only in her team."""
    write_export(tmp_path, opportunities=40)
    run = check(begin(sorted(tmp_path.iterdir()), cast.clara), cast.clara)
    refused = {kind: run.rows.filter(kind=kind, verdict="refused").count() for kind in ("agent", "product")}
    assert refused == {"agent": 13, "product": 5}
    apply(run, cast.clara, agent="empty", product="empty")
    assert set(Opportunity.objects.values_list("team", "owner")) == {(cast.clara.team_id, None)}
    assert run.rows.filter(outcome="").count() == 0


def test_stopped_and_resumed_nothing_is_twice(cast: SimpleNamespace, sign_in: Callable[[Any], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applying, "CHUNK", 20)
    write_export(tmp_path, opportunities=60)
    run = check(begin(sorted(tmp_path.iterdir()), cast.emil), cast.emil)
    browser = sign_in(cast.emil)
    answers = {f"q-{question.pk}": question.choice for question in run.questions.all()}
    assert browser.post(reverse("import-apply", args=[run.pk]), answers).status_code == 302
    monkeypatch.setattr(jobs, "SLICE", 0.05)  # a worker that is called away soon
    run.refresh_from_db()
    jobs.advance(run.apply_job_id)
    assert "hx-trigger" in browser.get(reverse("import-detail", args=[run.pk])).content.decode()
    assert browser.post(reverse("import-stop", args=[run.pk])).status_code == 302
    job = run_to_end(run.apply_job)
    assert job.state == Job.State.CANCELLED and Opportunity.objects.count() < 60
    assert browser.get(reverse("import-detail", args=[run.pk]), htmx=True)["HX-Refresh"] == "true"
    assert browser.post(reverse("import-resume", args=[run.pk])).status_code == 302
    assert run_to_end(job).state == Job.State.DONE
    assert Opportunity.objects.count() == 60
    assert "Pipeline" in browser.get(reverse("import-detail", args=[run.pk])).content.decode()


def test_a_worker_killed_in_a_step_leaves_no_half_step(cast: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applying, "CHUNK", 25)
    monkeypatch.setattr(checking, "CHUNK", 25)
    write_export(tmp_path, opportunities=60)
    before = business_digest()
    run = check(begin(sorted(tmp_path.iterdir()), cast.emil), cast.emil)
    whole, calls = applying.outcomes, {"n": 0}
    bring_in = applying._bring_in

    def dying(context: Any, kind: str, **which: Any) -> Any:
        rows = bring_in(context, kind, **which)
        calls["n"] += 1
        if calls["n"] in (2, 5, 7):
            raise SystemExit  # as kill -9: no handler runs, the transaction is gone
        return rows

    monkeypatch.setattr(applying, "_bring_in", dying)
    from sales.imports import services

    job = services.apply_import(run, by=cast.emil)
    for _death in range(3):
        with pytest.raises(SystemExit):
            jobs.advance(job.pk)
        Job.objects.filter(pk=job.pk).update(lease_until=None)  # the lease of the dead runs out
    assert run_to_end(job).state == Job.State.DONE
    run.refresh_from_db()
    assert {outcome for line in whole(run).values() for outcome in line} == {"created"}
    assert Opportunity.objects.count() == 60
    revert(run, cast.emil)
    assert business_digest() == before


def test_a_stopped_import_can_be_taken_back(cast: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applying, "CHUNK", 20)
    monkeypatch.setattr(jobs, "SLICE", 0.05)
    write_export(tmp_path, opportunities=60)
    before = business_digest()
    run = check(begin(sorted(tmp_path.iterdir()), cast.emil), cast.emil)
    from sales.imports import services

    job = services.apply_import(run, by=cast.emil)
    jobs.advance(job.pk)
    jobs.cancel_job(job, by=cast.emil)
    run_to_end(job)
    run.refresh_from_db()
    revert(run, cast.emil)
    assert business_digest() == before


def test_rows_and_refused_rows_are_shown(cast: SimpleNamespace, sign_in: Callable[[Any], Any], tmp_path: Path) -> None:
    write_export(tmp_path, opportunities=30)
    with (tmp_path / "sales_pipeline.csv").open("a", encoding="utf-8") as file:
        file.write("X1,Anke Harms,Kran Basis,,Won,2017-01-01,2017-02-01,5\n")  # won, and nobody bought
        file.write("X2,Anke Harms,Kran Basis,Ahrens Werft,Won,2017-03-01,2017-02-01,5\n")
        file.write("X3,Anke Harms,Kran Basis,Ahrens Werft,Won,2017-13-01,2017-02-01,viel\n")
        file.write("X1,Anke Harms,Kran Basis,Ahrens Werft,Lost,2017-01-01,2017-02-01,0\n")
        file.write("=cmd(),Anke Harms,Kran Basis,Ahrens Werft,Erobert,2017-01-01,2017-02-01,5,zu,viel\n")
    cast.emil.language = "en"
    cast.emil.save()
    run = check(begin(sorted(tmp_path.iterdir()), cast.emil), cast.emil)
    assert run.rows.count() == sum(len(path.read_text(encoding="utf-8").splitlines()) - 1 for path in tmp_path.iterdir())
    browser = sign_in(cast.emil)
    shown = browser.get(reverse("import-rows", args=[run.pk]), {"verdict": "refused"}).content.decode()
    for words in ("without an organisation", "before it was opened", "cannot be read", "more cells than"):
        assert words in shown
    file = run.files.get(name="sales_pipeline.csv")
    body = b"".join(browser.get(reverse("import-refused", args=[run.pk, file.pk])).streaming_content).decode("utf-8-sig")
    assert len(body.strip().splitlines()) == 1 + run.rows.filter(verdict="refused").count() == 6
    assert "'=cmd()" in body
    for query in ({"question": "999999999999999999"}, {"kind": "x" * 5000}, {"after": "1-5"}, {"outcome": "created"}):
        assert browser.get(reverse("import-rows", args=[run.pk]), query).status_code == 200
    assert browser.get(reverse("import-rows", args=[run.pk]), {"after": "5"}).status_code == 400


def test_the_empty_list_says_what_this_is(cast: SimpleNamespace, sign_in: Callable[[Any], Any]) -> None:
    page = sign_in(cast.emil).get(reverse("import-list")).content.decode()
    assert reverse(CREATE) in page
