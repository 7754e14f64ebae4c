"""A job whose steps divide it: several workers at once, each part once, and the next step when all of them are done."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection, models

from crm.core import jobs, wiring
from crm.core.errors import RuleBroken
from crm.core.jobs import JobKind
from crm.core.models import Job, JobPart, Notification, ScheduledRun

pytestmark = pytest.mark.django_db(transaction=True)
PARTS = 6


@pytest.fixture
def divided(cast: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A job that is divided at once and done when its parts are. `did` are the parts done, `meet` is called in each."""
    found = SimpleNamespace(did=[], steps=0, by=cast.anna, meet=lambda _number: None, rung=[])

    def step(job: Job) -> bool:
        found.steps += 1
        if not job.cursor:
            job.cursor, job.total = {"divided": True}, PARTS
            jobs.divide(job, [{"number": number} for number in range(PARTS)])
            return False
        job.result = {"done": job.done}
        return True

    def part(job: Job, params: Any) -> int:
        found.meet(params["number"])
        found.did.append(params["number"])
        return 1

    own, real = {"parts": JobKind("parts", step, part)}, wiring.table
    monkeypatch.setattr(jobs, "table", lambda name: own if name == "LOTSE_JOBS" else real(name))
    monkeypatch.setattr(jobs, "ring", lambda *words: found.rung.append(words))
    found.job = jobs.start_job("parts", by=cast.anna, label="Teile")
    found.rung.clear()
    return found


@contextmanager
def also(do: Callable[[], object]) -> Iterator[None]:
    """Beside it, in another thread with a connection of its own; ended when the block is left."""

    def run() -> None:
        try:
            do()
        finally:
            connection.close()

    other = threading.Thread(target=run)
    other.start()
    try:
        yield
    finally:
        other.join(30)
        assert not other.is_alive()


def state(job: Job) -> tuple[str, int, int]:
    """(state, done, parts left)."""
    job.refresh_from_db()
    return job.state, job.done, job.parts.count()


def test_one_worker_does_all_parts_and_rings_for_another(divided: SimpleNamespace) -> None:
    jobs.advance(divided.job.pk)
    assert state(divided.job) == ("done", PARTS, 0)
    assert (divided.did, divided.steps, divided.job.result) == ([*range(PARTS)], 2, {"done": PARTS})
    assert divided.rung == [("crm.core.tasks.run_job", divided.job.pk)] * (jobs.HANDS - 1)
    assert Notification.objects.filter(user=divided.by).count() == 1


def test_two_workers_do_each_part_once(divided: SimpleNamespace) -> None:
    together = threading.Barrier(2)
    divided.meet = lambda number: together.wait(10) if number < 2 else None  # the first two are in hand at the same time
    jobs._do_step(divided.job)
    with also(lambda: jobs.advance(divided.job.pk)):
        jobs.advance(divided.job.pk)
    jobs.advance(divided.job.pk)  # where both left
    assert state(divided.job) == ("done", PARTS, 0)
    assert (sorted(divided.did), divided.steps) == ([*range(PARTS)], 2)


def test_red_control_without_the_lock_of_its_row_a_part_is_done_twice(divided: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    together = threading.Barrier(2)
    divided.meet = lambda number: together.wait(10) if number == 0 else None
    jobs._do_step(divided.job)
    monkeypatch.setattr(models.QuerySet, "select_for_update", lambda rows, **_: rows.all())
    with also(lambda: jobs._do_part(divided.job)):
        jobs._do_part(divided.job)
    assert Counter(divided.did) == {0: 2}


def test_a_step_waits_for_the_parts_whoever_has_the_lease(divided: SimpleNamespace) -> None:
    jobs._do_step(divided.job)
    assert jobs._take(divided.job) and jobs._do_step(divided.job) == (False, False)
    assert divided.steps == 1


def test_a_killed_workers_part_is_done_by_another(divided: SimpleNamespace) -> None:
    def die(_number: int) -> None:
        raise SystemExit

    divided.meet = die
    with pytest.raises(SystemExit):
        jobs.advance(divided.job.pk)
    assert state(divided.job) == ("running", 0, PARTS)
    divided.meet = lambda _number: None
    jobs.advance(divided.job.pk)
    assert state(divided.job) == ("done", PARTS, 0)


def test_a_stop_waits_for_the_part_in_hand_and_resume_goes_on(divided: SimpleNamespace) -> None:
    begun, asked = threading.Event(), threading.Event()
    ended: list[str] = []

    def meet(number: int) -> None:
        begun.set()
        assert asked.wait(10)
        ended.append(Job.objects.get(pk=divided.job.pk).state)

    divided.meet = meet
    with also(lambda: jobs.advance(divided.job.pk)):
        assert begun.wait(10)
        jobs.cancel_job(divided.job, by=divided.by)
        threading.Timer(0.3, asked.set).start()
        jobs.advance(divided.job.pk)  # the second worker hears of it first
        assert state(divided.job) == ("cancelled", 1, PARTS - 1)
    assert ended == ["running"] and state(divided.job) == ("cancelled", 1, PARTS - 1)
    assert Notification.objects.filter(user=divided.by).count() == 1
    divided.rung.clear()
    jobs.resume_job(divided.job, by=divided.by)
    assert len(divided.rung) == jobs.HANDS
    divided.meet = lambda _number: None
    jobs.advance(divided.job.pk)
    assert state(divided.job) == ("done", PARTS, 0) and sorted(divided.did) == [*range(PARTS)]


def test_a_part_that_fails_stops_the_job_in_words(divided: SimpleNamespace) -> None:
    def fail(number: int) -> None:
        if number == 2:
            raise RuleBroken("Spalte fehlt")

    divided.meet = fail
    jobs.advance(divided.job.pk)
    assert (*state(divided.job), divided.job.error) == ("failed", 2, PARTS - 2, "Spalte fehlt")
    jobs.resume_job(divided.job, by=divided.by)
    divided.meet = lambda _number: None
    jobs.advance(divided.job.pk)
    assert (*state(divided.job), divided.job.error) == ("done", PARTS, 0, "")


@pytest.mark.parametrize("times, ends", [(1, "done"), (9, "failed")])
def test_two_parts_that_meet_in_a_record_are_done_again_but_not_for_ever(divided: SimpleNamespace, times: int, ends: str) -> None:
    due = datetime(2026, 3, 2, tzinfo=UTC)
    ScheduledRun.objects.create(schedule="nightly", due_at=due)
    left = [None] * times

    def clash(_number: int) -> None:
        if left:
            left.pop()
            ScheduledRun.objects.create(schedule="nightly", due_at=due)

    divided.meet = clash
    jobs.advance(divided.job.pk)
    assert state(divided.job)[0] == ends
    assert sorted(divided.did) == ([*range(PARTS)] if ends == "done" else []) and JobPart.objects.count() == (0 if ends == "done" else PARTS)
