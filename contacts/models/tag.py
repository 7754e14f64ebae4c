"""Tags, and who has them."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from contacts.models.party import Party
from crm.core.access import ReferenceAccess, ThroughAccess
from crm.core.records import Labelled, Record, RecordQuerySet


class Tag(Labelled):
    """A word contacts are gathered by across all other facts: "Messe 2026". The CRM manager keeps the list, so that no two mean the same."""

    objects = RecordQuerySet.as_manager()
    access = ReferenceAccess()

    class Meta(Labelled.Meta):
        verbose_name = _("tag")
        verbose_name_plural = _("tags")


class PartyTag(Record):
    """This contact has this tag."""

    party = models.ForeignKey(Party, models.CASCADE, related_name="tags")
    tag = models.ForeignKey(Tag, models.PROTECT, related_name="+", verbose_name=_("tag"))

    access = ThroughAccess("party")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["party", "tag"], name="party_tag_once")]
