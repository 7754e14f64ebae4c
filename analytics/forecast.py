"""The forecast of one reader for one period, from the rows the gate opens to that reader.

closed = won, by closing day · open = open ones, by expected close, in full · weighted = the same at the win rate of their stage ·
likely = closed + weighted. The formulas of the sums are those of `sales.metrics`; here they are only grouped. Rows that a share alone
opens are summed apart and never part of a team. All sums of a page come from a fixed number of queries, whatever the number of rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any, cast

from django.db.models import Count, Max, Min, Q, QuerySet, Sum
from django.db.models.functions import TruncMonth
from django.utils import timezone

from accounts.models import Team, User
from analytics import periods
from crm.core.access import Reach, hidden_fields, scope_of
from crm.core.models import Installation
from sales import learning, metrics
from sales.filters import teams_below
from sales.forecast import Period, period_of
from sales.metrics import Figures
from sales.models import Opportunity, Pipeline

NEEDED = frozenset({"amount", "state", "stage", "expected_close", "closed_on"})  # hidden from a reader, there is no forecast for that reader
NOBODY = "none"


def likely(figures: Figures) -> Decimal:
    """closed + weighted."""
    return figures.won_revenue + figures.weighted_pipeline


def together(parts: Iterable[Figures]) -> Figures:
    """The figures of disjoint sets as those of their union."""
    listed, nothing = list(parts), Figures()
    sums: dict[str, Any] = {one.name: sum((getattr(part, one.name) for part in listed), getattr(nothing, one.name)) for one in fields(Figures)}
    return Figures(**sums)


def may_read(user: Any, action: str = "view") -> bool:
    """May this person see (`view`) or take away (`export`) a forecast? Needs the opportunities and the fields it is made of, too."""
    scope = scope_of(user)
    return scope.may(action, "forecast") and scope.may("view", "opportunity") and not NEEDED & hidden_fields(user, Opportunity)


@dataclass(frozen=True)
class Ask:
    """What is asked: by whom, for which period, narrowed to a team (with those below), an owner (or NOBODY) and a pipeline.

    `action` is the verb on the forecast that must open the rows: view for the page, export for what leaves the house.
    """

    user: User
    period: Period
    team: Team | None = None
    owner: User | str | None = None
    pipeline: Pipeline | None = None
    action: str = "view"


@dataclass(frozen=True)
class TeamLine:
    """One team with everything below it, in the order and depth of the tree."""

    team: Team
    depth: int
    figures: Figures
    months: Mapping[date, Figures]


@dataclass(frozen=True)
class OwnerLine:
    """One person's rows; None is nobody's."""

    owner: User | None
    figures: Figures


@dataclass(frozen=True)
class Apart:
    """Rows a reader must know of beside the sums: how many, and their full amount."""

    n: int
    amount: Decimal


@dataclass(frozen=True)
class Late:
    """Open ones whose expected close is past, those of them in the period, and those without a day at all."""

    past: Apart
    past_in_period: Apart
    undated: Apart


class Forecast:
    """All figures of one page, PDF or mail, as of `now`."""

    def __init__(self, ask: Ask, now: datetime | None = None) -> None:
        self.ask = ask
        self.now = timezone.localtime(now)
        self.today = self.now.date()
        house = Installation.current()
        self.fiscal_start: int = house.fiscal_year_start
        self.currency: str = house.currency
        self.period = ask.period
        self.year = periods.year_of(ask.period, self.fiscal_start)

    @cached_property
    def rates(self) -> dict[int, Decimal]:
        """The share an open one counts with, by its stage."""
        return learning.current_rates()

    @cached_property
    def rows(self) -> QuerySet[Opportunity]:
        """What counts: rows of the reader's own reach, narrowed as asked."""
        return self._narrowed(counted(self.ask.user, self.ask.action))

    @cached_property
    def _groups(self) -> list[tuple[date, int, int | None, Figures]]:
        """(first day of the month, team, owner, figures) for the whole fiscal year, decided and open ones apart."""
        known = metrics.expressions(self.rates, self.currency)
        found = []
        for day, rows in halves(self.rows, self.year, lost=True).items():
            names = FIGURES[day]
            grouped: Any = rows.order_by().values("team_id", "owner_id", month=TruncMonth(day)).annotate(**{name: known[name] for name in names})
            found += [(row["month"], row["team_id"], row["owner_id"], Figures(**{name: row[name] for name in names})) for row in grouped]
        return found

    @cached_property
    def months(self) -> dict[date, Figures]:
        """First day → figures, for each month of the fiscal year."""
        parts: dict[date, list[Figures]] = {one.start: [] for one in periods.within(self.year, "month", self.fiscal_start)}
        for month, _team, _owner, figures in self._groups:
            parts[month].append(figures)
        return {month: together(found) for month, found in parts.items()}

    def of(self, period: Period) -> Figures:
        """The figures of any period within the fiscal year."""
        return together(figures for month, figures in self.months.items() if period.start <= month <= period.end)

    @cached_property
    def total(self) -> Figures:
        """The period asked for."""
        return self.of(self.period)

    @cached_property
    def teams(self) -> list[TeamLine]:
        """Teams with rows in the period and the reachable teams above them; a line sums everything below it."""
        direct: dict[int, list[tuple[date, Figures]]] = defaultdict(list)
        for month, pk, _owner, figures in self._groups:
            if self.period.start <= month <= self.period.end:
                direct[pk].append((month, figures))
        reach = scope_of(self.ask.user).reach("view", "opportunity") or Reach()
        tree = {team.pk: team for team in Team.objects.visible_to(self.ask.user)}

        def above(team: Team) -> Team | None:
            parent = tree.get(team.parent_id) if team.parent_id else None
            return parent if parent and (reach.everything or parent.pk in reach.teams) and team.pk != getattr(self.ask.team, "pk", None) else None

        members: dict[int, list[tuple[date, Figures]]] = defaultdict(list)
        children: dict[int | None, set[int]] = defaultdict(set)
        for pk, found in direct.items():
            team: Team | None = tree[pk]
            while team is not None:
                members[team.pk] += found
                parent = above(team)
                children[parent.pk if parent else None].add(team.pk)
                team = parent
        lines: list[TeamLine] = []

        def walk(pks: Iterable[int], depth: int) -> None:
            for pk in sorted(pks, key=lambda pk: tree[pk].name.casefold()):
                months: dict[date, list[Figures]] = defaultdict(list)
                for month, figures in members[pk]:
                    months[month].append(figures)
                summed = {month: together(found) for month, found in months.items()}
                lines.append(TeamLine(tree[pk], depth, together(summed.values()), summed))
                walk(children[pk], depth + 1)

        walk(children[None], 0)
        return lines

    @cached_property
    def owners(self) -> list[OwnerLine]:
        """People with rows in the period, the most likely revenue first."""
        parts: dict[int | None, list[Figures]] = defaultdict(list)
        for month, _team, owner, figures in self._groups:
            if self.period.start <= month <= self.period.end:
                parts[owner].append(figures)
        people = User.objects.visible_to(self.ask.user).in_bulk([pk for pk in parts if pk is not None])
        lines = [OwnerLine(people.get(pk) if pk else None, together(found)) for pk, found in parts.items()]
        return sorted(lines, key=lambda line: (-likely(line.figures), str(line.owner or "")))

    @cached_property
    def late(self) -> Late:
        """What the dates of open rows leave in doubt."""
        is_open = self.rows.filter(state=Opportunity.State.OPEN).order_by()
        here = Q(expected_close__range=(self.period.start, self.period.end))
        amount = metrics.house_amount(self.currency)
        past = is_open.filter(expected_close__lt=self.today).aggregate(
            n=Count("pk"), full=Sum(amount), here_n=Count("pk", filter=here), here_full=Sum(amount, filter=here)
        )
        undated = is_open.filter(expected_close__isnull=True).aggregate(n=Count("pk"), full=Sum(amount))
        pairs = ((past["n"], past["full"]), (past["here_n"], past["here_full"]), (undated["n"], undated["full"]))
        return Late(*(Apart(n, full or Decimal(0)) for n, full in pairs))

    @cached_property
    def alone(self) -> Figures:
        """The period asked for, where nothing else of the year is shown."""
        return self._summed(self.rows)

    @cached_property
    def shared(self) -> Figures:
        """Rows of the period that a share alone opens to the reader."""
        return self._summed(self._narrowed(shared_only(self.ask.user)))

    def _summed(self, rows: QuerySet[Opportunity]) -> Figures:
        return together(metrics.figures(half, self.rates, only=FIGURES[day], house=self.currency) for day, half in halves(rows, self.period).items())

    @cached_property
    def span(self) -> tuple[date, date]:
        """First and last day that any row is counted on, at least today; within thirty years, so that a typing error makes no long list."""
        rows = self.rows.order_by()
        decided = rows.exclude(state=Opportunity.State.OPEN).aggregate(first=Min("closed_on"), last=Max("closed_on"))
        expected = rows.filter(state=Opportunity.State.OPEN).aggregate(first=Min("expected_close"), last=Max("expected_close"))
        first = min(filter(None, (decided["first"], expected["first"], self.today, self.period.start)))
        last = max(filter(None, (decided["last"], expected["last"], self.today, self.period.end)))
        margin = timedelta(days=30 * 365)
        return max(first, self.today - margin), min(last, self.today + margin)

    @cached_property
    def stages(self) -> list[tuple[Pipeline, learning.Learned]]:
        """What was learned of each pipeline that is in use (or of the one asked for)."""
        chosen = Pipeline.objects.visible_to(self.ask.user).prefetch_related("stages")
        chosen = chosen.filter(pk=self.ask.pipeline.pk) if self.ask.pipeline else chosen.filter(active=True)
        return [(pipeline, learning.learned(pipeline)) for pipeline in chosen]

    def _narrowed(self, rows: QuerySet[Opportunity]) -> QuerySet[Opportunity]:
        ask = self.ask
        if ask.team is not None:
            rows = rows.filter(team__in=teams_below(ask.team))
        if ask.owner is not None:
            rows = rows.filter(owner__isnull=True) if ask.owner == NOBODY else rows.filter(owner=cast(User, ask.owner).pk)
        if ask.pipeline is not None:
            rows = rows.filter(stage__pipeline=ask.pipeline.pk)
        return rows


