"""What was erased, so that a restore does not bring it back, and how each restore drill ended."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.core.models.subject import Subject


class Erasure(Subject):
    """Ledger: a customer's record was deleted, or came back by an undo. The last word on a record holds (`crm.core.erasures`).

    Nothing personal: which table, which id, and when that row was created, because after a restore an id is given again.
    `key` names the line in the list that is kept outside the database.
    """

    key = models.UUIDField(default=uuid.uuid4)
    born = models.DateTimeField()
    at = models.DateTimeField(default=timezone.now)
    back = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key"], name="erasure_key")]


class Drill(models.Model):
    """A backup was made, restored elsewhere, compared and tried out: what was compared, and whether it held."""

    class Step(models.TextChoices):
        BACKUP = "backup", _("making the backup")
        RESTORE = "restore", _("restoring it elsewhere")
        COMPARE = "compare", _("comparing tables and files")
        PAGES = "pages", _("opening pages over what was restored")

    started_at = models.DateTimeField(_("started"), default=timezone.now)
    finished_at = models.DateTimeField(_("finished"), null=True)
    held = models.BooleanField(_("held"), null=True)  # empty while it runs, and for good if it was killed
    failed_at = models.CharField(_("failed at"), max_length=10, choices=Step.choices, default="", blank=True)
    detail = models.TextField(_("what it said"), default="", blank=True)
    tables = models.PositiveIntegerField(_("tables compared"), default=0)
    rows = models.PositiveBigIntegerField(_("rows compared"), default=0)
    files = models.PositiveIntegerField(_("files compared"), default=0)
    size = models.PositiveBigIntegerField(_("size of the backup in bytes"), default=0)
    pages = models.PositiveIntegerField(_("pages opened"), default=0)

    class Meta:
        verbose_name = _("restore drill")
        verbose_name_plural = _("restore drills")
        ordering = ["-id"]
        constraints = [models.CheckConstraint(name="drill_end_known", condition=Q(finished_at__isnull=True, held__isnull=True) | Q(finished_at__isnull=False, held__isnull=False))]

    def __str__(self) -> str:
        return f"{self.pk}"
