"""The worker's side: hand over what is due, and look after what a worker that is gone left behind."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from django.db import InterfaceError, OperationalError, connection
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.core.mail import maillog, queue
from crm.core.mail.addresses import read_mailbox
from crm.core.mail.answers import Meaning
from crm.core.mail.folder import Folder
from crm.core.mail.kinds import kind_of
from crm.core.mail.lock import check_lock, keep_turn
from crm.core.mail.message import File, Letter, compose
from crm.core.mail.queue import Ended
from crm.core.mail.run import BATCH, Run
from crm.core.mail.server import Server, server_of
from crm.core.mail.smtp import Line, Unreachable
from crm.core.models import MailAttachment, MailSetup, OutgoingMail
from crm.core.pace import Pace
from crm.core.tasks import ring
from crm.core.work import work

log = logging.getLogger("lotse.mail")
SLICE = 20.0  # seconds one task sends; then the next one goes on
RECOVERY = 30.0  # seconds in which the database may come back before an answer is left to the log
TROUBLE = timedelta(seconds=30)  # a mail server that could not be reached is left alone that long


def send_due(seconds: float = SLICE) -> int:
    """Hand over what is due, batch by batch, for a while; rings for the rest. Returns how many mails the server accepted.

    Safe at any time and beside others: rows are claimed, and no more workers than the settings allow find any.
    """
    if check_lock():
        return 0
    setup = MailSetup.current()
    if setup.trouble_at is not None and timezone.now() - setup.trouble_at < TROUBLE:
        return 0
    server, run, until, accepted, pace = server_of(setup), Run(), time.monotonic() + seconds, 0, Pace()
    line: Line | Folder = Line(server) if server.host else Folder(server.folder)
    try:
        while rows := run.claim(maillog.mark(server.log)):
            if len(rows) == BATCH and not accepted:
                ring("crm.core.tasks.send_mails")  # another worker may help, if the settings let it
            accepted += _send_batch(run.hold_back(rows), run, server, line)
            if time.monotonic() > until:
                ring("crm.core.tasks.send_mails")
                break
            if kind_of(rows[0].kind).advertising:  # it leaves last: where it comes first nobody waits for any of them
                pace.step()
        if setup.trouble:
            _note_trouble("")
    except Unreachable as reason:
        _note_trouble(str(reason))
    finally:
        line.close()
        run.close()
    return accepted


def _send_batch(rows: list[OutgoingMail], run: Run, server: Server, line: Line | Folder) -> int:
    """One mail after the other over one connection; the end of each is committed with the beginning of the next.

    Returns how many were accepted. Raises Unreachable; what was not begun is then given back.
    """
    files = _files(rows)
    accepted = 0
    before: Ended | None = None
    waiting = set(rows)
    try:
        for row in rows:
            if not line.stands:
                line.open()
            waiting.remove(row)
            content = _compose(row, run, server, files.get(row.pk, []))
            if content is None:
                continue
            ending, before = before, None
            if _persist(partial(run.mark_handing, row, ending), ending, run):
                before = Ended(row, line.hand_over(sender_of_row(row, server)[1], row.to, content))
                accepted += before.answer.meaning is Meaning.ACCEPTED
    finally:
        if before is not None:
            _persist(partial(queue.write_end, before, run.worker), before, run)
        if waiting:
            run.give_back()
    return accepted


def _compose(row: OutgoingMail, run: Run, server: Server, files: list[File]) -> bytes | None:
    """The bytes, or None: a mail that cannot be written is refused by ourselves, and the others go on."""
    if kind_of(row.kind).kept is not None and not row.body and not row.html:
        run.refuse(row, _("Its text is no longer kept: it cannot be sent again."))
        return None
    try:
        return compose(letter(row, server, files))
    except Exception as error:
        log.exception("mail %s cannot be composed", row.pk)
        run.refuse(row, f"{type(error).__name__}: {error}")
        return None


def sender_of_row(row: OutgoingMail, server: Server) -> tuple[str, str]:
    """Who writes it: the mail's own sender, or the house."""
    return read_mailbox(row.sender) if row.sender else server.sender