# What each of the `halves` can add to; the other figures are nothing there.
FIGURES = {"closed_on": ("won_revenue", "n_won", "n_lost", "unvalued"), "expected_close": ("open_pipeline", "weighted_pipeline", "n_open", "unvalued")}


def halves(rows: QuerySet[Opportunity], period: Period, *, lost: bool = False) -> dict[str, QuerySet[Opportunity]]:
    """By the day that counts: won ones that closed in the period (with `lost` those lost in it, too, for the win rate), and open ones expected
    in it. Each half is an index of its own that holds all the sums need; asked for together they would be read row by row."""
    days, decided = (period.start, period.end), ["won", "lost"] if lost else ["won"]
    return {"closed_on": rows.filter(state__in=decided, closed_on__range=days), "expected_close": rows.filter(state="open", expected_close__range=days)}


def counted(user: User, action: str = "view") -> QuerySet[Opportunity]:
    """Rows of the reader's own reach, by the verb on opportunities and by that on the forecast: own ones and those of the teams."""
    scope = scope_of(user)
    rows = Opportunity.objects.visible_to(user)
    for reach in (scope.reach("view", "opportunity"), scope.reach(action, "forecast")):
        if reach is None:
            return rows.none()
        if not reach.everything:
            rows = rows.filter(reach.rows)
    return rows


def shared_only(user: User) -> QuerySet[Opportunity]:
    """Rows that only a share opens: found by the keys of the shares."""
    scope = scope_of(user)
    reach, rows = scope.reach("view", "opportunity"), Opportunity.objects.visible_to(user)
    if reach is None or reach.everything:
        return rows.none()
    return rows.filter(scope.shared_rows(Opportunity, "view"), reach.beyond)


def current_period(unit: str = "quarter", now: datetime | None = None) -> Period:
    """The period of today."""
    return period_of(timezone.localtime(now).date(), unit, Installation.current().fiscal_year_start)  # type: ignore[arg-type]
