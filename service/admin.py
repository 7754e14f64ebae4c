"""Set-up of the desk: calendars, promised times, causes, touchpoints, remedies, text modules, macros."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from crm.core import formats
from crm.core.admin_site import GatedInline, LabelledAdmin, SingleAdmin
from crm.core.conditions import sentence
from crm.core.models import Job
from crm.core.placeholders import problems
from service.calendars import upcoming_holidays
from service.models import (
    BusinessCalendar,
    Case,
    Cause,
    DeskSetup,
    Macro,
    OpeningHours,
    Remedy,
    SlaRule,
    SpecialDay,
    TextModule,
    Touchpoint,
)
from service.reckoning import reckon_again
from service.reference import path_of
from service.texts import PLACEHOLDERS


def tell_of_new_deadlines(page: Any, request: HttpRequest) -> None:
    """Open cases follow what was set up, and whoever set it up reads how many, or that it takes a while."""
    count = reckon_again(by=request.user)
    if isinstance(count, Job):
        page.message_user(request, gettext("The deadlines of all open cases are being recalculated; the bell tells you when it is done."), messages.SUCCESS)
    elif count:
        text = ngettext("%(count)s open case has a new deadline.", "%(count)s open cases have new deadlines.", count) % {"count": count}
        page.message_user(request, text, messages.SUCCESS)


# The browser's own fields: no clock of the server beside them.
PLAIN: dict[Any, Any] = {
    models.TimeField: {"widget": forms.TimeInput({"type": "time"}, format="%H:%M")},
    models.DateField: {"widget": forms.DateInput({"type": "date"}, format="%Y-%m-%d")},
}


class OpeningHoursInline(GatedInline):
    model = OpeningHours
    formfield_overrides = PLAIN


class SpecialDayInline(GatedInline):
    model = SpecialDay
    formfield_overrides = PLAIN


@admin.register(BusinessCalendar)
class BusinessCalendarAdmin(LabelledAdmin):
    """When somebody is there."""

    about = _("Opening hours and days off: deadlines run only while somebody is there.")
    fields = ["label_de", "label_en", "region", "always", "active", "holidays"]
    readonly_fields = ["holidays"]
    list_display = ["label_de", "label_en", "region", "always", "position", "active"]
    inlines = [OpeningHoursInline, SpecialDayInline]

    @admin.display(description=_("next public holidays"))
    def holidays(self, calendar: BusinessCalendar) -> str:
        days = upcoming_holidays(calendar.region, timezone.localdate(), 6)
        return format_html_join(", ", "{} {}", ((formats.day(day), name) for day, name in days)) or "–"

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        tell_of_new_deadlines(self, request)


def _hours(hours: Any) -> str:
    return gettext("%(h)s h") % {"h": formats.number(hours.normalize())} if hours is not None else formats.DASH


# What a promise may depend on: field of a case → the form's field of the same name.
CHOICES = {"type": Case.Type.choices, "priority": Case.Priority.choices}


def condition_of(chosen: dict[str, list[Any]]) -> dict[str, Any]:
    """The condition "each of these fields has one of its values"; nothing chosen is always true."""
    return {"all": [{"field": name, "op": "in", "value": values} for name, values in chosen.items() if values]} if any(chosen.values()) else {}


def chosen_of(condition: dict[str, Any]) -> dict[str, list[Any]] | None:
    """The values a simple condition names; None if it says more than that (then it is shown, and kept)."""
    parts = condition.get("all", []) if condition else []
    if (condition and set(condition) != {"all"}) or any(set(part) != {"field", "op", "value"} or part["op"] != "in" or part["field"] not in CHOICES for part in parts):
        return None
    return {part["field"]: part["value"] for part in parts}


class SlaRuleForm(forms.ModelForm):
    """For which cases, and within how many hours."""

    type = forms.MultipleChoiceField(label=_("for the types"), required=False, choices=CHOICES["type"], widget=forms.CheckboxSelectMultiple, help_text=_("None: for all."))
    priority = forms.TypedMultipleChoiceField(
        label=_("for the priorities"), required=False, coerce=int, choices=CHOICES["priority"], widget=forms.CheckboxSelectMultiple, help_text=_("None: for all.")
    )

    class Meta:
        model = SlaRule
        fields = ["label_de", "label_en", "ack_hours", "solution_hours", "calendar", "team", "active"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = chosen_of(self.instance.condition)
        for name in CHOICES:
            field: Any = self.fields.get(name)
            if field is None:
                continue
            field.initial = (chosen or {}).get(name, [])
            if chosen is None:
                field.disabled = True
                field.help_text = _("This promise asks for more: %(condition)s.") % {"condition": sentence(self.instance.condition, Case)}


@admin.register(SlaRule)
class SlaRuleAdmin(LabelledAdmin):
    """What is promised. The first that fits holds."""

    about = _("What is promised for which cases, in hours until the first answer and the solution.")
    form = SlaRuleForm
    fields = ["label_de", "label_en", "type", "priority", "ack_hours", "solution_hours", "calendar", "team", "active"]
    list_display = ["label_de", "label_en", "holds_for", "acknowledged", "solved", "calendar", "team", "position", "active"]
    list_select_related = ["calendar", "team"]

    @admin.display(description=_("holds for"))
    def holds_for(self, rule: SlaRule) -> str:
        return sentence(rule.condition, Case)

    @admin.display(description=_("Acknowledgement"), ordering="ack_hours")
    def acknowledged(self, rule: SlaRule) -> str:
        return _hours(rule.ack_hours)

    @admin.display(description=_("Solution"), ordering="solution_hours")
    def solved(self, rule: SlaRule) -> str:
        return _hours(rule.solution_hours)

    def save_model(self, request: HttpRequest, obj: SlaRule, form: Any, change: bool) -> None:
        if chosen_of(obj.condition) is not None and "type" in form.cleaned_data:
            obj.condition = condition_of({name: form.cleaned_data[name] for name in CHOICES})
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        tell_of_new_deadlines(self, request)


class DeskSetupForm(forms.ModelForm):
    """What the public form offers, ticked by its name."""

    form_kinds = forms.MultipleChoiceField(
        label=capfirst(_("what people may write about")), choices=CHOICES["type"], widget=forms.CheckboxSelectMultiple, error_messages={"required": _("Please tick at least one, or close the form.")}
    )

    class Meta:
        widgets = dict.fromkeys(["form_intro_de", "form_intro_en"], forms.Textarea({"rows": 4, "class": "vLargeTextField"}))


@admin.register(DeskSetup)
class DeskSetupAdmin(SingleAdmin):
    """The one row about what comes in by itself."""

    about = _("What happens to mail that becomes a case, the form on the web, and whether customers are asked how it was.")
    form = DeskSetupForm
    fieldsets = [
        (_("What comes in"), {"fields": ["team", "acknowledges"]}),
        (_("Form on the web"), {"fields": ["form_open", "form_address", "form_kinds", "form_intro_de", "form_intro_en", "privacy_url"]}),
        (_("How was it?"), {"fields": ["asks", "ask_after_hours", "ask_pause_days"]}),
    ]
    readonly_fields = ["form_address"]
    list_display = ["__str__", "team", "acknowledges", "form_open", "asks"]

    @admin.display(description=_("address of the form"))
    def form_address(self, setup: DeskSetup) -> str:
        """To be copied: the form, and the form with a kind chosen."""
        url = settings.BASE_URL + reverse("case-form")
        words = gettext("With a kind chosen beforehand:")
        return format_html('<a href="{}">{}</a><br>{} {}', url, url, words, f"{url}?kind=complaint")


@admin.register(Cause)
class CauseAdmin(LabelledAdmin):
    """What goes wrong, as a tree."""

    about = _("What goes wrong, as a tree: the desk names a cause when it settles a case.")
    fields = ["label_de", "label_en", "parent", "active"]
    list_display = ["label_de", "label_en", "whole", "position", "active"]
    list_select_related = ["parent"]

    @admin.display(description=_("whole path"))
    def whole(self, cause: Cause) -> str:
        known = {one.pk: one for one in (cause, cause.parent) if one is not None}
        return path_of(cause, known)


@admin.register(Touchpoint)
class TouchpointAdmin(LabelledAdmin):
    """Where customers meet us."""

    about = _("Where customers meet the house, so that cases say where it happened.")


@admin.register(Remedy)
class RemedyAdmin(LabelledAdmin):
    """What customers are granted."""

    about = _("What customers are granted, with limits beyond which somebody decides.")
    fields = ["label_de", "label_en", "limit", "active"]
    list_display = ["label_de", "label_en", "limit", "position", "active"]


class TextModuleForm(forms.ModelForm):
    """Only placeholders that will be filled in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        words = ", ".join(f"{{{name}}} {label}" for name, label in PLACEHOLDERS.items())
        for name in {"body_de", "body_en"} & set(self.fields):
            self.fields[name].help_text = _("Filled in for each case: %(words)s.") % {"words": words}

    def clean(self) -> dict[str, Any]:
        facts = super().clean() or self.cleaned_data
        for name in ("body_de", "body_en"):
            for problem in problems(facts.get(name) or "", PLACEHOLDERS):
                self.add_error(name, str(problem))
        return facts


