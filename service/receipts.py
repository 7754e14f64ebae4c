"""The customer is told that a case was received: once per case, not too often to one address, never to a machine."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone, translation

from contacts.letters import addressee, stored
from contacts.salutation import Addressee, letter_salutation
from crm.core.mail import Recipient, plan_mail
from crm.core.mail.addresses import BadAddress, normalise
from crm.core.mail.texts import written
from crm.core.models import Installation, MailboxSetup, OutgoingMail
from service.models import Case
from service.texts import language_of

KIND = "receipt"  # of `crm/mails.py`
A_DAY = 4  # receipts to one address
AN_HOUR = 60  # to people we do not know or whose address was only typed, all together: a forged sender must not make us write to many


def confirm_receipt(case: Case, to: str, *, name: str = "", answers: str = "", a_day: int = A_DAY, language: str = "") -> bool:
    """Plan the receipt. To somebody unknown, and to whoever filled in the form, it repeats nothing they wrote: the sender may be forged.

    `answers` is the Message-ID of the mail it answers. False: this address has had enough today, or is none.
    """
    try:
        address = normalise(to)
    except BadAddress:
        return False
    one_at_a_time(address)
    lately = OutgoingMail.objects.filter(kind=KIND, to__iexact=address, planned_at__gt=timezone.now() - timedelta(days=1))
    typed = case.channel == Case.Channel.FORM  # anybody may type anybody's address
    if lately.count() >= a_day or ((case.party is None or typed) and _unproved_lately() >= AN_HOUR):
        return False
    language = language or language_of(case)
    with translation.override(language):
        heading, body = written("receipt", greeting=greeting_of(case, language), number=case.number, subject=case.heading if case.party and not typed else "", company=Installation.current().name)
    headers = {"Auto-Submitted": "auto-replied"}
    if answers and answers.isascii():
        headers |= {"In-Reply-To": answers, "References": answers}
    plan_mail(Recipient(address, language, str(case.party or "") if typed else name), kind=KIND, once=f"receipt:{case.pk}", heading=heading, body=body, subject=case, headers=headers, reply_to=reply_address())
    return True


def _unproved_lately() -> int:
    """Receipts of the last hour to people nobody has named yet, or whose address was typed into the form."""
    since = timezone.now() - timedelta(hours=1)
    unknown = Case.objects.unrestricted().filter(Q(party__isnull=True) | Q(channel=Case.Channel.FORM), pk=OuterRef("subject_id"))
    return OutgoingMail.objects.filter(Exists(unknown), kind=KIND, planned_at__gt=since).count()


def greeting_of(case: Case, language: str) -> str:
    """How a mail of the house about this case begins."""
    if case.party is not None:
        return letter_salutation(addressee({**stored(case.party), "language": language}, language))
    return letter_salutation(Addressee(language="en" if language == "en" else "de"))


def reply_address() -> str:
    """Where customers' answers come in again; "" where nothing is fetched: then the house's own setting holds."""
    box = MailboxSetup.current()
    return str(box.address) if box.active else ""


def one_at_a_time(address: str) -> None:
    """Whoever else decides what this address is sent by itself waits until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(7, hashtext(%s))", [address.lower()])
