"""Mail that comes in becomes a case or goes on with one (named in `LOTSE_INBOX`). In the transaction that files it.

What a person writes makes the case go on; what a machine answers is filed quietly; nothing a machine sent is ever answered by itself.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Team
from contacts.diary import log_interaction
from contacts.models import EmailAddress, Interaction
from contacts.senders import note_unreachable, note_unwelcome, parties_of, party_of
from crm.core.events import emit
from crm.core.mail.inbox.nature import Nature
from crm.core.mail.inbox.quotes import split
from crm.core.mail.inbox.taking import Arrival, Filed
from crm.core.models import IncomingMail, OutgoingMail
from crm.core.subjects import kind_of, name_subject
from service.models import Case, DeskSetup
from service.receipts import KIND, confirm_receipt
from service.services import hold, open_case, reopen_case, resume_case
from service.threads import case_of, numbers_in

FAR = 20  # cases merged into one another
NO_MAILBOX = 0  # the "mailbox" of what was typed into the public form: no real one has this UIDVALIDITY


def take_mail(arrival: Arrival) -> Filed | None:
    """File a mail with its case. None: an automatic answer or a report that belongs to none."""
    if arrival.nature == Nature.RETURN:
        return _came_back(arrival)
    case = _known(arrival)
    if arrival.nature == Nature.AUTO_REPLY:
        return _filed(case, arrival) if case is not None else None
    return _goes_on(case, arrival) if case is not None else begin_case(arrival, type=Case.Type.QUESTION, channel=Case.Channel.MAIL)


def _known(arrival: Arrival) -> Case | None:
    """The case it goes on with; of one that was merged, the one it went into."""
    mail = arrival.mail
    content_type = name_subject(Case())["subject_type"]
    ours = OutgoingMail.objects.filter(message_id__in=mail.references, subject_type=content_type).values_list("message_id", "subject_id")
    theirs = IncomingMail.objects.filter(message_id__in=mail.references, subject_type=content_type).exclude(pk=arrival.row.pk).order_by("-pk").values_list("message_id", "subject_id")
    numbers: dict[str, int] = dict(Case.objects.unrestricted().filter(number__in=numbers_in(mail.heading)).values_list("number", "pk"))
    belongs = {pk for pk in numbers.values() if _belongs(mail.answer_to, mail.sender, pk)}
    found = case_of(mail.references, mail.heading, sent=dict(ours), heard=dict(theirs), numbers=numbers, belongs=belongs)
    case = Case.objects.unrestricted().filter(pk=found).first() if found else None
    for _step in range(FAR):
        if case is None or case.merged_into_id is None:
            break
        case = Case.objects.unrestricted().get(pk=case.merged_into_id)
    return case


def _belongs(answer_to: str, sender: str, case_id: int) -> bool:
    """Has this sender to do with the case: its customer, somebody of its organisation, or somebody who wrote or was written to in it?"""
    case = Case.objects.unrestricted().get(pk=case_id)
    known = {party.pk for address in {answer_to, sender} if address for party in parties_of(address)}
    if known & {case.party_id, case.organisation_id}:
        return True
    if case.organisation_id and EmailAddress.objects.unrestricted().filter(party__affiliations__organisation=case.organisation_id, party__in=known).exists():
        return True
    here = name_subject(case)
    return bool(sender) and (IncomingMail.objects.filter(sender__iexact=sender, **here).exists() or OutgoingMail.objects.filter(to__iexact=sender, **here).exists())


def begin_case(arrival: Arrival, *, type: str, channel: str, language: str = "") -> Filed:
    """A new case in the queue for what comes in. A person is told that it was received, in `language` if that is known."""
    mail, at = arrival.mail, _moment(arrival)
    setup = DeskSetup.current()
    party = party_of(mail.answer_to)
    name = mail.sender_name if mail.answer_to == mail.sender else ""
    case = Case(
        type=type, channel=channel, heading=mail.heading[:160] or _("(without a subject)"), party=party,
        reporter="" if party else (name or mail.answer_to)[:160], team=setup.team or Team.objects.get(parent=None),
    )  # fmt: skip
    open_case(case, by=None, at=at)
    filed = _filed(case, arrival)
    if arrival.nature == Nature.HUMAN and setup.acknowledges:
        confirm_receipt(case, mail.answer_to, name=str(party or name), answers=mail.message_id, language=language)
    return filed


def _goes_on(case: Case, arrival: Arrival) -> Filed:
    """Filed, and the case goes on: one that waited for the customer is resumed, one that was settled is opened again when a person writes."""
    filed = _filed(case, arrival)
    held, at = hold(case), timezone.now()
    if held.state == Case.State.WAITING:
        resume_case(case, by=None, at=at)
    elif not held.is_open and arrival.nature == Nature.HUMAN:
        reopen_case(case, by=None, at=at)
    emit("service.mail_received", case, entry=filed.entry)
    return filed


def _filed(case: Case, arrival: Arrival) -> Filed:
    mail = arrival.mail
    body = mail.text or (_("(only attachments)") if mail.files else _("(without words)"))
    entry = log_interaction(case.party, kind=Interaction.Kind.EMAIL, direction=Interaction.Direction.IN, heading=mail.heading, body=body, by=None, at=_moment(arrival), about=case)
    return Filed(case, entry.pk)


def _came_back(arrival: Arrival) -> Filed | None:
    """A mail of ours did not arrive: whoever settles the case reads it there; a bad address is marked as such. What names no mail of ours changes nothing."""
    mail, report = arrival.of_ours, arrival.returned
    if mail is None or report is None:
        return None
    if report.verdict == "hard":
        note_unreachable(mail.to, at=timezone.now())
    if report.verdict == "spam":
        note_unwelcome(mail.to, at=timezone.now())
    kind = kind_of(mail.subject_type_id)
    case = Case.objects.unrestricted().filter(pk=mail.subject_id).first() if kind is not None and kind.model is Case else None
    if case is None:
        return Filed(None)
    words = {
        "hard": _("The mail to %(to)s did not arrive: there is no such address. The mail server says: %(words)s"),
        "soft": _("The mail to %(to)s did not arrive. The mail server says: %(words)s"),
        "spam": _("The mail to %(to)s was reported as spam. No advertising is sent there any more."),
        "late": _("The mail to %(to)s has not arrived yet; the mail server goes on trying. It says: %(words)s"),
    }[report.verdict]
    body = words % {"to": mail.to, "words": report.words}
    entry = log_interaction(case.party, kind=Interaction.Kind.NOTE, body=body, by=None, at=_moment(arrival), about=case)
    emit("service.mail_returned", case, entry=entry.pk)
    return Filed(case, entry.pk)


def _moment(arrival: Arrival) -> datetime:
    """When it arrived in the mailbox; never later than now."""
    return min(arrival.row.arrived_at, timezone.now())


def of_case(case_ids: list[int]) -> dict[int, IncomingMail]:
    """Entry of the history → the mail it came in as."""
    rows = IncomingMail.objects.filter(subject_type=name_subject(Case())["subject_type"], subject_id__in=case_ids, entry__isnull=False)
    return {row.entry: row for row in rows if row.entry}


def mail_drawn(mail: IncomingMail, text: str, case: Case) -> dict[str, Any]:
    """What a line of the conversation shows of it: what is new, what it repeats, its files and where it is read as it was written."""
    typed = mail.uidvalidity == NO_MAILBOX
    new, rest = (text, "") if typed else split(text)
    where = [mail.subject_id or case.pk, mail.pk]
    return {
        "text": new,
        "quoted": rest,
        "html_url": reverse("case-mail", args=where) if mail.has_html else "",
        "raw_url": "" if typed else reverse("case-mail-raw", args=where),
        "files": [{"name": name, "size": size, "url": reverse("case-mail-file", args=[*where, number])} for number, (name, _kind, size) in enumerate(mail.files)],
        "automatic": mail.nature in {Nature.AUTO_REPLY, Nature.AUTOMATIC},
        **({"kind": Case.Channel.FORM.label} if typed else {}),
    }


def writers_of(case: Case) -> list[tuple[str, str]]:
    """(address, name) of those who wrote in this case, the last one first; machines left out."""
    rows = IncomingMail.objects.filter(nature=Nature.HUMAN, **name_subject(case)).exclude(sender="").order_by("-pk")
    return list(dict(rows.values_list("sender", "sender_name")[:50]).items())


def headers_for(case: Case) -> dict[str, str]:
    """What makes an answer of ours stand below the customer's last mail in their own mail program; where there is none, below our receipt."""
    here = name_subject(case)
    last = IncomingMail.objects.filter(**here).exclude(message_id="").exclude(nature=Nature.RETURN).order_by("-pk").values_list("message_id", flat=True).first()
    last = last or OutgoingMail.objects.filter(kind=KIND, **here).values_list("message_id", flat=True).first()
    return {"In-Reply-To": last, "References": last} if last and last.isascii() else {}

