"""Campaigns: one message to many, its variants, what it costs, and who got it or why not."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from campaigns.models.segment import Segment, SegmentSnapshot
from contacts.models import ConsentPurpose, Party
from crm.core.access import ReferenceAccess, ThroughAccess
from crm.core.fold import Sort
from crm.core.models import Job, MailFile, OutgoingMail
from crm.core.records import Owned, Record, RecordQuerySet, Single


class Campaign(Owned):
    """A message to the people of a segment who may get it.

    Facts change through the builder while it is a draft; state, release and times only through `campaigns.services` and its kin. What was
    registered before sending (metric, smallest effect, share of the control group) stays as it was released.
    """

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        READY = "ready", _("waits for release")
        RELEASED = "released", _("scheduled")
        RUNNING = "running", _("is being sent")
        PAUSED = "paused", _("paused")
        DONE = "done", _("sent")
        CANCELLED = "cancelled", _("cancelled")

    class Metric(models.TextChoices):
        REPLY = "reply", _("replies")
        OPPORTUNITY = "opportunity", _("new opportunities")

    name = models.CharField(_("name"), max_length=160)
    goal = models.CharField(_("what it is to achieve"), max_length=300, blank=True, default="")
    segment = models.ForeignKey(Segment, models.PROTECT, null=True, blank=True, related_name="campaigns", verbose_name=_("segment"))
    purpose = models.ForeignKey(ConsentPurpose, models.PROTECT, null=True, blank=True, related_name="campaigns", verbose_name=_("purpose"))
    language = models.CharField(_("language"), max_length=2, choices=[("de", _("German")), ("en", _("English"))], default="de")
    sender = models.CharField(_("sender"), max_length=320, blank=True, default="", help_text=_("For instance sales@firm.example, with a name in front of it if you like. Empty: the sender of the house."))
    metric = models.CharField(_("success is"), max_length=12, choices=Metric.choices, default=Metric.REPLY)
    effect = models.PositiveSmallIntegerField(_("smallest difference worth having (%)"), default=25, validators=[MinValueValidator(5), MaxValueValidator(300)])
    control = models.PositiveSmallIntegerField(_("control group (%)"), default=5, validators=[MaxValueValidator(50)])
    days = models.PositiveSmallIntegerField(_("counts for so many days"), default=14, validators=[MinValueValidator(1), MaxValueValidator(365)])
    budget = models.DecimalField(_("budget"), max_digits=12, decimal_places=2, null=True, blank=True, validators=[MinValueValidator(0)])
    send_at = models.DateTimeField(_("to be sent"), null=True, blank=True)
    counts = models.BooleanField(_("opens and clicks are counted"), default=False, editable=False)  # of those who agreed to it (`campaigns.tracking`)

    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.DRAFT, editable=False)
    snapshot = models.ForeignKey(SegmentSnapshot, models.PROTECT, null=True, editable=False, related_name="campaigns")
    released_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+", db_index=False, verbose_name=_("released by"))
    released_at = models.DateTimeField(_("released"), null=True, editable=False)
    started_at = models.DateTimeField(_("started"), null=True, editable=False)
    ended_at = models.DateTimeField(_("ended"), null=True, editable=False)
    job = models.ForeignKey(Job, models.SET_NULL, null=True, editable=False, related_name="+", db_index=False)  # who gets it is being written down

    sort_name = models.GeneratedField(expression=Sort("name"), output_field=models.TextField(db_collation="C"), db_persist=True)

    class Meta:
        verbose_name = _("campaign")
        verbose_name_plural = _("campaigns")
        constraints = [
            models.CheckConstraint(condition=Q(control__lte=50, effect__range=(5, 300), days__range=(1, 365)), name="campaign_test"),
            models.CheckConstraint(condition=Q(state__in=["draft", "ready", "cancelled"]) | Q(released_by__isnull=False, released_at__isnull=False), name="campaign_released_by"),
            models.CheckConstraint(condition=~Q(state__in=["running", "paused", "done"]) | Q(started_at__isnull=False), name="campaign_started"),
            models.CheckConstraint(condition=Q(released_at__isnull=True) | Q(segment__isnull=False, purpose__isnull=False), name="campaign_to_whom_what_for"),
            models.CheckConstraint(condition=Q(state__in=["done", "cancelled"]) | Q(ended_at__isnull=True), name="campaign_ended"),
        ]
        indexes = [
            models.Index(fields=["sort_name", "id"], include=["team", "owner"], name="campaign_name"),
            models.Index(fields=["send_at"], name="campaign_due", condition=Q(state="released")),
            models.Index(fields=["id"], name="campaign_open", condition=Q(state="running")),
        ]

    named_by = ("name",)

    def __str__(self) -> str:
        return self.name

    @property
    def is_draft(self) -> bool:
        """May its facts still change?"""
        return self.state in {self.State.DRAFT, self.State.READY}

    def going(self, left: int) -> int:
        """Of so many who may get it, how many do: the control group is held out."""
        return left * (100 - self.control) // 100

    @property
    def has_left(self) -> bool:
        """May somebody have got it?"""
        return self.started_at is not None


class Variant(Record):
    """One mail of a campaign: A, B, C. `blocks` are those of `campaigns.content`."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="variants")
    position = models.PositiveSmallIntegerField(default=0)
    subject = models.CharField(_("subject"), max_length=200, blank=True, default="")
    preheader = models.CharField(_("preview text"), max_length=200, blank=True, default="", help_text=_("The first words a mail program shows beside the subject."))
    blocks = models.JSONField(_("content"), default=list, blank=True)

    access = ThroughAccess("campaign")

    class Meta:
        verbose_name = _("variant")
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["campaign", "position"], name="variant_position_once")]

    def __str__(self) -> str:
        return self.letter

    @property
    def letter(self) -> str:
        """A, B, C …"""
        return letter(self.position)


