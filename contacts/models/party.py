"""Parties — people and organisations in one table (D2) — with their addresses, interactions, tasks and search rows."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Lower, Trim
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from contacts import labels
from contacts.columns import Pipe, WebAddress
from crm.core.access import ReferenceAccess, ThroughAccess
from crm.core.fold import Fold, Sort
from crm.core.models import Subject
from crm.core.records import Labelled, Owned, Record, RecordQuerySet
from crm.core.subjects import SubjectAccess


class Industry(Labelled):
    """A branch of trade."""

    objects = RecordQuerySet.as_manager()
    access = ReferenceAccess()

    class Meta(Labelled.Meta):
        verbose_name = _("industry")
        verbose_name_plural = _("industries")


class Party(Owned):
    """Anyone the house deals with. Opportunities, cases, interactions and consents point here and nowhere else.

    Prospect, customer and former customer are states, not tables; roles (`PartyRole`) are rows, several at once.
    """

    class Kind(models.TextChoices):
        PERSON = "person", _("person")
        ORGANISATION = "organisation", _("organisation")

    class State(models.TextChoices):
        PROSPECT = "prospect", _("prospect")
        CUSTOMER = "customer", _("customer")
        FORMER = "former", _("former customer")

    class Salutation(models.TextChoices):
        NONE = "", _("unknown")
        MS = "ms", _("Ms")
        MR = "mr", _("Mr")
        NEUTRAL = "neutral", _("neutral")

    class AddressForm(models.TextChoices):
        SIE = "sie", pgettext_lazy("form of address", "formal (Sie)")
        DU = "du", pgettext_lazy("form of address", "by first name (Du)")

    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices, editable=False)
    number = models.CharField(_("customer number"), max_length=20, unique=True, editable=False)
    state = models.CharField(_("status"), max_length=10, choices=State.choices, default=State.PROSPECT)
    # a person
    salutation = models.CharField(_("salutation"), max_length=8, choices=Salutation.choices, blank=True, default="")
    title = models.CharField(_("title"), max_length=40, blank=True, default="")
    first_name = models.CharField(_("first name"), max_length=80, blank=True, default="")
    nobility = models.CharField(_("title of nobility"), max_length=40, blank=True, default="", help_text=_("For instance Gräfin or Freiherr. A mere “von” belongs to the last name."))
    last_name = models.CharField(_("last name"), max_length=80, blank=True, default="")
    suffix = models.CharField(_("behind the name"), max_length=40, blank=True, default="", help_text=_("For instance MBA or jun."))
    form_of_address = models.CharField(_("form of address"), max_length=3, choices=AddressForm.choices, default=AddressForm.SIE)
    # an organisation
    legal_name = models.CharField(_("name"), max_length=160, blank=True, default="")
    industry = models.ForeignKey(Industry, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("industry"))
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="subsidiaries", verbose_name=_("belongs to"))
    founded = models.PositiveSmallIntegerField(_("founded"), null=True, blank=True)
    employees = models.PositiveIntegerField(_("employees"), null=True, blank=True)
    revenue = models.DecimalField(_("yearly revenue (million)"), max_digits=12, decimal_places=2, null=True, blank=True)
    vat_id = models.CharField(_("VAT ID"), max_length=20, blank=True, default="")
    # both
    letter_salutation = models.CharField(
        _("own salutation"), max_length=120, blank=True, default="", help_text=_("How letters begin, word for word. Leave it empty to let the name decide.")
    )
    website = WebAddress(_("website"), blank=True, default="")
    language = models.CharField(_("language"), max_length=2, choices=[("", _("unknown")), ("de", _("German")), ("en", _("English"))], blank=True, default="")
    source = models.CharField(_("source"), max_length=80, blank=True, default="", help_text=_("Where these data come from."))
    external_id = models.CharField(_("foreign key"), max_length=120, blank=True, default="", editable=False)

    name = models.GeneratedField(
        expression=Case(
            When(kind="organisation", then=F("legal_name")),
            When(nobility="", then=Trim(Pipe(F("first_name"), Value(" "), F("last_name")))),
            default=Trim(Pipe(F("first_name"), Value(" "), F("nobility"), Value(" "), F("last_name"))),
            output_field=models.TextField(),
        ),
        output_field=models.TextField(_("name")),
        db_persist=True,
    )
    sort_name = models.GeneratedField(
        expression=Sort(Case(When(kind="organisation", then=F("legal_name")), default=Trim(Pipe(F("last_name"), Value(" "), F("first_name"))), output_field=models.TextField())),
        output_field=models.TextField(db_collation="C"),
        db_persist=True,
    )

    class Meta:
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")
        constraints = [
            models.CheckConstraint(
                condition=(Q(kind="person") & ~Q(first_name="", last_name="") & Q(legal_name=""))
                | (Q(kind="organisation") & ~Q(legal_name="") & Q(first_name="", last_name="", title="", salutation="", nobility="", suffix="", form_of_address="sie")),
                name="party_names_fit_kind",
                violation_error_message=_("A person needs a first or last name, an organisation needs its name."),
            ),
            models.CheckConstraint(condition=Q(kind="organisation") | Q(parent__isnull=True), name="party_parent_of_organisation"),
            models.CheckConstraint(condition=~Q(parent=F("id")), name="party_not_own_parent", violation_error_message=_("An organisation cannot belong to itself.")),
            models.UniqueConstraint(fields=["source", "external_id"], name="party_external_once", condition=~Q(external_id="")),
        ]
        indexes = [
            models.Index(fields=["sort_name", "id"], include=["team", "owner", "kind"], name="party_name"),
            models.Index(fields=["team", "sort_name", "id"], include=["owner", "kind"], name="party_team_name"),
            models.Index(fields=["owner", "sort_name", "id"], include=["team", "kind"], name="party_owner_name"),
            models.Index(fields=["kind", "state", "id"], include=["team", "owner"], name="party_kind_state"),  # counts a list
        ]

    named_by = ("name",)

    def __str__(self) -> str:
        return self.name

    @property
    def is_person(self) -> bool:
        """A human being, not a firm?"""
        return self.kind == self.Kind.PERSON


class PersonManager(models.Manager.from_queryset(RecordQuerySet)):  # type: ignore[misc]
    """Parties that are people."""

    def get_queryset(self) -> RecordQuerySet[Any]:
        return super().get_queryset().filter(kind=Party.Kind.PERSON)


class OrganisationManager(models.Manager.from_queryset(RecordQuerySet)):  # type: ignore[misc]
    """Parties that are organisations."""

    def get_queryset(self) -> RecordQuerySet[Any]:
        return super().get_queryset().filter(kind=Party.Kind.ORGANISATION)


class Person(Party):
    """A human being."""

    objects = PersonManager()

    class Meta:
        proxy = True
        default_permissions = ()
        verbose_name = _("person")
        verbose_name_plural = _("people")


class Organisation(Party):
    """A firm, an authority, an association."""

    objects = OrganisationManager()

    class Meta:
        proxy = True
        default_permissions = ()
        verbose_name = _("organisation")
        verbose_name_plural = _("organisations")


class PartyUserPerm(UserObjectPermissionBase):
    """One contact shared with one person; dies with the contact."""

    content_object = models.ForeignKey(Party, models.CASCADE, related_name="user_shares")

    access = ThroughAccess("content_object")

    class Meta(UserObjectPermissionBase.Meta):
        default_permissions = ()


class PartyGroupPerm(GroupObjectPermissionBase):
    """One contact shared with everyone in a role; dies with the contact."""

    content_object = models.ForeignKey(Party, models.CASCADE, related_name="group_shares")

    access = ThroughAccess("content_object")

    class Meta(GroupObjectPermissionBase.Meta):
        default_permissions = ()


class PartyRole(Record):
    """What a party is to us, besides its state: supplier, competitor, partner … Several at once."""

    class Role(models.TextChoices):
        SUPPLIER = "supplier", _("supplier")
        COMPETITOR = "competitor", _("competitor")
        PARTNER = "partner", _("partner")
        STAKEHOLDER = "stakeholder", _("stakeholder")

    party = models.ForeignKey(Party, models.CASCADE, related_name="roles")
    role = models.CharField(_("role"), max_length=12, choices=Role.choices)

    access = ThroughAccess("party")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["party", "role"], name="party_role_once")]


class Affiliation(Record):
    """A person works for an organisation, in a function; may hold several."""

    person = models.ForeignKey(Party, models.CASCADE, related_name="affiliations", limit_choices_to={"kind": "person"}, verbose_name=_("person"))
    organisation = models.ForeignKey(Party, models.CASCADE, related_name="staff", limit_choices_to={"kind": "organisation"}, verbose_name=_("organisation"))
    function = models.CharField(_("function"), max_length=80, blank=True, default="")
    is_primary = models.BooleanField(_("main employer"), default=True)

    access = ThroughAccess("person", "organisation")

    class Meta:
        verbose_name = _("affiliation")
        constraints = [
            models.UniqueConstraint(fields=["person", "organisation"], name="affiliation_once", violation_error_message=_("This person belongs to this organisation already.")),
            models.UniqueConstraint(fields=["person"], name="affiliation_one_primary", condition=Q(is_primary=True)),
        ]


class EmailAddress(Record):
    """An e-mail address of a party. What happens to the address (bounced) is kept with the address."""

    party = models.ForeignKey(Party, models.CASCADE, related_name="emails")
    address = models.EmailField(_("e-mail"))
    label = models.CharField(_("label"), max_length=10, choices=labels.EMAIL, default=labels.Label.OFFICE)
    is_primary = models.BooleanField(_("main address"), default=True)
    bounced_at = models.DateTimeField(_("not reachable since"), null=True, blank=True, editable=False)  # a mail server said that nobody is there
    normalised = models.GeneratedField(expression=Lower("address"), output_field=models.TextField(db_collation="C"), db_persist=True)

    access = ThroughAccess("party")

    class Meta:
        verbose_name = _("e-mail address")
        constraints = [
            models.UniqueConstraint(fields=["party", "normalised"], name="email_once_per_party", violation_error_message=_("This contact has this address already.")),
            models.UniqueConstraint(fields=["party"], name="email_one_primary", condition=Q(is_primary=True)),
        ]
        indexes = [models.Index(fields=["normalised"], name="email_norm")]


class PhoneNumber(Record):
    """A telephone number as typed, with the E.164 key it is found by (`crm.core.phone.phone_key`)."""

    party = models.ForeignKey(Party, models.CASCADE, related_name="phones")
    number = models.CharField(_("telephone"), max_length=40)
    key = models.CharField(max_length=20, editable=False, blank=True, default="", db_collation="C")
    label = models.CharField(_("label"), max_length=10, choices=labels.PHONE, default=labels.Label.OFFICE)
    is_primary = models.BooleanField(_("main number"), default=True)

    access = ThroughAccess("party")

    class Meta:
        verbose_name = _("telephone number")
        constraints = [
            models.UniqueConstraint(fields=["party", "number"], name="phone_once_per_party", violation_error_message=_("This contact has this number already.")),
            models.UniqueConstraint(fields=["party"], name="phone_one_primary", condition=Q(is_primary=True)),
        ]
        indexes = [models.Index(fields=["key"], name="phone_key")]


class PostalAddress(Record):
    """A postal address of a party. One address may stand twice, for goods and for invoices."""

    party = models.ForeignKey(Party, models.CASCADE, related_name="addresses")
    street = models.CharField(_("street and number"), max_length=120, blank=True, default="")
    postcode = models.CharField(_("postcode"), max_length=12, blank=True, default="")
    city = models.CharField(_("city"), max_length=80, blank=True, default="")
    country = models.CharField(_("country"), max_length=2, blank=True, default="", help_text=_("Two letters, for instance DE."))
    label = models.CharField(_("label"), max_length=10, choices=labels.POSTAL, default=labels.Label.OFFICE)
    is_primary = models.BooleanField(_("main address"), default=True)

    access = ThroughAccess("party")

    class Meta:
        verbose_name = _("postal address")
        constraints = [models.UniqueConstraint(fields=["party"], name="address_one_primary", condition=Q(is_primary=True))]
        indexes = [
            models.Index(fields=["postcode", "city"], name="address_place"),
            models.Index(OpClass(Fold("city"), "text_pattern_ops"), name="address_city"),
            models.Index(OpClass(Fold("postcode"), "text_pattern_ops"), name="address_postcode"),
        ]


class Interaction(Subject, Record):
    """One entry of the history: a call, a note, a meeting … What it came from (subject) must be visible, too, to be shown."""

    class Kind(models.TextChoices):
        NOTE = "note", _("note")
        CALL = "call", _("call")
        EMAIL = "email", _("e-mail")
        MEETING = "meeting", _("meeting")
        VISIT = "visit", _("visit")
        SYSTEM = "system", _("event")

    class Direction(models.TextChoices):
        NONE = "", _("none")
        IN = "in", _("incoming")
        OUT = "out", _("outgoing")

    party = models.ForeignKey(Party, models.CASCADE, null=True, blank=True, related_name="interactions")  # empty: its subject does not know the contact yet
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    direction = models.CharField(_("direction"), max_length=3, choices=Direction.choices, blank=True, default="")
    occurred_at = models.DateTimeField(_("when"), default=timezone.now)
    heading = models.CharField(_("subject"), max_length=200, blank=True, default="")
    body = models.TextField(_("text"), blank=True, default="")

    access = SubjectAccess("party", entity="interaction")

    class Meta:
        verbose_name = _("interaction")
        constraints = [
            models.CheckConstraint(condition=Q(party__isnull=False) | Q(subject_type__isnull=False), name="interaction_hangs_on_something"),
            models.CheckConstraint(condition=~Q(kind="note") | Q(direction=""), name="note_stays_inside"),  # what leaves the house has a direction
        ]
        indexes = [
            models.Index(fields=["party", "-occurred_at", "-id"], name="interaction_party"),
            models.Index(fields=["subject_type", "subject_id", "-occurred_at"], name="interaction_subject"),
        ]


class Task(Subject, Record):
    """Something to do by a day, for one person, about a party — and perhaps about an opportunity (subject): then it is its next step."""

    party = models.ForeignKey(Party, models.CASCADE, related_name="tasks", null=True, blank=True, verbose_name=_("contact"))
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="tasks", verbose_name=_("for"))
    text = models.CharField(_("what"), max_length=200)
    due_at = models.DateTimeField(_("due"))
    done_at = models.DateTimeField(_("done"), null=True, blank=True)

    access = SubjectAccess("party", entity="interaction", person="owner")

    class Meta:
        verbose_name = _("task")
        verbose_name_plural = _("tasks")
        indexes = [
            models.Index(fields=["owner", "due_at"], name="task_open", condition=Q(done_at__isnull=True)),
            models.Index(fields=["subject_type", "subject_id", "done_at", "due_at"], name="task_of_subject"),
            models.Index(fields=["party", "due_at"], name="task_party", condition=Q(done_at__isnull=True)),
        ]


class PartySearch(models.Model):
    """What a party is found by. Written by `contacts.search` with every change of the party or its addresses (D18).

    `words` are the folded words of name, number, addresses and telephones; `keys` are those of `contacts.dedupe.block_keys`; `hints` are the
    keys of what looks wrong about a person's name and was not dismissed (`contacts.hints`).
    """

    party = models.OneToOneField(Party, models.CASCADE, primary_key=True, related_name="search")
    words = models.TextField(default="")
    tsv = SearchVectorField()
    grams = ArrayField(models.CharField(max_length=3), default=list)
    keys = ArrayField(models.CharField(max_length=80), default=list)
    hints = ArrayField(models.CharField(max_length=40), default=list)

    class Meta:
        indexes = [
            models.Index(fields=["party"], name="party_search_hints", condition=~Q(hints=[])),
            GinIndex(fields=["tsv"], name="party_search_tsv"),
            GinIndex(fields=["grams"], name="party_search_grams"),
            GinIndex(fields=["keys"], name="party_search_keys"),
        ]


class HintDismissal(Record):
    """Somebody has looked at a hint about a person's name and says that all is well: it is not shown again while the values stay."""

    party = models.ForeignKey(Party, models.CASCADE, related_name="dismissals")
    key = models.CharField(max_length=40)

    access = ThroughAccess("party")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["party", "key"], name="hint_dismissed_once")]


class PartyActivity(models.Model):
    """When something last happened with a party: a narrow side table, because it changes often."""

    party = models.OneToOneField(Party, models.CASCADE, primary_key=True, related_name="activity")
    last_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["-last_at", "-party"], name="activity_order")]
