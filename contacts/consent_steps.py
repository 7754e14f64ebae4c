"""What happens to consents. Every way — page, link, letter, import, erasure — writes the ledger, what stands now and the suppression here,
in one transaction, under the lock of the address (D5, D6)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from contacts.consent import OBJECTED, REQUESTED, STANDING, STOPPED, WITHDRAWN, Standing, blanket, may_give, stands
from contacts.models import (
    Channel,
    ConsentEvent,
    ConsentPurpose,
    ConsentState,
    ConsentWording,
    EmailAddress,
    Interaction,
    Party,
    Suppression,
)
from contacts.reach import EMAIL, Reach, key_name, reach_of, spellings
from contacts.tombstones import family_of, survivor_of
from crm.core.errors import RuleBroken
from crm.core.models import Installation
from crm.core.work import work

Kind, How = ConsentEvent.Kind, ConsentEvent.How
_LEDGER = 0x0C05  # the first half of the advisory lock of an address


def record_consent(to: Reach, wordings: Iterable[ConsentWording], *, how: str, by: Any, at: datetime | None = None, party: Party | None = None, note: str = "") -> None:
    """Somebody agreed to these words, and one of us (or an import) writes it down. What stands already stays as it was.

    Raises RuleBroken where the person has objected: only the person lifts that, by a link.
    """
    with work(by=by):
        hold_address(to)
        for wording in (chosen := list(wordings)):
            found = standing(to, wording.purpose)
            if not may_give(found.state):
                raise RuleBroken(_("This address objected to “%(purpose)s”. Only the person can lift that, through the sign-up form.") % {"purpose": wording.purpose})
        _write(to, Kind.GIVEN, [(wording.purpose, wording) for wording in chosen], how=how, by=by, at=at, party=party, note=note)


def request_consent(to: Reach, wordings: Iterable[ConsentWording], *, request: uuid.UUID, message_id: str, source: str, connection: str, at: datetime | None = None) -> None:
    """Somebody typed an address into the form; a mail to it (`message_id`) asks whether it was its owner."""
    with work():
        hold_address(to)
        _write(
            to, Kind.REQUESTED, [(wording.purpose, wording) for wording in wordings],
            how=How.FORM, by=None, at=at, request=request, message_id=message_id, source=source, connection=connection,
        )  # fmt: skip


def confirm_consent(
    to: Reach, wordings: Iterable[ConsentWording], *, at: datetime | None = None, request: uuid.UUID | None = None, message_id: str = "", source: str = "", connection: str = "",
    party: Party | None = None, by: Any = None,
) -> None:  # fmt: skip
    """The owner of the address says yes through a link sent to it: the only thing that lifts an objection."""
    with work(by=by):
        hold_address(to)
        chosen = [(wording.purpose, wording) for wording in wordings]
        _write(to, Kind.CONFIRMED, chosen, how=How.LINK, by=by, at=at, request=request, message_id=message_id, source=source, connection=connection, party=party)


def withdraw_consent(to: Reach, purposes: Iterable[ConsentPurpose] | None, *, how: str, by: Any, at: datetime | None = None, **facts: Any) -> None:
    """No more mail for these purposes (None: for nothing at all). Holds at once, also where no consent is known. Again is no mistake."""
    _stop(to, Kind.WITHDRAWN, purposes, how=how, by=by, at=at, **facts)


def object_to(to: Reach, purposes: Iterable[ConsentPurpose] | None, *, how: str, by: Any, at: datetime | None = None, **facts: Any) -> None:
    """Somebody objects, in whatever way (Art. 21 GDPR): only that person can lift it again."""
    _stop(to, Kind.OBJECTED, purposes, how=how, by=by, at=at, **facts)


def suppress_address(to: Reach, reason: str, *, by: Any, at: datetime | None = None) -> None:
    """Write to this address no more, because it does not exist or reported us as spam (`Suppression.Reason`)."""
    with work(by=by):
        hold_address(to)
        _suppress(to, {(None, reason): at or timezone.now()})


def forget_consents(party: Party, *, by: Any) -> None:
    """The contact goes, in the caller's transaction. What it agreed to ends where no other contact has the address, and of the ledger only
    hashes, times and words stay: they prove what was sent, and suppress what comes again."""
    alone = []
    for row in [*party.emails.all(), *party.phones.all(), *party.addresses.all()]:
        to = reach_or_none(row)
        if to is None or _elsewhere(row, to):
            continue
        alone.append(to.hash)
        if ended := [state.purpose for state in ConsentState.objects.filter(hash=to.hash, state__in=[STANDING, REQUESTED]).select_related("purpose")]:
            hold_address(to)
            _write(to, Kind.WITHDRAWN, [(purpose, None) for purpose in ended], how=How.ERASURE, by=by, at=None, party=party, told=False)
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lotse.maintenance', 'on', true)")
        ConsentEvent.objects.filter(Q(party__in=family_of([party.pk])) | Q(party__isnull=True, hash__in=alone)).update(party=None, address="", note="", connection="")
        cursor.execute("SELECT set_config('lotse.maintenance', '', true)")


def standing(to: Reach, purpose: Any) -> Standing:
    """What holds for one purpose of this address, read off its ledger."""
    steps = steps_of(to)
    return stands([_plain(step) for step in steps], purpose.pk)


def steps_of(to: Reach) -> list[ConsentEvent]:
    """The ledger of an address in the order of recording."""
    return list(ConsentEvent.objects.filter(channel=to.channel, hash=to.hash).order_by("pk"))


# --- inside ---------------------------------------------------------------------------------------------------------------------------


def _stop(to: Reach, kind: str, purposes: Iterable[ConsentPurpose] | None, **facts: Any) -> None:
    with work(by=facts["by"]):
        hold_address(to)
        _write(to, kind, [(None, None)] if purposes is None else [(purpose, None) for purpose in purposes], **facts)


def _write(
    to: Reach, kind: str, chosen: Sequence[tuple[ConsentPurpose | None, ConsentWording | None]], *, how: str, by: Any, at: datetime | None,
    party: Party | None = None, note: str = "", told: bool = True, **facts: Any,
) -> None:  # fmt: skip
    now = timezone.now()
    at = (at or now).replace(microsecond=0)
    if at > now:
        raise RuleBroken(_("This lies in the future."), field="at")
    whose = party.pk if party is not None else whose_address(to)
    before = steps_of(to)
    address = to.address or next((step.address for step in reversed(before) if step.address), "")
    rows = [
        ConsentEvent(
            party_id=whose, channel=to.channel, address=address[:320], hash=to.hash, purpose=purpose, kind=kind, wording=wording, how=how, note=note[:200], at=at, by=by, **facts
        )
        for purpose, wording in chosen
    ]
    ConsentEvent.objects.bulk_create(rows)
    settle(to, [*before, *rows])
    if told and whose is not None:
        _tell(rows, whose, by)


def settle(to: Reach, steps: Sequence[ConsentEvent]) -> None:
    """Bring what stands now, and the suppression, in line with the ledger of an address. Idempotent."""
    plain = [_plain(step) for step in steps]
    touched = {step.purpose for step in plain if step.purpose is not None}
    if any(step.purpose is None for step in plain):
        touched |= set(ConsentPurpose.objects.values_list("pk", flat=True))
    found = {purpose: stands(plain, purpose) for purpose in touched}
    states = [
        ConsentState(channel=to.channel, hash=spelling, purpose_id=purpose, state=now.state, since=now.since, event=steps[now.by])
        for spelling in to.hashes
        for purpose, now in found.items()
        if now.since is not None and now.by is not None
    ]
    ConsentState.objects.bulk_create(states, update_conflicts=True, unique_fields=["hash", "purpose", "channel"], update_fields=["state", "since", "event"])
    stops: dict[tuple[int | None, str], Any] = {(purpose, now.state): now.since for purpose, now in found.items() if now.state in STOPPED}
    if whole := blanket(plain, touched):
        stops[None, whole] = min(step.at for step in plain if step.purpose is None)
    _suppress(to, stops)
    keep = Q(pk__in=[])
    for purpose, reason in stops:
        keep |= Q(purpose=purpose, reason=reason) if purpose is not None else Q(purpose__isnull=True, reason=reason)
    Suppression.objects.filter(channel=to.channel, hash__in=to.hashes, reason__in=[WITHDRAWN, OBJECTED]).exclude(keep).delete()


def _suppress(to: Reach, stops: dict[tuple[int | None, str], Any]) -> None:
    Suppression.objects.bulk_create(
        [
            Suppression(channel=to.channel, hash=spelling, key=key_name(), purpose_id=purpose, reason=reason, since=since)
            for spelling in to.hashes
            for (purpose, reason), since in stops.items()
        ],
        ignore_conflicts=True,
    )


def hold_address(to: Reach) -> None:
    """One at a time for each address."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_LEDGER, to.hash])


