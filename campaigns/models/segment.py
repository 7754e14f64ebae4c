"""Segments: contacts named by a sentence, and the ledger of who was in one at a moment."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contacts.models import Party
from crm.core.access import OwnedAccess, ThroughAccess
from crm.core.fold import Sort
from crm.core.records import Owned, RecordQuerySet


class Segment(Owned):
    """A sentence over contacts. `tree` is a condition (see `crm.core.conditions`) in the words of `campaigns.segments`; who is in it is asked anew each time."""

    name = models.CharField(_("name"), max_length=160)
    note = models.CharField(_("what for"), max_length=300, blank=True, default="")
    tree = models.JSONField(_("who belongs to it"), default=dict, blank=True)

    sort_name = models.GeneratedField(expression=Sort("name"), output_field=models.TextField(db_collation="C"), db_persist=True)

    access = OwnedAccess("campaign")

    class Meta:
        verbose_name = _("segment")
        verbose_name_plural = _("segments")
        indexes = [models.Index(fields=["sort_name", "id"], include=["team", "owner"], name="segment_name")]

    named_by = ("name",)

    def __str__(self) -> str:
        return self.name


class SegmentSnapshot(models.Model):
    """Append-only: who was in a segment at a moment, as far as `by` could see.

    The segment is named without a database key, so that the ledger outlives it; `name` and `tree` are what it was then.
    """

    segment = models.ForeignKey(Segment, models.DO_NOTHING, db_constraint=False, related_name="snapshots", verbose_name=_("segment"))
    name = models.CharField(_("name"), max_length=160)
    tree = models.JSONField(default=dict)
    taken_at = models.DateTimeField(_("as of"), default=timezone.now)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("kept by"))
    size = models.PositiveIntegerField(_("contacts"))

    objects = RecordQuerySet.as_manager()
    access = ThroughAccess("segment")

    class Meta:
        verbose_name = _("kept state of a segment")
        verbose_name_plural = _("kept states of segments")
        indexes = [models.Index(fields=["segment", "-taken_at"], name="snapshot_of_segment")]

    def __str__(self) -> str:
        return self.name


class SegmentMember(models.Model):
    """Append-only: one contact of a snapshot, named without a database key, so that the count stays true when the contact is deleted."""

    snapshot = models.ForeignKey(SegmentSnapshot, models.DO_NOTHING, db_constraint=False, related_name="members")
    party = models.ForeignKey(Party, models.DO_NOTHING, db_constraint=False, related_name="+", db_index=False)

    objects = RecordQuerySet.as_manager()
    access = ThroughAccess("snapshot", "party")

    class Meta:
        verbose_name = _("contact of a kept state")
        constraints = [models.UniqueConstraint(fields=["snapshot", "party"], name="snapshot_party_once")]
        indexes = [models.Index(fields=["party"], name="snapshot_of_party")]
