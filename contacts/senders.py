"""Whose e-mail address is this, and can it still be reached?"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import F
from django.utils import timezone

from contacts.consent_steps import suppress_address
from contacts.models import EmailAddress, Party, Suppression
from contacts.reach import reach


def parties_of(address: str) -> list[Party]:
    """Every contact with this address, people first; for the house's own use."""
    rows = EmailAddress.objects.unrestricted().filter(normalised=address.lower()).select_related("party").order_by("-party__kind", "-is_primary", "pk")
    return [row.party for row in rows[:20]]


def party_of(address: str) -> Party | None:
    """The one contact that writes from this address: a person before the organisation. None where several people share it: a person has to say who it is."""
    found = parties_of(address) if address else []
    people = [party for party in found if party.is_person]
    if len(people) == 1:
        return people[0]
    return found[0] if len(found) == 1 else None


def note_unwelcome(address: str, *, at: datetime, by: Any = None) -> None:
    """Its owner reported a mail of ours as spam: nothing that needs a consent is sent there any more, for whatever purpose."""
    suppress_address(reach("email", address), Suppression.Reason.COMPLAINT, by=by, at=at)


def note_unreachable(address: str, *, at: datetime, by: Any = None) -> int:
    """A mail server said that nobody is there: kept with the address, wherever it stands, and nothing is sent there for any purpose. Returns at how many contacts."""
    suppress_address(reach("email", address), Suppression.Reason.BOUNCED, by=by, at=at)
    rows = EmailAddress.objects.unrestricted().filter(normalised=address.lower(), bounced_at__isnull=True)
    return rows.update(bounced_at=at, version=F("version") + 1, updated_by=by, updated_at=timezone.now())
