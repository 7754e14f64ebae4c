"""Writing a mail down: the one way in. It leaves after the commit."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone
from django.utils.crypto import get_random_string
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from crm.core.errors import RuleBroken
from crm.core.mail.addresses import BadAddress, domain_of, normalise, one_line, read_mailbox
from crm.core.mail.kinds import kind_of, kinds
from crm.core.mail.message import checked
from crm.core.models import MailAttachment, MailFile, OutgoingMail
from crm.core.subjects import name_subject
from crm.core.tasks import ring


@dataclass(frozen=True)
class Recipient:
    """Somebody who is no user: an address, the language to write in, perhaps a name."""

    email: str
    language: str = ""
    name: str = ""


@dataclass(frozen=True)
class Attachment:
    """A file to go with a mail. Its MIME type is told by the name if none is given."""

    name: str
    data: bytes
    kind: str = ""


def plan_mail(to: Any, *, attachments: Sequence[Attachment] = (), **facts: Any) -> OutgoingMail:
    """Write one mail down as `draft_mail` says; it leaves after the commit. The same `once` is the same mail: the first planning holds."""
    draft = draft_mail(to, **facts)
    defaults = {field.name: getattr(draft, field.name) for field in draft._meta.concrete_fields if field.name not in {"id", "once"}}
    with transaction.atomic():
        row, fresh = OutgoingMail.objects.get_or_create(once=draft.once, defaults=defaults)
        if fresh:
            attach(row, attachments)
            ring("crm.core.tasks.send_mails")
    return row


def plan_many(drafts: Iterable[OutgoingMail], *, attachments: Sequence[Attachment] = ()) -> int:
    """Write many mails down that carry the same files, a thousand at a time, and ring once. Returns how many of them are new."""
    new, waiting = 0, iter(drafts)
    with transaction.atomic():
        while batch := list(islice(waiting, 1000)):
            there = set(OutgoingMail.objects.filter(once__in=[draft.once for draft in batch]).values_list("once", flat=True))
            OutgoingMail.objects.bulk_create([draft for draft in batch if draft.once not in there], ignore_conflicts=True)
            rows = OutgoingMail.objects.filter(message_id__in=[draft.message_id for draft in batch])  # ours, not those that were there or came between
            new += len(rows)
            attach_all(list(rows), attachments)
        ring("crm.core.tasks.send_mails")
    return new


def draft_mail(
    to: Any,
    *,
    once: str,
    heading: str,
    body: str,
    kind: str = "notification",
    html: str = "",
    sender: str = "",
    reply_to: str = "",
    headers: Mapping[str, str] | None = None,
    subject: models.Model | None = None,
    at: datetime | None = None,
) -> OutgoingMail:
    """The row of a mail, not saved. `to` is a user or a Recipient, `kind` a row of `crm/mails.py`, `subject` what it is about, `at` not before.

    `body` and `html` are kept and sent as they are. Raises RuleBroken for an address no mail can be sent to, ValueError for a header that
    may not be set.
    """
    assert any(known.key == kind for known in kinds()), kind
    is_person = isinstance(to, Recipient)
    address = normalise_or_say(to.email)
    return OutgoingMail(
        kind=kind,
        priority=kind_of(kind).priority,
        to=address,
        to_name=one_line(to.name if is_person else str(to))[:200],
        domain=domain_of(address),
        user=None if is_person else to,
        language=to.language or get_language() or "",
        sender=_mailbox(sender),
        reply_to=_mailbox(reply_to),
        heading=one_line(heading)[:200],
        body=body.replace("\x00", ""),
        html=html.replace("\x00", ""),
        headers=checked(headers or {}),
        message_id=f"<{get_random_string(24).lower()}@{urlsplit(settings.BASE_URL).hostname or 'localhost'}>",
        once=once,
        due_at=at or timezone.now(),
        **(name_subject(subject) if subject is not None else {}),
    )


def attach(mail: OutgoingMail, attachments: Sequence[Attachment]) -> None:
    """Hang files on a mail."""
    attach_all([mail], attachments)


def attach_all(mails: Sequence[OutgoingMail], attachments: Sequence[Attachment]) -> None:
    """Hang the same files on all these mails. Bytes that are there already are not stored again; names that recur get a number."""
    taken: set[str] = set()
    for file in attachments:
        digest = hashlib.sha256(file.data).hexdigest()
        if not MailFile.objects.filter(pk=digest).exists():
            MailFile.objects.bulk_create([MailFile(digest=digest, data=file.data)], ignore_conflicts=True)
        name = free_name(one_line(file.name)[:100] or "file", taken)
        kind = file.kind or mimetypes.guess_type(name)[0] or "application/octet-stream"
        MailAttachment.objects.bulk_create([MailAttachment(mail=mail, file_id=digest, name=name, kind=kind) for mail in mails])


def free_name(name: str, taken: set[str]) -> str:
    """The name, or "name (2).pdf" if there is one already; it is then taken."""
    stem, dot, ending = name.rpartition(".")
    stem, ending = (stem, dot + ending) if stem else (name, "")
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{stem} ({number}){ending}"
    taken.add(found)
    return found


def normalise_or_say(address: str) -> str:
    """The address as it is kept, or RuleBroken in words."""
    try:
        return normalise(address)
    except BadAddress:
        raise RuleBroken(_("“%(address)s” is not an address mail can be sent to.") % {"address": one_line(address)[:100]}) from None


def _mailbox(text: str) -> str:
    if not text:
        return ""
    try:
        name, address = read_mailbox(text)
    except BadAddress:
        raise RuleBroken(_("“%(address)s” is not an address mail can be sent to.") % {"address": one_line(text)[:100]}) from None
    return f"{name} <{address}>" if name else address
