"""The figures of the desk, one formula each (D16): how often a cause came up, what it cost, and whether promises were kept.

How many were kept in time counts what was solved and had a promise. Cost is goodwill plus own cost in the house currency. Every function takes cases already narrowed by `visible_to`; a merged case is counted
in the one it was merged into, not again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Count, F, Q, QuerySet, Sum
from django.utils.translation import gettext_lazy as _

from crm.core.days import on_days
from service.filters import OPEN
from service.models import Case, Cause
from service.reference import path_of

BY_COUNT, BY_COST = "count", "cost"
PERIODS = {"month": _("this month"), "quarter": _("this quarter"), "year": _("this year"), "last12": _("last 12 months")}
NOTHING = Decimal("0.00")


@dataclass(frozen=True)
class Tally:
    """One cause: how many cases, and what they cost."""

    cause_id: int | None
    name: str
    count: int
    goodwill: Decimal
    own_cost: Decimal

    @property
    def cost(self) -> Decimal:
        """Goodwill and own cost together."""
        return self.goodwill + self.own_cost

    def measure(self, by: str) -> Decimal:
        """What the causes are ordered by."""
        return Decimal(self.count) if by == BY_COUNT else self.cost


@dataclass(frozen=True)
class Line:
    """A cause in its place: its share of all, and the share of all causes down to it (1 is everything)."""

    tally: Tally
    share: Decimal
    running: Decimal


@dataclass(frozen=True)
class Kept:
    """Of the cases solved in a time: how many, how many of them had a promise, and how many of these were solved in time."""

    solved: int
    promised: int
    in_time: int

    @property
    def share(self) -> Decimal | None:
        """In time of promised; None where nothing was promised."""
        return Decimal(self.in_time) / self.promised if self.promised else None


@dataclass(frozen=True)
class Waiting:
    """What is not settled now, and how much of it is past a deadline."""

    open: int
    overdue: int


def kept(rows: QuerySet[Case], first: date, last: date) -> Kept:
    """Promises of the cases solved from the first day to the last, both included."""
    promised = Q(due_solution__isnull=False)
    found = rows.filter(merged_into__isnull=True, **on_days("solved_at", first, last)).order_by()
    return Kept(**found.aggregate(solved=Count("pk"), promised=Count("pk", filter=promised), in_time=Count("pk", filter=promised & Q(solved_at__lte=F("due_solution")))))


def waiting(rows: QuerySet[Case], now: datetime) -> Waiting:
    """What waits at this moment."""
    found = rows.filter(OPEN, merged_into__isnull=True).order_by()
    return Waiting(**found.aggregate(open=Count("pk"), overdue=Count("pk", filter=Q(due_next__lte=now))))


def tallies(rows: QuerySet[Case]) -> list[Tally]:
    """Causes with their number of cases and their cost; cases without a cause stand under id None."""
    known = {cause.pk: cause for cause in Cause.objects.all()}
    found = rows.filter(merged_into__isnull=True).order_by().values("cause").annotate(n=Count("pk"), goodwill_sum=Sum("goodwill"), own_sum=Sum("own_cost"))
    return [
        Tally(row["cause"], path_of(known.get(row["cause"]), known), row["n"], row["goodwill_sum"] or NOTHING, row["own_sum"] or NOTHING)
        for row in found.order_by(F("cause").asc(nulls_last=True))
    ]


def pareto(found: Iterable[Tally], by: str = BY_COUNT) -> list[Line]:
    """The causes in falling order with their running share. What has no cause yet is left out; so is what counts nothing."""
    kept = sorted((tally for tally in found if tally.cause_id is not None and tally.measure(by) > 0), key=lambda tally: (-tally.measure(by), tally.name))
    total = sum((tally.measure(by) for tally in kept), Decimal(0))
    lines, running = [], Decimal(0)
    for tally in kept:
        running += tally.measure(by)
        lines.append(Line(tally, tally.measure(by) / total, running / total))
    return lines


def period(key: str, today: date) -> tuple[date, date]:
    """First and last day of a period named in PERIODS."""
    if key == "month":
        return today.replace(day=1), today
    if key == "quarter":
        return today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1), today
    if key == "year":
        return today.replace(month=1, day=1), today
    last = today.replace(year=today.year - 1) if (today.month, today.day) != (2, 29) else today.replace(year=today.year - 1, day=28)
    return last + timedelta(days=1), today
