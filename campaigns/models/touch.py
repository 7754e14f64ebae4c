"""Touches: a mail was opened or a link in it clicked. Kept only of people who agreed to it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from campaigns.models.campaign import Delivery
from campaigns.verdict import Agent, Kind, Reason, Verdict
from crm.core.access import ThroughAccess
from crm.core.records import RecordQuerySet


class Touch(models.Model):
    """Append-only: something fetched the picture of a mail or followed a link of it (`link` from 1, 0 for the picture).

    `verdict` is what was said at once (`campaigns.verdict.judge`); in the light of other touches it may be another, which is asked anew
    with every look. Of the agent only its class is kept, of the connection nothing.
    """

    delivery = models.ForeignKey(Delivery, models.PROTECT, related_name="touches", db_index=False)
    kind = models.CharField(max_length=5, choices=Kind.choices)
    link = models.PositiveSmallIntegerField(default=0)
    at = models.DateTimeField()
    agent = models.CharField(max_length=7, choices=Agent.choices)
    verdict = models.CharField(max_length=7, choices=Verdict.choices)
    reason = models.CharField(max_length=7, choices=Reason.choices)

    objects = RecordQuerySet.as_manager()
    access = ThroughAccess("delivery")

    class Meta:
        verbose_name = _("touch")
        constraints = [models.CheckConstraint(condition=Q(kind="click", link__gte=1) | Q(kind__in=["open", "trap"], link=0), name="touch_of_a_link_or_none")]
        indexes = [models.Index(fields=["delivery", "at", "id"], name="touch_of_delivery")]
