"""What somebody typed into the public form becomes a case, as a mail from them would: kept as it came, filed, its receipt confirmed.

It is written down as a mail (`compose`), so that conversation, attachments, writers and answers need no second way. It comes from no
mailbox, and its identity is made of the page and all that was typed: sent twice it is there once, changed and sent again it is another one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils import timezone, translation
from django.utils.translation import gettext as _

from crm.core.mail.inbox.nature import Nature
from crm.core.mail.inbox.reading import FileNote, Received, clean, shown_name
from crm.core.mail.inbox.taking import Arrival
from crm.core.mail.message import File, Letter, compose
from crm.core.mail.server import sender_of
from crm.core.models import IncomingMail, Installation, MailFile, MailSetup
from crm.core.subjects import kind_of, name_subject
from crm.core.work import work
from service.mailin import NO_MAILBOX, begin_case
from service.models import Case

State = IncomingMail.State


@dataclass(frozen=True)
class Typed:
    """What the form holds, each checked. `page` names the page it was typed into, `kind` is a `Case.Type`, `email` is normalised."""

    page: str
    kind: str
    heading: str
    words: str
    name: str
    email: str
    language: str
    phone: str = ""
    order: str = ""
    files: Sequence[File] = ()


def identity_of(typed: Typed) -> str:
    """What makes two submissions the same one, as a SHA-256."""
    facts = [typed.page, typed.kind, typed.heading, typed.words, typed.name, typed.email, typed.phone, typed.order]
    facts += [part for file in typed.files for part in (file.name, hashlib.sha256(file.data).hexdigest())]
    return hashlib.sha256(repr(("form", facts)).encode()).hexdigest()


def was_sent(typed: Typed) -> bool:
    """Is it here already?"""
    return IncomingMail.objects.filter(identity=identity_of(typed)).exists()


def take_form(typed: Typed) -> Case | None:
    """Keep it and open its case; sent again it is the same case. None if the case is gone or there never was one."""
    with translation.override(Installation.current().language), work():
        row, mail, fresh = _keep(typed)
        if not fresh:
            kind = kind_of(row.subject_type_id)
            return Case.objects.unrestricted().filter(pk=row.subject_id).first() if kind is not None and kind.model is Case else None
        filed = begin_case(Arrival(row, mail, Nature.HUMAN), type=typed.kind, channel=Case.Channel.FORM, language=typed.language)
        case = filed.subject
        assert isinstance(case, Case)
        named = name_subject(case)
        row.state, row.reason, row.nature, row.entry = State.FILED, "", Nature.HUMAN, filed.entry
        row.subject_type, row.subject_id = named["subject_type"], named["subject_id"]
        row.save(update_fields=["state", "reason", "nature", "entry", "subject_type", "subject_id"])
        return case


def set_aside(typed: Typed) -> None:
    """Keep it among the mails that wait for a person: a field that nobody sees was filled in. No case, no receipt."""
    with translation.override(Installation.current().language), work():
        _keep(typed)


def _keep(typed: Typed) -> tuple[IncomingMail, Received, bool]:
    """(its row, what it says, whether it is new). A new one waits for a person until it is filed."""
    identity, now = identity_of(typed), timezone.now()
    files = [File(shown_name(file.name, file.kind), file.kind, file.data) for file in typed.files]
    text = _text(typed)
    letter = Letter((typed.name, typed.email), sender_of(MailSetup.current()), typed.heading, text, f"<{identity[:32]}@form.invalid>", now, files=files)
    raw = compose(letter)
    digest = hashlib.sha256(raw).hexdigest()
    notes = tuple(FileNote(file.name, file.kind, len(file.data)) for file in files)
    facts: dict[str, Any] = {
        "uidvalidity": NO_MAILBOX, "uid": 0, "marked": True, "raw_id": digest, "size": len(raw), "sender": typed.email, "sender_name": typed.name, "heading": typed.heading,
        "files": [[note.name, note.kind, note.size] for note in notes], "nature": Nature.AUTOMATIC, "arrived_at": now, "state": State.ASIDE,
        "reason": _("The form on the web: a field that nobody sees was filled in, by a machine or by a browser that fills in whatever it finds."),
    }  # fmt: skip
    MailFile.objects.bulk_create([MailFile(digest=digest, data=raw)], ignore_conflicts=True)
    row, fresh = IncomingMail.objects.get_or_create(identity=identity, defaults=facts)
    mail = Received(sender=typed.email, sender_name=typed.name, heading=typed.heading, date=now, text=text, files=notes)
    return row, mail, fresh


def _text(typed: Typed) -> str:
    """The words, and below them what else they told us, in the house's language."""
    further = [(_("Telephone"), typed.phone), (_("Order number"), typed.order)]
    lines = [f"{label}: {value}" for label, value in further if value]
    return clean("\n\n".join([typed.words.strip(), *(["\n".join(lines)] if lines else [])]))
