"""The forecast, slowly and plainly: every figure straight from its definition, one opportunity at a time. It judges `sales.forecast`."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from fractions import Fraction

from sales.forecast import Outcome, Transition

MONTH = timedelta(days=30.4375)


def outcome_at(opportunity: int, outcomes: Sequence[Outcome], now: datetime) -> Outcome | None:
    """The last thing decided by `now`, None while open or reopened."""
    known = [outcome for outcome in outcomes if outcome.opportunity == opportunity and outcome.at <= now]
    if not known:
        return None
    last = known[0]
    for outcome in known:
        if outcome.at >= last.at:
            last = outcome
    return None if last.state == "open" else last


def visited(opportunity: int, stage: str, transitions: Sequence[Transition], until: datetime) -> bool:
    return any(t.opportunity == opportunity and t.stage == stage and t.at <= until for t in transitions)


def stage_rate(
    stage: str,
    transitions: Sequence[Transition],
    outcomes: Sequence[Outcome],
    now: datetime,
    window: float,
    half_life: float,
    strength: float,
    fallback: float,
) -> tuple[float, int, int, float]:
    """(rate, n, won, prior mean) of one stage."""
    weight_all = won_all = weight = won = 0.0
    n = n_won = 0
    for opportunity in {outcome.opportunity for outcome in outcomes}:
        outcome = outcome_at(opportunity, outcomes, now)
        if outcome is None or now - outcome.at >= window * MONTH:
            continue
        w = 0.5 ** (((now - outcome.at) / MONTH) / half_life)
        weight_all += w
        won_all += w * (outcome.state == "won")
        if visited(opportunity, stage, transitions, outcome.at):
            n += 1
            n_won += outcome.state == "won"
            weight += w
            won += w * (outcome.state == "won")
    prior = won_all / weight_all if weight_all else fallback
    return (won + strength * prior) / (weight + strength), n, n_won, prior


def passed_on(
    stage: str, order: Sequence[str], transitions: Sequence[Transition], outcomes: Sequence[Outcome], now: datetime
) -> tuple[int, int, int]:
    """(entered, advanced, dropped) of one stage: advanced reached a later stage or was won afterwards, dropped was lost without that."""
    entered = advanced = dropped = 0
    for opportunity in {t.opportunity for t in transitions}:
        mine = [t for t in transitions if t.opportunity == opportunity and t.at <= now]
        here = [t.at for t in mine if t.stage == stage]
        if not here:
            continue
        entered += 1
        later = order[order.index(stage) + 1 :]
        outcome = outcome_at(opportunity, outcomes, now)
        if any(t.stage in later and t.at >= min(here) for t in mine) or (outcome and outcome.state == "won" and outcome.at >= min(here)):
            advanced += 1
        elif outcome and outcome.at >= min(here):
            dropped += 1
    return entered, advanced, dropped


def quantile(values: Sequence[float], share: Fraction) -> float:
    """Hyndman & Fan 1996, type 7, with exact fractions."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * share
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return float(Fraction(ordered[below]) + (place - below) * (Fraction(ordered[above]) - Fraction(ordered[below])))


def beta_interval(alpha: float, beta: float, level: float) -> tuple[float, float]:
    """The middle `level` of a Beta distribution, by adding up its density in 20,000 steps."""
    steps = 20_000
    density = [((i + 0.5) / steps) ** (alpha - 1) * (1 - (i + 0.5) / steps) ** (beta - 1) for i in range(steps)]
    total, run, low, high = sum(density), 0.0, 0.0, 1.0
    for i, value in enumerate(density):
        before, run = run, run + value / total
        if before < (1 - level) / 2 <= run:
            low = (i + 0.5) / steps
        if before < (1 + level) / 2 <= run:
            high = (i + 0.5) / steps
    return low, high
