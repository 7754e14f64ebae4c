"""Mail that leaves the house: each one a row with a state, what it carries, the mail server, and how fast each domain is served."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.core.models.subject import Subject
from crm.core.records import Single


class OutgoingMail(Subject):
    """One mail: written first, handed over once. `message_id` is fixed beforehand and the same on every try (D16).

    planned → claimed (a worker has it until `lease_until`) → handing (committed before the first byte) → accepted, deferred (tried again
    at `due_at`), refused or unclear. Withdrawn: its reason said no at the last moment. Returned: accepted, but a mail server
    further on could not deliver it (`crm.core.mail.inbox`). Bodies are stored as they are sent; some kinds keep them for a time only.
    """

    class State(models.TextChoices):
        PLANNED = "planned", _("planned")
        CLAIMED = "claimed", _("about to be handed over")
        HANDING = "handing", _("being handed over")
        ACCEPTED = "accepted", _("accepted by the mail server")
        DEFERRED = "deferred", _("put off by the mail server")
        REFUSED = "refused", _("refused by the mail server")
        UNCLEAR = "unclear", _("unclear")
        WITHDRAWN = "withdrawn", _("withdrawn before it left")
        RETURNED = "returned", _("came back")

    WAITING = (State.PLANNED, State.DEFERRED)
    HELD = (State.CLAIMED, State.HANDING)

    kind = models.CharField(_("kind"), max_length=40, default="notification")
    to = models.CharField(_("to"), max_length=320)
    to_name = models.CharField(max_length=200, default="", blank=True)
    domain = models.CharField(max_length=255, default="")  # of the recipient, in small ASCII: what limits go by
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", db_index=False)
    language = models.CharField(max_length=10, default="")
    sender = models.CharField(max_length=320, default="", blank=True)  # "" for the house's own
    reply_to = models.CharField(max_length=320, default="", blank=True)
    heading = models.CharField(_("subject"), max_length=200)
    body = models.TextField()
    html = models.TextField(default="", blank=True)
    headers = models.JSONField(default=dict, blank=True)
    message_id = models.CharField(max_length=320)
    once = models.CharField(max_length=120)  # what this mail is for; a second planning is the same mail
    priority = models.PositiveSmallIntegerField(default=5)  # 0 leaves first
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.PLANNED)
    due_at = models.DateTimeField(_("next try"), default=timezone.now)
    give_up_at = models.DateTimeField(null=True)  # set when it is put off for the first time
    worker = models.CharField(max_length=32, default="", blank=True)
    lease_until = models.DateTimeField(null=True)
    log_mark = models.CharField(max_length=60, default="", blank=True)  # where the mail server's log ended before the hand-over
    code = models.PositiveSmallIntegerField(_("code"), null=True)
    answer = models.TextField(_("answer of the mail server"), default="", blank=True)
    queue_id = models.CharField(_("queue number"), max_length=80, default="", blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    planned_at = models.DateTimeField(_("planned"), auto_now_add=True)
    handed_at = models.DateTimeField(_("handed over"), null=True)

    class Meta:
        verbose_name = _("outgoing mail")
        verbose_name_plural = pgettext_lazy("several", "outgoing mail")
        indexes = [
            models.Index(fields=["priority", "due_at", "id"], name="mail_due", condition=Q(state__in=["planned", "deferred"])),
            models.Index(fields=["lease_until"], name="mail_held", condition=Q(state__in=["claimed", "handing"])),
            models.Index(fields=["state", "-id"], name="mail_shown", condition=Q(state__in=["refused", "unclear", "withdrawn"])),
        ]
        constraints = [  # as constraints, because unique=True would make a second index of each, for LIKE
            models.UniqueConstraint(fields=["once"], name="mail_once"),
            models.UniqueConstraint(fields=["message_id"], name="mail_message_id"),
            models.CheckConstraint(
                name="mail_lease",
                condition=Q(state__in=["claimed", "handing"], lease_until__isnull=False) & ~Q(worker="")
                | ~Q(state__in=["claimed", "handing"]) & Q(lease_until__isnull=True, worker=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk}"


class MailFile(models.Model):
    """Bytes that mails carry, stored once by their SHA-256: a thousand recipients share one row."""

    digest = models.CharField(max_length=64, primary_key=True)
    data = models.BinaryField()


class MailAttachment(models.Model):
    """One file of one mail, under its name."""

    mail = models.ForeignKey(OutgoingMail, models.CASCADE, related_name="attachments")
    file = models.ForeignKey(MailFile, models.PROTECT, related_name="+")
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=100)  # MIME type

    class Meta:
        constraints = [models.UniqueConstraint(fields=["mail", "name"], name="mail_file_name_once")]


class MailSetup(Single):
    """The one row about sending: the mail server, the sender, limits, and whether sending is locked.

    An empty `host` means: what the environment says (LOTSE_SMTP_*). `fingerprint` and `turn` are compared with a file outside the
    database (`crm.core.mail.lock`). Saved with `update_fields` alone: the house itself writes beside the person at the form.
    """

    class Security(models.TextChoices):
        NONE = "none", _("none (within the house)")
        STARTTLS = "starttls", "STARTTLS"
        TLS = "tls", "TLS"

    class Lock(models.TextChoices):
        NONE = "", _("open")
        RESTORED = "restored", _("the database was restored or copied")
        BY_HAND = "by_hand", _("stopped by hand")

    host = models.CharField(_("mail server"), max_length=255, default="", blank=True)
    port = models.PositiveIntegerField(_("port"), default=587, validators=[MinValueValidator(1), MaxValueValidator(65535)])
    security = models.CharField(_("encryption"), max_length=10, choices=Security.choices, default=Security.STARTTLS)
    username = models.CharField(_("user name"), max_length=255, default="", blank=True)
    password = models.TextField(_("password"), default="", blank=True)  # sealed (`crm.core.seal`)
    sender = models.CharField(_("sender"), max_length=320, default="", blank=True)
    reply_to = models.CharField(_("replies to"), max_length=320, default="", blank=True)
    dkim_selector = models.CharField(_("DKIM selector"), max_length=63, default="", blank=True)
    connections = models.PositiveSmallIntegerField(_("connections at once"), default=1, validators=[MinValueValidator(1), MaxValueValidator(20)])
    per_hour = models.PositiveIntegerField(_("mails per hour and domain"), null=True, blank=True, validators=[MinValueValidator(1)])
    lock = models.CharField(_("sending"), max_length=10, choices=Lock.choices, default=Lock.NONE, blank=True)
    locked_at = models.DateTimeField(null=True)
    fingerprint = models.CharField(max_length=64, default="", blank=True)
    turn = models.PositiveBigIntegerField(default=0)
    trouble = models.TextField(default="", blank=True)  # why the mail server could not be reached at the last try
    trouble_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("sending of mail")
        verbose_name_plural = _("sending of mail")
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="mail_setup_single"),
            models.CheckConstraint(condition=Q(connections__range=(1, 20)), name="mail_setup_connections"),
        ]

    def __str__(self) -> str:
        return str(_("Sending of mail"))


class MailLimit(models.Model):
    """How many mails an hour go to one domain, where the limit of all domains does not fit."""

    domain = models.CharField(_("domain"), max_length=255, unique=True)
    per_hour = models.PositiveIntegerField(_("mails per hour"), validators=[MinValueValidator(1)])

    class Meta:
        verbose_name = _("limit of a domain")
        verbose_name_plural = _("limits of domains")
        ordering = ["domain"]
        constraints = [models.CheckConstraint(condition=Q(per_hour__gte=1), name="mail_limit_positive")]

    def __str__(self) -> str:
        return self.domain


class MailBucket(models.Model):
    """How many mails a limited domain may get at once, as of `at`; below zero what was owed. `queued_until`: the last slot given to a mail that waits."""

    domain = models.CharField(max_length=255, primary_key=True)
    level = models.FloatField()
    at = models.DateTimeField()
    queued_until = models.DateTimeField()


class MailText(models.Model):
    """The words of one mail as this house wants them (`crm.core.mail.texts`). Empty means: as Lotse says it."""

    key = models.SlugField(max_length=40, unique=True, editable=False)
    heading_de = models.CharField(_("subject (German)"), max_length=200, default="", blank=True)
    body_de = models.TextField(_("text (German)"), default="", blank=True)
    heading_en = models.CharField(_("subject (English)"), max_length=200, default="", blank=True)
    body_en = models.TextField(_("text (English)"), default="", blank=True)

    class Meta:
        verbose_name = _("words of a mail")
        verbose_name_plural = _("words of mails")
        ordering = ["key"]

    def __str__(self) -> str:
        return self.key

    def words(self, language: str) -> tuple[str, str]:
        """(heading, body) in a language; "" where nobody has changed them."""
        return (self.heading_en, self.body_en) if language.startswith("en") else (self.heading_de, self.body_de)
