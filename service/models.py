"""Cases: questions, faults, requests and complaints, with their deadlines, the ledger of their steps and what was escalated."""

from __future__ import annotations

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Case as Choose
from django.db.models import F, Q, When
from django.db.models.functions import Least, Upper
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from contacts.models import Party
from crm.catalog.models import Product
from crm.core.access import ThroughAccess
from crm.core.fold import Grams, Sort
from crm.core.records import Owned, Record, RecordQuerySet
from service.reference import BusinessCalendar, Cause, DeskSetup, Macro, OpeningHours, Remedy, SlaRule, SpecialDay, TextModule, Touchpoint

__all__ = [
    "BusinessCalendar", "Case", "CaseGroupPerm", "CaseLink", "CaseStep", "CaseUserPerm", "Cause", "DeskSetup", "Escalation", "Macro", "OpeningHours", "Remedy", "Satisfaction", "SlaRule",
    "SpecialDay", "TextModule", "Touchpoint",
]  # fmt: skip


class Case(Owned):
    """Something a customer wants settled. Its team is the queue it waits in, its owner the agent who settles it.

    Facts change through the form; state, owner, deadlines and what is granted only through `service.services` and its kin, each with a row
    in the ledger. `due_ack` and `due_solution` are reckoned by `service.deadlines`; while a case waits it has no `due_solution`.
    """

    class Type(models.TextChoices):
        QUESTION = "question", _("question")
        FAULT = "fault", _("fault")
        REQUEST = "request", _("request")
        COMPLAINT = "complaint", _("complaint")

    class State(models.TextChoices):
        NEW = "new", _("new")
        OPEN = "open", _("in progress")
        WAITING = "waiting", _("waits for the customer")
        SOLVED = "solved", _("solved")
        CLOSED = "closed", _("closed")

    class Channel(models.TextChoices):
        PHONE = "phone", _("telephone")
        MAIL = "mail", _("e-mail")
        LETTER = "letter", _("letter")
        PERSONAL = "personal", _("in person")
        FORM = "form", _("form on the web")

    class Priority(models.IntegerChoices):
        URGENT = 1, _("urgent")
        HIGH = 2, _("high")
        NORMAL = 3, _("normal")
        LOW = 4, _("low")

    number = models.CharField(_("number"), max_length=20, unique=True, editable=False)
    type = models.CharField(_("type"), max_length=10, choices=Type.choices, default=Type.COMPLAINT)
    heading = models.CharField(_("subject"), max_length=160)
    description = models.TextField(_("what happened"), max_length=20_000, blank=True, default="")
    party = models.ForeignKey(Party, models.PROTECT, null=True, blank=True, related_name="cases", verbose_name=_("customer"))
    organisation = models.ForeignKey(
        Party, models.PROTECT, null=True, blank=True, related_name="cases_of_staff", limit_choices_to={"kind": "organisation"}, editable=False, verbose_name=_("organisation")
    )
    reporter = models.CharField(_("who reports it"), max_length=160, blank=True, default="")
    channel = models.CharField(_("channel"), max_length=10, choices=Channel.choices, default=Channel.PHONE)
    priority = models.PositiveSmallIntegerField(_("priority"), choices=Priority.choices, default=Priority.NORMAL)
    touchpoint = models.ForeignKey(Touchpoint, models.PROTECT, null=True, blank=True, related_name="cases", verbose_name=_("touchpoint"))
    product = models.ForeignKey(Product, models.PROTECT, null=True, blank=True, related_name="cases", verbose_name=_("product"))
    lot = models.CharField(_("lot or serial number"), max_length=60, blank=True, default="")
    demanded = models.CharField(_("demanded"), max_length=300, blank=True, default="")

    state = models.CharField(_("state"), max_length=7, choices=State.choices, default=State.NEW, editable=False)
    opened_at = models.DateTimeField(_("opened"), default=timezone.now, editable=False)
    rule = models.ForeignKey(SlaRule, models.PROTECT, null=True, blank=True, related_name="cases", editable=False, verbose_name=_("promised time"))
    due_ack = models.DateTimeField(_("to be acknowledged by"), null=True, blank=True, editable=False)
    due_solution = models.DateTimeField(_("to be solved by"), null=True, blank=True, editable=False)
    ack_at = models.DateTimeField(_("acknowledged"), null=True, blank=True, editable=False)
    paused_since = models.DateTimeField(_("waits since"), null=True, blank=True, editable=False)
    solved_at = models.DateTimeField(_("solved"), null=True, blank=True, editable=False)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True, editable=False)
    reopened = models.PositiveSmallIntegerField(_("reopened"), default=0, editable=False)
    merged_into = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="merged", editable=False, verbose_name=_("merged into"))
    cause = models.ForeignKey(Cause, models.PROTECT, null=True, blank=True, related_name="cases", editable=False, verbose_name=_("cause"))
    remedy = models.ForeignKey(Remedy, models.PROTECT, null=True, blank=True, related_name="cases", editable=False, verbose_name=_("granted"))
    goodwill = models.DecimalField(_("goodwill"), max_digits=12, decimal_places=2, default=0, editable=False)
    own_cost = models.DecimalField(_("own cost"), max_digits=12, decimal_places=2, default=0, editable=False)

    # What has to be kept next: the acknowledgement while there is none, then the solution. Queues are in this order.
    due_next = models.GeneratedField(
        expression=Choose(
            When(state__in=["solved", "closed"], then=None),
            default=Least(Choose(When(ack_at__isnull=True, then=F("due_ack")), default=None), F("due_solution")),
            output_field=models.DateTimeField(),
        ),
        output_field=models.DateTimeField(_("due"), null=True),
        db_persist=True,
    )
    sort_heading = models.GeneratedField(expression=Sort("heading"), output_field=models.TextField(db_collation="C"), db_persist=True)

    class Meta:
        verbose_name = _("case")
        verbose_name_plural = _("cases")
        constraints = [
            models.CheckConstraint(condition=Q(priority__range=(1, 4)), name="case_priority"),
            models.CheckConstraint(condition=Q(state="waiting", paused_since__isnull=False) | (~Q(state="waiting") & Q(paused_since__isnull=True)), name="case_waits_since"),
            models.CheckConstraint(condition=Q(state="closed", closed_at__isnull=False) | (~Q(state="closed") & Q(closed_at__isnull=True)), name="case_closed_at"),
            models.CheckConstraint(condition=Q(state__in=["solved", "closed"]) | Q(solved_at__isnull=True), name="case_solved_at"),
            models.CheckConstraint(condition=~Q(state="solved") | Q(solved_at__isnull=False), name="case_solved_when"),
            models.CheckConstraint(condition=Q(merged_into__isnull=True) | (Q(state="closed") & ~Q(merged_into=F("id"))), name="case_merged_is_closed"),
            models.CheckConstraint(
                condition=~Q(type="complaint", state__in=["solved", "closed"], merged_into__isnull=True) | Q(cause__isnull=False, remedy__isnull=False),
                name="complaint_has_cause_and_remedy", violation_error_message=_("A complaint that is solved names its cause and what was granted."),
            ),
            models.CheckConstraint(condition=Q(goodwill__gte=0, own_cost__gte=0), name="case_money", violation_error_message=_("An amount cannot be negative.")),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["due_next", "id"], include=["team", "owner", "state", "type", "rule", "merged_into"], name="case_counted", condition=~Q(state__in=["solved", "closed"])),
            models.Index(fields=["party", "-opened_at"], name="case_party"),
            models.Index(fields=["organisation", "-opened_at"], name="case_organisation"),
            models.Index(fields=["owner", "due_next"], name="case_owner", condition=~Q(state__in=["solved", "closed"])),
            # The figures of the overview from the index alone: what came in, and what was solved.
            models.Index(fields=["opened_at", "cause"], include=["id", "goodwill", "own_cost", "type", "team", "owner", "merged_into"], name="case_opened"),
            models.Index(fields=["solved_at"], include=["id", "due_solution", "type", "team", "owner", "merged_into"], name="case_solved", condition=Q(solved_at__isnull=False)),
            models.Index(Upper("lot"), name="case_lot"),
            models.Index(Upper("number"), name="case_number"),
            GinIndex(Grams("sort_heading"), name="case_grams"),
        ]

    named_by = ("heading",)

    def __str__(self) -> str:
        return self.heading

    @property
    def is_open(self) -> bool:
        """Still to be settled?"""
        return self.state not in {self.State.SOLVED, self.State.CLOSED}

    @property
    def is_complaint(self) -> bool:
        """Asks for a cause and a remedy?"""
        return self.type == self.Type.COMPLAINT


