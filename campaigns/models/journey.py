"""Journeys: what is done, and when, once something has happened to a contact; who is on the way, and the ledger of every step."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from campaigns.models.segment import Segment
from contacts.models import ConsentPurpose, Party
from crm.core.access import OwnedAccess, ThroughAccess
from crm.core.fold import Sort
from crm.core.models import OutgoingMail, Subject
from crm.core.records import Owned, RecordQuerySet


class Journey(Owned):
    """A trigger and what follows. `draft` is the definition as it is being built (`campaigns.journeys.shape`); `live` the version that runs.

    Facts and draft change in the builder; state and versions only through `campaigns.journeys.services`. Whoever publishes
    it owns it: conditions are asked with the owner's eyes, what is done is done by the house.
    """

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        RUNNING = "running", pgettext_lazy("journey", "running")
        PAUSED = "paused", _("paused")
        ENDED = "ended", pgettext_lazy("journey", "ended")

    name = models.CharField(_("name"), max_length=160)
    note = models.CharField(_("what it is to achieve"), max_length=300, blank=True, default="")
    purpose = models.ForeignKey(ConsentPurpose, models.PROTECT, null=True, blank=True, related_name="journeys", verbose_name=_("purpose"))
    language = models.CharField(_("language"), max_length=2, choices=[("de", _("German")), ("en", _("English"))], default="de")
    draft = models.JSONField(_("flow"), default=dict, blank=True, editable=False)

    state = models.CharField(_("state"), max_length=7, choices=State.choices, default=State.DRAFT, editable=False)
    live = models.ForeignKey("JourneyVersion", models.PROTECT, null=True, editable=False, related_name="+")
    since = models.DateTimeField(null=True, editable=False)  # since when what sets it off is the same: what happened before counts for nobody
    eyes = models.CharField(max_length=64, default="", editable=False)  # what the owner might view when its members were last written down (`Scope.eyes`)
    looked_on = models.DateField(null=True, editable=False)  # the day on which somebody last looked whom it concerns
    ended_at = models.DateTimeField(_("ended"), null=True, editable=False)

    sort_name = models.GeneratedField(expression=Sort("name"), output_field=models.TextField(db_collation="C"), db_persist=True)

    access = OwnedAccess("campaign")

    class Meta:
        verbose_name = _("journey")
        verbose_name_plural = _("journeys")
        constraints = [
            models.CheckConstraint(condition=Q(state="draft") | Q(live__isnull=False), name="journey_runs_a_version"),
            models.CheckConstraint(condition=Q(live__isnull=True) | Q(since__isnull=False), name="journey_since"),
            models.CheckConstraint(condition=~Q(state__in=["running", "paused"]) | Q(owner__isnull=False), name="journey_has_owner"),
            models.CheckConstraint(condition=Q(state="ended", ended_at__isnull=False) | ~Q(state="ended") & Q(ended_at__isnull=True), name="journey_ended_at"),
        ]
        indexes = [models.Index(fields=["sort_name", "id"], include=["team", "owner"], name="journey_name")]

    named_by = ("name",)

    def __str__(self) -> str:
        return self.name


class JourneyVersion(models.Model):
    """Append-only: a definition as it was published. Whoever began with it ends with it."""

    journey = models.ForeignKey(Journey, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField(_("version"))
    definition = models.JSONField(default=dict)
    purpose = models.ForeignKey(ConsentPurpose, models.PROTECT, null=True, related_name="+")
    language = models.CharField(max_length=2)
    published_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False, verbose_name=_("published by"))
    published_at = models.DateTimeField(_("published"), default=timezone.now)

    objects = RecordQuerySet.as_manager()
    access = ThroughAccess("journey")

    class Meta:
        verbose_name = _("version of a journey")
        constraints = [models.UniqueConstraint(fields=["journey", "number"], name="journey_version_once")]


class JourneyMember(models.Model):
    """Who was in the segment of a journey when somebody last looked: who comes in later has entered it."""

    journey = models.ForeignKey(Journey, models.CASCADE, related_name="members")
    segment = models.ForeignKey(Segment, models.CASCADE, related_name="+", db_index=False)
    party = models.ForeignKey(Party, models.CASCADE, related_name="+")

    objects = RecordQuerySet.as_manager()
    access = ThroughAccess("journey", "party")

    class Meta:
        verbose_name = _("contact in the segment of a journey")
        constraints = [models.UniqueConstraint(fields=["journey", "segment", "party"], name="journey_member_once")]


class Run(models.Model):
    """One contact on its way, once for each occurrence of the trigger. `step` is the key of the step that comes next, done when `due_at` is past.

    The occurrence is decided by the trigger alone: the event, the day of the record, the day of entry, the day of the last contact.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("on the way")
        DONE = "done", _("at the end")
        LEFT = "left", _("left")
        FAILED = "failed", pgettext_lazy("journey", "stuck")

    journey = models.ForeignKey(Journey, models.PROTECT, related_name="runs")
    version = models.ForeignKey(JourneyVersion, models.PROTECT, related_name="runs", db_index=False)
    party = models.ForeignKey(Party, models.DO_NOTHING, db_constraint=False, related_name="+", db_index=False)
    occurrence = models.CharField(max_length=60)
    began_at = models.DateTimeField(_("began"))
    state = models.CharField(_("state"), max_length=7, choices=State.choices, default=State.WAITING)
    step = models.CharField(max_length=12, default="", blank=True)
    due_at = models.DateTimeField(_("next step"))
    tries = models.PositiveSmallIntegerField(default=0)
    trouble = models.TextField(default="", blank=True)  # what went wrong at the last try
    ended_at = models.DateTimeField(_("ended"), null=True)

    objects = RecordQuerySet.as_manager()
    access = ThroughAccess("journey", "party")

    class Meta:
        verbose_name = _("run of a journey")
        constraints = [
            models.UniqueConstraint(fields=["journey", "party", "occurrence"], name="run_once"),
            models.CheckConstraint(condition=Q(state="waiting", ended_at__isnull=True) & ~Q(step="") | Q(state="failed", ended_at__isnull=True) | Q(state__in=["done", "left"], ended_at__isnull=False), name="run_waits_or_ended"),
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], name="run_due", condition=Q(state="waiting")),
            models.Index(fields=["party"], name="run_of_party"),
            models.Index(fields=["journey", "step"], name="run_at_step", condition=Q(state__in=["waiting", "failed"])),
        ]

    def __str__(self) -> str:
        return f"{self.journey} ({self.pk})"


