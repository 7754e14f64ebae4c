"""Set-up of the house itself, and what its machinery wrote down: parked events, background work, changes of the set-up. Mail has its own."""

from __future__ import annotations

from typing import Any

from django import forms
from django.apps import apps
from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.db.models import F, Model, QuerySet
from django.http import HttpRequest
from django.utils.dates import MONTHS
from django.utils.html import format_html_join
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

import crm.core.mail.admin
import crm.core.mail.inbox.admin  # noqa: F401 - their pages, too
from crm.core.admin_site import GatedAdmin, LookOnly
from crm.core.audit import words
from crm.core.drills import standing
from crm.core.events import PARKED_AFTER
from crm.core.formats import DASH, number
from crm.core.history import Names, told
from crm.core.models import AuditCheck, Change, Drill, Event, Installation, Job, NumberRange
from crm.core.tasks import ring


class InstallationForm(forms.ModelForm):
    """The house: a currency of three letters, a month by its name."""

    fiscal_year_start = forms.TypedChoiceField(label=_("Fiscal year starts in"), choices=list(MONTHS.items()), coerce=int, initial=1)

    def clean_currency(self) -> str:
        return currency_code(self.cleaned_data["currency"])


def currency_code(text: str) -> str:
    """An ISO 4217 code as typed → "EUR"; anything else is a ValidationError in words."""
    code = text.strip().upper()
    if not (len(code) == 3 and code.isascii() and code.isalpha()):
        raise forms.ValidationError(_("Three letters, for instance EUR."))
    return code


@admin.register(Installation)
class InstallationAdmin(GatedAdmin):
    """The one row about this house."""

    about = _("Name, currency, fiscal year and language of the house.")
    form = InstallationForm
    fields = ["name", "currency", "fiscal_year_start", "language"]
    list_display = ["name", "currency", "fiscal_year_start", "language"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and not Installation.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Installation, form: forms.ModelForm, change: bool) -> None:
        obj.pk = 1
        super().save_model(request, obj, form, change)


class NumberRangeForm(forms.ModelForm):
    """Numbers only go on: one that was given is never given again."""

    def clean_upcoming(self) -> int:
        upcoming = int(self.cleaned_data["upcoming"])
        if upcoming < self.instance.upcoming:
            raise forms.ValidationError(_("Numbers only go up: the next one is at least %(number)s.") % {"number": self.instance.upcoming})
        return upcoming


@admin.register(NumberRange)
class NumberRangeAdmin(GatedAdmin):
    """The numbers people see."""

    about = _("Prefixes and next numbers of contacts and opportunities.")
    form = NumberRangeForm
    fields = ["key", "prefix", "upcoming"]
    readonly_fields = ["key"]
    list_display = ["key", "prefix", "upcoming"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Event)
