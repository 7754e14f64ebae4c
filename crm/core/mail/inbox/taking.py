"""From a stored mail to where it belongs. Who takes it is named in the roof (`LOTSE_INBOX`): core knows no business.

One mail at a time, in the order of their coming, so that an answer never overtakes what it answers; each in one transaction with all it
brings about. A try is counted before it begins: a mail that kills its worker is parked after a few, and holds up nobody.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection, models, transaction
from django.db.models import F, QuerySet
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from crm.core.mail.addresses import BadAddress, read_mailbox
from crm.core.mail.inbox.nature import Nature, Returned, nature_of, returned_of
from crm.core.mail.inbox.reading import Received, TooComplex, parse, received
from crm.core.mail.server import sender_of
from crm.core.models import IncomingMail, Installation, MailboxSetup, MailSetup, OutgoingMail
from crm.core.subjects import name_subject
from crm.core.tasks import ring
from crm.core.wiring import table
from crm.core.work import work

log = logging.getLogger("lotse.mail")
TRIES = 5
PAUSE = timedelta(seconds=20)  # times the number of tries
_ONE_TAKES = 0x3A13  # the advisory lock under which a mail is filed
State = IncomingMail.State


@dataclass(frozen=True)
class Arrival:
    """A mail with what is known of it. `of_ours`: the mail of ours that came back, if the report in this one names it and its recipient."""

    row: IncomingMail
    mail: Received
    nature: Nature
    returned: Returned | None = None
    of_ours: OutgoingMail | None = None


@dataclass(frozen=True)
class Filed:
    """Where it went: the record, if there is one, and the id of its entry in the history."""

    subject: models.Model | None
    entry: int | None = None


Taker = Callable[[Arrival], Filed | None]


def take_in(until: float) -> int:
    """File what waits, for a while. Returns how many; 0 at once where somebody else is at it, so that one long mail holds up one worker."""
    count = 0
    while time.monotonic() < until and (pk := _next()):
        taken = _take(pk)
        if taken is None:
            break
        count += taken
    return count


def _alone() -> bool:
    """Is nobody else filing? Holds until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_ONE_TAKES])
        return bool(cursor.fetchone()[0])


def _next() -> int | None:
    """The oldest mail that is due, its try counted and committed."""
    with transaction.atomic():
        if not _alone():
            return None
        row = IncomingMail.objects.select_for_update(skip_locked=True).filter(state=State.WAITING, due_at__lte=timezone.now()).order_by("pk").first()
        if row is None:
            return None
        if row.tries >= TRIES:
            row.state, row.reason = State.PARKED, row.reason or _("The worker stopped each time it read this mail.")
        row.tries += 1
        row.save(update_fields=["state", "reason", "tries"])
        return row.pk


def _take(pk: int) -> bool | None:
    """Whether it was filed; None if somebody else began to file meanwhile: then it was no try."""
    try:
        with translation.override(Installation.current().language), work():
            if not _alone():
                IncomingMail.objects.filter(pk=pk).update(tries=F("tries") - 1)
                return None
            row = IncomingMail.objects.select_for_update().filter(pk=pk, state=State.WAITING).first()
            if row is None:
                return False
            file(row)
        return True
    except Exception as error:  # whatever a stranger's mail does to us, the others go on
        log.exception("mail %s cannot be filed", pk)
        row = IncomingMail.objects.get(pk=pk)
        reason = too_complex() if isinstance(error, TooComplex) else f"{type(error).__name__}: {error}"[:2000]
        facts: dict[str, Any] = {"reason": reason, "due_at": timezone.now() + PAUSE * row.tries}
        ends = row.tries >= TRIES or isinstance(error, TooComplex)
        IncomingMail.objects.filter(pk=pk, state=State.WAITING).update(**facts, **({"state": State.PARKED} if ends else {}))
        return False


def try_again(rows: QuerySet[IncomingMail], *, by: Any) -> int:
    """File these anew: somebody thinks that what stood in the way is gone. Returns how many."""
    with work(by=by):
        count = rows.filter(state__in=[State.PARKED, State.ASIDE]).update(state=State.WAITING, tries=0, due_at=timezone.now(), reason="")
        ring("crm.core.tasks.fetch_mails")
    return count


