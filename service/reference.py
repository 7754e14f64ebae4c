"""What the CRM manager sets up for the desk: calendars, promises, causes, touchpoints, remedies, text modules, macros."""

from __future__ import annotations

from datetime import time
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from contacts.columns import WebAddress
from crm.core.access import ReferenceAccess
from crm.core.records import Labelled, RecordQuerySet, Single
from service.calendars import REGIONS


class BusinessCalendar(Labelled):
    """When somebody is there: hours of the week, the holidays of a state, days of the house. `service.calendars` reckons with it."""

    region = models.CharField(_("public holidays of"), max_length=10, choices=REGIONS, blank=True, default="", help_text=_("Empty: holidays are days like any other."))
    always = models.BooleanField(_("around the clock"), default=False, help_text=_("Every hour counts; the hours of the week below are then ignored."))

    objects = RecordQuerySet.as_manager()
    access = ReferenceAccess()

    class Meta(Labelled.Meta):
        verbose_name = _("business calendar")
        verbose_name_plural = _("business calendars")


class Weekday(models.IntegerChoices):
    MONDAY = 0, _("Monday")
    TUESDAY = 1, _("Tuesday")
    WEDNESDAY = 2, _("Wednesday")
    THURSDAY = 3, _("Thursday")
    FRIDAY = 4, _("Friday")
    SATURDAY = 5, _("Saturday")
    SUNDAY = 6, _("Sunday")


class OpeningHours(models.Model):
    """A span of one weekday. 00:00 as its end is midnight."""

    calendar = models.ForeignKey(BusinessCalendar, models.CASCADE, related_name="hours", verbose_name=_("business calendar"))
    weekday = models.PositiveSmallIntegerField(_("weekday"), choices=Weekday.choices)
    opens = models.TimeField(_("from"))
    closes = models.TimeField(_("until"), help_text=_("00:00 is midnight."))

    class Meta:
        verbose_name = _("hours of the week")
        verbose_name_plural = _("hours of the week")
        ordering = ["weekday", "opens"]
        constraints = [
            models.CheckConstraint(
                condition=Q(closes__gt=F("opens")) | Q(closes=time(0)), name="hours_in_order", violation_error_message=_("It closes after it opens.")
            ),
            models.CheckConstraint(condition=Q(weekday__lte=6), name="hours_of_a_weekday"),
        ]

    def __str__(self) -> str:
        return f"{self.get_weekday_display()} {self.opens:%H:%M}–{self.closes:%H:%M}"


