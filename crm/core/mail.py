"""Mail that leaves the house exists once: a row, a state, one hand-over (D16).

A row is written in the transaction of its reason (`plan_mail`, unique `once`). Handing over commits "handing" before the
first byte leaves, so a killed worker leaves a row that says "perhaps": it becomes "unclear", is shown, and is never sent again by itself.
"""

from __future__ import annotations

import logging
import smtplib
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import timezone
from django.utils.crypto import get_random_string

from crm.core.models import OutgoingMail
from crm.core.tasks import ring

log = logging.getLogger("lotse.mail")
LEASE = timedelta(minutes=5)  # longer than any SMTP conversation with EMAIL_TIMEOUT


def plan_mail(user: Any, *, once: str, heading: str, body: str, attachment: tuple[str, bytes] | None = None) -> OutgoingMail:
    """Write the mail down; it leaves after the commit. The same `once` is the same mail."""
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("> ") or "localhost"
    name, data = attachment or ("", b"")
    row, fresh = OutgoingMail.objects.get_or_create(
        once=once,
        defaults={
            "to": user.email,
            "user": user,
            "heading": heading[:200],
            "body": body,
            "attachment_name": name,
            "attachment": data,
            "message_id": f"<{get_random_string(24).lower()}@{domain}>",
        },
    )
    if fresh:
        ring("crm.core.tasks.send_mails")
    return row


def hand_over_planned(limit: int = 100) -> int:
    """Hand planned mails to the mail server, one after the other. Returns how many were accepted."""
    now = timezone.now()
    OutgoingMail.objects.filter(state=OutgoingMail.State.HANDING, handed_at__lt=now - LEASE).update(
        state=OutgoingMail.State.UNCLEAR, answer="The worker stopped while handing this mail over."
    )
    accepted = 0
    for pk in OutgoingMail.objects.filter(state=OutgoingMail.State.PLANNED).order_by("pk").values_list("pk", flat=True)[:limit]:
        accepted += _hand_over(pk)
    return accepted


def _hand_over(pk: int) -> int:
    mine = OutgoingMail.objects.filter(pk=pk, state=OutgoingMail.State.PLANNED).update(state=OutgoingMail.State.HANDING, handed_at=timezone.now())
    if not mine:
        return 0
    row = OutgoingMail.objects.get(pk=pk)
    message = EmailMessage(row.heading, row.body, settings.DEFAULT_FROM_EMAIL, [row.to], headers={"Message-ID": row.message_id, "Auto-Submitted": "auto-generated"})
    if row.attachment_name:
        message.attach(row.attachment_name, bytes(row.attachment), "application/pdf")
    try:
        message.send()
    except smtplib.SMTPRecipientsRefused as refused:
        return _answered(row, OutgoingMail.State.REFUSED, str(refused))
    except (ConnectionRefusedError, smtplib.SMTPConnectError) as unreachable:  # nothing was handed over: try again
        row.attempts += 1
        state = OutgoingMail.State.PLANNED if row.attempts < 20 else OutgoingMail.State.REFUSED
        OutgoingMail.objects.filter(pk=pk).update(attempts=row.attempts)
        return _answered(row, state, str(unreachable))
    except Exception as error:
        log.exception("mail %s is unclear", pk)
        return _answered(row, OutgoingMail.State.UNCLEAR, repr(error))
    return _answered(row, OutgoingMail.State.ACCEPTED, "")


def _answered(row: OutgoingMail, state: str, answer: str) -> int:
    OutgoingMail.objects.filter(pk=row.pk).update(state=state, answer=answer[:2000])
    return int(state == OutgoingMail.State.ACCEPTED)
