"""How much advertising one address gets at most."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.core.access import ReferenceAccess
from crm.core.records import RecordQuerySet, Single


class FrequencyCap(Single):
    """The one row of the house: at most `mails` advertising mails to one address within `days` days."""

    mails = models.PositiveSmallIntegerField(_("at most so many advertising mails"), default=2, validators=[MinValueValidator(1), MaxValueValidator(100)])
    days = models.PositiveSmallIntegerField(_("to one address within so many days"), default=7, validators=[MinValueValidator(1), MaxValueValidator(365)])

    objects = RecordQuerySet.as_manager()
    access = ReferenceAccess()

    class Meta:
        verbose_name = _("limit of advertising")
        verbose_name_plural = _("limit of advertising")
        constraints = [
            models.CheckConstraint(condition=Q(pk=1), name="one_frequency_cap"),
            models.CheckConstraint(condition=Q(mails__range=(1, 100), days__range=(1, 365)), name="frequency_cap_range"),
        ]

    def __str__(self) -> str:
        return f"{self.mails} / {self.days}"