class SpecialDay(models.Model):
    """A day on which the house is closed, or open for a part of its hours only."""

    calendar = models.ForeignKey(BusinessCalendar, models.CASCADE, related_name="special_days", verbose_name=_("business calendar"))
    day = models.DateField(_("day"))
    yearly = models.BooleanField(_("every year"), default=False)
    name = models.CharField(_("name"), max_length=80)
    opens = models.TimeField(_("open only from"), null=True, blank=True, help_text=_("Empty: closed all day."))
    closes = models.TimeField(_("open only until"), null=True, blank=True)

    class Meta:
        verbose_name = _("special day")
        verbose_name_plural = _("special days")
        ordering = ["day"]
        constraints = [
            models.UniqueConstraint(fields=["calendar", "day"], name="special_day_once", violation_error_message=_("This day is there already.")),
            models.CheckConstraint(
                condition=Q(opens__isnull=True, closes__isnull=True) | Q(opens__isnull=False, closes__isnull=False, closes__gt=F("opens")),
                name="special_day_span", violation_error_message=_("Either both times, the later one last, or none."),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.name


class SlaRule(Labelled):
    """A promise: cases that meet the condition are acknowledged and solved within so many business hours. The first that fits holds.

    `condition` is a tree of `crm.core.conditions` over a case; `team`, where it is named, is the queue new cases of this kind go to.
    """

    condition = models.JSONField(_("holds for"), default=dict, blank=True)
    calendar = models.ForeignKey(BusinessCalendar, models.PROTECT, related_name="rules", verbose_name=_("business calendar"))
    ack_hours = models.DecimalField(_("acknowledged within (business hours)"), max_digits=7, decimal_places=2, null=True, blank=True)
    solution_hours = models.DecimalField(_("solved within (business hours)"), max_digits=7, decimal_places=2, null=True, blank=True)
    team = models.ForeignKey(
        "accounts.Team", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("queue"),
        help_text=_("New cases of this kind go to this team. Empty: they stay with the team of whoever takes them down."),
    )  # fmt: skip

    objects = RecordQuerySet.as_manager()
    access = ReferenceAccess()

    class Meta(Labelled.Meta):
        verbose_name = _("promised time")
        verbose_name_plural = _("promised times")
        constraints = [
            models.CheckConstraint(condition=Q(ack_hours__isnull=True) | Q(ack_hours__gt=0), name="ack_hours_positive", violation_error_message=_("More than no time.")),
            models.CheckConstraint(condition=Q(solution_hours__isnull=True) | Q(solution_hours__gt=0), name="solution_hours_positive", violation_error_message=_("More than no time.")),
        ]


class Cause(Labelled):
    """What went wrong: a tree, so that “delivery” can be counted with all that belongs to it."""

    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name=_("belongs to"))

    objects = RecordQuerySet.as_manager()
    access = ReferenceAccess()

    class Meta(Labelled.Meta):
        verbose_name = _("cause")
        verbose_name_plural = _("causes")
        constraints = [models.CheckConstraint(condition=~Q(parent=F("id")), name="cause_not_own_parent", violation_error_message=_("A cause cannot belong to itself."))]

    def clean(self) -> None:
        """The tree has no ring."""
        seen, above = {self.pk}, self.parent
        while above is not None:
            if above.pk in seen:
                raise ValidationError({"parent": _("A cause cannot belong to its own part.")})
            seen.add(above.pk)
            above = above.parent


class Touchpoint(Labelled):
    """Where the customer met us: order, delivery, installation, invoice …"""

    objects = RecordQuerySet.as_manager()
    access = ReferenceAccess()

    class Meta(Labelled.Meta):
        verbose_name = _("touchpoint")
        verbose_name_plural = _("touchpoints")


class Remedy(Labelled):
    """What a customer can be given. `limit` is the goodwill that needs nobody's approval; empty: any."""

    limit = models.DecimalField(
        _("goodwill without approval up to"), max_digits=12, decimal_places=2, null=True, blank=True, help_text=_("Beyond that a second person approves it. Empty: never.")
    )

    objects = RecordQuerySet.as_manager()
    access = ReferenceAccess()

    class Meta(Labelled.Meta):
        verbose_name = _("remedy")
        verbose_name_plural = _("remedies")
        constraints = [models.CheckConstraint(condition=Q(limit__isnull=True) | Q(limit__gte=0), name="remedy_limit", violation_error_message=_("An amount cannot be negative."))]


class TextModule(Labelled):
    """A text agents put into answers; its placeholders are those of `service.texts`."""

    body_de = models.TextField(_("text (German)"))
    body_en = models.TextField(_("text (English)"))

    objects = RecordQuerySet.as_manager()
    access = ReferenceAccess()

    class Meta(Labelled.Meta):
        verbose_name = _("text module")
        verbose_name_plural = _("text modules")

    def body(self, language: str = "") -> str:
        """The text in a language: the reader's unless the customer's is known."""
        return self.body_en if (language or get_language() or "de").startswith("en") else self.body_de


class Macro(Labelled):
    """Several steps with one click, in this order: take or hand over, acknowledge, write the text, wait."""

    class Writes(models.TextChoices):
        ANSWER = "answer", _("as an answer to the customer")
        NOTE = "note", _("as an internal note")

    take = models.BooleanField(_("take it over"), default=False)
    team = models.ForeignKey("accounts.Team", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("hand over to the team"))
    priority = models.PositiveSmallIntegerField(_("set the priority"), null=True, blank=True)
    acknowledge = models.BooleanField(_("acknowledge"), default=False)
    text = models.ForeignKey(TextModule, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("write the text"))
    writes = models.CharField(_("how it is written"), max_length=6, choices=Writes.choices, default=Writes.ANSWER)
    wait = models.BooleanField(_("wait for the customer"), default=False)

    objects = RecordQuerySet.as_manager()
    access = ReferenceAccess()

    class Meta(Labelled.Meta):
        verbose_name = _("macro")
        verbose_name_plural = _("macros")
        constraints = [
            models.CheckConstraint(condition=~Q(take=True, team__isnull=False), name="macro_one_owner", violation_error_message=_("Either take it over or hand it over.")),
            models.CheckConstraint(condition=Q(priority__isnull=True) | Q(priority__range=(1, 4)), name="macro_priority"),
        ]

    def clean(self) -> None:
        """A macro does something."""
        if not (self.take or self.team_id or self.priority or self.acknowledge or self.text_id or self.wait):
            raise ValidationError(_("A macro needs at least one step."))


def path_of(cause: Cause | None, known: dict[int, Cause]) -> str:
    """A cause with what it belongs to: "Delivery · incomplete". `known` holds all causes by id."""
    words: list[Any] = []
    while cause is not None and len(words) < 10:
        words.insert(0, cause.label)
        cause = known.get(cause.parent_id or 0)
    return " · ".join(words)


def every_kind() -> list[str]:
    """What the public form offers unless the house says otherwise: every `Case.Type`."""
    return ["question", "fault", "request", "complaint"]


class DeskSetup(Single):
    """The one row about how cases come in by themselves."""

    team = models.ForeignKey("accounts.Team", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("queue for what comes in"), help_text=_("A promise that names a team comes first."))
    acknowledges = models.BooleanField(_("confirm receipt"), default=True, help_text=_("A new case is confirmed by mail, at most four times a day to one address and never to a machine. The words are under “Words of mails”."))
    asks = models.BooleanField(
        _("ask how it was"), default=False, help_text=_("After a case is closed its customer is asked by mail. Courts treat this as advertising: switch it on if your customers agreed, or may be written to as customers.")
    )
    ask_after_hours = models.PositiveSmallIntegerField(_("hours after closing"), default=24, validators=[MaxValueValidator(720)])
    ask_pause_days = models.PositiveSmallIntegerField(_("at most once in so many days"), default=90, validators=[MinValueValidator(1), MaxValueValidator(3650)], help_text=_("To one customer."))
    form_open = models.BooleanField(_("the form is open"), default=False, help_text=_("Anybody who knows its address may write to you, without an account."))
    form_intro_de = models.TextField(_("introduction (German)"), max_length=2000, blank=True, default="")
    form_intro_en = models.TextField(_("introduction (English)"), max_length=2000, blank=True, default="")
    form_kinds = ArrayField(models.CharField(max_length=10), verbose_name=_("what people may write about"), default=every_kind)
    privacy_url = WebAddress(_("address of your privacy notice"), max_length=300, blank=True, default="", help_text=_("The form links to it. Without one it says in a sentence what becomes of the words."))

    class Meta:
        verbose_name = _("set-up of the desk")
        verbose_name_plural = _("set-up of the desk")
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="desk_setup_single"),
            models.CheckConstraint(condition=Q(ask_after_hours__lte=720, ask_pause_days__range=(1, 3650)), name="desk_setup_asks"),
            models.CheckConstraint(condition=Q(form_kinds__contained_by=every_kind(), form_kinds__len__gt=0), name="desk_setup_form_kinds"),
        ]

    def __str__(self) -> str:
        return str(_("Set-up of the desk"))
