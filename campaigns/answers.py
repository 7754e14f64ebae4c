"""Who answers a campaign is heard: the answer stands in the contact's history, and whoever looks after it reads of it (named in `LOTSE_INBOX`).

Who answers with nothing but the wish to get no more gets no more, at once: saying no is as easy as that (Art. 7(3) GDPR).
"""

from __future__ import annotations

import re

from django.utils import timezone

from campaigns.models import Delivery
from contacts.consent_steps import withdraw_consent
from contacts.diary import log_interaction
from contacts.models import ConsentEvent, Interaction, Party
from contacts.reach import EMAIL, reach
from crm.core.events import emit
from crm.core.mail.inbox.nature import Nature
from crm.core.mail.inbox.quotes import split
from crm.core.mail.inbox.taking import Arrival, Filed
from crm.core.models import OutgoingMail

KIND = "campaign"  # of the mails, in `crm/mails.py`
_NO = re.compile(
    r"(?:bitte\s+)?(?:(?:mich\s+)?(?:vom newsletter\s+)?(?:abmelden|abmeldung|abbestellen|austragen)|unsubscribe(?: me)?|stop+|remove me|"
    r"(?:bitte\s+)?keine (?:weiteren? |weitere )?(?:e-?mails?|mails?|werbung|newsletter)(?: mehr)?)[.!\s]*",
    re.IGNORECASE,
)


def take_answer(arrival: Arrival) -> Filed | None:
    """File what answers a mail of a campaign. None: it answers none, or it brings files, which only the desk can open."""
    mail = arrival.mail
    if arrival.nature == Nature.RETURN or not mail.references:
        return None
    delivery = _answered(arrival)
    if delivery is None or (mail.files and arrival.nature == Nature.HUMAN):
        return None
    party = Party.objects.unrestricted().filter(pk=delivery.party_id).first()
    if arrival.nature != Nature.HUMAN or party is None:
        return Filed(None) if arrival.nature != Nature.HUMAN else None  # an absence note is no answer, and nobody has to read it
    at = min(arrival.row.arrived_at, timezone.now())
    words = split(mail.text)[0]
    if says_no(mail.heading, words):
        facts = {"source": f"campaign:{delivery.campaign_id}", "message_id": mail.message_id[:300], "party": party}
        withdraw_consent(reach(EMAIL, delivery.address), [delivery.campaign.purpose], how=ConsentEvent.How.MAIL, by=None, **facts)
    entry = log_interaction(party, kind=Interaction.Kind.EMAIL, direction=Interaction.Direction.IN, heading=mail.heading, body=words, by=None, at=at)
    emit("campaigns.answered", delivery.campaign, party=party.pk)
    return Filed(party, entry.pk)


def says_no(heading: str, words: str) -> bool:
    """Is the whole answer, or its subject, the wish to get no more? A longer text is for a person to read."""
    first = next((line.strip() for line in words.splitlines() if line.strip()), "")
    return bool(_NO.fullmatch(heading.strip()) or _NO.fullmatch(first))


def _answered(arrival: Arrival) -> Delivery | None:
    """The delivery whose mail is answered, the nearest first. A Message-ID of ours nobody can guess."""
    ours = dict(OutgoingMail.objects.filter(message_id__in=arrival.mail.references, kind=KIND).values_list("message_id", "pk"))
    mail = next((ours[one] for one in arrival.mail.references if one in ours), None)
    return Delivery.objects.unrestricted().select_related("campaign").filter(mail=mail).first() if mail is not None else None
