"""Who a campaign would go to, as its builder shows it: the people of the segment, and how many are left after everybody who is left out."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError

from campaigns import tracking
from campaigns import waterfall as falls
from campaigns.models import Campaign
from campaigns.recipients import with_words
from campaigns.segments import members
from contacts.models import EmailAddress, Party

LOOKED_AT = 2000  # people whose words are tried out while the builder is open


def waterfall(campaign: Campaign, reader: Any) -> falls.Waterfall | None:
    """From the segment to the recipients, as far as the reader sees them; None while segment or purpose are not chosen, or cannot be asked."""
    rows = _people(campaign, reader)
    return None if rows is None else falls.waterfall(rows, campaign.purpose)


def person(campaign: Campaign, reader: Any, number: int) -> Party | None:
    """One recipient by its number, counted from 1 in the order of names."""
    rows = _recipients(campaign, reader)
    return None if rows is None else with_words(rows)[max(number, 1) - 1 : max(number, 1)].first()


def sample(campaign: Campaign, reader: Any, most: int) -> list[Party]:
    """The first recipients, with all that their words are made of."""
    rows = _recipients(campaign, reader)
    return [] if rows is None else list(with_words(rows)[:most])


def agreed(campaign: Campaign, reader: Any) -> int:
    """How many recipients agreed that opens and clicks are counted."""
    rows = _people(campaign, reader)
    if rows is None or not tracking.may_count():
        return 0
    left = falls.recipients(rows, campaign.purpose).order_by().values("pk")
    return EmailAddress.objects.unrestricted().filter(tracking.counted(), party__in=left, is_primary=True).count()


def _people(campaign: Campaign, reader: Any) -> Any:
    if campaign.segment is None or campaign.purpose is None:
        return None
    try:
        return members(campaign.segment.tree, reader)
    except ValidationError:
        return None


def _recipients(campaign: Campaign, reader: Any) -> Any:
    rows = _people(campaign, reader)
    if rows is None:
        return None
    left = falls.recipients(rows, campaign.purpose).order_by().values("pk")
    return Party.objects.visible_to(reader).filter(pk__in=left).order_by("sort_name", "pk")
