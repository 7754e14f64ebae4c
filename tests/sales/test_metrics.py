"""The figures: one formula each, in the house currency, equal to the sum of the rows they open."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from crm.catalog.models import Currency, Rate
from sales import learning, metrics
from sales.models import LostReason, Opportunity, Stage, StageTransition
from sales.services import lose_opportunity, move_opportunity, open_opportunity, win_opportunity
from tests.factories import OpportunityFactory, OrganisationFactory


@pytest.fixture
def rows(cast):
    """Won 100 and 250.50, lost 70, open 1,000 and one open without an amount."""
    party = OrganisationFactory(owner=cast.anna)
    made = {}
    for name, amount in (("a", "100"), ("b", "250.50"), ("c", "70"), ("d", "1000"), ("e", None)):
        made[name] = OpportunityFactory(owner=cast.anna, party=party, name=name, amount=amount and Decimal(amount))
    win_opportunity(made["a"], by=cast.anna)
    win_opportunity(made["b"], by=cast.anna)
    lose_opportunity(made["c"], reason=LostReason.objects.first(), by=cast.anna)
    return Opportunity.objects.visible_to(cast.anna)


def test_each_figure_has_one_formula(rows):
    found = metrics.figures(rows, {stage: Decimal("0.3333") for stage in Stage.objects.values_list("pk", flat=True)})
    assert found == metrics.Figures(Decimal("350.50"), Decimal("1000.00"), Decimal("333.30"), n_won=2, n_lost=1, n_open=2, unvalued=1)
    assert found.win_rate == Decimal("0.6667") == metrics.win_rate(rows).value
    assert metrics.won_revenue(rows) == Decimal("350.50")
    assert metrics.open_pipeline(rows) == Decimal("1000.00")
    assert metrics.counts(rows) == {"open": 2, "won": 2, "lost": 1}
    assert metrics.win_rate(rows.filter(state="open")).value is None


def test_nothing_is_nothing(cast):
    assert metrics.figures(Opportunity.objects.visible_to(cast.frieda), {}) == metrics.Figures()


def test_other_currencies_count_at_the_rate_of_their_day(cast):
    chf = Currency.objects.get_or_create(code="CHF")[0]
    today = timezone.localdate()
    Rate.objects.create(currency=chf, valid_from=today - timedelta(days=400), value=Decimal("0.900000"))
    Rate.objects.create(currency=chf, valid_from=today - timedelta(days=10), value=Decimal("1.055555"))
    Rate.objects.create(currency=chf, valid_from=today + timedelta(days=5), value=Decimal("9"))
    party = OrganisationFactory(owner=cast.anna)
    old = OpportunityFactory(owner=cast.anna, party=party, currency=chf, amount=Decimal("100"), opened_on=date(2020, 1, 1))
    OpportunityFactory(owner=cast.anna, currency=chf, amount=Decimal("10.01"))
    usd = Currency.objects.get_or_create(code="USD")[0]
    OpportunityFactory(owner=cast.anna, currency=usd, amount=Decimal("5000"))
    win_opportunity(old, by=cast.anna, on=today - timedelta(days=100))
    found = metrics.figures(Opportunity.objects.visible_to(cast.anna))
    assert found.won_revenue == Decimal("90.00")
    assert found.open_pipeline == Decimal("10.57")  # 10.01 · 1.055555 = 10.566…
    assert found.unvalued == 1  # no rate for USD: not guessed


def test_a_sum_equals_the_sum_of_its_rows(cast):
    stage = Stage.objects.first()
    for cents in (1, 3, 5, 7, 9, 11):
        OpportunityFactory(owner=cast.anna, stage=stage, amount=Decimal(cents) / 100)
    rates = {stage.pk: Decimal("0.5000")}
    rows = Opportunity.objects.visible_to(cast.anna)
    each = rows.annotate(value=metrics.weighted_amount(rates)).values_list("value", flat=True)
    assert metrics.weighted_pipeline(rows, rates) == sum(each)


def test_rates_are_learned_only_from_enough_history(cast):
    first, second = Stage.objects.filter(pipeline__active=True).order_by("pipeline__position", "position")[:2]
    party = OrganisationFactory(owner=cast.anna)
    pipeline = first.pipeline
    start = timezone.now() - timedelta(days=60)
    for n in range(12):
        row = OpportunityFactory.build(owner=cast.anna, team=cast.anna.team, party=party, stage=first, name=f"v{n}", opened_on=None)
        open_opportunity(row, by=cast.anna, at=start)
        if n < 9:
            move_opportunity(row, second, by=cast.anna, at=start + timedelta(days=10))
            win_opportunity(row, by=cast.anna, at=start + timedelta(days=14))
        else:
            lose_opportunity(row, reason=LostReason.objects.first(), by=cast.anna, at=start + timedelta(days=5))
    known = learning.learned(pipeline)
    assert (known.rates[first.pk].n, known.rates[first.pk].won) == (12, 9)
    assert known.rate(first) == known.rates[first.pk].rate
    assert not known.is_learned(second)
    assert known.rate(second) == Decimal(second.probability) / 100
    assert known.flows[first.pk].conversion == Decimal("0.7500")
    assert known.ages[first.pk] == [10.0] * 9
    assert learning.current_rates()[first.pk] == known.rate(first)


def test_a_decision_renews_what_was_learned(cast):
    stage = Stage.objects.order_by("position").first()
    party = OrganisationFactory(owner=cast.anna)
    row = open_opportunity(OpportunityFactory.build(owner=cast.anna, team=cast.anna.team, party=party, stage=stage), by=cast.anna)
    assert learning.learned(stage.pipeline).rates[stage.pk].n == 0
    win_opportunity(row, by=cast.anna)
    assert learning.learned(stage.pipeline).rates[stage.pk].n == 1


def test_a_large_ledger_is_sampled_and_close(cast, monkeypatch):
    """Every third opportunity tells nearly the same rate; it is kept, and one more decision does not renew it."""
    first, second, *_ = Stage.objects.order_by("position")
    party = OrganisationFactory(owner=cast.anna)
    rows = [OpportunityFactory(owner=cast.anna, team=cast.anna.team, party=party, stage=first, name=f"v{n}") for n in range(90)]
    at = timezone.now() - timedelta(days=30)
    StageTransition.objects.bulk_create([StageTransition(opportunity=row, kind="open", to_stage=first, at=at) for row in rows])
    decided = [StageTransition(opportunity=row, kind="win" if n % 2 else "lose", from_stage=first, to_stage=first, at=at + timedelta(days=9)) for n, row in enumerate(rows)]
    StageTransition.objects.bulk_create(decided)
    whole = learning.learn(first.pipeline)
    monkeypatch.setattr(learning, "SAMPLE", 30)
    known = learning.learned(first.pipeline)
    assert (whole.every, known.every, whole.rates[first.pk].n) == (1, 3, 90)
    assert known.rates[first.pk].n == len([row for row in rows if row.pk % 3 == 0]) == 30
    assert abs(known.rate(first) - whole.rate(first)) < Decimal("0.05")
    lose_opportunity(OpportunityFactory(owner=cast.anna, team=cast.anna.team, party=party, stage=second), reason=LostReason.objects.first(), by=cast.anna)
    assert learning.learned(first.pipeline).at == known.at
