"""Opens and clicks are counted of people who agreed to it, in campaigns that count them, and of nobody else (§ 25 TDDDG).

Whoever agreed when the mail is written gets one whose links pass by our door and which shows a picture of ours; everybody else gets it without
either. Asked again at every touch: whose consent has ended is led on and nothing is kept. A link knows its mail and its number, never an
address of the web, so the door leads nowhere but to where the mail says; looking through it never changes a consent.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, Q
from django.utils import timezone

from campaigns.content import PICTURE, TRAP, link_name, links_of
from campaigns.models import Campaign, Delivery, Touch, Variant
from campaigns.verdict import Kind, agent_of, judge
from contacts.consent_gate import tracking_allowed
from contacts.models import TRACKING, ConsentPurpose
from crm.core.door import Door, door_link
from crm.core.work import work

LONG = 100 * 365  # days: whoever keeps a mail still gets where its links go
LINK = Door("campaign-link", days=LONG, per_hour=600, shared=True)
SHOWN = Door("campaign-picture", days=LONG, per_hour=600, shared=True)
AGES = timedelta(days=3650)  # since the hand-over of a mail that is no longer kept


def may_count() -> bool:
    """Does the house ask for this consent at all?"""
    return ConsentPurpose.objects.filter(key=TRACKING, active=True).exists()


def counted(address: Any = "address") -> Q:
    """Opens and clicks may be counted for the person at this address, now."""
    return tracking_allowed(address) & Q(Exists(ConsentPurpose.objects.filter(key=TRACKING, active=True)))


def agreed(campaign: Campaign, deliveries: Iterable[Delivery]) -> set[int]:
    """The ids of those whose mail is counted."""
    ids = [row.pk for row in deliveries] if campaign.counts else []
    return set(Delivery.objects.unrestricted().filter(counted(), pk__in=ids).values_list("pk", flat=True)) if ids else set()


def ways(delivery: Delivery, variant: Variant, language: str) -> dict[str, str]:
    """What stands in a counted mail in the place of its links, its picture and the link nobody sees."""
    facts = {"d": delivery.pk, "v": variant.pk, "language": language}
    links = {link_name(number): door_link(LINK, "campaign-link", **facts, n=number) for number in range(1, len(links_of(variant.blocks)) + 1)}
    return {**links, TRAP: door_link(LINK, "campaign-link", **facts, n=0), PICTURE: door_link(SHOWN, "campaign-picture", **facts)}


def keep_touch(delivery: int, kind: str, link: int = 0, *, agent: str, head: bool = False, ahead: bool = False, at: datetime | None = None) -> Touch | None:
    """Keep a touch with its verdict; None, and nothing is kept, where the person does not or no longer agree."""
    at = at or timezone.now()
    with work():
        row = Delivery.objects.unrestricted().filter(counted(), pk=delivery, counted=True).select_related("mail").first()
        if row is None:
            return None
        since = AGES if row.mail is None else at - (row.mail.handed_at or at)
        found = judge(kind, agent_of(agent), since, head=head, ahead=ahead)
        touch: Touch = Touch.objects.create(delivery=row, kind=Kind(kind), link=link, at=at, agent=agent_of(agent), verdict=found.verdict, reason=found.reason)
        return touch
