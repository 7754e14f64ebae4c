"""Jobs, events, schedules and mail: rows that survive killed workers and are done once."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from crm.celery import LookAround, app
from crm.core import events, jobs, schedules, tasks, wiring
from crm.core.errors import RuleBroken
from crm.core.jobs import JobKind
from crm.core.models import Change, Event, Job, Notification, ScheduledRun
from tests.factories import PersonFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The roof's tables for this test only."""
    own: dict[str, Any] = {"LOTSE_JOBS": {}, "LOTSE_SUBSCRIPTIONS": {}, "LOTSE_SCHEDULES": []}
    real = wiring.table
    for module in (jobs, events, schedules):
        monkeypatch.setattr(module, "table", lambda name: own[name] if name in own else real(name))
    return own


def counting(job: Job) -> bool:
    job.done += 1
    job.total = 3
    return job.done >= 3


def test_a_job_runs_in_steps_and_tells_the_person(cast: Any, tables: Any) -> None:
    tables["LOTSE_JOBS"]["count"] = JobKind("count", counting)
    job = jobs.start_job("count", by=cast.anna, label="Zählen", url="/jobs/")
    jobs.advance(job.pk)
    job.refresh_from_db()
    assert (job.state, job.done, job.percent) == ("done", 3, 100)
    assert Notification.objects.get(user=cast.anna).text.startswith("Zählen")


def test_a_second_worker_leaves_quietly(cast: Any, tables: Any) -> None:
    tables["LOTSE_JOBS"]["count"] = JobKind("count", counting)
    job = jobs.start_job("count", by=cast.anna, label="Zählen")
    Job.objects.filter(pk=job.pk).update(state="running", lease_until=timezone.now() + timedelta(minutes=1))
    jobs.advance(job.pk)
    job.refresh_from_db()
    assert job.done == 0


def test_a_worker_that_reaches_the_broker_asks_for_a_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(tasks, "current_app", SimpleNamespace(send_task=lambda name, **_: asked.append(name)))
    LookAround(None).start(None)
    assert asked == ["crm.core.tasks.tick"] and LookAround in app.steps["consumer"]


