"""The forecast against its slow reference, on drawn histories, and against its own promises: nothing after the day is used, sums agree to the cent."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sales.forecast import (
    Opportunity,
    Outcome,
    Period,
    Prior,
    StageRate,
    Transition,
    Unit,
    age_verdict,
    by_period,
    period_of,
    periods,
    quantile,
    stage_flow,
    stage_rates,
    standing,
    weighted,
    won_rate,
)
from tests.sales import forecast_reference as reference

STAGES = ("qualify", "offer", "decide")
START = datetime(2024, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)


def day(number: float) -> datetime:
    return START + timedelta(days=number)


# --- drawn histories ------------------------------------------------------------------------------------------------------------------

days = st.integers(0, 1200).map(day)
amounts = st.none() | st.integers(0, 10_000_000).map(lambda cents: Decimal(cents) / 100)
transition = st.builds(
    Transition,
    opportunity=st.integers(1, 8),
    stage=st.sampled_from(STAGES),
    at=days,
    amount=amounts,
    expected=st.none() | days.map(datetime.date),
)
outcome = st.builds(Outcome, opportunity=st.integers(1, 8), state=st.sampled_from(["won", "lost", "open"]), at=days, amount=amounts)
transitions_drawn = st.lists(transition, max_size=25)
outcomes_drawn = st.lists(outcome, max_size=12, unique_by=lambda o: (o.opportunity, o.at))


@given(transitions_drawn, outcomes_drawn, days)
def test_rates_equal_the_reference(transitions: list[Transition], outcomes: list[Outcome], now: datetime) -> None:
    rates = stage_rates(transitions, outcomes, now, stages=STAGES, prior=Prior(strength=4, fallback=0.3))
    assert set(rates) == set(STAGES)
    for stage in STAGES:
        rate, n, won, prior = reference.stage_rate(stage, transitions, outcomes, now, 24, 12, 4, 0.3)
        assert float(rates[stage].rate) == pytest.approx(rate, abs=6e-5)
        assert (rates[stage].n, rates[stage].won) == (n, won)
        assert float(rates[stage].prior) == pytest.approx(prior, abs=6e-5)
        assert 0 <= rates[stage].low <= rates[stage].rate <= rates[stage].high <= 1


@given(transitions_drawn, outcomes_drawn, days)
def test_flow_equals_the_reference(transitions: list[Transition], outcomes: list[Outcome], now: datetime) -> None:
    for flow in stage_flow(transitions, outcomes, now, STAGES):
        assert (flow.entered, flow.advanced, flow.dropped) == reference.passed_on(flow.stage, STAGES, transitions, outcomes, now)
        decided = flow.advanced + flow.dropped
        assert flow.conversion == (Decimal(flow.advanced) / decided).quantize(Decimal("0.0001")) if decided else flow.conversion is None


@given(transitions_drawn, outcomes_drawn, transitions_drawn, outcomes_drawn, st.integers(0, 1200))
def test_nothing_after_the_day_is_used(
    transitions: list[Transition], outcomes: list[Outcome], more: list[Transition], more_outcomes: list[Outcome], at: int
) -> None:
    """Honest hindsight: whatever happens after `now`, what was said at `now` stays as it was said."""
    now = day(at)
    shift = timedelta(days=at + 1)
    later = [replace(t, at=t.at + shift) for t in more]
    later_outcomes = [replace(o, at=o.at + shift) for o in more_outcomes]
    kept, kept_outcomes = [t for t in transitions if t.at <= now], [o for o in outcomes if o.at <= now]

    def said(given: list[Transition], decided: list[Outcome]) -> object:
        rates = stage_rates(given, decided, now, stages=STAGES)
        pipeline = standing(given, decided, now)
        return (
            rates,
            stage_flow(given, decided, now, STAGES),
            pipeline,
            weighted(pipeline, rates),
            by_period(pipeline, rates, now.date(), "month"),
        )

    assert said(transitions + later, outcomes + later_outcomes) == said(kept, kept_outcomes)


@given(transitions_drawn, outcomes_drawn, days, st.sampled_from(["month", "quarter", "year"]), st.integers(1, 12))
def test_periods_sum_to_the_whole_to_the_cent(
    transitions: list[Transition], outcomes: list[Outcome], now: datetime, unit: Unit, fiscal: int
) -> None:
    rates = stage_rates(transitions, outcomes, now, stages=STAGES)
    pipeline = standing(transitions, outcomes, now)
    parts = by_period(pipeline, rates, now.date(), unit, fiscal_start=fiscal)
    whole = weighted(pipeline, rates)
    assert sum(part.weighted for part in parts.values()) == whole.weighted
    assert sum(part.open for part in parts.values()) == whole.open
    assert sum(part.won for part in parts.values()) == whole.won
    assert sum(part.n_open for part in parts.values()) == whole.n_open
    assert whole.weighted == sum(weighted([one], rates).weighted for one in pipeline)
    for period in parts:
        assert period is None or period.start <= period.end


@given(st.lists(st.integers(0, 2000), min_size=1, max_size=30), st.integers(0, 100))
def test_quantile_equals_the_reference(values: list[int], percent: int) -> None:
    assert quantile(values, percent / 100) == pytest.approx(reference.quantile(values, Fraction(percent, 100)))


@given(days, st.sampled_from(["month", "quarter", "year"]), st.integers(1, 12))
def test_a_day_lies_in_its_period_and_periods_follow_each_other(at: datetime, unit: Unit, fiscal: int) -> None:
    period = period_of(at.date(), unit, fiscal)
    assert period.start <= at.date() <= period.end
    following = period_of(period.end + timedelta(days=1), unit, fiscal)
    assert following.start == period.end + timedelta(days=1)
    assert (following.year, following.index) > (period.year, period.index)
    assert all(period_of(period.start + timedelta(days=n), unit, fiscal) == period for n in range((period.end - period.start).days + 1))


# --- by hand --------------------------------------------------------------------------------------------------------------------------


def won(opportunity: int, at: datetime) -> Outcome:
    return Outcome(opportunity, "won", at, Decimal(100))


def lost(opportunity: int, at: datetime) -> Outcome:
    return Outcome(opportunity, "lost", at, None)


def test_rate_by_hand() -> None:
    """Three of four that saw the offer were won today, strength 2 around the pipeline's mean 3/5: (3 + 1.2) / (4 + 2) = 0.7."""
    transitions = [Transition(n, "qualify", day(0)) for n in range(1, 6)] + [Transition(n, "offer", day(1)) for n in range(1, 5)]
    outcomes = [won(1, NOW), won(2, NOW), won(3, NOW), lost(4, NOW), lost(5, NOW)]
    rates = stage_rates(transitions, outcomes, NOW, prior=Prior(strength=2))
    assert rates["offer"] == StageRate("offer", Decimal("0.7000"), 4, 3, Decimal("0.6000"), rates["offer"].low, rates["offer"].high)
    assert rates["qualify"].rate == Decimal("0.6000")


