"""Who may get a campaign's mail, asked twice: when recipients are written down, and again as each mail leaves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q

from campaigns.models import Campaign, Delivery
from campaigns.waterfall import Place, placed
from contacts.consent_gate import permitted
from contacts.consent_links import StopLinks, stop_links
from contacts.models import Party
from crm.core.mail.addresses import BadAddress, normalise

KIND = "campaign"  # of the mails, in `crm/mails.py`


@dataclass(frozen=True)
class Way:
    """The address a mail would go to, or the reason why there is none (a key of the waterfall)."""

    address: str = ""
    reason: str = ""


def source_of(campaign_id: int) -> str:
    """How a campaign is named in the ledger of consents."""
    return f"campaign:{campaign_id}"


def examine(purpose: Any, ids: Iterable[int]) -> dict[int, Way]:
    """Contact's id → where its mail goes or why it gets none. Contacts that are gone are left out."""
    found = {}
    rows: Any = placed(Party.objects.unrestricted().filter(pk__in=list(ids)), purpose)
    for pk, to, ends in rows.values_list("pk", "to", "ends"):
        try:
            found[pk] = Way(address=normalise(to).lower()) if ends == Place.LEFT else Way(reason=ends)
        except BadAddress:
            found[pk] = Way(reason=Place.NO_ADDRESS)
    return found


def still() -> Q:
    """The last word on a mail as it leaves: its campaign runs (or has ended, and somebody sends what was unclear again), and the person at
    this address may still be written to for its purpose."""
    address = OuterRef(OuterRef("address"))
    sends = [Campaign.State.RUNNING, Campaign.State.DONE]
    running = Campaign.objects.unrestricted().filter(permitted(OuterRef("purpose_id"), address), pk=OuterRef("campaign_id"), state__in=sends)
    return Q(Exists(Delivery.objects.unrestricted().filter(Exists(running), pk=OuterRef("subject_id"))))


def ways_out(campaign: Campaign, delivery: Delivery) -> StopLinks:
    """What lets the person say no: headers for mail programs (RFC 8058), the page to stop, the page to choose."""
    return stop_links(delivery.address, campaign.purpose, language=campaign.language, source=source_of(campaign.pk))
