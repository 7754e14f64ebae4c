"""The forecast as pure functions: plain values in, plain values out, everything as known at `now`.

Facts after `now` are never read, so a figure for a past day is what could have been said on that day. Times are aware datetimes; days are
taken in the time zone of `now`. Money is Decimal in one currency, converted before it comes here. Rates are Decimals of four places, and a
weighted amount is rounded to the cent per opportunity, so that any sum equals the sum of the rows it opens.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from statistics import NormalDist, median
from typing import Any, Literal

State = Literal["open", "won", "lost"]
Unit = Literal["month", "quarter", "year"]
Stage = Any  # the key of a stage, hashable

_MONTH = timedelta(days=30.4375)  # a twelfth of 365.25 days
_RATE, _CENT = Decimal("0.0001"), Decimal("0.01")
_LEVEL = 0.8  # of the interval around a rate


@dataclass(frozen=True)
class Transition:
    """One row of the stage ledger: the opportunity came to `stage`; with amount and expected close as they stood then."""

    opportunity: int
    stage: Stage
    at: datetime
    amount: Decimal | None = None
    expected: date | None = None


@dataclass(frozen=True)
class Outcome:
    """The opportunity was won, lost, or reopened ("open")."""

    opportunity: int
    state: State
    at: datetime
    amount: Decimal | None = None


@dataclass(frozen=True)
class Opportunity:
    """An opportunity as it stood on one day."""

    id: int
    stage: Stage
    state: State
    amount: Decimal | None
    expected: date | None
    closed: date | None = None


@dataclass(frozen=True)
class Prior:
    """What is believed before a stage has history: `strength` decided opportunities at the pipeline's own mean rate; `fallback` is that
    mean while nothing at all was decided. Ten: a stage with ten decided visits stands half on its own."""

    strength: float = 10.0
    fallback: float = 0.5


@dataclass(frozen=True)
class StageRate:
    """The chance of winning for those who came to a stage. `n` visits with known outcome, `won` of them, both undecayed; `prior` the
    pipeline's mean; `low`–`high` hold the true rate with 80 %."""

    stage: Stage
    rate: Decimal
    n: int
    won: int
    prior: Decimal
    low: Decimal
    high: Decimal


def stage_rates(
    transitions: Iterable[Transition],
    outcomes: Iterable[Outcome],
    now: datetime,
    *,
    stages: Iterable[Stage] = (),
    window_months: float = 24,
    half_life_months: float = 12,
    prior: Prior | None = None,
) -> dict[Stage, StageRate]:
    """The rate of every stage visited by `now`, and of `stages` even without a visit.

    p = (won after visiting + α) / (visits with known outcome + α + β), the mean of a Beta posterior, α = strength · mean of the pipeline,
    β = strength − α. Counted are visits, not where opportunities stand now: one per opportunity and stage, however often it came back.
    Open and reopened ones are left out until they are decided; decisions older than the window too. A decision weighs 0.5^(age / half-life).
    The interval is Wilson's (1927) on the posterior's counts, within a hundredth of the Beta quantiles from about 50 visits on.
    """
    prior = prior or Prior()
    visits: dict[Stage, dict[int, datetime]] = {stage: {} for stage in stages}
    for transition in transitions:
        if transition.at <= now:
            first = visits.setdefault(transition.stage, {})
            first[transition.opportunity] = min(transition.at, first.get(transition.opportunity, transition.at))
    decided = {
        opportunity: (outcome, 0.5 ** ((now - outcome.at) / _MONTH / half_life_months))
        for opportunity, outcome in _decided(outcomes, now).items()
        if now - outcome.at < window_months * _MONTH
    }
    everything = math.fsum(weight for _outcome, weight in decided.values())
    mean = (
        math.fsum(weight for outcome, weight in decided.values() if outcome.state == "won") / everything if everything else prior.fallback
    )
    rates = {}
    for stage, first in visits.items():
        known = [decided[opportunity] for opportunity, at in first.items() if opportunity in decided and at <= decided[opportunity][0].at]
        won = [weight for outcome, weight in known if outcome.state == "won"]
        count = math.fsum(weight for _outcome, weight in known) + prior.strength
        rate = (math.fsum(won) + prior.strength * mean) / count if count else mean
        low, high = _wilson(rate, count)
        rates[stage] = StageRate(
            stage, _round(rate), len(known), len(won), _round(mean), _round(low, ROUND_FLOOR), _round(high, ROUND_CEILING)
        )
    return rates