def take_by_hand(row: IncomingMail, *, by: Any) -> bool:
    """Make what it takes of this mail, whatever it is: somebody looked at it. What cannot be read is taken with what its row says. Nobody is answered."""
    with translation.override(Installation.current().language), work(by=by):
        held = IncomingMail.objects.select_for_update().filter(pk=row.pk, state__in=[State.PARKED, State.ASIDE]).first()
        if held is not None:
            file(held, by_hand=True)
        return held is not None and held.state == State.FILED


def file(row: IncomingMail, *, by_hand: bool = False) -> None:
    """Read it, and let the first that wants it take it; in the caller's work."""
    arrival = _by_hand(row) if by_hand else read_again(row)
    if arrival.of_ours is not None and arrival.returned is not None and arrival.returned.verdict not in ("late", "spam"):
        mark_returned(arrival.of_ours, arrival.returned)
    found: Filed | None = None
    if arrival.nature != Nature.OWN:
        for taker in table("LOTSE_INBOX"):
            found = taker(arrival)
            if found is not None:
                break
    row.nature = arrival.nature
    if found is not None:
        row.state, row.reason, row.entry = State.FILED, "", found.entry
        if found.subject is not None:
            named = name_subject(found.subject)
            row.subject_type, row.subject_id = named["subject_type"], named["subject_id"]
    else:
        row.state, row.reason = State.ASIDE, str(why_aside(arrival))
    row.save(update_fields=["nature", "state", "reason", "entry", "subject_type", "subject_id"])


def _by_hand(row: IncomingMail) -> Arrival:
    try:
        mail = received(parse(bytes(row.raw.data)))
    except Exception:
        log.info("mail %s is taken by hand without being read", row.pk)
        mail = Received(sender=row.sender, sender_name=row.sender_name, heading=row.heading, message_id=row.message_id)
    if not mail.text and row.reason:
        mail = replace(mail, text=row.reason)
    return Arrival(row, mail, Nature.AUTOMATIC)


def read_again(row: IncomingMail) -> Arrival:
    """A stored mail as values, with what is known of it now."""
    message = parse(bytes(row.raw.data))
    mail = received(message)
    back = returned_of(message, mail)
    of_ours = None
    if back is not None and back.of:
        of_ours = OutgoingMail.objects.filter(message_id=back.of, to__iexact=back.to).first()  # a report that names another's address is forged
    ids = {mail.message_id} if mail.message_id and OutgoingMail.objects.filter(message_id=mail.message_id).exists() else set()
    nature = nature_of(mail, our_addresses=our_addresses(), our_ids=ids, returned=back is not None)
    return Arrival(row, mail, nature, back, of_ours)


def mark_returned(mail: OutgoingMail, returned: Returned) -> None:
    """It did not arrive after all."""
    done = [OutgoingMail.State.ACCEPTED, OutgoingMail.State.UNCLEAR]
    OutgoingMail.objects.filter(pk=mail.pk, state__in=done).update(state=OutgoingMail.State.RETURNED, answer=returned.words[:2000])


def our_addresses() -> set[str]:
    """Under which addresses this house writes and is written to."""
    setup, box = MailSetup.current(), MailboxSetup.current()
    found = {sender_of(setup)[1], box.address, box.username}
    for text in (setup.reply_to, settings.DEFAULT_FROM_EMAIL):
        try:
            found.add(read_mailbox(text)[1])
        except BadAddress:
            continue
    return {address for address in found if "@" in address}


def too_complex() -> str:
    """Why such a mail is not read."""
    return _("This mail is nested so deeply, or has so many parts, that it is not read. Its bytes are kept as they came.")


def why_aside(arrival: Arrival) -> str:
    """In words, for whoever looks after the mailbox."""
    return {
        Nature.OWN: _("We wrote it ourselves."),
        Nature.AUTO_REPLY: _("An automatic answer that belongs to no case."),
        Nature.RETURN: _("A report about a mail that was not sent from here."),
    }.get(arrival.nature, _("Nobody takes mail of this kind."))
