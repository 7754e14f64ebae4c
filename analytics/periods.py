"""Months, quarters and years by name, as they stand in an address ("2017-03", "2017-Q1", "2017") and as people read them.

A quarter or year belongs to the fiscal year, which `fiscal_start` (a month) begins; it is named after the calendar year of its first
day. A month keeps its calendar name.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from babel.dates import format_skeleton
from django.utils.translation import gettext as _

from crm.core.formats import current_locale
from sales.forecast import Period, Unit, period_of, periods

UNITS: tuple[Unit, ...] = ("month", "quarter", "year")
EARLIEST, LATEST = 1900, 2199  # years an address may name
_NAME = re.compile(r"(\d{4})(?:-(?:Q([1-4])|(0[1-9]|1[0-2])))?", re.ASCII)


def parse(text: str, fiscal_start: int) -> Period | None:
    """The period of that name, or None."""
    found = _NAME.fullmatch(text)
    if found is None or not EARLIEST <= int(found[1]) <= LATEST:
        return None
    year, quarter, month = int(found[1]), found[2], found[3]
    if month:
        return period_of(date(year, int(month), 1), "month", fiscal_start)
    into = fiscal_start - 1 + (int(quarter) - 1) * 3 if quarter else fiscal_start - 1
    return period_of(date(year + into // 12, into % 12 + 1, 1), "quarter" if quarter else "year", fiscal_start)


def name(period: Period) -> str:
    """The name in addresses; `parse` reads it back."""
    if period.unit == "month":
        return f"{period.start:%Y-%m}"
    return f"{period.year}-Q{period.index}" if period.unit == "quarter" else str(period.year)


def label(period: Period, *, short: bool = False) -> str:
    """The name for people: "March 2017" ("Mar"), "Q1 2017" ("Q1"), "2017" or, where it spans two, "2017/18"."""
    if period.unit == "month":
        moment = datetime.combine(period.start, datetime.min.time())
        return format_skeleton("MMM" if short else "yMMMM", moment, tzinfo=UTC, locale=current_locale())
    begins = (period.start.month - (period.index - 1) * 3 if period.unit == "quarter" else period.start.month) % 12  # of the fiscal year
    year = str(period.year) if begins == 1 else f"{period.year}/{(period.year + 1) % 100:02}"
    if period.unit == "year":
        return year
    return _("Q%(index)s") % {"index": period.index} if short else _("Q%(index)s %(year)s") % {"index": period.index, "year": year}


def year_of(period: Period, fiscal_start: int) -> Period:
    """The fiscal year a period lies in."""
    return period_of(period.start, "year", fiscal_start)


def within(period: Period, unit: Unit, fiscal_start: int) -> list[Period]:
    """The shorter periods a period is made of."""
    return periods(period.start, period.end, unit, fiscal_start)


def before(period: Period, fiscal_start: int) -> Period:
    """The one before."""
    return period_of(period.start - timedelta(days=1), period.unit, fiscal_start)


def after(period: Period, fiscal_start: int) -> Period:
    """The one after."""
    return period_of(period.end + timedelta(days=1), period.unit, fiscal_start)


def in_unit(period: Period, unit: Unit, today: date, fiscal_start: int) -> Period:
    """The period of another length to go to from here: around today if it touches this one, else where this one begins."""
    day = today if period.start <= today <= period.end else period.start
    return period_of(day, unit, fiscal_start)
