"""Background work steps back while people wait, and never stands still."""

from __future__ import annotations

import os
import re
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
from crm.core.pace import AT_WORK, FREE, LONGEST, Pace, somebody_asks
from crm.devstack.places import ROOT

REST = 4.0  # as on two processors, whatever the tests run on


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
    monkeypatch.setattr(pace, "REST", REST)
    monkeypatch.setattr(pace, "_said_at", 0.0)
    cache.delete(AT_WORK)
    return found


def test_whoever_asks_says_so_but_not_each_time(clock: Clock) -> None:
    somebody_asks()
    assert recall(AT_WORK)
    cache.delete(AT_WORK)
    clock.sleep(pace.OFTEN / 2)
    somebody_asks()
    assert recall(AT_WORK) is None, "said again at once: each request would ask Valkey"
    clock.sleep(pace.OFTEN / 2)
    somebody_asks()
    assert recall(AT_WORK)


@pytest.mark.parametrize(("cookie", "headers", "said"), [(settings.SESSION_COOKIE_NAME, {}, True), (settings.SESSION_COOKIE_NAME, {"X-Watches": "1"}, False), ("other", {}, False)])
def test_strangers_machines_and_who_watches_the_work_slow_nothing(clock: Clock, rf: Any, cookie: str, headers: dict[str, str], said: bool) -> None:
    rf.cookies[cookie] = "x"
    RequestId(lambda _request: HttpResponse())(rf.get("/", headers=headers))
    assert bool(recall(AT_WORK)) is said


def test_whatever_asks_by_itself_says_that_it_only_watches() -> None:
    asking = [tag for path in (ROOT / "templates").rglob("*.html") for tag in re.findall(r"<[^<>]*hx-trigger=\"every[^<>]*>", re.sub(r"{[{%].*?[%}]}", "", path.read_text(encoding="utf-8")))]
    assert len(asking) >= 4 and all("X-Watches" in tag for tag in asking), asking


@pytest.mark.parametrize(("worked", "rests"), [(0.5, 0.5 * REST), (30.0, LONGEST), (0.0, 0.0)])
def test_it_rests_while_people_wait_but_not_for_ever(clock: Clock, worked: float, rests: float) -> None:
    keep(AT_WORK, 1, 60)
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


def test_the_next_part_of_long_work_has_nothing_free(clock: Clock) -> None:
    keep(AT_WORK, 1, 60)
    work = Pace(begun=True)
    clock.sleep(0.5)
    work.step()
    assert clock.now == pytest.approx(1000.5 + 0.5 * REST)


def test_it_goes_on_when_nobody_waits_any_more(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    work = Pace()
    clock.sleep(1)
    begun = clock.now
    work.step()
    assert clock.now == begun, "it rests although nobody waits"
    monkeypatch.setattr(pace, "recall", lambda _key: clock.now < begun + 1.05)
    clock.sleep(1.0)
    work.step()
    assert clock.now == pytest.approx(begun + 1.1)


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
def test_only_the_beginning_of_a_job_is_free(cast: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    paces: list[bool] = []
    monkeypatch.setattr(jobs, "Pace", lambda *, begun: paces.append(begun) or SimpleNamespace(step=lambda: None))
    monkeypatch.setattr(jobs, "table", lambda _name: {"count": JobKind("count", lambda job: False)})
    monkeypatch.setattr(jobs, "SLICE", 0.01)
    job = Job.objects.create(kind="count", by=cast.anna, label="Zählen")
    for _ in range(2):
        jobs.advance(job.pk)
    assert paces == [False, True]


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