def test_decay_by_hand() -> None:
    """A win one half-life ago counts half: (0.5 + 0) / (0.5 + 1) of the pipeline, no prior strength."""
    transitions = [Transition(1, "offer", day(0)), Transition(2, "offer", day(0))]
    outcomes = [won(1, NOW - timedelta(days=30.4375 * 12)), lost(2, NOW)]
    assert stage_rates(transitions, outcomes, NOW, prior=Prior(strength=0))["offer"].rate == Decimal("0.3333")


def test_what_is_too_old_open_or_visited_later_does_not_count() -> None:
    transitions = [Transition(n, "offer", day(0)) for n in (1, 2, 3)] + [Transition(4, "offer", NOW), Transition(5, "offer", day(0))]
    outcomes = [
        won(1, NOW - timedelta(days=730.5)),  # exactly the window: out
        lost(2, day(700)),
        Outcome(2, "open", day(710), None),  # reopened
        won(4, NOW - timedelta(days=1)),  # won before it came to this stage
        lost(5, day(700)),
    ]
    rate = stage_rates(transitions, outcomes, NOW, stages=("offer",))["offer"]
    assert (rate.n, rate.won) == (1, 0)


def test_a_stage_visited_later_is_not_known_yet() -> None:
    assert stage_rates([Transition(1, "offer", day(9))], [], day(5)) == {}


