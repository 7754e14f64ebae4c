"""Who answers a campaign, or a journey, is heard: the answer stands in the contact's history, and whoever looks after it reads of it (named in `LOTSE_INBOX`).

Who answers with nothing but the wish to get no more gets no more, at once: saying no is as easy as that (Art. 7(3) GDPR).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.gate import KIND, source_of
from campaigns.journeys import mails as journeys
from campaigns.models import Campaign, Delivery, Journey, RunMail
from contacts.consent_steps import withdraw_consent
from contacts.diary import log_interaction
from contacts.models import ConsentEvent, EmailAddress, Interaction, Party
from contacts.reach import EMAIL, reach
from crm.core.events import emit
from crm.core.mail.inbox.nature import Nature
from crm.core.mail.inbox.quotes import split
from crm.core.mail.inbox.reading import Received
from crm.core.mail.inbox.taking import Arrival, Filed
from crm.core.models import OutgoingMail

_NO = re.compile(
    r"(?:bitte\s+)?(?:(?:mich\s+)?(?:vom newsletter\s+)?(?:abmelden|abmeldung|abbestellen|austragen)|unsubscribe(?: me)?|stop+|remove me|"
    r"(?:bitte\s+)?keine (?:weiteren? |weitere )?(?:e-?mails?|mails?|werbung|newsletter)(?: mehr)?)[.!\s]*",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Sent:
    """A mail of ours that is answered: to which contact and address it went, for what, and what it belongs to."""

    party: int
    address: str
    purpose: Any
    source: str
    about: Campaign | Journey


def take_answer(arrival: Arrival) -> Filed | None:
    """File what a person answers to a mail of a campaign or a journey; a note of absence is filed nowhere, for nobody has to read it.

    None, so that it goes to the desk: it answers neither, a machine that is no absence wrote it, or somebody else than the contact; or it
    brings files, which only the desk can open; or a mail came back, which the history is told.
    """
    mail = arrival.mail
    if arrival.nature == Nature.RETURN:
        _tell_return(arrival)
    if arrival.nature not in {Nature.HUMAN, Nature.AUTO_REPLY} or not mail.references:
        return None
    sent = _answered(arrival)
    if sent is None:
        return None
    if arrival.nature == Nature.AUTO_REPLY:
        return Filed(None)
    party = Party.objects.unrestricted().filter(pk=sent.party).first()
    if not _wrote(mail, sent):
        return None
    words = split(mail.text)[0]
    if says_no(mail.heading, words):
        facts = {"source": sent.source, "message_id": mail.message_id[:300], "party": party}
        withdraw_consent(reach(EMAIL, sent.address), [sent.purpose], how=ConsentEvent.How.MAIL, by=None, **facts)
    if party is None or mail.files:
        return None
    at = min(arrival.row.arrived_at, timezone.now())
    entry = log_interaction(party, kind=Interaction.Kind.EMAIL, direction=Interaction.Direction.IN, heading=mail.heading, body=words, by=None, at=at)
    emit("campaigns.answered" if isinstance(sent.about, Campaign) else "campaigns.journey_answered", sent.about, party=party.pk)
    return Filed(party, entry.pk)


def _tell_return(arrival: Arrival) -> None:
    """The contact's history says that a mail of a campaign or a journey came back, or was reported as spam; what follows for the address is the desk's."""
    ours, report = arrival.of_ours, arrival.returned
    if ours is None or ours.kind not in {KIND, journeys.KIND} or report is None or report.verdict == "late":
        return
    whose: Any = Delivery.objects.unrestricted().filter(mail=ours.pk).values("party") if ours.kind == KIND else RunMail.objects.unrestricted().filter(mail=ours.pk).values("run__party")
    party = Party.objects.unrestricted().filter(pk__in=whose).first()
    if party is not None:
        heading = (_("Reported as spam: %(heading)s") if report.verdict == "spam" else _("The mail came back: %(heading)s")) % {"heading": ours.heading}
        at = min(arrival.row.arrived_at, timezone.now())
        Interaction.objects.create(party=party, kind=Interaction.Kind.SYSTEM, occurred_at=at, heading=heading[:200], body=report.words)


def says_no(heading: str, words: str) -> bool:
    """Is the subject, or the first line, the wish to get no more and nothing else? Everything longer is for a person to read."""
    first = next((line.strip() for line in words.splitlines() if line.strip()), "")
    return bool(_NO.fullmatch(heading.strip()) or _NO.fullmatch(first))


def _answered(arrival: Arrival) -> Sent | None:
    """The mail that is answered, the nearest first. A Message-ID of ours nobody can guess."""
    ours = {mail.message_id: mail for mail in OutgoingMail.objects.filter(message_id__in=arrival.mail.references, kind__in=[KIND, journeys.KIND]).only("message_id", "kind")}
    mail = next((ours[one] for one in arrival.mail.references if one in ours), None)
    if mail is None:
        return None
    if mail.kind == KIND:
        delivery = Delivery.objects.unrestricted().select_related("campaign").filter(mail=mail).first()
        return Sent(delivery.party_id, delivery.address, delivery.campaign.purpose, source_of(delivery.campaign_id), delivery.campaign) if delivery is not None else None
    row = RunMail.objects.unrestricted().select_related("run__journey", "run__version__purpose").filter(mail=mail).first()
    return Sent(row.run.party_id, row.address, row.run.version.purpose, journeys.source_of(row.run.journey_id), row.run.journey) if row is not None else None


def _wrote(mail: Received, sent: Sent) -> bool:
    """Does it come from the address that got the mail, or another one of the same contact? A mail that was passed on is answered by others."""
    sender = mail.sender.lower()
    return sender == sent.address or EmailAddress.objects.unrestricted().filter(party=sent.party, normalised=sender).exists()
