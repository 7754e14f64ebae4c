"""The forecast as it was said: one immutable row an evening for every open opportunity (product 3.1, 3.2).

What was said then is read from these rows alone, with the team and owner they had then, so that nothing changed since can change it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import cast

from django.db import connection
from django.db.models import Case, Count, F, IntegerField, Q, QuerySet, Sum, Value, When
from django.db.models.functions import Coalesce, Round
from django.utils import timezone

from accounts.models import User
from analytics.forecast import NOBODY, Ask, Forecast
from analytics.models import ForecastSnapshot
from crm.core.access import scope_of
from crm.core.work import work
from sales import learning, metrics
from sales.filters import teams_below
from sales.models import Opportunity, Pipeline, Stage

COMPARED = timedelta(days=7)  # how far back the page looks, once there is as much history

_COLUMNS = ("as_of", "opportunity_id", "owner_id", "team_id", "stage_id", "amount", "rate", "sample", "expected_close")


def take_snapshot(due_at: datetime) -> int:
    """Write down every open opportunity for the evening before `due_at` (house time). Returns how many rows were written.

    One statement; an evening that is there already is left as it is, so a second run writes nothing.
    """
    evening = timezone.localtime(due_at).date() - timedelta(days=1)
    rates, samples = {}, {}
    for pipeline in Pipeline.objects.unrestricted().prefetch_related("stages"):
        known = learning.learn(pipeline)
        for stage in pipeline.stages.all():
            rates[stage.pk] = known.rate(stage)
            samples[stage.pk] = known.rates[stage.pk].n
    rows = (
        Opportunity.objects.unrestricted()
        .filter(state=Opportunity.State.OPEN)
        .order_by()
        .annotate(
            s_amount=metrics.house_amount(),
            s_rate=Case(*(When(stage=pk, then=Value(rate)) for pk, rate in rates.items()), default=Value(Decimal(0))),
            s_sample=Case(*(When(stage=pk, then=Value(n)) for pk, n in samples.items()), default=Value(0), output_field=IntegerField()),
        )
        .values_list("pk", "owner_id", "team_id", "stage_id", "s_amount", "s_rate", "s_sample", "expected_close")
    )
    query, parameters = rows.query.sql_with_params()
    table = ForecastSnapshot._meta.db_table
    with work(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('forecast-snapshot'))")
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(_COLUMNS)}) SELECT %s, evening.* FROM ({query}) AS evening"  # noqa: S608  (names of ours, values as parameters)
            f" WHERE NOT EXISTS (SELECT 1 FROM {table} WHERE as_of = %s)",
            [evening, *parameters, evening],
        )
        return int(cursor.rowcount)


def evenings() -> list[date]:
    """Every evening there is, in order. Jumps along the index instead of reading every row."""
    table = ForecastSnapshot._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH RECURSIVE evening(day) AS (SELECT min(as_of) FROM {table} UNION ALL"  # noqa: S608
            f" SELECT (SELECT min(as_of) FROM {table} WHERE as_of > day) FROM evening WHERE day IS NOT NULL)"
            " SELECT day FROM evening WHERE day IS NOT NULL"
        )
        return [day for (day,) in cursor.fetchall()]


@dataclass(frozen=True)
class Said:
    """What stood open for a period on one evening, and what became of these rows as far as the reader sees them now."""

    evening: date
    n: int
    open: Decimal
    weighted: Decimal
    n_won: int
    won: Decimal
    n_lost: int
    n_kept: int  # open, still expected in the period
    n_moved: int  # open, now expected in another period or on no day

    @property
    def n_gone(self) -> int:
        """Deleted, or no longer the reader's to see."""
        return self.n - self.n_won - self.n_lost - self.n_kept - self.n_moved


def said_then(forecast: Forecast, known: list[date]) -> Said | None:
    """The latest evening a week old or older, else the earliest; None while there is none before today."""
    earlier = [day for day in known if day < forecast.today]
    if not earlier:
        return None
    evening = max((day for day in earlier if day <= forecast.today - COMPARED), default=earlier[0])
    stored = _of_reader(forecast.ask).filter(as_of=evening, expected_close__range=(forecast.period.start, forecast.period.end))
    nothing = Value(Decimal(0))
    sums = stored.aggregate(
        n=Count("pk"), open=Coalesce(Sum("amount"), nothing), weighted=Coalesce(Sum(Round(F("amount") * F("rate"), precision=2)), nothing)
    )
    here = Q(expected_close__range=(forecast.period.start, forecast.period.end))
    amount = metrics.house_amount(forecast.currency)
    fate = Opportunity.objects.visible_to(forecast.ask.user).filter(pk__in=stored.values("opportunity_id")).order_by().aggregate(
        n_won=Count("pk", filter=Q(state="won")),
        won=Coalesce(Sum(amount, filter=Q(state="won")), nothing),
        n_lost=Count("pk", filter=Q(state="lost")),
        n_kept=Count("pk", filter=Q(state="open") & here),
        n_open=Count("pk", filter=Q(state="open")),
    )
    n_open = fate.pop("n_open")
    return Said(evening=evening, **sums, **fate, n_moved=n_open - fate["n_kept"])


def _of_reader(ask: Ask) -> QuerySet[ForecastSnapshot]:
    """Stored rows by the team and owner of that evening: the same reach and filters as the page, as they applied then."""
    scope = scope_of(ask.user)
    rows = ForecastSnapshot.objects.all()
    for reach in (scope.reach("view", "opportunity"), scope.reach(ask.action, "forecast")):
        if reach is None:
            return rows.none()
        if not reach.everything:
            rows = rows.filter(reach.rows)
    if ask.team is not None:
        rows = rows.filter(team_id__in=teams_below(ask.team))
    if ask.owner is not None:
        rows = rows.filter(owner_id__isnull=True) if ask.owner == NOBODY else rows.filter(owner_id=cast(User, ask.owner).pk)
    if ask.pipeline is not None:
        rows = rows.filter(stage_id__in=Stage.objects.visible_to(ask.user).filter(pipeline=ask.pipeline.pk).values("pk"))
    return rows
