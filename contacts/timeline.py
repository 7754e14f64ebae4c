"""The one timeline of a contact: what was said and what happened, newest first, by day."""

from __future__ import annotations

from datetime import date, datetime
from functools import partial
from typing import Any

from django.db import connection
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.diary import mails_of
from contacts.models import Affiliation, Interaction, Party
from crm.core import paging
from crm.core.access import may
from crm.core.subjects import kind_of

PAGE = 25  # entries at a time
DID = {
    "note": gettext_lazy("wrote a note"), "call": gettext_lazy("had a call"), "email": gettext_lazy("exchanged an e-mail"),
    "meeting": gettext_lazy("had a meeting"), "visit": gettext_lazy("made a visit"),
}  # fmt: skip
ICONS = {"note": "note", "call": "phone", "email": "mail", "meeting": "calendar", "visit": "map-pin", "system": "activity"}
TALKS = ["call", "email", "meeting", "visit"]
CHIPS = [("", gettext_lazy("Everything"), None), ("talks", gettext_lazy("Conversations"), TALKS), ("notes", gettext_lazy("Notes"), ["note"]), ("events", gettext_lazy("Events"), ["system"])]
# The newest entries of each of several contacts, merged: a history of ten thousand is read only as far as it is shown.
_NEWEST = """
SELECT entry.id, entry.occurred_at FROM unnest(%s::bigint[]) AS party (id) CROSS JOIN LATERAL (
    SELECT id, occurred_at FROM contacts_interaction
    WHERE party_id = party.id AND {kinds} AND (occurred_at, id) < (%s, %s) ORDER BY occurred_at DESC, id DESC LIMIT %s
) entry ORDER BY occurred_at DESC, id DESC LIMIT %s
"""
_AHEAD: tuple[Any, int] = ("infinity", 2**62)


def staff_of(party: Party, user: Any) -> list[int]:
    """The people of an organisation by id, as far as the reader sees them."""
    return [] if party.is_person else list(Affiliation.objects.visible_to(user).filter(organisation=party.pk).order_by("pk").values_list("person_id", flat=True))


def timeline(party: Party, user: Any, chosen: str = "", after: str = "", *, staff: list[int] | None = None) -> dict[str, Any]:
    """One page of the one timeline, newest first, by day; an organisation's holds what was said with its people, too (the first thousand).
    `staff`: who these are, if that was read already."""
    ids = [party.pk, *(staff_of(party, user) if staff is None else staff)[:1000]]
    rows = Interaction.objects.visible_to(user).filter(party__in=ids).select_related("created_by", "party")
    kinds = next((kinds for key, _label, kinds in CHIPS if key == chosen), None)
    page = paging.sifted(rows, "occurred_at", partial(_newest, ids, kinds), size=PAGE, after=after)
    mine = set(Interaction.objects.visible_to(user, "change").filter(pk__in=[row.pk for row in page.rows]).values_list("pk", flat=True)) if may(user, "change", Interaction) else set()
    mine -= mails_of(page.rows).keys()
    days: list[dict[str, Any]] = []
    for row in page.rows:
        day: date = timezone.localtime(row.occurred_at).date()
        if not days or days[-1]["day"] != day:
            days.append({"day": day, "items": []})
        days[-1]["items"].append(_item(row, party, editable=row.pk in mine))
    base = reverse("party-timeline", args=[party.pk])
    more = f"{base}?kind={chosen}&after={page.after}" if page.after else ""
    chips = [{"label": label, "current": key == chosen, "url": f"{base}?kind={key}" if key else base} for key, label, _kinds in CHIPS]
    return {"days": days, "more_url": more, "chips": chips}


def _item(row: Interaction, party: Party, *, editable: bool) -> dict[str, Any]:
    system = row.kind == Interaction.Kind.SYSTEM
    kind = kind_of(row.subject_type_id)
    return {
        "icon": ICONS[row.kind],
        "who": "" if system else str(row.created_by or _("the system")),
        "text": row.heading or str(DID.get(row.kind, _("event"))),
        "url": kind.url(row.subject_id) if kind and row.subject_id and system else "",
        "at": row.occurred_at,
        "quote": row.body,
        "tags": [str(row.party)] if row.party_id != party.pk else [],
        "edit_url": reverse("interaction-update", args=[row.pk]) if editable and not system else "",
    }


def _newest(parties: list[int], kinds: list[str] | None, cursor: tuple[datetime, int] | None, limit: int) -> list[tuple[int, datetime]]:
    """(id, when) of at most `limit` entries of these contacts and kinds (None: all, which the index alone tells) behind the cursor, whoever may see them."""
    with connection.cursor() as rows:
        rows.execute(_NEWEST.format(kinds="kind = ANY(%s)" if kinds else "true"), [parties, *([kinds] if kinds else []), *(cursor or _AHEAD), limit, limit])
        return list(rows.fetchall())
