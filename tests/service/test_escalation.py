"""Deadlines that pass are told exactly once, whoever ticks and whoever dies."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections, transaction
from django.utils import timezone

from crm.core import events
from crm.core.models import Event, Notification
from service import escalation, services
from service.escalation import escalate_due
from service.models import Case, Escalation

LONG_AGO = timedelta(days=20)


def overdue(make: Any, count: int) -> list[Case]:
    return [make(at=timezone.now() - LONG_AGO, channel="phone") for _ in range(count)]


def told() -> int:
    return Event.objects.filter(name="service.case_escalated").count()


@pytest.mark.django_db
def test_each_clock_is_told_once(make: Any, cast: Any) -> None:
    case = make(at=timezone.now() - LONG_AGO)
    assert escalate_due() == 2 and escalate_due() == 0
    assert {row.clock for row in Escalation.objects.filter(case=case)} == {"ack", "solution"} and told() == 2


@pytest.mark.django_db
def test_what_is_settled_rests_or_is_acknowledged_is_not_told(make: Any, cast: Any) -> None:
    solved, waiting, fresh = make(at=timezone.now() - LONG_AGO, type="question", channel="phone"), make(at=timezone.now() - timedelta(hours=1), channel="phone"), make(channel="phone")
    services.solve_case(solved, by=cast.sven)
    services.wait_case(waiting, by=cast.sven)
    assert escalate_due() == 0 and not Escalation.objects.filter(case__in=[solved.pk, waiting.pk, fresh.pk]).exists()


@pytest.mark.django_db
def test_a_new_deadline_is_told_anew(make: Any, cast: Any) -> None:
    case = make(at=timezone.now() - LONG_AGO, channel="phone", type="question")
    assert escalate_due() == 1
    services.wait_case(case, by=cast.sven, at=case.opened_at + timedelta(minutes=1))
    services.resume_case(case, by=cast.sven, at=case.opened_at + timedelta(days=3))
    assert case.due_solution < timezone.now() and escalate_due() == 1 and Escalation.objects.filter(case=case).count() == 2


@pytest.mark.django_db
def test_the_owner_reads_it_in_words(make: Any, cast: Any) -> None:
    case = overdue(make, 1)[0]
    services.take_case(case, by=cast.sven)
    escalate_due()
    events.dispatch()
    note = Notification.objects.get(user=cast.sven, text__startswith="Nicht rechtzeitig gelöst")
    assert case.number in note.text and note.url == f"/service/cases/{case.pk}/"
    events.dispatch()
    assert Notification.objects.filter(user=cast.sven, text__startswith="Nicht rechtzeitig").count() == 1


@pytest.mark.django_db
def test_a_killed_tick_leaves_all_or_nothing(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    overdue(make, 3)

    class Killed(BaseException):
        """The worker is gone in the middle of it."""

    plain, calls = escalation.emit, []

    def dies(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise Killed
        return plain(*args, **kwargs)

    monkeypatch.setattr(escalation, "emit", dies)
    with pytest.raises(Killed):
        escalate_due()
    assert Escalation.objects.count() == told() == 1
    monkeypatch.setattr(escalation, "emit", plain)
    assert escalate_due() == 2 and Escalation.objects.count() == told() == 3


def ticks_at_once(look: Any, count: int) -> None:
    gate = threading.Barrier(count)

    def tick() -> None:
        gate.wait()
        try:
            look()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=tick) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.django_db(transaction=True)
@pytest.mark.proof("escalation")
def test_ticks_at_once_tell_each_deadline_once(make: Any, figures: Any, prove_full: bool) -> None:
    count, ticks = (60, 8) if prove_full else (12, 4)
    overdue(make, count)
    ticks_at_once(escalate_due, ticks)
    figures.record("deadlines passed, ticks at once", f"{count}, {ticks}", "cases, ticks")
    figures.record("told more than once", told() - count, "events", goal="0", holds=told() == count == Escalation.objects.count())


def careless() -> None:
    """The red control: look, then write, with nothing to hold them together."""
    from crm.core.work import work

    found = list(escalation.missed("solution", timezone.now()))
    if not found:
        return
    WAIT.wait(timeout=20)
    for case in found:
        with transaction.atomic(), work():
            Escalation.objects.get_or_create(case=case, clock="solution", due_at=case.due_solution + timedelta(microseconds=threading.get_ident() % 1000))
            escalation.emit("service.case_escalated", case, clock="solution")


WAIT = threading.Barrier(2)


@pytest.mark.django_db(transaction=True)
@pytest.mark.proof("escalation")
def test_red_control_without_key_and_lock_they_are_told_twice(make: Any, figures: Any) -> None:
    overdue(make, 3)
    ticks_at_once(careless, 2)
    figures.record("red control: told without key and lock", told(), "events", goal="6", holds=told() == 6)