class ParkedEventAdmin(LookOnly):
    """Events whose handlers failed ten times: they wait for a person."""

    about = _("What failed several times and waits to be tried again.")
    list_display = ["name", "at", "attempts", "error"]
    fields = ["name", "at", "by", "attempts", "error"]
    actions = ["try_again"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        return super().get_queryset(request).filter(done_at__isnull=True, attempts__gte=PARKED_AFTER)

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return self._may(request, "change")

    @admin.action(description=_("Try again"), permissions=["retry"])
    def try_again(self, request: HttpRequest, events: QuerySet[Event]) -> None:
        count = events.update(attempts=0, error="")
        ring("crm.core.tasks.dispatch_events")
        self.message_user(request, ngettext("%(count)s event is handed out again.", "%(count)s events are handed out again.", count) % {"count": count}, messages.SUCCESS)


@admin.register(Job)
class JobAdmin(LookOnly):
    """All background work, of everybody: what kind it is and how far it got. What it works on is for whoever started it."""

    about = _("Imports and other long work of everybody, with progress and result.")
    list_display = ["__str__", "by", "state", "progress", "created_at"]
    list_filter = ["state"]
    list_select_related = ["by"]
    fields = ["by", "state", "progress", "created_at", "finished_at", "error"]

    @admin.display(description=_("progress"))
    def progress(self, job: Job) -> str:
        return f"{job.done} / {job.total}"


@admin.register(Drill)
class DrillAdmin(LookOnly):
    """Whether the backups of this house can be restored: every drill with its figures, and above them how it stands."""

    change_list_template = "admin/core/drill/change_list.html"
    list_display = ["started_at", "result", "tables", "rows_told", "files", "megabytes", "pages", "seconds"]
    fields = ["started_at", "finished_at", "result", "detail", "tables", "rows_told", "files", "megabytes", "pages"]

    @property
    def about(self) -> str:
        return standing()[1]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        act, words = standing()
        return super().changelist_view(request, {"act": act, "words": words, **(extra_context or {})})

    @admin.display(description=_("result"))
    def result(self, drill: Drill) -> str:
        if drill.held is None:
            return str(_("not ended"))
        return str(_("held")) if drill.held else f"{_('failed')}: {drill.get_failed_at_display()}"

    @admin.display(description=_("rows compared"))
    def rows_told(self, drill: Drill) -> str:
        return number(drill.rows)

    @admin.display(description=_("size"))
    def megabytes(self, drill: Drill) -> str:
        return f"{number(drill.size / 1e6, 1)} MB"

    @admin.display(description=_("seconds"))
    def seconds(self, drill: Drill) -> str:
        return number((drill.finished_at - drill.started_at).total_seconds(), 0) if drill.finished_at else DASH


@admin.register(AuditCheck)
class AuditCheckAdmin(LookOnly):
    """Whether the audit can be believed: every check with its figures and what it found, and above them how it stands."""

    change_list_template = "admin/core/auditcheck/change_list.html"
    list_display = ["started_at", "result", "entries_told", "tables", "rows_told", "seconds"]
    fields = ["started_at", "finished_at", "result", "findings", "seals", "entries_told", "tables", "rows_told"]

    @property
    def about(self) -> str:
        return words.standing()[1]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        act, said = words.standing()
        last = AuditCheck.objects.filter(held__isnull=False).first()
        found = [words.sentence(finding) for finding in last.found[:10]] if last else []
        return super().changelist_view(request, {"act": act, "words": said, "found": found, **(extra_context or {})})

    @admin.display(description=_("result"))
    def result(self, check: AuditCheck) -> str:
        if check.held is None:
            return str(_("not ended"))
        return str(_("held")) if check.held else ngettext("%(n)s finding", "%(n)s findings", len(check.found)) % {"n": len(check.found)}

    @admin.display(description=_("what was found"))
    def findings(self, check: AuditCheck) -> str:
        return format_html_join("\n", "<p>{}</p>", ((words.sentence(finding),) for finding in check.found)) or DASH

    @admin.display(description=_("entries checked"))
    def entries_told(self, check: AuditCheck) -> str:
        return number(check.entries)

    @admin.display(description=_("rows compared"))
    def rows_told(self, check: AuditCheck) -> str:
        return number(check.rows)

    @admin.display(description=_("seconds"))
    def seconds(self, check: AuditCheck) -> str:
        return number((check.finished_at - check.started_at).total_seconds(), 0) if check.finished_at else DASH


@admin.register(Change)
class ChangeAdmin(LookOnly):
    """Who changed what in the set-up. Customers' records have their own history, behind their own rights."""

    about = _("Who changed what in the set-up, and when.")
    list_display = ["at", "actor", "what", "kind", "difference"]
    list_display_links = None
    list_per_page = 100
    ordering = [(F("id") + 0).desc()]  # not by its index, on whose way from the newest on lie all changes of customers

    def get_queryset(self, request: HttpRequest) -> QuerySet[Change]:
        self._models = {model._meta.db_table: model for model in _set_up_models()}
        self._actors = {user.pk: str(user) for user in get_user_model().objects.all()}
        self._rows: dict[str, dict[Any, str]] = {}
        self._names = Names(request.user)
        return super().get_queryset(request).filter(relation__in=self._models)

    @admin.display(description=_("by"))
    def actor(self, change: Change) -> str:
        return self._actors.get(change.actor_id or 0, "") or str({"house": _("Lotse itself"), "sql": _("directly in the database")}.get(change.origin, change.origin))

    @admin.display(description=_("record"))
    def what(self, change: Change) -> str:
        model = self._models.get(change.relation)
        if model is None:
            return change.relation
        if change.relation not in self._rows:  # tables of the set-up are small
            self._rows[change.relation] = {row.pk: str(row) for row in model._base_manager.select_related()[:2_000]}
        name = self._rows[change.relation].get(change.row_id, "")
        return ": ".join(filter(None, [capfirst(str(model._meta.verbose_name)), name]))

    @admin.display(description=_("what happened"))
    def kind(self, change: Change) -> str:
        return str({"I": _("created"), "U": _("changed"), "D": _("deleted")}[change.op])

    @admin.display(description=_("difference"))
    def difference(self, change: Change) -> str:
        model = self._models.get(change.relation)
        lines = told(change, model, self._names) if model else []
        return ", ".join(f"{label}: {before} → {after}" if change.op == "U" else f"{label}: {after if change.op == 'I' else before}" for label, before, after in lines)


def _set_up_models() -> list[type[Model]]:
    """The audited tables without a customer's data, and without the grants, which follow from memberships and the matrix."""
    shown = [*admin.site._registry, *(inline.model for page in admin.site._registry.values() for inline in page.inlines)]
    return [*shown, *(model for model in apps.get_models() if model._meta.label_lower in {"accounts.roleright", "accounts.fieldrule"})]
