"""Periods by name: what `name` writes `parse` reads, in any fiscal year; nothing else is a period."""

from datetime import date

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from analytics import periods
from sales.forecast import period_of

days = st.dates(date(1905, 1, 1), date(2190, 12, 31))
units = st.sampled_from(periods.UNITS)
starts = st.integers(1, 12)


@given(days, units, starts)
def test_a_name_reads_back(day, unit, start):
    period = period_of(day, unit, start)
    assert periods.parse(periods.name(period), start) == period


@given(days, units, starts)
def test_neighbours_touch(day, unit, start):
    period = period_of(day, unit, start)
    assert periods.after(periods.before(period, start), start) == period
    assert periods.before(period, start).end < period.start


@given(days, st.sampled_from(["quarter", "year"]), starts)
def test_months_fill_a_period(day, unit, start):
    period = period_of(day, unit, start)
    months = periods.within(period, "month", start)
    assert (months[0].start, months[-1].end, len(months)) == (period.start, period.end, 3 if unit == "quarter" else 12)


@pytest.mark.parametrize("text", ["", "2017-Q5", "2017-13", "2017-00", "17", "2017-q1", "1899", "2200", "0000", "２０１７", "2017-Q1 ", "-1", "9" * 5000])
def test_anything_else_is_none(text):
    assert periods.parse(text, 1) is None


@pytest.mark.parametrize(
    ("name", "start", "german", "english"),
    [("2017-03", 1, "März 2017", "March 2017"), ("2017", 1, "2017", "2017"), ("2017", 7, "2017/18", "2017/18"), ("1999", 4, "1999/00", "1999/00")],
)
def test_people_read_it(name, start, german, english):
    period = periods.parse(name, start)
    with translation.override("de"):
        assert periods.label(period) == german
    with translation.override("en"):
        assert periods.label(period) == english


def test_a_fiscal_quarter_begins_in_its_month():
    quarter = periods.parse("2026-Q3", 10)
    assert (quarter.start, quarter.end) == (date(2027, 4, 1), date(2027, 6, 30))
    assert periods.in_unit(quarter, "month", date(2027, 5, 9), 10).start == date(2027, 5, 1)
    assert periods.in_unit(quarter, "month", date(2029, 5, 9), 10).start == date(2027, 4, 1)


def test_a_quarter_is_named_after_its_fiscal_year():
    assert periods.label(periods.parse("2017-Q3", 1)).endswith("2017")
    assert periods.label(periods.parse("2017-Q3", 10)).endswith("2017/18")
    assert periods.label(periods.parse("2017-Q4", 12)).endswith("2017/18")
