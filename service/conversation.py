"""What is said about a case. Every line is an entry of the one history (`contacts.Interaction`) with the case as its subject.

What goes to or comes from the customer has a direction; an internal note has none, which the database keeps: whatever leaves the house is
chosen by its direction, so that a note never does.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import F, QuerySet

from contacts.diary import log_interaction, mail_key
from contacts.models import EmailAddress, Interaction, Party
from crm.core.access import hidden_fields
from crm.core.mail import Recipient, plan_mail
from crm.core.subjects import name_subject
from crm.core.work import work
from service.mailin import headers_for, writers_of
from service.merging import family_of
from service.models import Case
from service.receipts import reply_address
from service.services import acknowledge_case, hold, resume_case
from service.texts import language_of

# What an agent writes → the kind of entry and its direction.
WAYS: dict[str, tuple[str, str]] = {
    "answer": (Interaction.Kind.EMAIL, Interaction.Direction.OUT),
    "call_out": (Interaction.Kind.CALL, Interaction.Direction.OUT),
    "call_in": (Interaction.Kind.CALL, Interaction.Direction.IN),
    "note": (Interaction.Kind.NOTE, Interaction.Direction.NONE),
}


def log_entry(case: Case, *, way: str, body: str, by: Any, at: datetime | None = None, to: str = "") -> Interaction:
    """Write one entry. Whoever hears from us is acknowledged; whoever speaks to us has no longer to be waited for.

    An answer with an address (`to`) leaves as a mail, once; without one it is written down only.
    """
    kind, direction = WAYS[way]
    with work(by=by):
        held = hold(case)
        entry = log_interaction(held.party, kind=kind, direction=direction, body=body, by=by, at=at, about=held)
        if to and way == "answer":
            heading = f"[{held.number}] {held.heading}"
            who = Recipient(to, language_of(held), str(held.party or ""))
            plan_mail(who, kind="case", once=mail_key(entry), heading=heading, body=body, subject=held, headers=headers_for(held), reply_to=reply_address())
        if direction and held.is_open and held.ack_at is None:
            acknowledge_case(case, by=by, at=at)
        if direction == Interaction.Direction.IN and held.state == Case.State.WAITING:
            resume_case(case, by=by, at=at)
        return entry


def addresses_for(case: Case, user: Any) -> list[str]:
    """Where this user may answer to by mail: whoever wrote last, then the customer's addresses, the main one first, those that cannot be reached last.

    Writing to customers takes the right to change the case.
    """
    if "email" in hidden_fields(user, Party) or not Case.objects.visible_to(user, "change").filter(pk=case.pk).exists():
        return []
    found = [address for address, _name in writers_of(case)]
    if case.party_id is not None and Party.objects.visible_to(user).filter(pk=case.party_id).exists():
        rows = EmailAddress.objects.visible_to(user).filter(party=case.party_id).order_by(F("bounced_at").asc(nulls_first=True), "-is_primary", "pk")
        found += rows.values_list("address", flat=True)
    elif case.party_id is not None:
        return []
    once: dict[str, str] = {}
    for address in found:
        once.setdefault(address.lower(), address)
    return list(once.values())


def entries_of(case: Case) -> QuerySet[Interaction]:
    """Everything said about a case and about those merged into it, the oldest first; without the lines the ledger tells anyway."""
    mine = {"subject_type": name_subject(case)["subject_type"], "subject_id__in": family_of(case)}
    rows = Interaction.objects.unrestricted().filter(**mine).exclude(kind=Interaction.Kind.SYSTEM)
    return rows.select_related("created_by").order_by("occurred_at", "pk")
