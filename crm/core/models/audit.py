"""The seals over the audit, and how each check of it ended (`crm.core.audit`)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Seal(models.Model):
    """Ledger: one link of the chain over `core_change`. Numbers have no gaps; `mac` is made with a key that is not in the database.

    `ids` are the entries it seals, `missing` the numbers below `top` that nobody could see then, because they were not committed or never will be;
    `snapshot` and `xid` say which transactions may still bring them. Both sets are Postgres' int8multirange as text.
    """

    number = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    ids = models.TextField()
    missing = models.TextField()
    top = models.BigIntegerField()
    entries = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    snapshot = models.TextField()
    xid = models.BigIntegerField()
    previous = models.CharField(max_length=64)  # the mac of the one before; empty for the first
    mac = models.CharField(max_length=64)

    class Meta:
        ordering = ["number"]

    def __str__(self) -> str:
        return f"{self.number}"


class AuditCheck(models.Model):
    """The audit was looked through: its chain, its guards, and whether what it says is what is in the tables. `found` holds what was wrong."""

    started_at = models.DateTimeField(_("started"), default=timezone.now)
    finished_at = models.DateTimeField(_("finished"), null=True)
    held = models.BooleanField(_("held"), null=True)  # empty while it runs, and for good if it was killed
    step = models.PositiveIntegerField(default=0)  # where a check that works in pieces goes on
    seals = models.PositiveBigIntegerField(_("seals checked"), default=0)
    entries = models.PositiveBigIntegerField(_("entries checked"), default=0)
    tables = models.PositiveIntegerField(_("tables compared"), default=0)
    rows = models.PositiveBigIntegerField(_("rows compared"), default=0)
    found = models.JSONField(_("what was found"), default=list)

    class Meta:
        verbose_name = _("check of the audit")
        verbose_name_plural = _("checks of the audit")
        ordering = ["-id"]
        constraints = [models.CheckConstraint(name="auditcheck_end_known", condition=Q(finished_at__isnull=True, held__isnull=True) | Q(finished_at__isnull=False, held__isnull=False))]

    def __str__(self) -> str:
        return f"{self.pk}"