def letter(row: OutgoingMail, server: Server, files: list[File]) -> Letter:
    """A row as the values a message is made of."""
    automatic = {"Auto-Submitted": "auto-generated"} if kind_of(row.kind).automatic else {}
    return Letter(
        sender=sender_of_row(row, server),
        to=(row.to_name, row.to),
        heading=row.heading,
        text=row.body,
        html=row.html,
        message_id=row.message_id,
        date=timezone.localtime(),
        reply_to=read_mailbox(row.reply_to) if row.reply_to else server.reply_to,
        headers={**automatic, **row.headers},
        files=files,
    )


def _files(rows: list[OutgoingMail]) -> dict[int, list[File]]:
    found: dict[int, list[File]] = {}
    attachments = list(MailAttachment.objects.filter(mail__in=rows).order_by("pk"))
    if not attachments:
        return found
    data = {row.file_id: row.file.data for row in MailAttachment.objects.filter(pk__in=[a.pk for a in attachments]).select_related("file").distinct("file_id").order_by("file_id")}
    for attachment in attachments:
        found.setdefault(attachment.mail_id, []).append(File(attachment.name, attachment.kind, bytes(data[attachment.file_id])))
    return found


def _persist(write: Callable[[], Any], ended: Ended | None, run: Run) -> Any:
    """Write; if the database is gone while the end of a mail is unwritten, wait for it to come back and write that: the server has the mail.

    The run is over in any case; what it held is taken from it when the lease ends. A second writing meets no row.
    """
    try:
        return write()
    except (OperationalError, InterfaceError):
        until = time.monotonic() + RECOVERY
        while ended is not None and not connection.in_atomic_block and time.monotonic() < until:
            connection.close()
            time.sleep(0.5)
            try:
                queue.write_end(ended, run.worker)
                break
            except (OperationalError, InterfaceError):
                continue
        raise


def tend() -> None:
    """Once a minute: move the turn on, give back what nobody holds any more, decide what became of mails left in the midst of it."""
    keep_turn()
    queue.take_back()
    setup = MailSetup.current()
    server = server_of(setup)
    for row in list(queue.left_handing()):
        _decide(row, server)
    if OutgoingMail.objects.filter(Q(state__in=OutgoingMail.WAITING, due_at__lte=Now())).exists() and not setup.lock:
        ring("crm.core.tasks.send_mails")


def _decide(row: OutgoingMail, server: Server) -> None:
    """The server's log knows whether it has the mail. Where it cannot be read, service mail goes again, advertising waits for a person."""
    known = maillog.read_since(server.log, row.log_mark, row.handed_at.timestamp() if row.handed_at else 0)
    queue_id = known.accepted.get(row.message_id)
    stopped = row.answer or _("The worker stopped while handing this mail over.")
    if queue_id:
        queue.settle(row, OutgoingMail.State.ACCEPTED, queue_id=queue_id, answer=_("The mail server's log shows that it was accepted."))
    elif known.whole:
        queue.settle(row, OutgoingMail.State.PLANNED, answer=_("The mail server's log shows that it was not accepted."))
    elif kind_of(row.kind).advertising:
        queue.settle(row, OutgoingMail.State.UNCLEAR, answer=stopped)
    else:
        queue.settle(row, OutgoingMail.State.PLANNED, answer=stopped)  # again, under the same Message-ID


def _note_trouble(text: str) -> None:
    """Remember why the mail server cannot be reached, or that it can."""
    if text:
        MailSetup.objects.filter(pk=1).update(trouble=text[:2000], trouble_at=timezone.now())
    else:
        MailSetup.objects.filter(pk=1).exclude(trouble="").update(trouble="", trouble_at=None)


def send_again(mails: QuerySet[OutgoingMail], *, by: Any) -> int:
    """Plan these again, if they are unclear, refused or withdrawn: `by` was asked and said so. Returns how many."""
    ends = [OutgoingMail.State.UNCLEAR, OutgoingMail.State.REFUSED, OutgoingMail.State.WITHDRAWN]
    with work(by=by):
        answer = _("Sent again as %(name)s decided.") % {"name": by}
        count = mails.filter(state__in=ends).update(state=OutgoingMail.State.PLANNED, due_at=Now(), give_up_at=None, attempts=0, answer=answer)
        ring("crm.core.tasks.send_mails")
    return count