class CaseUserPerm(UserObjectPermissionBase):
    """One case shared with one person."""

    content_object = models.ForeignKey(Case, models.CASCADE, related_name="user_shares")

    class Meta(UserObjectPermissionBase.Meta):
        default_permissions = ()


class CaseGroupPerm(GroupObjectPermissionBase):
    """One case shared with everyone in a role."""

    content_object = models.ForeignKey(Case, models.CASCADE, related_name="group_shares")

    class Meta(GroupObjectPermissionBase.Meta):
        default_permissions = ()


class CaseLink(Record):
    """Two cases that have to do with each other. Kept once, the lower id first."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="links")
    other = models.ForeignKey(Case, models.CASCADE, related_name="linked_by")

    access = ThroughAccess("case", "other")

    class Meta:
        verbose_name = _("link between cases")
        constraints = [
            models.UniqueConstraint(fields=["case", "other"], name="case_link_once"),
            models.CheckConstraint(condition=Q(case__lt=F("other")), name="case_link_order"),
        ]


class CaseStep(models.Model):
    """Append-only: every step of a case, in the transaction that made it. The clock reads its pauses here.

    `before` holds the columns the step changed as they were, so that the last step can be taken back: it is then voided by a further row.
    The case is named without a database key, so that the ledger outlives a deleted case.
    """

    class Kind(models.TextChoices):
        OPEN = "open", _("opened")
        TAKE = "take", _("taken over")
        ASSIGN = "assign", _("assigned")
        ACKNOWLEDGE = "ack", _("acknowledged")
        WAIT = "wait", _("made to wait")
        RESUME = "resume", _("resumed")
        SOLVE = "solve", _("solved")
        REOPEN = "reopen", _("reopened")
        CLOSE = "close", _("closed")
        MERGE = "merge", _("merged")
        GRANT = "grant", _("granted")
        VOID = "void", _("taken back")

    case = models.ForeignKey(Case, models.DO_NOTHING, db_constraint=False, related_name="steps")
    kind = models.CharField(max_length=7, choices=Kind.choices)
    to_state = models.CharField(max_length=7, choices=Case.State.choices)
    at = models.DateTimeField()  # when it happened
    recorded_at = models.DateTimeField(auto_now_add=True)
    by_id = models.BigIntegerField(null=True)
    before = models.JSONField(default=dict)
    voids = models.OneToOneField("self", models.PROTECT, null=True, related_name="voided_by")

    objects = RecordQuerySet.as_manager()
    access = ThroughAccess("case")

    class Meta:
        verbose_name = _("step of a case")
        constraints = [models.CheckConstraint(condition=Q(kind="void", voids__isnull=False) | (~Q(kind="void") & Q(voids__isnull=True)), name="case_void_names_its_row")]
        indexes = [models.Index(fields=["case", "at", "id"], name="case_step_order")]


class Escalation(models.Model):
    """Append-only: a deadline that passed was told, once per case, clock and deadline. The unique key is what makes it once (D10)."""

    class Clock(models.TextChoices):
        ACKNOWLEDGEMENT = "ack", _("acknowledgement")
        SOLUTION = "solution", _("solution")

    case = models.ForeignKey(Case, models.DO_NOTHING, db_constraint=False, related_name="escalations")
    clock = models.CharField(max_length=8, choices=Clock.choices)
    due_at = models.DateTimeField()
    rule_id = models.BigIntegerField(null=True)
    at = models.DateTimeField(default=timezone.now)

    objects = RecordQuerySet.as_manager()
    access = ThroughAccess("case")

    class Meta:
        verbose_name = _("escalation")
        constraints = [models.UniqueConstraint(fields=["case", "clock", "due_at"], name="escalated_once")]


class Satisfaction(models.Model):
    """How the customer found it: one row per case, made when they are asked; `score` from 1 (very dissatisfied) to 5, empty until they answer."""

    case = models.OneToOneField(Case, models.CASCADE, related_name="satisfaction")
    asked_at = models.DateTimeField(_("asked"), default=timezone.now)
    score = models.PositiveSmallIntegerField(_("satisfaction"), null=True)
    words = models.TextField(_("in the customer's words"), max_length=2000, default="", blank=True)
    answered_at = models.DateTimeField(_("answered"), null=True)

    objects = RecordQuerySet.as_manager()
    access = ThroughAccess("case")

    class Meta:
        verbose_name = _("satisfaction")
        constraints = [
            models.CheckConstraint(condition=Q(score__isnull=True) | Q(score__range=(1, 5)), name="satisfaction_score"),
            models.CheckConstraint(condition=Q(score__isnull=True, answered_at__isnull=True) | Q(score__isnull=False, answered_at__isnull=False), name="satisfaction_whole"),
        ]
        indexes = [models.Index(fields=["asked_at"], name="satisfaction_asked")]
