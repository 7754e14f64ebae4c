"""Tables every app leans on: audit, events, jobs, schedules, idempotency, notifications, saved views; those of mail in `mail`."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.core.access import MineAccess
from crm.core.models.audit import AuditCheck, Seal
from crm.core.models.backup import Drill, Erasure
from crm.core.models.door import DoorBucket, DoorUse
from crm.core.models.inbox import IncomingMail, MailboxSetup
from crm.core.models.mail import MailAttachment, MailBucket, MailFile, MailLimit, MailSetup, MailText, OutgoingMail
from crm.core.models.subject import Subject
from crm.core.records import RecordQuerySet
from crm.core.wiring import table

__all__ = [
    "AuditCheck",
    "Change",
    "DoorBucket",
    "DoorUse",
    "Drill",
    "Erasure",
    "Event",
    "IncomingMail",
    "Installation",
    "Job",
    "JobPart",
    "MailAttachment",
    "MailBucket",
    "MailFile",
    "MailLimit",
    "MailSetup",
    "MailText",
    "MailboxSetup",
    "Notification",
    "NumberRange",
    "OnceKey",
    "OutgoingMail",
    "RecentlyViewed",
    "SavedView",
    "ScheduledRun",
    "Seal",
    "Subject",
    "Undo",
]


class Change(models.Model):
    """Audit: one row per changed row, written by the database's triggers alone (`crm.core.ledger.Audited`).

    `before` and `after` hold the changed columns only; `origin` is user, house (nightly work) or sql (nobody labelled it).
    """

    at = models.DateTimeField(_("when"))
    xid = models.BigIntegerField()
    actor_id = models.BigIntegerField(null=True)
    origin = models.CharField(max_length=10)
    request = models.CharField(max_length=64)
    work = models.UUIDField(null=True)
    job_id = models.BigIntegerField(null=True)
    relation = models.CharField(max_length=63)
    row_id = models.BigIntegerField(_("row"))
    op = models.CharField(max_length=1)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)

    class Meta:
        verbose_name = _("change of the set-up")
        verbose_name_plural = _("changes of the set-up")
        indexes = [
            models.Index(fields=["relation", "row_id", "-id"], name="change_row"),
            models.Index(fields=["work"], name="change_work", condition=Q(work__isnull=False)),
            models.Index(fields=["job_id"], name="change_job", condition=Q(job_id__isnull=False)),
        ]


class Event(Subject):
    """Outbox: what happened, for other apps (`crm/subscriptions.py`). Ids only, no personal values (D9). What is done is kept 120 days."""

    name = models.CharField(_("event"), max_length=80)
    at = models.DateTimeField(_("when"), default=timezone.now)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", db_index=False, verbose_name=_("by"))
    payload = models.JSONField(default=dict)
    done_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    error = models.TextField(_("error"), default="", blank=True)

    class Meta:
        verbose_name = _("parked event")
        verbose_name_plural = _("parked events")
        indexes = [models.Index(fields=["attempts", "id"], name="event_waiting", condition=Q(done_at__isnull=True))]


class Job(models.Model):
    """Background work a person can watch: who, what, progress, cancel, result (D10). Handlers are named in `crm/jobs.py`."""

    class State(models.TextChoices):
        QUEUED = "queued", _("waiting")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    kind = models.CharField(_("kind"), max_length=60)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="jobs", verbose_name=_("started by"))  # empty: the house itself, by night
    label = models.CharField(_("work"), max_length=200)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.QUEUED)
    params = models.JSONField(default=dict)
    cursor = models.JSONField(default=dict)  # where the next step goes on; kept in the transaction of the step itself
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    result = models.JSONField(default=dict)
    error = models.TextField(_("error"), default="", blank=True)
    url = models.CharField(max_length=300, default="", blank=True)  # where the result is looked at
    cancel_asked = models.BooleanField(default=False)
    lease_until = models.DateTimeField(null=True)  # a worker has it until then; later the tick hands it out again
    created_at = models.DateTimeField(_("started"), auto_now_add=True)
    finished_at = models.DateTimeField(_("finished"), null=True)

    objects = RecordQuerySet.as_manager()
    access = MineAccess("by")

    class Meta:
        verbose_name = _("background work")
        verbose_name_plural = pgettext_lazy("several", "background work")
        indexes = [models.Index(fields=["lease_until"], name="job_open", condition=Q(state__in=["queued", "running"])), models.Index(fields=["by", "-id"], name="job_mine")]
        ordering = ["-id"]

    def __str__(self) -> str:
        """What kind of work it is. Its label may name a customer or a file: it is for the person who started it."""
        return f"{table('LOTSE_JOBS')[self.kind].label} ({self.pk})"

    @property
    def percent(self) -> int:
        """Progress 0 to 100; 0 while the total is unknown."""
        return min(100, self.done * 100 // self.total) if self.total else 0

    @property
    def is_open(self) -> bool:
        """Still waiting or running?"""
        return self.state in {self.State.QUEUED, self.State.RUNNING}


class JobPart(models.Model):
    """A part of a job's work that is still to be done, by whichever worker locks the row first; done, it is gone (`crm.core.jobs.divide`)."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="parts", db_index=False)
    params = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["job", "id"], name="job_part")]


