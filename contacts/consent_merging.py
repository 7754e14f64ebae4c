"""Who said no under one address said it as a person: after a merge that holds for the addresses of both."""

from __future__ import annotations

from typing import Any

from contacts.consent import OBJECTED, REQUESTED, STANDING, STOPPED, WITHDRAWN
from contacts.consent_steps import How, object_to, reach_or_none, withdraw_consent
from contacts.models import ConsentPurpose, ConsentState, Party, Suppression
from contacts.reach import Reach

_STOP = {OBJECTED: object_to, WITHDRAWN: withdraw_consent}


def carry_over(one: Party, other: Party, *, by: Any) -> int:
    """What either of them stopped is stopped at the other one's addresses of the same channel, as further steps of the ledger; how many.

    A consent is never carried over: it stands for the address it was given for. An unmerge takes none of this back, only the person does.
    """
    first, second = _reaches(one), _reaches(other)
    count = 0
    for stops, theirs in ((_stops(first), second), (_stops(second), first)):
        for to in theirs:
            for (channel, purpose, reason), whole in sorted(stops.items(), key=str):
                if channel == to.channel and _would_change(to, purpose, reason):
                    _STOP[reason](to, None if whole is None else [whole], how=How.MERGE, by=by)
                    count += 1
    return count


def _reaches(party: Party) -> list[Reach]:
    rows = [*party.emails.all(), *party.phones.all(), *party.addresses.all()]
    found = {to.hash: to for row in rows if (to := reach_or_none(row)) is not None}
    return [found[key] for key in sorted(found)]


def _stops(reaches: list[Reach]) -> dict[tuple[str, int | None, str], ConsentPurpose | None]:
    """(channel, purpose or None for everything, how it was stopped) of these addresses."""
    rows = Suppression.objects.filter(hash__in=[to.hash for to in reaches], reason__in=STOPPED).select_related("purpose")
    return {(row.channel, row.purpose_id, row.reason): row.purpose for row in rows}


def _would_change(to: Reach, purpose: int | None, reason: str) -> bool:
    """Whether the address is not stopped like that already; a withdrawal says something only where a consent stands or was asked for."""
    held = Suppression.objects.filter(hash=to.hash, channel=to.channel)
    if held.filter(purpose__isnull=True, reason__in=[OBJECTED, reason]).exists() or held.filter(purpose=purpose, reason__in=[OBJECTED, reason]).exists():
        return False
    states = ConsentState.objects.filter(hash=to.hash, channel=to.channel, state__in=[STANDING, REQUESTED])
    return reason == OBJECTED or states.filter(**({} if purpose is None else {"purpose": purpose})).exists()
