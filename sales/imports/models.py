"""An import is kept row by row: what stood in the file, what was found, what was decided, what became of it."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.core.access import ThroughAccess
from crm.core.models import Job
from crm.core.records import Owned, RecordQuerySet


class Kind(models.TextChoices):
    """What a file holds. The order is the order of the work: later kinds name rows of earlier ones."""

    AGENT = "agent", _("Sales staff and teams")
    PRODUCT = "product", _("Products")
    ORGANISATION = "organisation", _("Organisations")
    OPPORTUNITY = "opportunity", _("Opportunities")


class ImportRun(Owned):
    """One import: its files are read, checked, brought in and, if wanted, taken back, each by a job."""

    class State(models.TextChoices):
        MAPPING = "mapping", _("columns to confirm")
        CHECKING = "checking", _("being checked")
        CHECKED = "checked", _("checked")
        APPLYING = "applying", _("being brought in")
        APPLIED = "applied", _("brought in")
        REVERTING = "reverting", _("being taken back")
        REVERTED = "reverted", _("taken back")

    name = models.CharField(_("files"), max_length=200)
    source = models.CharField(_("source"), max_length=80)
    pipeline = models.CharField(_("pipeline"), max_length=60)  # key of the pipeline or of a preset that becomes one
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.MAPPING, editable=False)
    check_job = models.ForeignKey(Job, models.SET_NULL, null=True, editable=False, related_name="+")
    apply_job = models.ForeignKey(Job, models.SET_NULL, null=True, editable=False, related_name="+")
    revert_job = models.ForeignKey(Job, models.SET_NULL, null=True, editable=False, related_name="+")

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")

    named_by = ("name",)

    def __str__(self) -> str:
        return self.name

    @property
    def job(self) -> Job | None:
        """The job of the present or last stage of work."""
        if self.state in {self.State.REVERTING, self.State.REVERTED}:
            return self.revert_job
        return self.apply_job if self.state in {self.State.APPLYING, self.State.APPLIED} else self.check_job


class ImportFile(models.Model):
    """A file as it came, found under the digest of its content, with how it is read and which column fills what."""

    run = models.ForeignKey(ImportRun, models.CASCADE, related_name="files")
    name = models.CharField(_("file"), max_length=160)
    digest = models.CharField(max_length=64)
    size = models.BigIntegerField()
    lines = models.PositiveIntegerField(default=0)  # line ends counted, to show progress
    encoding = models.CharField(max_length=30)
    delimiter = models.CharField(max_length=1)
    quotechar = models.CharField(max_length=1)
    header_row = models.PositiveIntegerField()
    header = models.JSONField(default=list)
    samples = models.JSONField(default=list)  # the first rows as they stand in the file
    formats = models.JSONField(default=list)  # per column: decimal mark or form of dates
    header_key = models.CharField(max_length=64)
    kind = models.CharField(_("content"), max_length=12, choices=Kind.choices, blank=True, default="")
    mapping = models.JSONField(default=dict)  # column, counted from "0" → key of the target
    confirmed = models.BooleanField(default=False)  # a person checked the mapping: the next file with this header gets it

    objects = RecordQuerySet.as_manager()
    access = ThroughAccess("run")

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["header_key", "-id"], name="import_file_header", condition=Q(confirmed=True))]


class ImportRow(models.Model):
    """One row of a file. Every row has a verdict, and after the import an outcome: nothing is dropped in silence.

    `reasons` are [key, params] pairs for `sales.imports.words`; `asks` name the questions the row waits for ("product:GTXPro").
    """

    class Verdict(models.TextChoices):
        NEW = "new", _("new")
        MATCHED = "matched", _("known, unchanged")
        CHANGED = "changed", _("known, changed")
        DOUBTFUL = "doubtful", _("doubtful")
        REFUSED = "refused", _("refused")

    class Outcome(models.TextChoices):
        NONE = "", _("not brought in yet")
        CREATED = "created", _("created")
        MATCHED = "matched", _("known, unchanged")
        CHANGED = "changed", _("changed")
        REFUSED = "refused", _("refused")

    run = models.ForeignKey(ImportRun, models.CASCADE, related_name="rows", db_index=False)
    file = models.ForeignKey(ImportFile, models.CASCADE, related_name="rows", db_index=False)
    line = models.PositiveIntegerField(_("line"))
    kind = models.CharField(max_length=12, choices=Kind.choices)
    key = models.CharField(max_length=200, db_collation="C")  # what the row is known by within its kind
    cells = models.JSONField(default=list)
    facts = models.JSONField(default=dict)  # target → understood value as text
    verdict = models.CharField(_("verdict"), max_length=8, choices=Verdict.choices)
    reasons = models.JSONField(default=list)
    asks = ArrayField(models.TextField(), default=list)
    changes = models.JSONField(default=dict)  # of a known record: field → [now, in the file]
    target_id = models.BigIntegerField(null=True)  # the record it means or became
    outcome = models.CharField(_("outcome"), max_length=8, choices=Outcome.choices, blank=True, default=Outcome.NONE)
    before = models.JSONField(null=True)  # what the audit does not keep: last activity of the contact before this row

    objects = RecordQuerySet.as_manager()
    access = ThroughAccess("run")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["file", "line"], name="import_row_once")]
        indexes = [
            models.Index(fields=["run", "kind", "verdict", "id"], name="import_row_verdict"),
            models.Index(fields=["run", "kind", "outcome", "id"], name="import_row_outcome"),
            models.Index(fields=["kind", "key", "-id"], name="import_row_key"),
        ]


class ImportQuestion(models.Model):
    """Something only a person can decide, once for all rows it concerns.

    `choice`: "use:<name>", "create", "empty" or "refuse" (see `sales.imports.questions`).
    """

    run = models.ForeignKey(ImportRun, models.CASCADE, related_name="questions")
    kind = models.CharField(max_length=20)
    value = models.CharField(max_length=200, blank=True)
    suggestions = models.JSONField(default=list)
    choice = models.CharField(max_length=220)
    remembered = models.BooleanField(default=False)  # decided in an earlier import of this source
    rows = models.PositiveIntegerField(default=0)

    objects = RecordQuerySet.as_manager()
    access = ThroughAccess("run")

    class Meta:
        ordering = ["kind", "-rows", "value"]
        constraints = [models.UniqueConstraint(fields=["run", "kind", "value"], name="import_question_once")]

    @property
    def key(self) -> str:
        """How rows name it."""
        return f"{self.kind}:{self.value}"
