"""The Pareto of causes: right sums, right order, and the page over it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.utils import timezone

from service import metrics, services
from service.merging import merge_case
from service.models import Case, Cause, Remedy
from service.remedies import grant_remedy

pytestmark = pytest.mark.django_db


@pytest.fixture
def ranked(make, cast):
    """Five cases: three late ones that cost little, two of electrics that cost much, and one without a cause."""
    for key, costs in (("late", [(100, 0), (0, 20), (0, 0)]), ("electrics", [(500, 900), (0, 600)])):
        for goodwill, own in costs:
            facts = {"cause": Cause.objects.get(key=key), "remedy": Remedy.objects.get(key="credit"), "goodwill": Decimal(goodwill), "own_cost": Decimal(own)}
            grant_remedy(make(), by=cast.sven, **facts)
    return make()


def test_by_count_and_by_cost(ranked):
    found = metrics.tallies(Case.objects.all())
    by_count, by_cost = metrics.pareto(found), metrics.pareto(found, metrics.BY_COST)
    assert [(line.tally.name, line.tally.count, line.running) for line in by_count] == [("Lieferung · verspätet", 3, Decimal("0.6")), ("Produkt · Elektrik und Steuerung", 2, Decimal(1))]
    assert [(line.tally.cost, round(line.share, 4)) for line in by_cost] == [(Decimal(2000), Decimal("0.9434")), (Decimal(120), Decimal("0.0566"))]
    assert sum(tally.count for tally in found) == 6 and [tally.count for tally in found if tally.cause_id is None] == [1]


def test_a_merged_case_is_counted_once(ranked, make, cast):
    merge_case(ranked, make(), by=cast.sven)
    assert sum(tally.count for tally in metrics.tallies(Case.objects.all())) == 6


def test_nothing_to_rank_is_no_error():
    assert metrics.pareto([]) == [] and metrics.pareto([metrics.Tally(1, "x", 2, metrics.NOTHING, metrics.NOTHING)], metrics.BY_COST) == []


@pytest.mark.parametrize(
    ("key", "first"), [("month", date(2026, 9, 1)), ("quarter", date(2026, 7, 1)), ("year", date(2026, 1, 1)), ("last12", date(2025, 9, 16))]
)
def test_periods(key, first):
    assert metrics.period(key, date(2026, 9, 15)) == (first, date(2026, 9, 15))


def test_a_leap_day_has_a_year_before():
    assert metrics.period("last12", date(2028, 2, 29))[0] == date(2027, 3, 1)


def test_the_page_ranks_and_opens_its_cases(ranked, cast, sign_in):
    sven = sign_in(cast.sven)
    page = sven.get("/service/causes/")
    html = page.content.decode()
    assert "Lieferung · verspätet" in html and "2.000,00" in html and 'id="pareto-count"' in html
    url = page.context["rankings"][0]["lines"][0]["url"]
    listed = sven.get(url)
    assert listed.status_code == 200 and listed.context["count"] == 3
    assert f"opened_until={timezone.localdate()}" in url and "type=complaint" in url


def test_filters_and_nonsense(ranked, make, cast, sign_in):
    sven = sign_in(cast.sven)
    question = make(type="question")
    services.solve_case(question, by=cast.sven, cause=Cause.objects.get(key="tone"))
    assert "Umgangston" not in sven.get("/service/causes/").content.decode()
    assert "Umgangston" in sven.get("/service/causes/?type=any", htmx=True).content.decode()
    for query in ("period=nie", "touchpoint=x", "product=99999999", "type=%00"):
        assert sven.get(f"/service/causes/?{query}").status_code in (200, 400), query


def test_who_sees_no_case_counts_none(ranked, cast, sign_in):
    assert "Keine Vorgänge in diesem Zeitraum" in sign_in(cast.ben).get("/service/causes/").content.decode()
    assert sign_in(cast.mia).get("/service/causes/").status_code == 403
