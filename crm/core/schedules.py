"""What is due by the clock: a due time is a row that one worker claims (D10). Named in `crm/schedules.py`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.utils import timezone

from crm.core.models import OnceKey, ScheduledRun
from crm.core.tasks import ring
from crm.core.wiring import table

log = logging.getLogger("lotse.schedules")
MISSED = timedelta(days=2)  # what is due longer ago than that nobody waits for
PATIENCE = timedelta(minutes=5)  # after which a claimed run that is not done is rung for again


@dataclass(frozen=True)
class Schedule:
    """`run(due_at)` once a day (or once a week on `weekday`, Monday = 0) at `at` in the house's time zone."""

    name: str
    at: time
    run: Callable[[datetime], object]
    weekday: int | None = None

    def last_due(self, now: datetime) -> datetime:
        """The latest due time that is not after `now`."""
        local = timezone.localtime(now)
        day = local.date()
        due = timezone.make_aware(datetime.combine(day, self.at))
        while due > now or (self.weekday is not None and day.weekday() != self.weekday):
            day -= timedelta(days=1)
            due = timezone.make_aware(datetime.combine(day, self.at))
        return due


def claim_due(now: datetime | None = None) -> list[str]:
    """Claim every due time not yet claimed and ring for it. Two beats at once claim it once."""
    now = now or timezone.now()
    claimed = []
    for schedule in table("LOTSE_SCHEDULES"):
        due = schedule.last_due(now)
        if now - due > MISSED:
            continue
        _row, fresh = ScheduledRun.objects.get_or_create(schedule=schedule.name, due_at=due)
        if fresh:
            claimed.append(schedule.name)
            ring("crm.core.tasks.run_schedule", schedule.name)
    for name in ScheduledRun.objects.filter(done_at__isnull=True, claimed_at__range=(now - MISSED, now - PATIENCE)).values_list("schedule", flat=True).distinct():
        ring("crm.core.tasks.run_schedule", name)  # its bell was lost, or its worker died
    OnceKey.objects.filter(at__lt=now - timedelta(days=1)).delete()
    return claimed


def run(name: str) -> None:
    """Do what was claimed under this name and is not done. Handlers are safe twice: they write rows with unique keys."""
    schedule = next(s for s in table("LOTSE_SCHEDULES") if s.name == name)
    for row in ScheduledRun.objects.filter(schedule=name, done_at__isnull=True, due_at__gt=timezone.now() - MISSED).order_by("due_at"):
        schedule.run(row.due_at)
        ScheduledRun.objects.filter(pk=row.pk).update(done_at=timezone.now())


def run_each_tick() -> None:
    """Do what looks for its own due times in Postgres (`EACH_TICK` in `crm/schedules.py`). One that fails does not stop the others."""
    for look in table("LOTSE_EACH_TICK"):
        try:
            look()
        except Exception:
            log.exception("%s failed; the next tick tries again", look.__name__)