class _Plain:
    """A row of the ledger as `contacts.consent` reads it."""

    def __init__(self, row: ConsentEvent) -> None:
        self.purpose, self.kind, self.how, self.at = row.purpose_id, row.kind, row.how, row.at


def _plain(row: ConsentEvent) -> Any:
    return _Plain(row)


def whose_address(to: Reach) -> int | None:
    """The contact an address belongs to: the one who has it, if it is one alone; else whom the ledger named last."""
    if to.channel == EMAIL and to.address:
        owners = EmailAddress.objects.unrestricted().filter(normalised__in=spellings(EMAIL, to.address)).values_list("party", flat=True)[:2]
        if len(owners) == 1:
            return owners[0]
    last = ConsentEvent.objects.filter(channel=to.channel, hash=to.hash, party__isnull=False).order_by("-pk").values_list("party", flat=True).first()
    if last is not None and not Party.objects.unrestricted().filter(pk=last).exists():
        return survivor_of(last)
    return last


def reach_or_none(row: Any) -> Reach | None:
    try:
        return reach_of(row)
    except RuleBroken:  # an import may have brought what no mail can be sent to
        return None


def _elsewhere(row: Any, to: Reach) -> bool:
    """Whether another contact has the same address."""
    rows = type(row).objects.unrestricted().exclude(party=row.party_id)
    if to.channel == EMAIL:
        return bool(rows.filter(normalised__in=spellings(EMAIL, row.address)).exists())
    if to.channel == Channel.PHONE:
        return bool(row.key and rows.filter(key=row.key).exists())
    return bool(rows.filter(postcode=row.postcode, city=row.city, street=row.street).exists())


TOLD = {
    Kind.REQUESTED: lambda: _("Asked by form for: %(what)s"),
    Kind.CONFIRMED: lambda: _("Consent confirmed: %(what)s"),
    Kind.GIVEN: lambda: _("Consent given: %(what)s"),
    Kind.WITHDRAWN: lambda: _("Consent withdrawn: %(what)s"),
    Kind.OBJECTED: lambda: _("Objected to: %(what)s"),
}


def _tell(rows: Sequence[ConsentEvent], party: int, by: Any) -> None:
    """The contact's history gets a line for people, in the language of the house."""
    first = rows[0]
    with translation.override(Installation.current().language):
        what = ", ".join(str(row.purpose) if row.purpose_id else _("all advertising") for row in rows)
        heading = TOLD[Kind(first.kind)]() % {"what": f"{what} ({Channel(first.channel).label})"}
        body = "" if first.how == How.FORM or first.kind == Kind.CONFIRMED else " · ".join(filter(None, (str(How(first.how).label), first.note)))
    Interaction.objects.create(party_id=party, kind=Interaction.Kind.SYSTEM, occurred_at=first.at, heading=heading[:200], body=body, created_by=by, updated_by=by)
