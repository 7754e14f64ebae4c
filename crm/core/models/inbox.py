"""Mail that comes in: the one shared mailbox, and each mail fetched from it, kept as it came."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.core.models.mail import MailFile, MailSetup
from crm.core.models.subject import Subject
from crm.core.records import Single


class MailboxSetup(Single):
    """The one row about incoming mail: the mailbox, and how far it has been read.

    `uidvalidity` and `cursor` are the mailbox's own count: every mail with a UID up to `cursor` is a row. They move in the transaction that
    writes the row, so nothing can fall between. Saved with `update_fields` alone: the house itself writes beside the person at the form.
    """

    Security = MailSetup.Security

    host = models.CharField(_("mail server"), max_length=255, default="", blank=True)
    port = models.PositiveIntegerField(_("port"), default=993, validators=[MinValueValidator(1), MaxValueValidator(65535)])
    security = models.CharField(_("encryption"), max_length=10, choices=MailSetup.Security.choices, default=MailSetup.Security.TLS)
    username = models.CharField(_("user name"), max_length=255, default="", blank=True)
    password = models.TextField(_("password"), default="", blank=True)  # sealed (`crm.core.seal`)
    folder = models.CharField(_("folder"), max_length=120, default="INBOX")
    address = models.CharField(_("address"), max_length=320, default="", blank=True)
    active = models.BooleanField(_("fetch mail"), default=False)
    since = models.DateField(null=True)  # mail that arrived before this day is left alone
    uidvalidity = models.BigIntegerField(null=True)
    cursor = models.BigIntegerField(default=0)
    stumbles = models.PositiveSmallIntegerField(default=0)  # how often in a row the connection broke at the mail behind `cursor`
    looked_at = models.DateTimeField(null=True)
    trouble = models.TextField(default="", blank=True)
    trouble_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("incoming mail")
        verbose_name_plural = _("incoming mail")
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="mailbox_single"),
            models.CheckConstraint(condition=Q(active=False) | ~Q(host=""), name="mailbox_needs_host", violation_error_message=_("Name the mail server first.")),
        ]

    def __str__(self) -> str:
        return str(_("Incoming mail"))


class IncomingMail(Subject):
    """One mail that came in. `identity` is what makes two deliveries the same mail, `raw` the bytes as they came.

    waiting → filed (its subject says where; `entry` is its line in the history) or aside (nobody takes it: why stands in `reason`).
    Parked: it could not be read or filed several times, or is too large; it waits for a person. Nothing is ever thrown away.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting to be filed")
        FILED = "filed", _("filed")
        ASIDE = "aside", _("set aside")
        PARKED = "parked", _("parked")

    identity = models.CharField(max_length=64)
    uidvalidity = models.BigIntegerField()
    uid = models.BigIntegerField()
    raw = models.ForeignKey(MailFile, models.PROTECT, related_name="+")
    size = models.PositiveBigIntegerField(_("size"), default=0)
    message_id = models.CharField(max_length=320, default="", blank=True)
    sender = models.CharField(_("from"), max_length=320, default="", blank=True)
    sender_name = models.CharField(_("name"), max_length=200, default="", blank=True)
    heading = models.CharField(_("subject"), max_length=300, default="", blank=True)
    files = models.JSONField(default=list, blank=True)  # of each attachment [name, MIME type, bytes]
    has_html = models.BooleanField(default=False)
    nature = models.CharField(_("kind"), max_length=12, default="", blank=True)
    arrived_at = models.DateTimeField(_("arrived"), default=timezone.now)
    fetched_at = models.DateTimeField(_("fetched"), auto_now_add=True)
    marked = models.BooleanField(default=False)  # as read in the mailbox, which happens after the commit
    state = models.CharField(_("state"), max_length=7, choices=State.choices, default=State.WAITING)
    tries = models.PositiveSmallIntegerField(_("attempts"), default=0)
    due_at = models.DateTimeField(default=timezone.now)
    reason = models.TextField(_("why"), default="", blank=True)
    entry = models.BigIntegerField(null=True)  # of the history: an app above keeps it

    class Meta:
        verbose_name = _("mail that came in")
        verbose_name_plural = _("mails that came in")
        constraints = [
            models.UniqueConstraint(fields=["identity"], name="incoming_once"),
            models.UniqueConstraint(fields=["entry"], name="incoming_one_entry"),
            models.CheckConstraint(condition=~Q(state="filed") | Q(reason=""), name="incoming_filed_needs_no_reason"),
        ]
        indexes = [
            models.Index(fields=["id"], name="incoming_waiting", condition=Q(state="waiting")),
            models.Index(fields=["state", "-id"], name="incoming_shown", condition=Q(state__in=["aside", "parked"])),
            models.Index(fields=["message_id"], name="incoming_message_id", condition=~Q(message_id="")),
            models.Index(fields=["subject_type", "subject_id"], name="incoming_subject", condition=Q(subject_id__isnull=False)),
            models.Index(fields=["uidvalidity", "uid"], name="incoming_unmarked", condition=Q(marked=False)),
        ]

    def __str__(self) -> str:
        return f"{self.pk}"
