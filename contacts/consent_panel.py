"""What a contact agreed to, for reading: by address, as it stands; and step by step, as it came about."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from contacts.addresses import KINDS
from contacts.consent import STOPPED
from contacts.consent_steps import reach_or_none
from contacts.models import Channel, ConsentEvent, ConsentState, EmailAddress, Party, PhoneNumber, PostalAddress, Suppression
from contacts.parts import row_words
from contacts.reach import Reach
from contacts.tombstones import family_of
from crm.core.access import hidden_fields

CHANNELS: dict[type[Any], Channel] = {EmailAddress: Channel.EMAIL, PhoneNumber: Channel.PHONE, PostalAddress: Channel.POST}
TONES = {"standing": "good", "requested": "warn", "withdrawn": "bad", "objected": "bad"}


@dataclass(frozen=True)
class Line:
    """One purpose of one address: its state in words, since when, and by what."""

    purpose: str
    state: str
    tone: str
    since: datetime
    how: str
    whole: bool = False  # nothing at all, by the person's own word


@dataclass(frozen=True)
class Place:
    """One address of a contact with what stands for it. `stops` hold for every purpose."""

    channel: Channel
    text: str
    reach: Reach
    url: str
    lines: list[Line] = field(default_factory=list)
    stops: list[Line] = field(default_factory=list)


def places(party: Party, reader: Any) -> list[Place]:
    """Every address the reader may see, in three queries and those of the addresses themselves."""
    hidden = hidden_fields(reader, Party)
    found = [
        Place(CHANNELS[kind.model], row_words(row, hidden), to, reverse("party-consent-record", args=[party.pk, kind.key, row.pk]))
        for kind in KINDS.values()
        if kind.shown(hidden) and (kind.key != "postal" or len(kind.shown(hidden)) == 4)
        for row in sorted(getattr(party, kind.rows).all(), key=lambda row: (not row.is_primary, row.pk))
        if (to := reach_or_none(row)) is not None
    ]
    found.sort(key=lambda place: place.channel != Channel.EMAIL)
    by_hash = {place.reach.hash: place for place in found}
    states = ConsentState.objects.filter(hash__in=by_hash).select_related("purpose", "event").order_by("purpose__position", "purpose__key")
    for state in states:
        how = ConsentEvent.How(state.event.how).label
        by_hash[state.hash].lines.append(Line(str(state.purpose), state.get_state_display(), TONES[state.state], state.since, str(how)))
    for stop in Suppression.objects.filter(hash__in=by_hash, purpose__isnull=True).order_by("pk"):
        by_hash[stop.hash].stops.append(Line(_("all advertising"), stop.get_reason_display(), "bad", stop.since, "", stop.reason in STOPPED))
    for place in found:
        if any(stop.whole for stop in place.stops):  # what is stopped as a whole is said once
            place.lines[:] = [line for line in place.lines if line.tone != "bad"]
    return found


def steps(party: Party, reader: Any, *, newest_first: bool = True) -> list[ConsentEvent]:
    """The ledger of this contact, with what its addresses bring along from before a deletion; what is hidden from the reader left out."""
    shown = places(party, reader)
    channels = {CHANNELS[kind.model] for kind in KINDS.values() if kind.shown(hidden_fields(reader, Party))}
    rows = ConsentEvent.objects.filter(Q(party__in=family_of([party.pk])) | Q(party__isnull=True, hash__in=[place.reach.hash for place in shown]), channel__in=channels)
    order = ["-at", "-pk"] if newest_first else ["at", "pk"]
    return list(rows.select_related("purpose", "wording", "by").order_by(*order))