def test_visiting_twice_counts_once() -> None:
    transitions = [Transition(1, "offer", day(1)), Transition(1, "qualify", day(2)), Transition(1, "offer", day(3))]
    assert stage_rates(transitions, [won(1, day(4))], day(5))["offer"].n == 1


def test_without_history_the_prior_speaks() -> None:
    rate = stage_rates([], [], NOW, stages=("offer",), prior=Prior(strength=10, fallback=0.25))["offer"]
    assert (rate.rate, rate.n, rate.prior) == (Decimal("0.2500"), 0, Decimal("0.2500"))


@pytest.mark.parametrize(("wins", "losses"), [(30, 20), (80, 40), (300, 100), (10, 40)])
def test_interval_is_near_the_beta_posterior(wins: int, losses: int) -> None:
    transitions = [Transition(n, "offer", day(0)) for n in range(wins + losses)]
    outcomes = [won(n, NOW) if n < wins else lost(n, NOW) for n in range(wins + losses)]
    rate = stage_rates(transitions, outcomes, NOW, prior=Prior(strength=10))["offer"]
    share = wins / (wins + losses)
    low, high = reference.beta_interval(wins + 10 * share, losses + 10 * (1 - share), 0.8)
    assert float(rate.low) == pytest.approx(low, abs=0.01)
    assert float(rate.high) == pytest.approx(high, abs=0.01)


RATES = {
    "qualify": StageRate("qualify", Decimal("0.1000"), 50, 5, Decimal("0.2"), Decimal(0), Decimal(1)),
    "offer": StageRate("offer", Decimal("0.3333"), 50, 17, Decimal("0.2"), Decimal(0), Decimal(1)),
}


def test_weighted_by_hand() -> None:
    pipeline = [
        Opportunity(1, "qualify", "open", Decimal("1000.00"), date(2026, 7, 15)),
        Opportunity(2, "offer", "open", Decimal("99.99"), date(2026, 7, 31)),
        Opportunity(3, "offer", "open", None, None),
        Opportunity(4, "offer", "won", Decimal("500.00"), date(2026, 1, 1), date(2026, 6, 30)),
        Opportunity(5, "offer", "lost", Decimal("700.00"), date(2026, 1, 1), date(2026, 6, 30)),
    ]
    sums = weighted(pipeline, RATES)
    assert (sums.weighted, sums.open, sums.won) == (Decimal("133.33"), Decimal("1099.99"), Decimal("500.00"))
    assert (sums.n_open, sums.n_won, sums.n_unvalued) == (3, 1, 1)
    parts = by_period(pipeline, RATES, date(2026, 6, 30), "month")
    june, july = (period_of(date(2026, month, 1), "month") for month in (6, 7))
    assert parts[june].won == Decimal("500.00")
    assert parts[july].weighted == Decimal("133.33")
    assert parts[None].n_open == 1


def test_an_unknown_stage_is_not_guessed() -> None:
    with pytest.raises(KeyError):
        weighted([Opportunity(1, "new", "open", Decimal(1), None)], RATES)


def test_a_row_from_the_future_is_refused() -> None:
    with pytest.raises(ValueError, match="after"):
        by_period([Opportunity(1, "offer", "won", Decimal(1), None, date(2026, 7, 1))], RATES, date(2026, 6, 30), "month")


PERIODS = [
    (date(2026, 2, 14), "month", 1, Period(date(2026, 2, 1), date(2026, 2, 28), "month", 2026, 2)),
    (date(2024, 2, 29), "month", 1, Period(date(2024, 2, 1), date(2024, 2, 29), "month", 2024, 2)),
    (date(2026, 12, 31), "month", 1, Period(date(2026, 12, 1), date(2026, 12, 31), "month", 2026, 12)),
    (date(2026, 3, 31), "quarter", 1, Period(date(2026, 1, 1), date(2026, 3, 31), "quarter", 2026, 1)),
    (date(2026, 10, 1), "quarter", 1, Period(date(2026, 10, 1), date(2026, 12, 31), "quarter", 2026, 4)),
    (date(2026, 5, 5), "year", 1, Period(date(2026, 1, 1), date(2026, 12, 31), "year", 2026, 1)),
    (date(2026, 5, 5), "year", 7, Period(date(2025, 7, 1), date(2026, 6, 30), "year", 2025, 1)),
    (date(2026, 7, 1), "quarter", 7, Period(date(2026, 7, 1), date(2026, 9, 30), "quarter", 2026, 1)),
    (date(2026, 6, 30), "quarter", 7, Period(date(2026, 4, 1), date(2026, 6, 30), "quarter", 2025, 4)),
    (date(2026, 1, 15), "quarter", 2, Period(date(2025, 11, 1), date(2026, 1, 31), "quarter", 2025, 4)),
    (date(2026, 5, 5), "month", 10, Period(date(2026, 5, 1), date(2026, 5, 31), "month", 2025, 8)),
]