@admin.register(TextModule)
class TextModuleAdmin(LabelledAdmin):
    """Texts for answers."""

    about = _("Texts for answers, with placeholders that fill themselves in.")
    form = TextModuleForm
    fields = ["label_de", "label_en", "body_de", "body_en", "active"]


class MacroForm(forms.ModelForm):
    """A priority by its name."""

    priority = forms.TypedChoiceField(label=_("set the priority"), required=False, coerce=int, empty_value=None, choices=[("", "–"), *Case.Priority.choices])


@admin.register(Macro)
class MacroAdmin(LabelledAdmin):
    """Several steps with one click."""

    about = _("Several steps of the desk with one click.")
    form = MacroForm
    fields = ["label_de", "label_en", "take", "team", "priority", "acknowledge", "text", "writes", "wait", "active"]
    list_display = ["label_de", "label_en", "does", "position", "active"]
    list_select_related = ["team", "text"]

    @admin.display(description=_("what it does"))
    def does(self, macro: Macro) -> str:
        words = [_("take it over")] if macro.take else []
        words += [f"{_('hand over to the team')} {macro.team}"] if macro.team else []
        words += [f"{_('priority')} {Case.Priority(macro.priority).label}"] if macro.priority else []
        words += [_("acknowledge")] if macro.acknowledge else []
        words += [f"{_('write the text')} ({macro.text}) {macro.get_writes_display()}"] if macro.text else []
        words += [_("wait for the customer")] if macro.wait else []
        return capfirst(", ".join(map(str, words)))
