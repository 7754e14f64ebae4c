"""Opportunities: pipelines, stages, reasons, the ledger of stage transitions, and their shares."""

from __future__ import annotations

from django.contrib.postgres.indexes import GinIndex
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from contacts.models import Party
from crm.catalog.models import Currency, Product
from crm.core.access import ReferenceAccess, ThroughAccess
from crm.core.fold import Grams, Sort
from crm.core.records import Labelled, Owned, RecordQuerySet


class Pipeline(Labelled):
    """A way of selling: its stages in order."""

    objects = RecordQuerySet.as_manager()
    access = ReferenceAccess()

    class Meta(Labelled.Meta):
        verbose_name = _("pipeline")
        verbose_name_plural = _("pipelines")

NO_RATE = _("A rate is between 0 and 100 %%.")  # Django fills it in


class Stage(models.Model):
    """A column of the board. `probability` holds until enough opportunities were decided to learn the rate.

    `gate` is a condition (see `crm.core.conditions`) an opportunity must meet to enter.
    """

    pipeline = models.ForeignKey(Pipeline, models.PROTECT, related_name="stages", verbose_name=_("pipeline"))
    key = models.SlugField(_("key"), max_length=60)
    label_de = models.CharField(_("label (German)"), max_length=120)
    label_en = models.CharField(_("label (English)"), max_length=120)
    position = models.PositiveSmallIntegerField(_("position"))
    probability = models.PositiveSmallIntegerField(_("assumed win rate in %"), validators=[MaxValueValidator(100, NO_RATE)], help_text=_("Used until enough opportunities were won or lost to learn it."))
    gate = models.JSONField(_("conditions to enter"), default=dict, blank=True)
    active = models.BooleanField(_("active"), default=True)

    label = Labelled.label
    objects = RecordQuerySet.as_manager()
    access = ReferenceAccess()

    class Meta:
        verbose_name = _("stage")
        verbose_name_plural = _("stages")
        ordering = ["pipeline", "position"]
        constraints = [
            models.UniqueConstraint(fields=["pipeline", "key"], name="stage_key_once"),
            models.UniqueConstraint(fields=["pipeline", "position"], name="stage_position_once", deferrable=models.Deferrable.DEFERRED),
            models.CheckConstraint(condition=Q(probability__lte=100), name="stage_probability", violation_error_message=NO_RATE),
        ]

    named_by = ("label_de", "label_en")

    def __str__(self) -> str:
        return self.label


class LostReason(Labelled):
    """Why an opportunity was lost."""

    needs_note = models.BooleanField(_("asks for a note"), default=False)

    objects = RecordQuerySet.as_manager()
    access = ReferenceAccess()

    class Meta(Labelled.Meta):
        verbose_name = _("reason for losing")
        verbose_name_plural = _("reasons for losing")


_SUMMED = ("currency", "state", "closed_on")


