"""The nightly ledger: written once, never changed, and what it said stays said."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from analytics.forecast import Ask, Forecast, current_period
from analytics.models import ForecastSnapshot
from analytics.snapshots import evenings, said_then, take_snapshot
from crm.core.wiring import table
from sales.models import LostReason, Opportunity, Stage
from sales.services import lose_opportunity, win_opportunity
from tests.analytics.test_page import make


def due(days_ago=0):
    day = timezone.localdate() - timedelta(days=days_ago)
    return timezone.make_aware(datetime(day.year, day.month, day.day, 1, 30))


@pytest.fixture
def inside():
    """A day of the current quarter."""
    return current_period().end


def test_every_open_one_is_written_down(cast, inside):
    stage = Stage.objects.get(key="offer")
    row = make(cast.anna, day=inside, amount="100.01", stage=stage)
    make(None, team=cast.firm.south, day=None, amount=None)
    make(cast.anna, state="won", day=date(2017, 1, 1))
    assert take_snapshot(due()) == 2
    kept = ForecastSnapshot.objects.get(opportunity_id=row.pk)
    assert (kept.as_of, kept.owner_id, kept.team_id, kept.stage_id, kept.amount, kept.rate, kept.sample, kept.expected_close) == (
        timezone.localdate() - timedelta(days=1), cast.anna.pk, row.team_id, stage.pk, Decimal("100.01"), Decimal("0.55"), 0, inside,
    )


def test_a_foreign_currency_is_kept_in_house_currency(cast, inside):
    from crm.catalog.models import Rate

    Rate.objects.create(currency_id="USD", valid_from=date(2020, 1, 1), value="0.5")
    row = make(cast.anna, day=inside, amount="3.01")
    Opportunity.objects.filter(pk=row.pk).update(currency="USD")
    take_snapshot(due())
    assert ForecastSnapshot.objects.get().amount == Decimal("1.51")
    assert Forecast(Ask(cast.anna, current_period())).total.open_pipeline == Decimal("1.51")


def test_twice_is_once(cast, inside):
    make(cast.anna, day=inside)
    assert take_snapshot(due()) == 1
    make(cast.anna, day=inside)
    assert take_snapshot(due()) == 0
    assert ForecastSnapshot.objects.count() == 1


@pytest.mark.parametrize("statement", ["UPDATE {} SET amount = 0", "DELETE FROM {}", "TRUNCATE {}"])
def test_nothing_changes_it(cast, inside, statement):
    make(cast.anna, day=inside)
    take_snapshot(due())
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(ForecastSnapshot._meta.db_table))


def test_a_hundred_cost_what_one_costs(cast, inside):
    make(cast.anna, day=inside)
    with CaptureQueriesContext(connection) as one:
        take_snapshot(due(1))
    for _index in range(20):
        make(cast.anna, day=inside)
    with CaptureQueriesContext(connection) as many:
        take_snapshot(due())
    assert len(many) == len(one)


def test_the_clock_knows_it(cast):
    names = {schedule.name: schedule for schedule in table("LOTSE_SCHEDULES")}
    nightly, weekly = names["forecast-snapshot"], names["forecast-mail"]
    now = timezone.make_aware(datetime(2026, 11, 22, 12, 0))  # a Sunday
    assert timezone.localtime(nightly.last_due(now)).isoformat() == "2026-11-22T01:30:00+01:00"
    assert timezone.localtime(weekly.last_due(now)).isoformat() == "2026-11-16T07:00:00+01:00"


def test_what_was_said_then(cast, inside):
    """Changed, moved, lost, won, handed to another team and deleted since: what was said stays; what became of it is told."""
    stage = Stage.objects.get(key="offer")
    rows = [make(cast.anna, day=inside, amount="100", stage=stage) for _index in range(6)]
    make(cast.david, day=inside, amount="5000")
    take_snapshot(due(8))
    found = Forecast(Ask(cast.clara, current_period()))
    before = said_then(found, evenings())
    assert (before.n, before.open, before.weighted, before.n_kept) == (6, 600, 330, 6)

    rows[0].amount = 7
    rows[0].save()
    win_opportunity(rows[0], by=cast.anna)
    lose_opportunity(rows[1], reason=LostReason.objects.get(key="price"), by=cast.anna)
    Opportunity.objects.filter(pk=rows[2].pk).update(expected_close=inside + timedelta(days=200))
    Opportunity.objects.filter(pk=rows[3].pk).update(team=cast.firm.south, owner=cast.david)
    rows[4].delete()
    make(cast.anna, day=inside, amount="9")
    after = said_then(Forecast(Ask(cast.clara, current_period())), evenings())
    assert (after.n, after.open, after.weighted) == (before.n, before.open, before.weighted)
    assert (after.n_won, after.won, after.n_lost, after.n_moved, after.n_kept, after.n_gone) == (1, 7, 1, 1, 1, 2)


def test_history_is_told_honestly(cast, inside, sign_in):
    make(cast.anna, day=inside)
    browser = sign_in(cast.greta)
    assert browser.get(reverse("forecast")).context["said"] is None
    take_snapshot(due(3))
    take_snapshot(due(0))
    found = browser.get(reverse("forecast"))
    assert len(found.context["evenings"]) == 2
    assert found.context["said"].evening == timezone.localdate() - timedelta(days=4)  # no week of history yet: the earliest
    take_snapshot(due(30))
    assert sign_in(cast.greta).get(reverse("forecast")).context["said"].evening == timezone.localdate() - timedelta(days=31)
    assert sign_in(cast.david).get(reverse("forecast")).context["said"].n == 0