@pytest.mark.parametrize(("on", "unit", "fiscal", "period"), PERIODS)
def test_period_of(on: date, unit: Unit, fiscal: int, period: Period) -> None:
    assert period_of(on, unit, fiscal) == period


def test_periods_have_no_gaps() -> None:
    run = periods(date(2025, 11, 20), date(2026, 2, 1), "month")
    assert [period.start for period in run] == [date(2025, 11, 1), date(2025, 12, 1), date(2026, 1, 1), date(2026, 2, 1)]
    assert periods(date(2026, 2, 1), date(2026, 1, 1), "month") == []


def test_standing_by_hand() -> None:
    transitions = [
        Transition(1, "qualify", day(1), Decimal(10), date(2024, 5, 1)),
        Transition(1, "offer", day(5), Decimal(20), date(2024, 6, 1)),
        Transition(2, "qualify", day(2), Decimal(30), None),
    ]
    outcomes = [Outcome(2, "won", day(8), Decimal(25))]
    assert standing(transitions, outcomes, day(4)) == [
        Opportunity(1, "qualify", "open", Decimal(10), date(2024, 5, 1)),
        Opportunity(2, "qualify", "open", Decimal(30), None),
    ]
    assert standing(transitions, outcomes, day(9)) == [
        Opportunity(1, "offer", "open", Decimal(20), date(2024, 6, 1)),
        Opportunity(2, "qualify", "won", Decimal(25), None, day(8).date()),
    ]
    assert standing(transitions, outcomes, day(0)) == []


def test_flow_by_hand() -> None:
    transitions = [
        Transition(1, "qualify", day(0)),
        Transition(1, "offer", day(10)),
        Transition(2, "qualify", day(0)),
        Transition(3, "qualify", day(0)),
        Transition(4, "qualify", day(0)),
    ]
    outcomes = [won(1, day(30)), lost(2, day(20)), won(3, day(60))]
    qualify, offer, decide = stage_flow(transitions, outcomes, day(100), STAGES)
    assert (qualify.entered, qualify.advanced, qualify.dropped, qualify.conversion) == (4, 2, 1, Decimal("0.6667"))
    assert (qualify.median_days, qualify.n_days) == (20, 3)  # 10, 20, 60; the fourth is still there
    assert (offer.conversion, offer.median_days) == (1, 20)
    assert (decide.entered, decide.conversion, decide.median_days) == (0, None, None)


def test_won_rate_says_what_it_is_of() -> None:
    rate = won_rate(4238, 2473)
    assert (rate.value, rate.label_key, rate.n) == (Decimal("0.6315"), "won/(won+lost)", 6711)
    assert won_rate(0, 0).value is None


AGES = [float(n) for n in range(1, 101)]


@pytest.mark.parametrize(
    ("age", "ages", "verdict"),
    [(1, AGES, "fresh"), (50, AGES, "fresh"), (50.5, AGES, "fresh"), (51, AGES, "over_median"), (90, AGES, "over_median"), (91, AGES, "over_p90"),
     (1000, AGES[:9], None), (1000, AGES[:10], "over_p90"), (5, [], None), (7, [7.0] * 10, "fresh"), (8, [7.0] * 10, "over_p90")],
)  # fmt: skip
def test_age(age: float, ages: list[float], verdict: str | None) -> None:
    found = age_verdict(age, ages)
    assert (found.verdict, found.n) == (verdict, len(ages))
    assert (found.median is None) == (verdict is None)
