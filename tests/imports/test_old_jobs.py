"""An old job of an import that has gone another way since does nothing any more, by whatever way it is set going again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from contacts.models import Organisation
from crm.core import jobs
from crm.core.errors import RuleBroken
from crm.core.models import Job
from sales.imports import applying, checking, services
from sales.imports.files import SAMPLE
from sales.imports.models import ImportRun
from tests.imports.steps import apply, begin, check, revert, run_to_end

pytestmark = pytest.mark.django_db
State = ImportRun.State
MOVED_ON = "Der Import ist inzwischen weiter"


def firms(path: Path, count: int, damaged: bool = False) -> Path:
    """A file of organisations; a damaged one cannot be read behind its first rows, at which an upload is looked."""
    last = "x" * 30_000 if damaged else "Letzte"
    path.write_text("account,office_location\n" + "".join(f"{path.stem} {number},Germany\n" for number in range(count)) + f"{last},Germany\n", encoding="utf-8")
    return path


def set_going(job: Job) -> Job:
    """As if it had never been looked at whether it may: what its worker does then."""
    Job.objects.filter(pk=job.pk).update(state=Job.State.QUEUED, cancel_asked=False, error="", lease_until=None)
    return run_to_end(job)


def goes_on_nowhere(browser: Any, job: Job) -> bool:
    """Neither its page offers it, nor is it done when it is asked for nevertheless."""
    page = browser.get(reverse("job-detail", args=[job.pk])).content.decode()
    answer = browser.post(reverse("job-resume", args=[job.pk]))
    job.refresh_from_db()
    return MOVED_ON in page and reverse("job-resume", args=[job.pk]) not in page and answer.status_code == 422 and MOVED_ON in answer.content.decode() and not job.is_open


@pytest.fixture
def stopped(cast: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """An import that was stopped while it was brought in, one part done and others left."""
    monkeypatch.setattr(applying, "CHUNK", 20)
    monkeypatch.setattr(checking, "CHUNK", 20)
    run = check(begin([firms(tmp_path / "werft.csv", 60)], cast.emil), cast.emil)
    job = services.apply_import(run, by=cast.emil)
    while not job.parts.exists():
        jobs._do_step(job)
    jobs._do_part(job)
    jobs.cancel_job(job, by=cast.emil)
    run_to_end(job)
    run.refresh_from_db()
    assert (job.state, run.state, Organisation.objects.count()) == (Job.State.CANCELLED, State.APPLYING, 20) and job.parts.exists()
    return SimpleNamespace(run=run, job=job, emil=cast.emil)


def test_what_was_taken_back_is_not_brought_in_after_all(stopped: SimpleNamespace, sign_in: Callable[[Any], Any]) -> None:
    browser = sign_in(stopped.emil)
    assert reverse("job-resume", args=[stopped.job.pk]) in browser.get(reverse("job-detail", args=[stopped.job.pk])).content.decode()
    revert(stopped.run, stopped.emil)
    assert goes_on_nowhere(browser, stopped.job) and not Organisation.objects.exists()
    assert set_going(stopped.job).state == Job.State.FAILED and stopped.job.error.startswith(MOVED_ON)  # its parts
    stopped.job.parts.all().delete()
    assert set_going(stopped.job).state == Job.State.FAILED and stopped.job.error.startswith(MOVED_ON)  # its next step
    stopped.run.refresh_from_db()
    assert stopped.run.state == State.REVERTED and not Organisation.objects.exists()


def test_a_stopped_import_goes_on_from_the_page_of_its_job(stopped: SimpleNamespace, sign_in: Callable[[Any], Any]) -> None:
    assert sign_in(stopped.emil).post(reverse("job-resume", args=[stopped.job.pk])).status_code == 302
    assert run_to_end(stopped.job).state == Job.State.DONE
    stopped.run.refresh_from_db()
    assert stopped.run.state == State.APPLIED and Organisation.objects.count() == 61


def test_an_import_whose_job_goes_on_is_not_taken_back_beside_it(stopped: SimpleNamespace) -> None:
    jobs.resume_job(stopped.job, by=stopped.emil)
    with pytest.raises(RuleBroken):
        services.revert_import(stopped.run, by=stopped.emil)


def test_the_first_bringing_in_does_nothing_beside_the_second(stopped: SimpleNamespace, sign_in: Callable[[Any], Any]) -> None:
    run, emil = stopped.run, stopped.emil
    revert(run, emil)
    services.remap_import(run, by=emil)
    check(run, emil)
    second = services.apply_import(run, by=emil)
    assert goes_on_nowhere(sign_in(emil), stopped.job)
    assert set_going(stopped.job).state == Job.State.FAILED and not Organisation.objects.exists()
    assert run_to_end(second).state == Job.State.DONE and Organisation.objects.count() == 61


def test_a_check_that_failed_before_does_not_begin_again_behind_what_was_brought_in(cast: SimpleNamespace, sign_in: Callable[[Any], Any], tmp_path: Path) -> None:
    run = begin([firms(tmp_path / "schlecht.csv", SAMPLE + 20, damaged=True), firms(tmp_path / "gut.csv", 5)], cast.emil)
    mappings = {file.pk: (file.kind, file.mapping) for file in run.files.all()}
    failed = run_to_end(services.map_files(run, mappings, pipeline=run.pipeline, by=cast.emil))
    assert (failed.state, failed.cursor) == (Job.State.FAILED, {})
    services.remap_import(run, by=cast.emil)
    assert goes_on_nowhere(sign_in(cast.emil), failed)
    run.files.filter(name="schlecht.csv").update(kind="", mapping={})
    apply(check(run, cast.emil), cast.emil)
    assert goes_on_nowhere(sign_in(cast.emil), failed)
    assert set_going(failed).state == Job.State.FAILED
    run.refresh_from_db()
    assert run.state == State.APPLIED and run.rows.filter(outcome="created").count() == 6
    revert(run, cast.emil)
    assert not Organisation.objects.exists()


def test_a_check_that_failed_goes_on_as_long_as_it_is_the_last(cast: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = begin([firms(tmp_path / "gut.csv", 5)], cast.emil)
    with monkeypatch.context() as broken:
        broken.setattr(checking, "_divide", lambda *_: 1 / 0)
        job = run_to_end(services.map_files(run, {file.pk: (file.kind, file.mapping) for file in run.files.all()}, pipeline=run.pipeline, by=cast.emil))
    assert job.state == Job.State.FAILED
    services.resume_import(run, by=cast.emil)
    assert run_to_end(job).state == Job.State.DONE
    run.refresh_from_db()
    assert run.state == State.CHECKED and run.rows.count() == 6


def test_stopped_work_does_not_go_on_behind_the_columns(cast: SimpleNamespace, tmp_path: Path) -> None:
    run = begin([firms(tmp_path / "gut.csv", 5)], cast.emil)
    job = services.map_files(run, {file.pk: (file.kind, file.mapping) for file in run.files.all()}, pipeline=run.pipeline, by=cast.emil)
    jobs.cancel_job(job, by=cast.emil)
    run_to_end(job)
    services.remap_import(run, by=cast.emil)
    with pytest.raises(RuleBroken, match=MOVED_ON):
        services.resume_import(run, by=cast.emil)


def test_a_worker_killed_at_the_end_leaves_no_step_that_is_done_again(cast: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before, the import could be brought in while its check was still open, and was checked again by what was left of it."""
    run = begin([firms(tmp_path / "gut.csv", 5)], cast.emil)
    job = services.map_files(run, {file.pk: (file.kind, file.mapping) for file in run.files.all()}, pipeline=run.pipeline, by=cast.emil)

    def dying(*_: Any) -> None:
        raise SystemExit  # as kill -9

    with monkeypatch.context() as killed, pytest.raises(SystemExit):
        killed.setattr(jobs, "_end", dying)
        jobs.advance(job.pk)
    run.refresh_from_db()
    assert run.state == State.CHECKING
    Job.objects.filter(pk=job.pk).update(lease_until=None)  # the lease of the dead runs out
    assert run_to_end(job).state == Job.State.DONE
    run.refresh_from_db()
    assert run.state == State.CHECKED


def test_asking_to_stop_waits_for_no_step(stopped: SimpleNamespace) -> None:
    """A step holds its job and then the import: whoever stops it takes them in no other order."""
    jobs.resume_job(stopped.job, by=stopped.emil)
    with CaptureQueriesContext(connection) as seen:
        services.stop_import(stopped.run, by=stopped.emil)
    asked = [query["sql"] for query in seen]
    assert any('UPDATE "core_job"' in sql for sql in asked) and not any("sales_importrun" in sql and "FOR " in sql for sql in asked)
    stopped.job.refresh_from_db()
    assert stopped.job.cancel_asked
