"""The crowd of the measure of journeys: forked workers and beats that are killed at random, in a process of its own, so that nothing else is forked.

    python -m tests.campaigns.journey_crowd DATABASE EVENTS PEOPLE KILLS SECONDS [careless]

prints how many were killed, and "done" or "open".
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

if __name__ == "__main__":
    import django

    django.setup()

from django.db import IntegrityError, connections
from django.utils import timezone

from campaigns.journeys import actions, engine
from campaigns.journeys.shape import following, step_of
from campaigns.models import Run, RunStep
from crm.core import tasks
from crm.core.events import dispatch
from crm.core.models import Event

WORKERS, BEATS = 8, 3
DAY, BEGAN = 10, time.monotonic()  # seconds a day takes, and when this process began


class NoBell:
    """A doorbell nobody hears: whatever happens is found in Postgres."""

    def send_task(self, *_: Any, **__: Any) -> None:
        """Silence."""


class Crowd:
    """Forked processes, each in its loop; one is killed at random and another takes its place."""

    def __init__(self, loops: list[Callable[[random.Random], None]], seed: int) -> None:
        self.dice, self.children, self.killed = random.Random(seed), dict[int, Any](), 0
        for loop in loops:
            self.begin(loop)

    def begin(self, loop: Callable[[random.Random], None]) -> None:
        connections.close_all()
        seed = self.dice.random()
        pid = os.fork()
        if pid:
            self.children[pid] = loop
            return
        try:
            tasks.current_app = NoBell()
            dice = random.Random(seed)
            while True:
                try:
                    loop(dice)
                except Exception:
                    connections.close_all()
        finally:
            os._exit(1)

    def kill_one(self) -> None:
        pid = self.dice.choice(list(self.children))
        loop = self.children.pop(pid)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        self.killed += 1
        self.begin(loop)

    def end(self) -> None:
        for pid in self.children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def clock(dice: random.Random) -> datetime:
    """A clock nobody can trust: some minutes off, now and then by days, forwards and back. Behind it a day goes by every ten seconds, or
    whoever came to a wait by a clock that was days ahead would wait for ever."""
    jump = dice.choice([timedelta(days=2), timedelta(days=-3), timedelta(days=3)]) if dice.random() < 0.3 else timedelta()
    return timezone.now() + timedelta(days=(time.monotonic() - BEGAN) / DAY) + jump + timedelta(seconds=dice.uniform(-300, 300))


def worker(dice: random.Random) -> None:
    found = dispatch(dice.randint(1, 10)) + engine.work_off(clock(dice), seconds=0.3)
    time.sleep(0.02 if found else 0.2)


def beat(dice: random.Random) -> None:
    engine.tend_journeys(clock(dice))
    time.sleep(0.5)


def careless(now: datetime) -> bool:
    """The same step without its lock, and written down after it was done."""
    run = Run.objects.select_related("journey__owner", "version__purpose", "party").filter(state="waiting", due_at__lte=now).order_by("?").first()
    if run is None:
        return False
    step: Any = step_of(run.version.definition, run.step)
    outcome, _made = actions.do(step, run, run.party, now)
    try:
        RunStep.objects.create(run=run, step=run.step, kind=step["kind"], outcome=outcome, at=now)
    except IntegrityError:
        return True
    key = following(run.version.definition, run.step, outcome)
    Run.objects.filter(pk=run.pk).update(step=key, due_at=engine.due(run.version.definition, key, now), **({} if key else {"state": "done", "ended_at": now}))
    return True


def main(name: str, events: str, people: str, kills: str, seconds: str, how: str = "") -> None:
    """Let the crowd work until all runs are done and enough are killed; meanwhile events are handed out again."""
    connections["default"].settings_dict["NAME"] = name
    if how == "careless":
        engine.advance = careless
    crowd = Crowd([worker] * WORKERS + [beat] * BEATS, seed=3)
    until, done = time.monotonic() + float(seconds), False
    try:
        while not done and time.monotonic() < until:
            time.sleep(0.25)
            if crowd.killed < int(kills):
                crowd.kill_one()
                again = list(Event.objects.filter(done_at__isnull=False).order_by("?").values_list("pk", flat=True)[:3])
                Event.objects.filter(pk__in=again).update(done_at=None)
            runs = Run.objects.filter(state="done").count()
            done = crowd.killed >= int(kills) and runs == int(events) + int(people) and not Event.objects.filter(done_at__isnull=True).exists()
    finally:
        crowd.end()
    print(crowd.killed, "done" if done else "open")


if __name__ == "__main__":
    main(*sys.argv[1:])
