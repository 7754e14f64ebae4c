"""From the calendars people set up to those `service.sla` reckons with: public holidays by state, days of the house, hours of the week."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from django.utils.translation import gettext_lazy as _
from holidays import country_holidays

# The states, and the parts of them that keep further holidays. The key is the library's subdivision, "-K" means with its Catholic holidays.
REGIONS = [
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


@lru_cache(maxsize=256)
def holidays_of(region: str, year: int) -> frozenset[date]:
    """The public holidays of a region (a key of REGIONS; "" has none) in one year."""
    if not region:
        return frozenset()
    state, _dash, catholic = region.partition("-")
    categories = ("public", "catholic") if catholic else ("public",)
    return frozenset(country_holidays("DE", subdiv=state, years=year, expand=False, categories=categories))
