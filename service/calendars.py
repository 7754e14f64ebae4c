"""From the calendars people set up to those `service.sla` reckons with: public holidays by state, days of the house, hours of the week."""

from __future__ import annotations

from calendar import isleap
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, time
from functools import lru_cache
from typing import Any

from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from holidays import country_holidays

from service import sla

# The states, and the parts of them that keep further holidays. The key is the library's subdivision, "-K" means with its Catholic holidays.
NATIONWIDE = "DE"
REGIONS = [
    (NATIONWIDE, _("Germany: only what all states keep")),
    ("BW", _("Baden-Württemberg")),
    ("BY", _("Bavaria")),
    ("BY-K", _("Bavaria, mostly Catholic communities")),
    ("Augsburg", _("Bavaria, city of Augsburg")),
    ("BE", _("Berlin")),
    ("BB", _("Brandenburg")),
    ("HB", _("Bremen")),
    ("HH", _("Hamburg")),
    ("HE", _("Hesse")),
    ("MV", _("Mecklenburg-Western Pomerania")),
    ("NI", _("Lower Saxony")),
    ("NW", _("North Rhine-Westphalia")),
    ("RP", _("Rhineland-Palatinate")),
    ("SL", _("Saarland")),
    ("SN", _("Saxony")),
    ("SN-K", _("Saxony, Catholic communities")),
    ("ST", _("Saxony-Anhalt")),
    ("SH", _("Schleswig-Holstein")),
    ("TH", _("Thuringia")),
    ("TH-K", _("Thuringia, Catholic communities")),
]
YEARS = range(2000, 2100)  # for which days that come every year are written out
DAY = (0, sla.MIDNIGHT)


@lru_cache(maxsize=256)
def holidays_of(region: str, year: int) -> frozenset[date]:
    """The public holidays of a region (a key of REGIONS; "" has none) in one year."""
    if not region:
        return frozenset()
    return frozenset(_named(region, year))


def upcoming_holidays(region: str, today: date, count: int) -> list[tuple[date, str]]:
    """The next holidays of a region by name, for whoever sets the calendar up."""
    if not region:
        return []
    language = "en_US" if (get_language() or "de").startswith("en") else "de"
    found = sorted({**_named(region, today.year, language), **_named(region, today.year + 1, language)}.items())
    return [(day, name) for day, name in found if day >= today][:count]


def _named(region: str, year: int, language: str = "de") -> dict[date, str]:
    state, _dash, catholic = region.partition("-")
    categories = ("public", "catholic") if catholic else ("public",)
    return dict(country_holidays("DE", subdiv=None if state == NATIONWIDE else state, years=year, expand=False, categories=categories, language=language))


@dataclass(frozen=True)
class Closed(Container[date]):
    """The days on which nobody is there: holidays of the region and days of the house."""

    region: str
    days: frozenset[date]

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and (day in self.days or day in holidays_of(self.region, day.year))


def calendar_of(row: Any) -> sla.Calendar:
    """A `BusinessCalendar` as plain values. Spans that overlap count once."""
    spans: dict[int, list[sla.Span]] = defaultdict(list)
    for hours in row.hours.all():
        spans[hours.weekday].append((_minute(hours.opens), _minute(hours.closes) or sla.MIDNIGHT))
    closed, short = set(), {}
    for special in row.special_days.all():
        for day in _days(special):
            if special.opens is None:
                closed.add(day)
            else:
                short[day] = (_minute(special.opens), _minute(special.closes))
    week = tuple((DAY,) if row.always else tuple(_merged(spans[weekday])) for weekday in range(7))
    return sla.Calendar(timezone.get_default_timezone(), week, Closed(row.region, frozenset(closed)), short)  # type: ignore[arg-type]


def _minute(at: time) -> int:
    return at.hour * 60 + at.minute


def _days(special: Any) -> Iterator[date]:
    """The days a special day means: itself, or the same day of every year."""
    if not special.yearly:
        yield special.day
        return
    for year in YEARS:
        if (special.day.month, special.day.day) != (2, 29) or isleap(year):
            yield special.day.replace(year=year)


def _merged(spans: Iterable[sla.Span]) -> list[sla.Span]:
    found: list[sla.Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found
