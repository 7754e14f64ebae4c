"""Contacts that may be one: the pairs a search found, what the search works on, and the ledger of contacts that were merged."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contacts.models.party import Party
from crm.core.access import Rows, Scope
from crm.core.records import RecordQuerySet


class MergeAccess:
    """A row that names contacts in these columns is there for whoever may see and merge all of them, whatever is to be done with it."""

    def __init__(self, *parties: str) -> None:
        self.parties = parties

    def entity(self, model: type[models.Model]) -> str:
        return "party"

    def filter(self, rows: Rows, scope: Scope, action: str) -> Rows:
        for verb in ("view", "merge"):
            reach = scope.reach(verb, "party")
            if reach is None:
                return rows.none()
            if not reach.everything:
                mine = Party.objects.visible_to(scope.user, verb).values("pk")
                rows = rows.filter(**{f"{name}__in": mine for name in self.parties})
        return rows


class DuplicatePair(models.Model):
    """Two contacts that may be one, as the last search saw them: `score` from 0 to 1, `reasons` as `contacts.dedupe.Match` names them.

    A pair that somebody called two different ones stays so. Pairs are derived: a search writes them anew, and they go with their contacts.
    """

    class State(models.TextChoices):
        OPEN = "open", _("to be looked at")
        NOT_SAME = "not_same", _("two different ones")

    first = models.ForeignKey(Party, models.CASCADE, related_name="+", db_index=False)  # the constraint's index begins with it
    second = models.ForeignKey(Party, models.CASCADE, related_name="+")
    score = models.FloatField()
    reasons = ArrayField(models.CharField(max_length=20), default=list)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.OPEN)
    found_at = models.DateTimeField(_("found"), default=timezone.now)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False)

    objects = RecordQuerySet.as_manager()
    access = MergeAccess("first", "second")

    class Meta:
        verbose_name = _("pair of possible duplicates")
        verbose_name_plural = _("possible duplicates")
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="duplicate_pair_once"),
            models.CheckConstraint(condition=Q(first__lt=F("second")), name="duplicate_pair_in_order"),
        ]
        indexes = [models.Index(fields=["state", "-score", "id"], name="duplicate_pair_queue")]


class DuplicateKey(models.Model):
    """What a running search knows a contact by: keys as numbers, `name` the key of its name, by which a crowd is divided. Emptied afterwards."""

    key = models.BigIntegerField()
    name = models.BigIntegerField()
    party = models.BigIntegerField()


class DuplicateCandidate(models.Model):
    """Two contacts a running search has yet to compare. Emptied afterwards."""

    first = models.BigIntegerField()
    second = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["first", "second"], name="duplicate_candidate_once")]


class MergeRecord(models.Model):
    """Append-only: one contact went into another, or came out again (`voids` names the merge it takes back).

    `before` holds the columns as they were — of the absorbed contact, of the survivor, of rows that were dropped or changed —, `after` what the
    merge wrote in their place, `moved` the ids of what went over, by "app.Model.field". When the survivor is erased, these are emptied.
    """

    survivor = models.ForeignKey(Party, models.DO_NOTHING, db_constraint=False, related_name="merges")
    absorbed = models.BigIntegerField(_("absorbed"), db_index=True)  # its row is gone; an address of it leads to the survivor
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    moved = models.JSONField(default=dict)
    at = models.DateTimeField(_("when"), default=timezone.now)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False, verbose_name=_("by"))
    voids = models.OneToOneField("self", models.PROTECT, null=True, related_name="voided_by")

    objects = RecordQuerySet.as_manager()
    access = MergeAccess("survivor")

    class Meta:
        verbose_name = _("merge")
        verbose_name_plural = _("merges")
