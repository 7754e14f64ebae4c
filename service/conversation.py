"""What is said about a case. Every line is an entry of the one history (`contacts.Interaction`) with the case as its subject.

What goes to or comes from the customer has a direction; an internal note has none, which the database keeps: whatever leaves the house is
chosen by its direction, so that a note never does.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from contacts.diary import log_interaction
from contacts.models import Interaction
from crm.core.subjects import name_subject
from crm.core.work import work
from service.merging import family_of
from service.models import Case
from service.services import acknowledge_case, hold, resume_case

# What an agent writes → the kind of entry and its direction.
WAYS: dict[str, tuple[str, str]] = {
    "answer": (Interaction.Kind.EMAIL, Interaction.Direction.OUT),
    "call_out": (Interaction.Kind.CALL, Interaction.Direction.OUT),
    "call_in": (Interaction.Kind.CALL, Interaction.Direction.IN),
    "note": (Interaction.Kind.NOTE, Interaction.Direction.NONE),
}


def log_entry(case: Case, *, way: str, body: str, by: Any, at: datetime | None = None) -> Interaction:
    """Write one entry. Whoever hears from us is acknowledged; whoever speaks to us has no longer to be waited for."""
    kind, direction = WAYS[way]
    with work(by=by):
        held = hold(case)
        entry = log_interaction(held.party, kind=kind, direction=direction, body=body, by=by, at=at, about=held)
        if direction and held.is_open and held.ack_at is None:
            acknowledge_case(case, by=by, at=at)
        if direction == Interaction.Direction.IN and held.state == Case.State.WAITING:
            resume_case(case, by=by, at=at)
        return entry


def entries_of(case: Case) -> QuerySet[Interaction]:
    """Everything said about a case and about those merged into it, the oldest first; without the lines the ledger tells anyway."""
    mine = {"subject_type": name_subject(case)["subject_type"], "subject_id__in": family_of(case)}
    rows = Interaction.objects.unrestricted().filter(**mine).exclude(kind=Interaction.Kind.SYSTEM)
    return rows.select_related("created_by").order_by("occurred_at", "pk")
