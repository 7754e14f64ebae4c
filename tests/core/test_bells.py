"""A bell that rings already is not rung again, and none is lost by that."""

from __future__ import annotations

import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.cache import cache
from kombu.exceptions import OperationalError

from crm.celery import app
from crm.core import events, memory, tasks
from crm.core.models import Event
from tests.factories import PersonFactory

BELL = "crm.core.tasks.dispatch_events"


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[Any, ...]]]:
    """What the broker was given."""
    found: list[tuple[Any, ...]] = []
    cache.clear()
    monkeypatch.setattr(tasks, "current_app", SimpleNamespace(send_task=lambda name, args, **_: found.append((name, *args))))
    monkeypatch.setattr(tasks.transaction, "on_commit", lambda act: act())
    yield found
    cache.clear()


def test_a_bell_that_rings_is_not_rung_again_until_somebody_comes(sent: list[Any]) -> None:
    for _ in range(3):
        tasks.ring(BELL)
        tasks.ring("crm.core.tasks.send_mails")
    assert sent == [(BELL,), ("crm.core.tasks.send_mails",)]
    tasks.hear(app.tasks[BELL])
    tasks.ring(BELL)
    tasks.ring("crm.core.tasks.send_mails")
    assert sent[2:] == [(BELL,)]


def test_one_who_comes_is_rung_for_again_from_the_first_moment_on(sent: list[Any]) -> None:
    """What is committed while a task is at work may be behind what it looked at."""

    @app.task(name="tests.rung")
    def rung() -> None:
        tasks.ring("tests.rung")

    tasks.ring("tests.rung")
    rung.apply()
    assert sent == [("tests.rung",), ("tests.rung",)]


def test_each_job_has_a_bell_of_its_own_and_as_many_as_there_are_hands(sent: list[Any]) -> None:
    for job in (1, 1, 2):
        tasks.ring("crm.core.tasks.run_job", job)
    assert [words[1] for words in sent] == [1, 1, 2]


def test_a_bell_the_broker_did_not_take_does_not_ring(sent: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: Any, **__: Any) -> None:
        raise OperationalError

    with monkeypatch.context() as away:
        away.setattr(tasks, "current_app", SimpleNamespace(send_task=gone))
        tasks.ring(BELL)
    tasks.ring(BELL)
    assert sent == [(BELL,)]


def test_where_valkey_is_gone_it_is_tried_each_time(sent: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: Any, **__: Any) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(memory, "cache", SimpleNamespace(add=gone, delete=gone))
    for _ in range(2):
        tasks.ring(BELL)
    tasks.hear(app.tasks[BELL])
    assert sent == [(BELL,), (BELL,)]


def test_nobody_waits_for_a_broker_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that rings is not held up by it: it was for six seconds, each time."""
    broker = app.connection_for_write("redis://127.0.0.1:1")
    monkeypatch.setattr(tasks, "current_app", SimpleNamespace(send_task=lambda *words, **facts: app.send_task(*words, connection=broker, **facts)))
    begin = time.monotonic()
    assert not tasks._send(BELL)
    assert time.monotonic() - begin < 2


@pytest.mark.django_db
def test_more_events_than_one_takes_are_rung_for(cast: Any, sent: list[Any]) -> None:
    person = PersonFactory(owner=cast.anna)
    Event.objects.all().delete()
    for _ in range(3):
        events.emit("nobody.listens", person, by=cast.anna)
    tasks.hear(app.tasks[BELL])
    sent.clear()
    assert events.dispatch(2) == 2 and sent == [(BELL,)]
    tasks.hear(app.tasks[BELL])
    assert events.dispatch(2) == 1 and sent == [(BELL,)]
