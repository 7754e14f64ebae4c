"""Signing up by the public form: a mail asks the owner of the address, and only the answer counts (double opt-in)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils import timezone, translation
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext

from accounts.models import Team
from contacts.consent_links import CONFIRM
from contacts.consent_steps import confirm_consent, hold_address, request_consent, whose_address
from contacts.models import ConsentEvent, ConsentWording, EmailAddress, Party
from contacts.parts import create_row
from contacts.reach import EMAIL, Reach, reach, spellings
from contacts.search import index_parties
from crm.core.door import door_link
from crm.core.events import emit
from crm.core.mail import Recipient, plan_mail
from crm.core.mail.texts import written
from crm.core.models import Installation
from crm.core.numbers import take_numbers
from crm.core.work import work

Kind = ConsentEvent.Kind


@dataclass(frozen=True)
class SignUp:
    """What somebody typed: an e-mail address, perhaps a name, the words ticked, the language of the page."""

    email: str
    words: Sequence[ConsentWording]
    language: str
    first_name: str = ""
    last_name: str = ""


def ask_owner(typed: SignUp, *, connection: str) -> None:
    """Send the mail that asks, at most one per address and day; a second wish on the same day changes nothing. Nothing tells whether the
    address is known here."""
    to = reach(EMAIL, typed.email)
    once = f"consent:{to.hash}:{timezone.localdate():%Y%m%d}"
    with work(), translation.override(typed.language):
        request = uuid.uuid4()
        names = {"f": typed.first_name, "l": typed.last_name}
        url = door_link(CONFIRM, "consent-confirm", r=request.hex, language=typed.language, **{key: name for key, name in names.items() if name})
        said = "\n\n".join(f"{row.purpose}: {row.text}" for row in typed.words)
        heading, body = written("consent", url=url, words=said, company=Installation.current().name)
        mail = plan_mail(Recipient(typed.email, typed.language), once=once, kind="consent", heading=heading, body=body)
        if url in mail.body:  # else one went to this address today already
            request_consent(to, typed.words, request=request, message_id=mail.message_id, source=reverse("consent-sign-up"), connection=digest_of(connection))


def asked(request: str) -> list[ConsentEvent]:
    """What a link of ours asks about; [] if it is nothing we know."""
    return list(ConsentEvent.objects.filter(request=request, kind=Kind.REQUESTED).select_related("purpose", "wording").order_by("pk"))


def answered(request: str) -> bool:
    """Whether the owner has said yes to this request already: the same link does not say it twice."""
    return ConsentEvent.objects.filter(request=request, kind=Kind.CONFIRMED).exists()


def confirm_sign_up(steps: Sequence[ConsentEvent], *, connection: str, language: str, first_name: str = "", last_name: str = "") -> None:
    """The owner says yes. Who is not known yet becomes a contact of the whole house; who is known keeps the name we have."""
    first = steps[0]
    to = reach(EMAIL, first.address) if first.address else Reach(EMAIL, "", (first.hash,))
    with work():
        hold_address(to)
        if answered(str(first.request)):  # somebody was quicker with the same link
            return
        party = _newcomer(first.address, language, first_name, last_name) if first.address and whose_address(to) is None else None
        words = [step.wording for step in steps if step.wording is not None]
        confirm_consent(to, words, request=first.request, message_id=first.message_id, source=first.source, connection=digest_of(connection), party=party)
        whose = party.pk if party is not None else whose_address(to)
        if whose is not None:
            emit("contacts.signed_up", Party(pk=whose))


def digest_of(connection: str) -> str:
    """Where a visitor came from, as a keyed digest: enough to prove that two visits came from one place, not to find it."""
    return salted_hmac("lotse.consent.connection", connection, algorithm="sha256").hexdigest()


def _newcomer(address: str, language: str, first_name: str, last_name: str) -> Party | None:
    if EmailAddress.objects.unrestricted().filter(normalised__in=spellings(EMAIL, address)).exists():
        return None  # several contacts have it: whose it is remains open
    named: dict[str, Any] = {"first_name": first_name, "last_name": last_name}
    if not first_name and not last_name:  # nobody is greeted by an e-mail address
        named = {"last_name": address[:80], "letter_salutation": "Hello" if language == "en" else "Guten Tag"}
    house = Team.objects.get(parent=None)
    with translation.override(Installation.current().language):
        party = Party.objects.create(kind=Party.Kind.PERSON, number=take_numbers("party")[0], team=house, language=language, source=gettext("sign-up form"), **named)
    create_row(party.emails, {"address": address}, None, is_primary=True)
    index_parties([party.pk])
    emit("contacts.party_created", party, by=None)
    return party