def letter(position: int) -> str:
    """The name of a mail by its position, from 0: A, B, C …"""
    return "ABCDEFGH"[position]


class CampaignImage(models.Model):
    """An image that mails of a campaign may carry; the bytes are kept once (`crm.core.MailFile`)."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="images")
    file = models.ForeignKey(MailFile, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=30)  # MIME type
    size = models.PositiveIntegerField()  # bytes

    objects = RecordQuerySet.as_manager()
    access = ThroughAccess("campaign")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "file"], name="campaign_image_once")]


class CampaignCost(Record):
    """Money that went into a campaign, in the house's currency."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="costs")
    what = models.CharField(_("what for"), max_length=120)
    amount = models.DecimalField(_("amount"), max_digits=12, decimal_places=2, validators=[MinValueValidator(0)])

    access = ThroughAccess("campaign")

    class Meta:
        verbose_name = _("cost")
        constraints = [models.CheckConstraint(condition=Q(amount__gte=0), name="campaign_cost_amount")]


class Delivery(models.Model):
    """One contact of a campaign's segment, once: the arm drawn, or the reason to be left out. The mail it becomes is named by its key.

    `address` is the normalised address it goes to, "" for whoever gets nothing; a campaign writes to each address once, whoever shares it.
    """

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="deliveries")
    party = models.ForeignKey(Party, models.DO_NOTHING, db_constraint=False, related_name="+", db_index=False)
    arm = models.SmallIntegerField(null=True)  # position of the variant, −1 for the control group, empty for those left out
    reason = models.CharField(max_length=30, default="", blank=True)  # why somebody was left out, a key of the waterfall
    address = models.CharField(max_length=320, default="", blank=True)
    mail = models.OneToOneField(OutgoingMail, models.SET_NULL, null=True, related_name="delivery")
    told = models.BooleanField(default=False)  # stands in the person's history
    counted = models.BooleanField(default=False)  # the person agreed, when the mail was written, that opens and clicks are counted
    click_entry = models.BigIntegerField(null=True)  # of the person's history, where it tells of the first click
    at = models.DateTimeField(auto_now_add=True)

    objects = RecordQuerySet.as_manager()
    access = ThroughAccess("campaign", "party")

    class Meta:
        verbose_name = _("delivery")
        constraints = [
            models.UniqueConstraint(fields=["campaign", "party"], name="delivery_party_once"),
            models.UniqueConstraint(fields=["campaign", "address"], name="delivery_address_once", condition=~Q(address="")),
            models.CheckConstraint(
                name="delivery_goes_or_not",
                condition=Q(arm__gte=0, reason="") & ~Q(address="") | Q(arm=-1, reason="", address="") | Q(arm__isnull=True, address="") & ~Q(reason=""),
            ),
        ]
        indexes = [
            models.Index(fields=["party"], name="delivery_of_party"),
            models.Index(fields=["campaign", "id"], name="delivery_untold", condition=Q(told=False, mail__isnull=False)),
            models.Index(fields=["campaign", "id"], name="delivery_counted", condition=Q(counted=True)),
        ]


class MailDesign(Single):
    """What is the same in every mail to many: imprint, colour, and from how many recipients a second person releases."""

    imprint = models.TextField(_("imprint"), max_length=600, blank=True, default="", help_text=_("Name, address, register and who answers for it, as the law asks for in every mail."))
    colour = models.CharField(_("colour"), max_length=7, default="#0b6470", help_text=_("As #rrggbb; dark enough for white letters."))
    four_eyes_above = models.PositiveIntegerField(_("a second person releases from so many recipients"), default=50)

    access = ReferenceAccess()

    class Meta:
        verbose_name = _("design of mails to many")
        verbose_name_plural = _("design of mails to many")
        constraints = [models.CheckConstraint(condition=Q(id=1), name="mail_design_single")]

    def __str__(self) -> str:
        return str(_("Design of mails to many"))
