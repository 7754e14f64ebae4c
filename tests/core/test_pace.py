"""Background work steps back while people wait, and never stands still."""

from __future__ import annotations

import os
import threading
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import pytest
from celery.signals import worker_init
from django.conf import settings
from django.core.cache import cache
from django.http import HttpResponse

import crm.celery
from campaigns.journeys import engine
from crm.core import jobs, pace
from crm.core.jobs import JobKind
from crm.core.mail import sending
from crm.core.memory import keep, recall
from crm.core.middleware import RequestId
from crm.core.models import Job
from crm.core.pace import CROWD, FREE, LONGEST, REST, WAITING, Pace, in_hand


class Clock:
    """Time that passes when somebody sleeps, or lets it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(pace, "time", found)
    monkeypatch.setattr(pace, "_said_at", 0.0)
    cache.delete(WAITING)
    return found


def test_two_requests_in_one_process_say_that_people_wait(clock: Clock) -> None:
    with ExitStack() as hands:
        for _ in range(CROWD - 1):
            hands.enter_context(in_hand())
        assert recall(WAITING) is None
        with in_hand():
            assert recall(WAITING)
        cache.delete(WAITING)
        with in_hand():
            assert recall(WAITING) is None, "said again at once: each request would ask Valkey"
        clock.sleep(pace.OFTEN)
        with in_hand():
            assert recall(WAITING)
    clock.sleep(pace.OFTEN)
    cache.delete(WAITING)
    with in_hand():
        assert recall(WAITING) is None, "who has left is still counted"


def test_a_request_that_fails_is_not_in_hand_any_more(clock: Clock) -> None:
    for _ in range(CROWD):
        with pytest.raises(ValueError, match="no"), in_hand():
            raise ValueError("no")
    with in_hand():
        assert recall(WAITING) is None


def test_each_request_is_counted(clock: Clock, rf: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[Any] = []  # a thread has a cache of its own here
    monkeypatch.setattr(pace, "keep", lambda *what: said.append(what))
    together = threading.Barrier(CROWD, timeout=10)

    def slow(_request: Any) -> HttpResponse:
        together.wait()
        return HttpResponse()

    people = [threading.Thread(target=RequestId(slow), args=[rf.get("/")]) for _ in range(CROWD)]
    for one in people:
        one.start()
    for one in people:
        one.join()
    assert said == [(WAITING, 1, pace.HOLDS)]


@pytest.mark.parametrize(("worked", "rests"), [(0.5, 0.5 * REST), (30.0, LONGEST), (0.0, 0.0)])
def test_it_rests_while_people_wait_but_not_for_ever(clock: Clock, worked: float, rests: float) -> None:
    keep(WAITING, 1, 60)
    work = Pace()
    clock.sleep(FREE)
    work.step()
    assert clock.now == 1000.0 + FREE, "what is short waits although somebody waits for it, too"
    clock.sleep(worked)
    begun = clock.now
    work.step()
    assert clock.now - begun == pytest.approx(rests)
    work.step()
    assert clock.now - begun == pytest.approx(rests), "the rest itself was taken for work"


def test_it_goes_on_when_nobody_waits_any_more(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    work = Pace()
    clock.sleep(1)
    begun = clock.now
    work.step()
    assert clock.now == begun, "it rests although nobody waits"
    monkeypatch.setattr(pace, "recall", lambda _key: clock.now < begun + 0.65)
    clock.sleep(0.3)
    work.step()
    assert clock.now == pytest.approx(begun + 0.7)


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for each time work asks whether people wait."""
    found: list[int] = []
    monkeypatch.setattr(Pace, "step", lambda _self: found.append(1))
    return found


@pytest.mark.django_db
def test_a_job_asks_between_its_steps(cast: Any, steps: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    def third(job: Job) -> bool:
        job.done += 1
        return job.done >= 3

    monkeypatch.setattr(jobs, "table", lambda _name: {"count": JobKind("count", third)})
    jobs.advance(Job.objects.create(kind="count", by=cast.anna, label="Zählen").pk)
    assert len(steps) == 3


@pytest.mark.django_db
def test_advertising_asks_between_its_batches_and_nothing_else_does(steps: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    answer, campaign = SimpleNamespace(kind="case"), SimpleNamespace(kind="campaign")
    left = [[answer], [answer, campaign], [campaign], [campaign], []]
    monkeypatch.setattr(sending, "check_lock", lambda: False)
    monkeypatch.setattr(sending, "Run", lambda: SimpleNamespace(claim=lambda _mark: left.pop(0), hold_back=lambda rows: rows, close=lambda: None))
    monkeypatch.setattr(sending, "_send_batch", lambda rows, *_: len(rows))
    assert sending.send_due() == 5 and len(steps) == 2


@pytest.mark.django_db
def test_journeys_ask_between_their_steps(steps: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    left = [True, True, False]
    monkeypatch.setattr(engine, "advance", lambda _now: left.pop(0))
    assert engine.work_off() == 2 and len(steps) == 2


def test_a_worker_is_nicer_than_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(os, "nice", lambda more: asked.append(more))
    worker_init.send(sender=None)
    assert asked == [settings.WORKER_NICE] == [5] and crm.celery.step_back
