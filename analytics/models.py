"""Reads over all: the forecast as it was said (immutable snapshots) and who gets which report by mail."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.core.access import MineAccess
from crm.core.records import RecordQuerySet


class ForecastSnapshot(models.Model):
    """Append-only: one open opportunity on one evening, with what was believed then. Ids without keys: the ledger outlives the rows."""

    as_of = models.DateField()
    opportunity_id = models.BigIntegerField()
    owner_id = models.BigIntegerField(null=True)
    team_id = models.BigIntegerField()
    stage_id = models.BigIntegerField()
    amount = models.DecimalField(max_digits=14, decimal_places=2, null=True)  # in house currency
    rate = models.DecimalField(max_digits=6, decimal_places=5)  # learned win rate of the stage on that day, 0 to 1
    sample = models.PositiveIntegerField()  # decided visits the rate was learned from
    expected_close = models.DateField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["as_of", "opportunity_id"], name="snapshot_once_a_day")]


class ReportSubscription(models.Model):
    """A person gets a report by mail, with the rights held at that minute."""

    class Report(models.TextChoices):
        FORECAST = "forecast", _("Forecast, weekly as PDF")
        OVERVIEW = "overview", _("Overview, weekly as PDF")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="report_subscriptions")
    report = models.CharField(max_length=20, choices=Report.choices)
    since = models.DateTimeField(auto_now_add=True)

    objects = RecordQuerySet.as_manager()
    access = MineAccess()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "report"], name="subscription_once")]
