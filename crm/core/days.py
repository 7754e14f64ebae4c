"""Days by the house's clock, as moments: a moment's day would have to be worked out for every row, moments are found by an index."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from django.utils import timezone


def midnight(day: date) -> datetime:
    """The moment a day begins by the house's clock."""
    return timezone.make_aware(datetime.combine(day, time()))


def on_days(path: str, first: date | None, last: date | None) -> dict[str, datetime]:
    """The conditions that a moment lies on one of these days, both included; None is open."""
    found = {}
    if first is not None:
        found[f"{path}__gte"] = midnight(first)
    if last is not None and last < date.max:
        found[f"{path}__lt"] = midnight(last + timedelta(days=1))
    return found