class RunStep(Subject):
    """Append-only: one step of one run, done once. `outcome` says what became of it (`campaigns.journeys.shape`), the subject what it made."""

    run = models.ForeignKey(Run, models.DO_NOTHING, db_constraint=False, related_name="steps")
    step = models.CharField(max_length=12)
    kind = models.CharField(max_length=12)
    outcome = models.CharField(max_length=30)
    at = models.DateTimeField(default=timezone.now)

    objects = RecordQuerySet.as_manager()
    access = ThroughAccess("run")

    class Meta:
        verbose_name = _("step of a run")
        constraints = [models.UniqueConstraint(fields=["run", "step"], name="run_step_once")]
        indexes = [models.Index(fields=["subject_type", "subject_id"], name="run_step_subject", condition=Q(subject_id__isnull=False))]


class RunMail(models.Model):
    """The mail of one step of one run: where it goes, which mail it became, and whether it stands in the person's history."""

    run = models.ForeignKey(Run, models.PROTECT, related_name="mails")
    step = models.CharField(max_length=12)
    address = models.CharField(max_length=320)
    mail = models.OneToOneField(OutgoingMail, models.SET_NULL, null=True, related_name="run_mail")
    told = models.BooleanField(default=False)

    objects = RecordQuerySet.as_manager()
    access = ThroughAccess("run")

    class Meta:
        verbose_name = _("mail of a journey")
        constraints = [models.UniqueConstraint(fields=["run", "step"], name="run_mail_once")]
        indexes = [models.Index(fields=["id"], name="run_mail_untold", condition=Q(told=False, mail__isnull=False))]