class Opportunity(Owned):
    """A chance to sell. `state` is its own; the stage says how far an open one has come and where a closed one was decided.

    Facts change through the form; state, stage, rank and closing only through `sales.services`, each with a ledger row.
    """

    class State(models.TextChoices):
        OPEN = "open", _("open")
        WON = "won", _("won")
        LOST = "lost", _("lost")

    class Pricing(models.TextChoices):
        TYPED = "typed", _("as agreed")
        LIST = "list", _("list price")

    number = models.CharField(_("number"), max_length=20, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=160)
    party = models.ForeignKey(Party, models.PROTECT, null=True, blank=True, related_name="opportunities", verbose_name=_("contact"))
    product = models.ForeignKey(Product, models.PROTECT, null=True, blank=True, related_name="opportunities", verbose_name=_("product"))
    state = models.CharField(_("state"), max_length=5, choices=State.choices, default=State.OPEN, editable=False)
    stage = models.ForeignKey(Stage, models.PROTECT, related_name="opportunities", verbose_name=_("stage"))
    stage_since = models.DateTimeField(_("in this stage since"), default=timezone.now, editable=False)
    rank = models.DecimalField(max_digits=20, decimal_places=10, default=0, editable=False)  # order within the column
    amount = models.DecimalField(_("amount"), max_digits=14, decimal_places=2, null=True, blank=True)
    pricing = models.CharField(_("amount is"), max_length=5, choices=Pricing.choices, default=Pricing.TYPED, editable=False)
    currency = models.ForeignKey(Currency, models.PROTECT, related_name="+", default="EUR", verbose_name=_("currency"))
    opened_on = models.DateField(_("opened"), null=True, blank=True)
    expected_close = models.DateField(_("expected close"), null=True, blank=True)
    closed_on = models.DateField(_("closed"), null=True, blank=True, editable=False)
    lost_reason = models.ForeignKey(LostReason, models.PROTECT, null=True, blank=True, related_name="+", editable=False, verbose_name=_("reason for losing"))
    lost_to = models.ForeignKey(Party, models.PROTECT, null=True, blank=True, related_name="+", editable=False, verbose_name=_("lost to"))
    lost_note = models.CharField(_("note"), max_length=300, blank=True, default="", editable=False)
    source = models.CharField(_("source"), max_length=80, blank=True, default="")
    external_id = models.CharField(_("foreign key"), max_length=120, blank=True, default="", editable=False)

    sort_name = models.GeneratedField(expression=Sort("name"), output_field=models.TextField(db_collation="C"), db_persist=True)

    class Meta:
        verbose_name = _("opportunity")
        verbose_name_plural = _("opportunities")
        constraints = [
            models.CheckConstraint(condition=~Q(state="won") | Q(party__isnull=False), name="won_has_party", violation_error_message=_("A won opportunity needs its contact.")),
            models.CheckConstraint(condition=Q(state="open", closed_on__isnull=True) | (~Q(state="open") & Q(closed_on__isnull=False)), name="closed_has_day"),
            models.CheckConstraint(condition=Q(amount__isnull=True) | Q(amount__gte=0), name="amount_not_negative", violation_error_message=_("An amount cannot be negative.")),
            models.CheckConstraint(condition=~Q(state="won") | Q(amount__isnull=False), name="won_has_amount"),
            models.CheckConstraint(
                condition=Q(opened_on__isnull=True) | Q(closed_on__isnull=True) | Q(closed_on__gte=F("opened_on")), name="closed_after_opened",
                violation_error_message=_("It cannot be closed before it was opened."),
            ),
            models.UniqueConstraint(fields=["source", "external_id"], name="opportunity_external_once", condition=~Q(external_id="")),
        ]
        indexes = [
            # The board's cards in order, and its sums from the index alone: whatever `metrics.expressions` reads stands in it.
            models.Index(fields=["stage", "rank", "id"], include=["team", "owner", "amount", *_SUMMED], name="opp_board_all", condition=Q(state="open")),
            models.Index(fields=["team", "stage", "rank", "id"], include=["owner", "amount", *_SUMMED], name="opp_board_team", condition=Q(state="open")),
            models.Index(fields=["owner", "stage", "rank", "id"], include=["team", "amount", *_SUMMED], name="opp_board_owner", condition=Q(state="open")),
            # The forecast's halves, open and decided: the same, by the day that counts.
            models.Index(fields=["expected_close", "team"], include=["id", "owner", "amount", "stage", *_SUMMED], name="opp_expected", condition=Q(state="open")),
            models.Index(fields=["closed_on", "team"], include=["id", "owner", "amount", "stage", "currency", "state"], name="opp_decided", condition=~Q(state="open")),
            models.Index(fields=["sort_name", "id"], include=["team", "owner"], name="opp_name"),
            models.Index(Upper("number"), name="opp_number"),
            GinIndex(Grams("sort_name"), name="opp_grams"),
        ]

    named_by = ("name",)

    def __str__(self) -> str:
        return self.name

    @property
    def is_open(self) -> bool:
        """Still undecided?"""
        return self.state == self.State.OPEN


class OpportunityUserPerm(UserObjectPermissionBase):
    """One opportunity shared with one person."""

    content_object = models.ForeignKey(Opportunity, models.CASCADE, related_name="user_shares")

    class Meta(UserObjectPermissionBase.Meta):
        default_permissions = ()


class OpportunityGroupPerm(GroupObjectPermissionBase):
    """One opportunity shared with everyone in a role."""

    content_object = models.ForeignKey(Opportunity, models.CASCADE, related_name="group_shares")

    class Meta(GroupObjectPermissionBase.Meta):
        default_permissions = ()


class StageTransition(models.Model):
    """Append-only: every step of an opportunity's state or stage, in the transaction that made it.

    A step is never erased: what was taken back is voided by a further row of kind "void" that names it. Opportunity and stages are
    named without a database key, so that the ledger outlives a reverted import.
    """

    class Kind(models.TextChoices):
        OPEN = "open", _("opened")
        MOVE = "move", _("moved")
        WIN = "win", _("won")
        LOSE = "lose", _("lost")
        REOPEN = "reopen", _("reopened")
        VOID = "void", _("taken back")

    opportunity = models.ForeignKey(Opportunity, models.DO_NOTHING, db_constraint=False, related_name="transitions")
    kind = models.CharField(max_length=6, choices=Kind.choices)
    from_stage = models.ForeignKey(Stage, models.PROTECT, null=True, related_name="+", db_index=False, db_constraint=False)
    to_stage = models.ForeignKey(Stage, models.PROTECT, null=True, related_name="+", db_index=False, db_constraint=False)
    at = models.DateTimeField()  # when it happened; an import tells the past
    recorded_at = models.DateTimeField(auto_now_add=True)
    by_id = models.BigIntegerField(null=True)
    amount = models.DecimalField(max_digits=14, decimal_places=2, null=True)
    expected_close = models.DateField(null=True)
    job_id = models.BigIntegerField(null=True)
    voids = models.OneToOneField("self", models.PROTECT, null=True, related_name="voided_by")

    objects = RecordQuerySet.as_manager()
    access = ThroughAccess("opportunity")

    class Meta:
        verbose_name = _("stage transition")
        constraints = [models.CheckConstraint(condition=Q(kind="void", voids__isnull=False) | (~Q(kind="void") & Q(voids__isnull=True)), name="void_names_its_row")]
        indexes = [models.Index(fields=["opportunity", "at", "id"], name="transition_order"), models.Index(fields=["job_id"], name="transition_job", condition=Q(job_id__isnull=False))]


from sales.imports.models import ImportFile, ImportQuestion, ImportRow, ImportRun  # noqa: E402, F401  (Django finds an app's models here)
