"""From the mailbox into rows: each mail once, whatever happens to the worker, the connection or the mailbox's own count.

The cursor is the last UID that is a row; it moves in the transaction that writes the row. A worker that dies has either written both or
neither. When the mailbox counts anew (another UIDVALIDITY), everything is looked at again and known again by its identity. Marking as read
comes after the commit and is made up for when it was missed; nothing depends on it.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import Error, connections, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.core.mail.inbox.reading import Received, TooComplex, identity, read
from crm.core.mail.inbox.server import Fetched, Mailbox, Refused, Unreachable, open_mailbox, place_of
from crm.core.mail.inbox.taking import take_in, too_complex
from crm.core.models import IncomingMail, MailboxSetup, MailFile
from crm.core.tasks import ring

log = logging.getLogger("lotse.mail")
SLICE = 20.0  # seconds one task works; then the next one goes on
BATCH = 20  # mails fetched at once …
BATCH_BYTES = 8_000_000  # … and no more than so many bytes
STUMBLES = 3  # after so many broken connections at one mail it is parked
TROUBLE = timedelta(seconds=30)
_LOCK = 0x3A12  # the advisory lock of whoever reads the mailbox: to save work, nothing depends on it


def fetch_due(seconds: float = SLICE) -> int:
    """Fetch and file what is new, for a while; rings for the rest. Returns how many mails are new rows. Safe at any time and beside others."""
    until = time.monotonic() + seconds
    setup = MailboxSetup.current()
    new = 0
    if setup.active and setup.host and not _rests(setup):
        with _alone() as alone:
            new = _fetch(setup, until) if alone else 0
    take_in(until)
    return new


def tend() -> None:
    """Once a minute: look whether there is something."""
    if MailboxSetup.objects.filter(pk=1, active=True).exists() or IncomingMail.objects.filter(state=IncomingMail.State.WAITING).exists():
        ring("crm.core.tasks.fetch_mails")


def _rests(setup: MailboxSetup) -> bool:
    return bool(setup.trouble and setup.trouble_at and timezone.now() - setup.trouble_at < TROUBLE)


def _fetch(setup: MailboxSetup, until: float) -> int:
    new = 0
    try:
        with open_mailbox(place_of(setup)) as box:
            cursor = _begin(setup, box)
            waiting = box.behind(cursor, setup.since)
            while waiting and time.monotonic() < until:
                sizes = box.sizes(waiting[:BATCH])
                batch = _fitting(waiting[:BATCH], sizes)
                new += _store_batch(box, batch, sizes)
                cursor = MailboxSetup.objects.values_list("cursor", flat=True).get(pk=1)
                done = [uid for uid in batch if uid <= cursor]
                waiting = waiting[len(done) :]
                _mark(box, done)
                take_in(until)
            _mark(box, [])
        MailboxSetup.objects.filter(pk=1).update(looked_at=timezone.now(), trouble="", trouble_at=None, stumbles=0)
        if waiting:
            ring("crm.core.tasks.fetch_mails")
    except (Unreachable, Refused) as reason:
        if not setup.trouble:  # once, not each minute; what was said may name the mailbox, so it stays out of the log
            log.warning("the mailbox cannot be read; why stands in the set-up under incoming mail")
        MailboxSetup.objects.filter(pk=1).update(trouble=str(reason)[:2000], trouble_at=timezone.now())
    return new


def _begin(setup: MailboxSetup, box: Mailbox) -> int:
    """Where to go on. A mailbox that counts anew is read from its beginning."""
    if setup.uidvalidity != box.uidvalidity:
        MailboxSetup.objects.filter(pk=1).update(uidvalidity=box.uidvalidity, cursor=0, stumbles=0)
        return 0
    return int(setup.cursor)


def _fitting(uids: list[int], sizes: dict[int, int]) -> list[int]:
    """As many of these as may be fetched at once, at least one."""
    found: list[int] = []
    total = 0
    for uid in uids:
        size = sizes.get(uid, 0)
        total += size if size <= settings.MAIL_LIMIT else 0
        if found and total > BATCH_BYTES:
            break
        found.append(uid)
    return found


def _store_batch(box: Mailbox, uids: list[int], sizes: dict[int, int]) -> int:
    """Write these down in their order. One that cannot be fetched is parked, so that those behind it come through."""
    large = {uid for uid in uids if sizes.get(uid, 0) > settings.MAIL_LIMIT}
    small = [uid for uid in uids if uid in sizes and uid not in large]
    stumbles = int(MailboxSetup.objects.values_list("stumbles", flat=True).get(pk=1))
    if stumbles >= STUMBLES:
        return _store_head(box, uids[0], sizes.get(uids[0], 0), _("The connection broke each time this mail was fetched. It lies in the mailbox; below is its head."))
    MailboxSetup.objects.filter(pk=1).update(stumbles=stumbles + 1)  # taken back as soon as one is written: it counts what kills the worker, too
    try:
        found = box.fetch(small[:1] if stumbles else small) if small else {}
    except Refused:
        found = {}
        for uid in small:
            try:
                found |= box.fetch([uid])
            except Refused as reason:
                large.add(uid)
                log.warning("mail %s cannot be fetched: %s", uid, reason)
    new = 0
    for uid in uids:
        if uid in large:
            too_large = sizes.get(uid, 0) > settings.MAIL_LIMIT
            words = _("This mail is too large to be fetched. It lies in the mailbox; below is its head.") if too_large else _("The mail server does not hand this mail out. It lies in the mailbox.")
            new += _store_head(box, uid, sizes.get(uid, 0), words)
        elif uid in found:
            new += store(box.uidvalidity, found[uid])
        elif uid in small and stumbles:
            break  # one at a time, until the one that breaks the line is known
        else:
            _move_on(box.uidvalidity, uid)  # gone from the mailbox before it was read
    return new


def store(uidvalidity: int, mail: Fetched) -> bool:
    """Write one mail down and move the cursor behind it. False: it is known already."""
    reason = ""
    try:
        values = read(mail.raw)
    except TooComplex:
        values, reason = Received(), too_complex()
    except Exception as error:
        log.exception("mail %s cannot be read", mail.uid)
        values, reason = Received(), f"{type(error).__name__}: {error}"[:2000]
    key = hashlib.sha256(mail.raw).hexdigest() if reason else identity(mail.raw, values)
    return _write(uidvalidity, mail, values, key, len(mail.raw), reason)


def _store_head(box: Mailbox, uid: int, size: int, reason: str) -> bool:
    """Park what cannot be fetched whole, with its head if that can be had."""
    try:
        found = box.fetch([uid], head_only=True).get(uid)
    except (Refused, Unreachable):
        found = None
    mail = found or Fetched(uid, b"", timezone.now())
    try:
        values = read(mail.raw)
    except TooComplex:
        values = Received()
    key = hashlib.sha256(b"head\n" + (mail.raw or f"{box.uidvalidity} {uid}".encode())).hexdigest()
    return _write(box.uidvalidity, mail, values, key, size, reason)


def _write(uidvalidity: int, mail: Fetched, values: Received, key: str, size: int, reason: str) -> bool:
    digest = hashlib.sha256(mail.raw).hexdigest()
    facts: dict[str, Any] = {
        "uidvalidity": uidvalidity, "uid": mail.uid, "raw_id": digest, "size": size, "message_id": values.message_id[:320], "sender": values.sender[:320],
        "sender_name": values.sender_name[:200], "heading": values.heading[:300], "files": [[file.name, file.kind, file.size] for file in values.files],
        "has_html": bool(values.html), "arrived_at": mail.arrived_at, "state": IncomingMail.State.PARKED if reason else IncomingMail.State.WAITING, "reason": reason,
    }  # fmt: skip
    with transaction.atomic():
        MailFile.objects.bulk_create([MailFile(digest=digest, data=mail.raw)], ignore_conflicts=True)
        there = IncomingMail.objects.filter(identity=key).exclude(uidvalidity=uidvalidity).update(uidvalidity=uidvalidity, uid=mail.uid, marked=False)
        there = there or IncomingMail.objects.filter(identity=key).exists()
        if not there:
            IncomingMail.objects.bulk_create([IncomingMail(identity=key, **facts)], ignore_conflicts=True)
        _move_on(uidvalidity, mail.uid)
    return not there


def _move_on(uidvalidity: int, uid: int) -> None:
    MailboxSetup.objects.filter(pk=1, uidvalidity=uidvalidity, cursor__lt=uid).update(cursor=uid, stumbles=0)


def _mark(box: Mailbox, uids: list[int]) -> None:
    """Mark these as read, and what a worker before us did not come to. Parked mail stays unread in the mailbox."""
    here = IncomingMail.objects.filter(uidvalidity=box.uidvalidity)
    rows = dict(here.filter(marked=False).exclude(state=IncomingMail.State.PARKED).values_list("uid", "pk")[:2000])
    parked = here.filter(uid__in=uids, state=IncomingMail.State.PARKED).values_list("uid", flat=True)
    if chosen := sorted({*rows, *uids} - set(parked)):
        box.mark(chosen)
        IncomingMail.objects.filter(pk__in=rows.values()).update(marked=True)


@contextmanager
def _alone() -> Iterator[bool]:
    """Whether nobody else reads the mailbox. Held by a transaction of its own on a second connection: it ends with the worker at once,
    and behind a pooler, where sessions are nobody's, it holds as well."""
    second = connections.create_connection("default")
    try:
        second.set_autocommit(False)
        with second.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
            alone = bool(cursor.fetchone()[0])
        yield alone
    finally:
        with suppress(Error):  # gone, and the lock with it
            second.rollback()
        second.close()
