"""Write the presets of the desk where they are missing; what exists stays as people changed it. Called by `manage.py seed`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from service.models import BusinessCalendar, Cause, Macro, OpeningHours, Remedy, SlaRule, SpecialDay, TextModule, Touchpoint
from service.presets import CALENDARS, CAUSES, HALF_DAYS, MACROS, NOON, OFFICE_HOURS, REMEDIES, RULES, TEXTS, TOUCHPOINTS


def seed_desk() -> None:
    """Calendars with their hours, promises, causes, touchpoints, remedies, text modules, macros."""
    fresh = _write(BusinessCalendar, ((key, german, english, {"region": region, "always": always}) for key, german, english, region, always in CALENDARS))
    opens, closes = OFFICE_HOURS
    for calendar in fresh:
        if not calendar.always:
            OpeningHours.objects.bulk_create([OpeningHours(calendar=calendar, weekday=day, opens=opens, closes=closes) for day in range(5)])
            days = [(date(2026, month, day), name) for month, day, name in HALF_DAYS]
            SpecialDay.objects.bulk_create([SpecialDay(calendar=calendar, day=day, yearly=True, name=name, opens=opens, closes=NOON) for day, name in days])
    office = BusinessCalendar.objects.filter(key=CALENDARS[0][0]).first() or BusinessCalendar.objects.first()
    rules = ((key, german, english, {"condition": condition, "calendar": office, "ack_hours": ack, "solution_hours": solution}) for key, german, english, condition, ack, solution in RULES)
    _write(SlaRule, rules)
    _write(Cause, ((key, german, english, {}) for key, german, english, _parts in CAUSES))
    above = {cause.key: cause for cause in Cause.objects.all()}
    _write(Cause, ((part, german, english, {"parent": above.get(key)}) for key, _german, _english, parts in CAUSES for part, german, english in parts))
    _write(Touchpoint, ((key, german, english, {}) for key, german, english in TOUCHPOINTS))
    _write(Remedy, ((key, german, english, {"limit": limit}) for key, german, english, limit in REMEDIES))
    _write(TextModule, ((key, german, english, {"body_de": body_de, "body_en": body_en}) for key, german, english, body_de, body_en in TEXTS))
    texts = {module.key: module for module in TextModule.objects.all()}
    _write(Macro, ((key, german, english, {name: texts.get(value) if name == "text" else value for name, value in steps.items()}) for key, german, english, steps in MACROS))


def _write(model: Any, rows: Iterable[tuple[str, str, str, dict[str, Any]]]) -> list[Any]:
    """The rows whose key is not there yet, in their order. Returns them."""
    there = set(model.objects.values_list("key", flat=True))
    wanted = enumerate(rows)
    missing = [model(key=key, label_de=german, label_en=english, position=position, **facts) for position, (key, german, english, facts) in wanted if key not in there]
    return list(model.objects.bulk_create(missing))
