"""A job outlives a database that goes away, and is nobody else's while a step of it is at work, however long that takes."""

from __future__ import annotations

import threading
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import connection

from crm.core import jobs, wiring
from crm.core.jobs import JobKind
from crm.core.models import Job, Notification
from tests.databases import end_sessions
from tests.factories import PersonFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def job(cast: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A job of two steps; `meet` is called in each after it wrote something, `rung` are the workers asked for."""
    found = SimpleNamespace(meet=lambda: None, rung=[])

    def step(row: Job) -> bool:
        PersonFactory(owner=cast.anna, last_name=f"Schritt {row.done}")
        found.meet()
        row.done += 1
        return row.done == 2

    own, real = {"steps": JobKind("steps", step)}, wiring.table
    monkeypatch.setattr(jobs, "table", lambda name: own if name == "LOTSE_JOBS" else real(name))
    monkeypatch.setattr(jobs, "ring", lambda *words: found.rung.append(words))
    found.row = jobs.start_job("steps", by=cast.anna, label="Schritte")
    found.rung.clear()
    return found


def test_a_database_that_goes_away_fails_no_job(job: SimpleNamespace) -> None:
    times: list[int] = []

    def once() -> None:
        times.append(1)
        if len(times) == 2:  # in the second step
            end_sessions(connection.settings_dict["NAME"])

    job.meet = once
    jobs.advance(job.row.pk)
    job.row.refresh_from_db()
    assert (job.row.state, job.row.done, job.row.lease_until) == ("running", 1, None) and job.rung == [("crm.core.tasks.run_job", job.row.pk)]
    jobs.advance(job.row.pk)
    job.row.refresh_from_db()
    assert (job.row.state, job.row.done) == ("done", 2) and len(times) == 3
    assert Notification.objects.count() == 1


def test_a_step_that_outlasts_the_lease_is_left_alone(job: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "LEASE", timedelta(0))
    within, go_on, times = threading.Event(), threading.Event(), []

    def wait() -> None:
        times.append(1)
        within.set()
        assert go_on.wait(20)

    job.meet = wait

    def work() -> None:
        try:
            jobs.advance(job.row.pk)
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert within.wait(20)
        jobs.pick_up_left()
        jobs.advance(job.row.pk)
        assert not job.rung and len(times) == 1
    finally:
        go_on.set()
        thread.join()
    job.row.refresh_from_db()
    assert (job.row.state, job.row.done, len(times)) == ("done", 2, 2)
