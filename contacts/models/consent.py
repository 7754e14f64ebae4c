"""Consents: what may be asked for in which words, the ledger of what was said, what stands now, and who must not be written to."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.core.access import ReferenceAccess, ThroughAccess
from crm.core.records import Labelled, RecordQuerySet

TRACKING = "tracking"  # the key of the purpose that lets opening and clicking be counted for a person (§ 25 TDDDG)


class Channel(models.TextChoices):
    """How somebody is reached."""

    EMAIL = "email", _("e-mail")
    PHONE = "phone", _("telephone")
    POST = "post", _("letter")


class ConsentPurpose(Labelled):
    """What somebody may agree to. Counting who opens and clicks is a purpose of its own."""

    objects = RecordQuerySet.as_manager()
    access = ReferenceAccess()

    class Meta(Labelled.Meta):
        verbose_name = _("purpose of a consent")
        verbose_name_plural = _("purposes of consents")


class ConsentWording(models.Model):
    """The exact words of a consent. Never changed: other words are a new version, and the newest one is used (the database refuses all else)."""

    purpose = models.ForeignKey(ConsentPurpose, models.PROTECT, related_name="wordings", verbose_name=_("purpose"))
    channel = models.CharField(_("channel"), max_length=5, choices=Channel.choices, default=Channel.EMAIL)
    language = models.CharField(_("language"), max_length=2, choices=[("de", _("German")), ("en", _("English"))], default="de")
    version = models.PositiveIntegerField(_("version"), editable=False)
    text = models.TextField(_("exact words"), max_length=2000)
    created_at = models.DateTimeField(_("since"), auto_now_add=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+", db_index=False, verbose_name=_("created by"))

    objects = RecordQuerySet.as_manager()
    access = ReferenceAccess()

    class Meta:
        verbose_name = _("words of a consent")
        verbose_name_plural = pgettext_lazy("several", "words of consents")
        ordering = ["purpose__position", "channel", "language", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["purpose", "channel", "language", "version"], name="consent_wording_version"),
            models.CheckConstraint(condition=~Q(text=""), name="consent_wording_says_something"),
        ]

    def __str__(self) -> str:
        return self.text


class ConsentEvent(models.Model):
    """Append-only: what was said about one address, when, how, in which words. `purpose` empty means everything.

    `at` is when it happened, to the second; `recorded_at` when it was written down. `hash` names the address (`contacts.reach`) and stays
    when `party` and `address` are taken away with the contact. `request` binds a request by form to its confirmation, `message_id` names
    the mail that was sent, `connection` is a keyed digest of where a visitor came from, `source` the form or mail it came through.
    """

    class Kind(models.TextChoices):
        REQUESTED = "requested", _("asked for by form")
        CONFIRMED = "confirmed", _("confirmed by link")
        GIVEN = "given", _("consent given")
        WITHDRAWN = "withdrawn", _("withdrawn")
        OBJECTED = "objected", _("objected")

    class How(models.TextChoices):
        FORM = "form", _("form")
        LINK = "link", _("link in a mail")
        PHONE = "phone", _("telephone")
        LETTER = "letter", _("letter")
        MAIL = "mail", pgettext_lazy("a way to say something", "e-mail")
        TALK = "talk", _("in person")
        IMPORT = "import", _("import")
        ERASURE = "erasure", _("contact deleted")
        MERGE = "merge", _("said under another address of the same person")

    party = models.ForeignKey("contacts.Party", models.DO_NOTHING, null=True, db_constraint=False, related_name="consents")
    channel = models.CharField(_("channel"), max_length=5, choices=Channel.choices)
    address = models.CharField(_("address"), max_length=320, default="")
    hash = models.CharField(max_length=64, db_collation="C")
    purpose = models.ForeignKey(ConsentPurpose, models.PROTECT, null=True, related_name="+", verbose_name=_("purpose"))
    kind = models.CharField(_("what"), max_length=9, choices=Kind.choices)
    wording = models.ForeignKey(ConsentWording, models.PROTECT, null=True, related_name="+", verbose_name=_("words"))
    how = models.CharField(_("how"), max_length=7, choices=How.choices)
    note = models.CharField(_("note"), max_length=200, default="", blank=True)
    source = models.CharField(max_length=200, default="", blank=True)
    at = models.DateTimeField(_("when"))
    recorded_at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False)
    message_id = models.CharField(max_length=320, default="", blank=True)
    request = models.UUIDField(null=True)
    connection = models.CharField(max_length=64, default="", blank=True)

    objects = RecordQuerySet.as_manager()
    access = ThroughAccess("party")

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=["withdrawn", "objected"]) | Q(purpose__isnull=False, wording__isnull=False), name="consent_has_its_words"),
            models.CheckConstraint(condition=~Q(kind__in=["requested", "confirmed"]) | Q(how__in=["form", "link"]), name="consent_confirmed_by_link"),
        ]
        indexes = [
            models.Index(fields=["hash", "at", "id"], name="consent_address"),
            models.Index(fields=["party", "at", "id"], name="consent_party"),
            models.Index(fields=["request"], name="consent_request", condition=Q(request__isnull=False)),
        ]


class ConsentState(models.Model):
    """What stands now for one spelling of an address and one purpose: `contacts.consent.stands` over its steps, kept with every step."""

    class State(models.TextChoices):
        REQUESTED = "requested", _("asked for, not confirmed")
        STANDING = "standing", _("consent stands")
        WITHDRAWN = "withdrawn", _("withdrawn")
        OBJECTED = "objected", _("objected")

    channel = models.CharField(max_length=5, choices=Channel.choices)
    hash = models.CharField(max_length=64, db_collation="C")
    purpose = models.ForeignKey(ConsentPurpose, models.PROTECT, related_name="+", db_index=False)
    state = models.CharField(max_length=9, choices=State.choices)
    since = models.DateTimeField()
    event = models.ForeignKey(ConsentEvent, models.PROTECT, related_name="+", db_index=False)

    class Meta:
        verbose_name = _("state of a consent")
        constraints = [models.UniqueConstraint(fields=["hash", "purpose", "channel"], name="consent_state_once")]


class Suppression(models.Model):
    """An address that must not be written to: nothing is kept but its keyed hash, so it outlives the contact, an import and a merge.

    `purpose` empty: for no purpose at all. `key` names the key the hash was made with (`contacts.reach.key_name`).
    """

    class Reason(models.TextChoices):
        OBJECTED = "objected", _("objected")
        WITHDRAWN = "withdrawn", _("withdrawn")
        COMPLAINT = "complaint", _("reported as spam")
        BOUNCED = "bounced", _("the address does not exist")

    channel = models.CharField(max_length=5, choices=Channel.choices)
    hash = models.CharField(max_length=64, db_collation="C")
    key = models.CharField(max_length=8)
    purpose = models.ForeignKey(ConsentPurpose, models.PROTECT, null=True, related_name="+", db_index=False)
    reason = models.CharField(max_length=9, choices=Reason.choices)
    since = models.DateTimeField()

    class Meta:
        verbose_name = _("suppressed address")
        constraints = [models.UniqueConstraint(fields=["hash", "channel", "purpose", "reason"], name="suppression_once", nulls_distinct=False)]
        indexes = [models.Index(fields=["key"], name="suppression_key")]