def test_a_job_whose_bell_was_lost_is_rung_for_by_the_next_tick(cast: Any, tables: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tables["LOTSE_JOBS"]["count"] = JobKind("count", counting)
    job, rung = jobs.start_job("count", by=cast.anna, label="Zählen"), []
    monkeypatch.setattr(jobs, "ring", lambda *words: rung.append(words))
    jobs.pick_up_left()
    assert rung == [("crm.core.tasks.run_job", job.pk)]


def test_a_job_of_a_killed_worker_is_picked_up(cast: Any, tables: Any) -> None:
    tables["LOTSE_JOBS"]["count"] = JobKind("count", counting)
    job = jobs.start_job("count", by=cast.anna, label="Zählen")
    Job.objects.filter(pk=job.pk).update(state="running", done=1, lease_until=timezone.now() - timedelta(seconds=1))
    jobs.advance(job.pk)
    job.refresh_from_db()
    assert (job.state, job.done) == ("done", 3)


def test_cancel_stops_between_steps_and_resume_goes_on(cast: Any, tables: Any) -> None:
    tables["LOTSE_JOBS"]["count"] = JobKind("count", counting)
    job = jobs.start_job("count", by=cast.anna, label="Zählen")
    jobs.cancel_job(job, by=cast.anna)
    jobs.advance(job.pk)
    job.refresh_from_db()
    assert (job.state, job.done) == ("cancelled", 0)
    jobs.resume_job(job, by=cast.anna)
    jobs.advance(job.pk)
    job.refresh_from_db()
    assert job.state == "done"
    with pytest.raises(RuleBroken):
        jobs.resume_job(job, by=cast.anna)


def test_a_failing_step_leaves_nothing_and_says_so(cast: Any, tables: Any) -> None:
    def broken(job: Job) -> bool:
        PersonFactory(owner=cast.anna, last_name="Halb")
        raise RuleBroken("Spalte fehlt")

    tables["LOTSE_JOBS"]["broken"] = JobKind("broken", broken)
    job = jobs.start_job("broken", by=cast.anna, label="Import")
    jobs.advance(job.pk)
    job.refresh_from_db()
    assert (job.state, job.error) == ("failed", "Spalte fehlt")
    assert not Change.objects.filter(relation="contacts_party", after__last_name="Halb").exists()


def test_what_a_job_changes_carries_its_number(cast: Any, tables: Any) -> None:
    def one(job: Job) -> bool:
        PersonFactory(owner=cast.anna, last_name="Viele")
        return True

    tables["LOTSE_JOBS"]["one"] = JobKind("one", one)
    job = jobs.start_job("one", by=cast.anna, label="Import")
    jobs.advance(job.pk)
    change = Change.objects.get(relation="contacts_party", after__last_name="Viele")
    assert (change.job_id, change.actor_id) == (job.pk, cast.anna.pk)


def test_an_event_is_handled_once_and_a_broken_handler_stops_nobody(cast: Any, tables: Any) -> None:
    seen = []

    def broken(event: Event) -> None:
        raise ValueError("no")

    tables["LOTSE_SUBSCRIPTIONS"].update({"good": (lambda event: seen.append(event.subject_id),), "bad": (broken,)})
    person = PersonFactory(owner=cast.anna)
    events.emit("bad", person, by=cast.anna)
    events.emit("good", person, by=cast.anna)
    assert events.dispatch() == 1
    assert Event.objects.get(name="bad").attempts == 1, "what stood in its way had no time to go"
    for _ in range(events.PARKED_AFTER + 3):
        events.dispatch()
    assert seen == [person.pk]
    assert Event.objects.get(name="bad").attempts == events.PARKED_AFTER  # parked after ten tries, with its error
    assert "no" in Event.objects.get(name="bad").error


def test_a_due_time_is_claimed_once(tables: Any) -> None:
    tables["LOTSE_SCHEDULES"].append(schedules.Schedule("nightly", time(1, 30), lambda due: None))
    now = datetime(2026, 3, 2, 6, tzinfo=UTC)
    assert schedules.claim_due(now) == ["nightly"]
    assert schedules.claim_due(now + timedelta(minutes=1)) == []
    assert schedules.claim_due(now + timedelta(days=1)) == ["nightly"]
    assert ScheduledRun.objects.count() == 2


def test_a_run_whose_bell_was_lost_is_rung_for_again(tables: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[datetime] = []
    rung: list[tuple[Any, ...]] = []
    monkeypatch.setattr(schedules, "ring", lambda *what: rung.append(what))
    tables["LOTSE_SCHEDULES"].append(schedules.Schedule("nightly", time(1, 30), done.append))
    schedules.claim_due()
    ScheduledRun.objects.update(claimed_at=timezone.now() - timedelta(minutes=6))
    schedules.claim_due()
    assert rung == [("crm.core.tasks.run_schedule", "nightly")] * 2
    schedules.run("nightly")
    schedules.run("nightly")
    assert len(done) == 1
    schedules.claim_due()
    assert len(rung) == 2


@pytest.mark.parametrize(
    ("now", "due"),
    [
        (datetime(2026, 3, 29, 12, tzinfo=UTC), datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),  # clocks go forward: 3:30 summer time
        (datetime(2026, 10, 25, 12, tzinfo=UTC), datetime(2026, 10, 25, 2, 30, tzinfo=UTC)),  # and back: 3:30 winter time
        (datetime(2026, 6, 1, 1, tzinfo=UTC), datetime(2026, 5, 31, 1, 30, tzinfo=UTC)),  # before today's time: yesterday's
    ],
)
def test_due_times_follow_the_clock_on_the_wall(now: datetime, due: datetime) -> None:
    assert schedules.Schedule("x", time(3, 30), lambda due: None).last_due(now) == due


def test_a_weekly_time_is_on_its_day() -> None:
    monday = schedules.Schedule("x", time(7), lambda due: None, weekday=0).last_due(datetime(2026, 11, 22, 12, tzinfo=UTC))
    assert timezone.localtime(monday).strftime("%a %H:%M %d.%m.") == "Mon 07:00 16.11."
