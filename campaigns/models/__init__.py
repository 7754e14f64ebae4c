"""Tables of the campaigns app, a module per noun."""

from campaigns.models.campaign import Campaign, CampaignCost, CampaignImage, Delivery, MailDesign, Variant, letter
from campaigns.models.frequency import FrequencyCap
from campaigns.models.journey import Journey, JourneyMember, JourneyVersion, Run, RunMail, RunStep
from campaigns.models.segment import Segment, SegmentMember, SegmentSnapshot
from campaigns.models.touch import Touch

__all__ = [
    "Campaign",
    "CampaignCost",
    "CampaignImage",
    "Delivery",
    "FrequencyCap",
    "Journey",
    "JourneyMember",
    "JourneyVersion",
    "MailDesign",
    "Run",
    "RunMail",
    "RunStep",
    "Segment",
    "SegmentMember",
    "SegmentSnapshot",
    "Touch",
    "Variant",
    "letter",
]