def _decided(outcomes: Iterable[Outcome], now: datetime) -> dict[int, Outcome]:
    last: dict[int, Outcome] = {}
    for outcome in outcomes:
        if outcome.at <= now and (outcome.opportunity not in last or outcome.at >= last[outcome.opportunity].at):
            last[outcome.opportunity] = outcome
    return {opportunity: outcome for opportunity, outcome in last.items() if outcome.state != "open"}


def _wilson(rate: float, count: float) -> tuple[float, float]:
    if not count:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + _LEVEL) / 2)
    centre = (rate + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(rate * (1 - rate) / count + z * z / (4 * count * count))
    return min(max(centre - half, 0.0), rate), max(min(centre + half, 1.0), rate)


def _round(value: float, rounding: str = ROUND_HALF_EVEN) -> Decimal:
    return Decimal(value).quantize(_RATE, rounding)


def standing(transitions: Iterable[Transition], outcomes: Iterable[Outcome], now: datetime) -> list[Opportunity]:
    """The opportunities as they stood at `now`, rebuilt from the ledger, in the order they came up."""
    last: dict[int, Transition] = {}
    for transition in sorted((t for t in transitions if t.at <= now), key=lambda t: t.at):
        last[transition.opportunity] = transition
    decided = _decided(outcomes, now)
    rows = []
    for opportunity, transition in last.items():
        outcome = decided.get(opportunity)
        if outcome is None:
            rows.append(Opportunity(opportunity, transition.stage, "open", transition.amount, transition.expected))
            continue
        amount = transition.amount if outcome.amount is None else outcome.amount
        closed = outcome.at.astimezone(now.tzinfo).date()
        rows.append(Opportunity(opportunity, transition.stage, outcome.state, amount, transition.expected, closed))
    return rows


@dataclass(frozen=True)
class Sums:
    """Money of a set of opportunities: won, open at full amount, and open weighted by stage rate. `n_unvalued` open ones have no amount
    and add nothing."""

    won: Decimal = Decimal(0)
    open: Decimal = Decimal(0)
    weighted: Decimal = Decimal(0)
    n_won: int = 0
    n_open: int = 0
    n_unvalued: int = 0


def weighted(opportunities: Iterable[Opportunity], rates: Mapping[Stage, StageRate]) -> Sums:
    """Won, open and weighted = Σ amount · rate of the stage. A stage without a rate is a KeyError, not a guess."""
    won, full, share = Decimal(0), Decimal(0), Decimal(0)
    n_won = n_open = n_unvalued = 0
    for opportunity in opportunities:
        amount = opportunity.amount or Decimal(0)
        if opportunity.state == "won":
            won += amount
            n_won += 1
        elif opportunity.state == "open":
            full += amount
            share += (amount * rates[opportunity.stage].rate).quantize(_CENT, ROUND_HALF_EVEN)
            n_open += 1
            n_unvalued += opportunity.amount is None
    return Sums(won, full, share, n_won, n_open, n_unvalued)


@dataclass(frozen=True)
class Period:
    """First and last day; `year` is the calendar year the fiscal year begins in, `index` counts from 1 within it."""

    start: date
    end: date
    unit: Unit
    year: int
    index: int


_LENGTH: dict[Unit, int] = {"month": 1, "quarter": 3, "year": 12}


def period_of(day: date, unit: Unit, fiscal_start: int = 1) -> Period:
    """The period `day` lies in; `fiscal_start` is the month the fiscal year begins with."""
    into = (day.month - fiscal_start) % 12  # months into the fiscal year
    year = day.year if day.month >= fiscal_start else day.year - 1
    length = _LENGTH[unit]
    index = into // length
    start = _first(year, fiscal_start + index * length)
    return Period(start, _first(year, fiscal_start + (index + 1) * length) - timedelta(days=1), unit, year, index + 1)


def _first(year: int, month: int) -> date:
    return date(year + (month - 1) // 12, (month - 1) % 12 + 1, 1)


def periods(start: date, end: date, unit: Unit, fiscal_start: int = 1) -> list[Period]:
    """Every period from the one of `start` to the one of `end`, without gaps."""
    run = []
    while start <= end:
        run.append(period_of(start, unit, fiscal_start))
        start = run[-1].end + timedelta(days=1)
    return run


def by_period(
    opportunities: Iterable[Opportunity], rates: Mapping[Stage, StageRate], now: date, unit: Unit, *, fiscal_start: int = 1
) -> dict[Period | None, Sums]:
    """Sums per period in order: won ones by the day they closed, open ones by the day they are expected, None = no day known.

    The opportunities are those of `now`: of today, of a snapshot, or of `standing`. One closed after `now` is a ValueError.
    """
    groups: dict[Period | None, list[Opportunity]] = {}
    for opportunity in opportunities:
        if opportunity.closed and opportunity.closed > now:
            raise ValueError(f"Opportunity {opportunity.id} closed on {opportunity.closed}, after {now}: hindsight is refused.")
        if opportunity.state == "lost":
            continue
        day = opportunity.closed if opportunity.state == "won" else opportunity.expected
        groups.setdefault(period_of(day, unit, fiscal_start) if day else None, []).append(opportunity)
    ordered = sorted(groups, key=lambda period: period.start if period else date.max)
    return {period: weighted(groups[period], rates) for period in ordered}


@dataclass(frozen=True)
class StageFlow:
    """What became of those who came to a stage: `advanced` reached a later one or were won, `dropped` were lost before that, the rest is
    undecided. `conversion` = advanced / (advanced + dropped). `median_days` of the `n_days` stays that ended."""

    stage: Stage
    entered: int
    advanced: int
    dropped: int
    conversion: Decimal | None
    median_days: float | None
    n_days: int


def stage_flow(transitions: Iterable[Transition], outcomes: Iterable[Outcome], now: datetime, stages: Sequence[Stage]) -> list[StageFlow]:
    """Conversion and median days per stage, in the order of `stages`. A stay ends with the next transition or decision."""
    order = {stage: place for place, stage in enumerate(stages)}
    entries: dict[int, list[Transition]] = {}
    for transition in sorted((t for t in transitions if t.at <= now), key=lambda t: t.at):
        entries.setdefault(transition.opportunity, []).append(transition)
    outcomes = [outcome for outcome in outcomes if outcome.at <= now]
    closings: dict[int, list[datetime]] = {}
    for outcome in sorted(outcomes, key=lambda o: o.at):
        if outcome.state != "open":
            closings.setdefault(outcome.opportunity, []).append(outcome.at)
    decided = _decided(outcomes, now)
    entered, advanced, dropped = (dict.fromkeys(stages, 0) for _ in range(3))
    stays: dict[Stage, list[float]] = {stage: [] for stage in stages}
    for opportunity, path in entries.items():
        result = decided.get(opportunity)
        for stage, since in _first_visits(path).items():
            if stage not in order:
                continue
            entered[stage] += 1
            further = any(step.at >= since and order.get(step.stage, -1) > order[stage] for step in path)
            if further or (result and result.state == "won" and result.at >= since):
                advanced[stage] += 1
            elif result and result.at >= since:
                dropped[stage] += 1
        for step, following in zip(path, [*path[1:], None], strict=True):
            ends = [at for at in closings.get(opportunity, []) if at >= step.at] + ([following.at] if following else [])
            if ends and step.stage in order:
                stays[step.stage].append((min(ends) - step.at) / timedelta(days=1))
    return [
        StageFlow(
            stage,
            entered[stage],
            advanced[stage],
            dropped[stage],
            _share(advanced[stage], advanced[stage] + dropped[stage]),
            median(stays[stage]) if stays[stage] else None,
            len(stays[stage]),
        )
        for stage in stages
    ]


def _first_visits(path: Iterable[Transition]) -> dict[Stage, datetime]:
    first: dict[Stage, datetime] = {}
    for step in path:
        first.setdefault(step.stage, step.at)
    return first


def _share(part: int, whole: int) -> Decimal | None:
    return (Decimal(part) / whole).quantize(_RATE) if whole else None


@dataclass(frozen=True)
class Rate:
    """A share with the key of what it is a share of; None where there is nothing to share."""

    value: Decimal | None
    label_key: str
    n: int


def won_rate(won: int, lost: int) -> Rate:
    """Won of the decided. Of all, open ones included, it would be another number under the same name."""
    return Rate(_share(won, won + lost), "won/(won+lost)", won + lost)


@dataclass(frozen=True)
class AgeVerdict:
    """An opportunity's age against those that were won: None below the number needed to say anything. Thresholds in days."""

    verdict: Literal["fresh", "over_median", "over_p90"] | None
    n: int
    median: float | None = None
    p90: float | None = None


def age_verdict(age_days: float, won_ages: Sequence[float], minimum: int = 10) -> AgeVerdict:
    """Where `age_days` stands among the ages at which comparable opportunities were won."""
    if len(won_ages) < minimum:
        return AgeVerdict(None, len(won_ages))
    half, most = quantile(won_ages, 0.5), quantile(won_ages, 0.9)
    return AgeVerdict("fresh" if age_days <= half else "over_median" if age_days <= most else "over_p90", len(won_ages), half, most)


def quantile(values: Sequence[float], share: float) -> float:
    """Linear between the two nearest values (Hyndman & Fan 1996, type 7)."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * share
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])
