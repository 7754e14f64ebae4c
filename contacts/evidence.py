"""The evidence sheet: what a contact agreed to and took back, in full, as a document that can be handed to others."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone

from contacts.consent_panel import places, steps
from contacts.models import Party
from crm.core.models import Installation


def as_html(party: Party, reader: Any) -> str:
    """The sheet before it becomes a PDF, in the active language."""
    rows = steps(party, reader, newest_first=False)
    page = {
        "party": party,
        "reader": reader,
        "house": Installation.current(),
        "base_url": settings.BASE_URL,
        "now": to_the_second(timezone.now()),
        "places": [(place, [(line, to_the_second(line.since)) for line in (*place.stops, *place.lines)]) for place in places(party, reader)],
        "steps": [(row, to_the_second(row.at), to_the_second(row.recorded_at)) for row in rows],
    }
    return render_to_string("pdf/consents.html", page)


def to_the_second(at: datetime) -> str:
    """"2026-11-27 14:03:09 +01:00 (CET)": the same in every language, and one moment only."""
    local = timezone.localtime(at)
    offset = local.strftime("%z")
    return f"{local:%Y-%m-%d %H:%M:%S} {offset[:3]}:{offset[3:]} ({local.tzname()})"