class ScheduledRun(models.Model):
    """A due time claimed once: UNIQUE(schedule, due_at) decides which beat and worker does it (D10)."""

    schedule = models.CharField(max_length=80)
    due_at = models.DateTimeField()
    claimed_at = models.DateTimeField(auto_now_add=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["schedule", "due_at"], name="scheduled_once")]


class OnceKey(models.Model):
    """Idempotency: the answer a POST with this key already got. Written in the transaction of the effect itself (D7)."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    key = models.UUIDField()
    route = models.CharField(max_length=200)
    body_hash = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(default=0)
    headers = models.JSONField(default=dict)
    body = models.BinaryField(default=b"")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="once_per_user_and_key")]
        indexes = [models.Index(fields=["at"], name="once_at")]


class Undo(models.Model):
    """An offer to take a step back, shown as a toast for 30 seconds and kept 30 days. The ways are named in `crm/undos.py`."""

    token = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    way = models.CharField(max_length=60)
    payload = models.JSONField(default=dict)
    label = models.CharField(max_length=200)
    at = models.DateTimeField(auto_now_add=True)
    undone_at = models.DateTimeField(null=True)

    objects = RecordQuerySet.as_manager()
    access = MineAccess()


class Notification(models.Model):
    """A sentence for one person, in that person's language, with a place to go. Kept a year."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notifications")
    text = models.CharField(max_length=300)
    url = models.CharField(max_length=300, default="", blank=True)
    at = models.DateTimeField(auto_now_add=True)
    read_at = models.DateTimeField(null=True)

    objects = RecordQuerySet.as_manager()
    access = MineAccess()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["user"], name="notification_unread", condition=Q(read_at__isnull=True))]


class SavedView(models.Model):
    """A list's filters, order and columns under a name; the query string is the whole state. Shared with a team if one is named."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    page = models.CharField(max_length=80)
    name = models.CharField(_("name"), max_length=60)
    query = models.CharField(max_length=2000)

    objects = RecordQuerySet.as_manager()
    access = MineAccess()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["user", "page", "name"], name="view_name_once")]


class RecentlyViewed(models.Model):
    """The records a person opened last; the palette offers them before anything is typed."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    subject_type = models.ForeignKey(ContentType, models.CASCADE, related_name="+", db_index=False)
    subject_id = models.BigIntegerField()
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "subject_type", "subject_id"], name="recent_once")]
        indexes = [models.Index(fields=["user", "-at"], name="recent_order")]


class Installation(models.Model):
    """The one row about this house: its name, its currency, its fiscal year. Set by the wizard, changed in the admin."""

    name = models.CharField(_("company"), max_length=120)
    currency = models.CharField(_("currency"), max_length=3, default="EUR")
    fiscal_year_start = models.PositiveSmallIntegerField(_("fiscal year starts in month"), default=1)
    language = models.CharField(_("language"), max_length=2, choices=[("de", _("German")), ("en", _("English"))], default="de")

    class Meta:
        verbose_name = _("company")
        verbose_name_plural = _("company")
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="installation_single"),
            models.CheckConstraint(condition=Q(fiscal_year_start__range=(1, 12)), name="installation_month"),
        ]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def current(cls) -> Any:
        """The row, or an unsaved one with defaults before the wizard has run."""
        return cls.objects.filter(pk=1).first() or cls(pk=1, name="Lotse")


class NumberRange(models.Model):
    """The numbers people see (K-10001, V-20001): one row per kind, blocks taken by one UPDATE (`crm.core.numbers`)."""

    key = models.CharField(_("kind"), max_length=30, primary_key=True)
    prefix = models.CharField(_("prefix"), max_length=10)
    upcoming = models.PositiveBigIntegerField(_("next number"), default=10001)

    class Meta:
        verbose_name = _("number range")
        verbose_name_plural = _("number ranges")

    def __str__(self) -> str:
        return self.key


class Approval(Subject):
    """Somebody asks for more than they may decide alone; a second person decides. Asked and decided by `crm.core.approvals` (D16).

    `payload` holds what is to be done when it is granted, as ids and plain values; `granted` is None while nobody has decided.
    """

    kind = models.CharField(_("kind"), max_length=60)
    amount = models.DecimalField(_("amount"), max_digits=14, decimal_places=2, null=True)
    payload = models.JSONField(default=dict)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False, verbose_name=_("asked by"))
    asked_at = models.DateTimeField(_("asked"), default=timezone.now)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False, verbose_name=_("decided by"))
    decided_at = models.DateTimeField(_("decided"), null=True)
    granted = models.BooleanField(_("granted"), null=True)
    note = models.CharField(_("note"), max_length=300, blank=True, default="")

    class Meta:
        verbose_name = _("approval")
        verbose_name_plural = _("approvals")
        constraints = [
            models.UniqueConstraint(fields=["subject_type", "subject_id", "kind"], name="approval_one_open", condition=Q(decided_at__isnull=True)),
            models.CheckConstraint(
                condition=Q(decided_at__isnull=True, decided_by__isnull=True, granted__isnull=True) | Q(decided_at__isnull=False, decided_by__isnull=False, granted__isnull=False),
                name="approval_decided_whole",
            ),
            models.CheckConstraint(condition=Q(decided_by__isnull=True) | ~Q(decided_by=models.F("asked_by")), name="approval_four_eyes"),
        ]
        indexes = [models.Index(fields=["subject_type", "subject_id"], name="approval_subject")]
