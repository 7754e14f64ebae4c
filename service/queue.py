"""The queue of the desk: which cases wait, in the order of their deadlines, and how a clock is drawn."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from crm.core import formats
from crm.core.access import hidden_fields
from service import sla
from service.deadlines import due_within
from service.filters import OPEN, with_party_beside
from service.models import Case

LONGEST = 60  # cases in the column; the list shows them all
SOON, NEAR = 4, 2  # business hours: amber below the first, red below the second
TABS = {
    "all": gettext_lazy("All open"),
    "new": gettext_lazy("New"),
    "mine": pgettext_lazy("queue", "Mine"),
    "waiting": gettext_lazy("Waits for the customer"),
    "soon": gettext_lazy("Due within 4 h"),
    "late": gettext_lazy("Overdue"),
}
TYPE_TONES = {"fault": "bad", "complaint": "warn", "question": "", "request": ""}


class Queue:
    """One reader's queue at one moment. `chosen` is the tab; an unknown one is all."""

    def __init__(self, user: Any, chosen: str = "", now: datetime | None = None, known: dict[int, sla.Calendar] | None = None) -> None:
        self.user = user
        self.chosen = chosen if chosen in TABS else "all"
        self.now = now or timezone.now()
        self.known = known or {}
        self.hidden = hidden_fields(user, Case)
        late = Q(due_next__lte=self.now)
        self.conditions: dict[str, Q] = {
            "all": Q(),
            "new": Q(state=Case.State.NEW),
            "mine": Q(owner=user.pk),
            "waiting": Q(state=Case.State.WAITING),
            "soon": due_within(SOON, self.now, self.known) & ~late,
            "late": late,
        }

    @property
    def kept(self) -> str:
        """The query string that keeps the tab."""
        return "" if self.chosen == "all" else f"?view={self.chosen}"

    def rows(self) -> QuerySet[Case]:
        """All cases of the tab, the next deadline first, those at rest last."""
        rows = with_party_beside(Case.objects.visible_to(self.user), self.user).filter(OPEN, self.conditions[self.chosen])
        return rows.select_related("party", "owner").order_by(F("due_next").asc(nulls_last=True), "priority", "pk")

    def first(self, limit: int = LONGEST) -> list[Case]:
        """The first so many: their keys in order, then the rows with what they show."""
        keys = list(self.rows().values_list("pk", flat=True)[:limit])
        read = self.rows().in_bulk(keys)
        return [read[key] for key in keys if key in read]

    def tabs(self) -> list[dict[str, Any]]:
        """The tabs with their counts, by one query."""
        counts = Case.objects.visible_to(self.user).filter(OPEN).aggregate(**{key: Count("pk", filter=where) if where else Count("pk") for key, where in self.conditions.items()})
        base = reverse("desk")
        return [
            {"key": key, "label": label, "count": counts[key], "current": key == self.chosen, "url": base if key == "all" else f"{base}?view={key}"} for key, label in TABS.items()
        ]

    def drawn(self, rows: list[Case], current: int | None) -> list[dict[str, Any]]:
        """The lines of the column."""
        return [
            {
                "case": row,
                "url": reverse("case-detail", args=[row.pk]) + self.kept,
                "current": row.pk == current,
                "party": row.party if row.party_seen else row.reporter if "reporter" not in self.hidden and row.party_id is None else "",  # type: ignore[attr-defined]
                "owner": row.owner if "owner" not in self.hidden else None,
                "tone": TYPE_TONES[row.type],
                "clock": clock(row, self.now, self.known),
            }
            for row in rows
        ]


def clock(case: Case, now: datetime, known: dict[int, sla.Calendar]) -> dict[str, str] | None:
    """How the next deadline of a case is drawn: {text, tone, icon, title}; None where none is promised."""
    due = case.due_next
    if due is None:
        return {"text": _("rests"), "tone": "", "icon": "player-pause", "title": _("The clock rests while the customer is waited for.")} if case.state == Case.State.WAITING else None
    what = _("Acknowledgement by %(when)s") if case.ack_at is None and due == case.due_ack else _("Solution by %(when)s")
    title = what % {"when": formats.moment(due)}
    if due <= now:
        return {"text": _("%(span)s late") % {"span": span(now - due)}, "tone": "bad", "icon": "clock-exclamation", "title": title}
    calendar = known.get(case.rule_id or 0)
    left = sla.elapsed(calendar, now, due) if calendar else due - now
    if left < timedelta(hours=SOON):
        tone = "bad" if left < timedelta(hours=NEAR) else "warn"
        return {"text": span(left), "tone": tone, "icon": "clock-exclamation" if tone == "bad" else "clock", "title": title}
    return {"text": when(due, now), "tone": "", "icon": "clock", "title": title}


def span(length: timedelta) -> str:
    """A length of time, short: 25 min, 1 h 40, 3 d 4 h."""
    minutes = int(length.total_seconds() // 60)
    if minutes < 60:
        return _("%(m)s min") % {"m": minutes}
    hours, rest = divmod(minutes, 60)
    if hours < 24:
        return _("%(h)s h %(m)s") % {"h": hours, "m": f"{rest:02d}"} if rest else _("%(h)s h") % {"h": hours}
    return _("%(d)s d %(h)s h") % {"d": formats.number(hours // 24), "h": hours % 24}


def when(due: datetime, now: datetime) -> str:
    """A moment ahead: today 16:00, tomorrow 10:30, 24. Sept., 10:30."""
    days = (timezone.localtime(due).date() - timezone.localtime(now).date()).days
    day = formats.relative(timezone.localtime(due).date()) if days < 2 else f"{formats.short_day(due)},"
    return f"{day} {formats.clock(due)}"
