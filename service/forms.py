"""What is typed at the desk: a case, an entry, a solution, what is granted, who gets it, where it belongs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Team, User
from contacts.fields import PartyField
from contacts.models import Party
from crm.core.access import may, scope_of
from crm.core.saving import FactsForm
from service.conversation import WAYS
from service.models import Case, Cause, Remedy
from service.reference import path_of

_NUMBER = re.compile(r"([A-Z]{1,10}-\d{1,15})")
MONEY = {"max_digits": 12, "decimal_places": 2, "min_value": 0, "required": False}


class CaseForm(FactsForm):
    """The facts. A new case may name its queue and, for those who assign, its owner; later both change by assigning."""

    party = PartyField(label=gettext_lazy("Customer"), required=False, help_text=gettext_lazy("Three letters of the name, or a number."))

    class Meta:
        model = Case
        fields = ("party", "reporter", "type", "heading", "description", "demanded", "priority", "channel", "product", "lot", "touchpoint", "team", "owner")
        labels = {"heading": gettext_lazy("What is it about?"), "reporter": gettext_lazy("Who reports it"), "team": gettext_lazy("Queue")}
        help_texts = {"reporter": gettext_lazy("Name and telephone as told, while the customer is not among your contacts.")}
        widgets = {"description": forms.Textarea({"rows": 4}), "type": forms.RadioSelect}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        row = self.instance
        for name in ("product", "touchpoint"):
            if name in self.fields:
                field: Any = self.fields[name]
                field.empty_label = _("none")
                field.queryset = field.queryset.filter(Q(active=True) | Q(pk=getattr(row, f"{name}_id")))
        reach = scope_of(self.user).reach("add", "case")
        if row.pk or reach is None or not (reach.everything or len(reach.teams) > 1):
            self.fields.pop("team", None)
        elif "team" in self.fields:
            self.fields["team"].required = False
            self.fields["team"].empty_label = _("as set up")  # type: ignore[attr-defined]
            if not reach.everything:
                self.fields["team"].queryset = self.fields["team"].queryset.filter(pk__in=reach.teams)  # type: ignore[attr-defined]
        if row.pk or not may(self.user, "assign", Case):
            self.fields.pop("owner", None)
        elif "owner" in self.fields:
            self.fields["owner"].queryset = agents(self.user)  # type: ignore[attr-defined]
            self.fields["owner"].empty_label = _("nobody yet")  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        facts = super().clean() or self.cleaned_data
        if {"party", "reporter"} <= set(self.fields) and not facts.get("party") and not facts.get("reporter") and "party" not in self.errors:
            self.add_error("party", _("Whose case is it? Choose the customer, or write below who reports it."))
        if self.instance.pk is None and not facts.get("team"):
            facts["team"] = self.instance.team = self.user.team or Team.objects.get(parent=None)
            reach = scope_of(self.user).reach("add", "case")
            if reach is not None and not (reach.everything or reach.teams):
                self.instance.owner = self.user  # who may only add cases of their own looks after them
        return facts

    def clean_type(self) -> str:
        """A settled case does not become a complaint without cause and remedy."""
        kind: str = self.cleaned_data["type"]
        row = self.instance
        if row.pk and kind == Case.Type.COMPLAINT and not row.is_open and row.merged_into_id is None and (row.cause_id is None or row.remedy_id is None):
            raise ValidationError(_("This case is settled without cause and remedy. Reopen it to make it a complaint."))
        return kind


def agents(user: Any) -> Any:
    """Who may be given a case: active people the reader can see who work on cases."""
    able = Q(teamuserperm__permission__codename="change_case") | Q(is_superuser=True)
    return User.objects.visible_to(user).filter(able, is_active=True).distinct()


class EntryForm(forms.Form):
    """The composer of a case."""

    LABELS = {
        "answer": (gettext_lazy("Answer"), "mail"),
        "call_out": (gettext_lazy("We called"), "phone-outgoing"),
        "call_in": (gettext_lazy("Customer called"), "phone-incoming"),
        "note": (gettext_lazy("Internal note"), "lock"),
    }
    way = forms.ChoiceField(label=gettext_lazy("Kind of entry"), choices=[(way, way) for way in WAYS])
    body = forms.CharField(label=gettext_lazy("Text"), max_length=20_000, widget=forms.Textarea({"rows": "4", "placeholder": gettext_lazy("Write; :: brings a text module")}))

    to = forms.ChoiceField(label=gettext_lazy("To"), required=False)

    def __init__(self, *args: Any, addresses: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to"].choices = [*((address, address) for address in addresses), ("", _("only write it down"))]  # type: ignore[attr-defined]
        self.fields["to"].initial = addresses[0] if addresses else ""

    def tabs(self) -> list[dict[str, Any]]:
        """The kinds as the page draws them."""
        chosen = self["way"].value() or "answer"
        return [{"value": way, "label": label, "icon": icon, "checked": way == chosen} for way, (label, icon) in self.LABELS.items()]


class CauseField(forms.ModelChoiceField):
    """A cause by its whole path, in the order of the tree."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(Cause.objects.none(), label=gettext_lazy("Cause"), empty_label=gettext_lazy("not yet known"), **kwargs)

    def offer(self, user: Any, chosen: int | None) -> None:
        """What the user may choose: active causes, and the one that is set."""
        rows = Cause.objects.visible_to(user)
        known = rows.in_bulk()
        listed = sorted((cause for cause in known.values() if cause.active or cause.pk == chosen), key=lambda cause: _place(cause, known))
        self.queryset = rows.filter(Q(active=True) | Q(pk=chosen or 0))
        self.label_from_instance = lambda cause: path_of(cause, known)  # type: ignore[method-assign,assignment]
        self.choices = [("", self.empty_label), *((cause.pk, path_of(cause, known)) for cause in listed)]


def _place(cause: Cause, known: dict[int, Cause]) -> list[tuple[int, str]]:
    """Where a cause stands in its tree: the positions from the root down."""
    way: list[tuple[int, str]] = []
    here: Cause | None = cause
    while here is not None and len(way) < 10:
        way.insert(0, (here.position, here.key))
        here = known.get(here.parent_id or 0)
    return way


class SolveForm(forms.Form):
    """What it was and what was granted; asked of complaints."""

    cause = CauseField(required=False)
    remedy = forms.ModelChoiceField(Remedy.objects.none(), label=gettext_lazy("Granted"), required=False, empty_label=gettext_lazy("please choose"))

    def __init__(self, *args: Any, case: Case, user: Any, hidden: frozenset[str] = frozenset(), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, case, user)
        for name in hidden & set(self.fields):
            del self.fields[name]


def offer(form: forms.Form, case: Case, user: Any) -> None:
    """Fill the choices of cause and remedy, with what the case has."""
    cause: Any = form.fields["cause"]
    remedy: Any = form.fields["remedy"]
    cause.offer(user, case.cause_id)
    remedy.queryset = Remedy.objects.visible_to(user).filter(Q(active=True) | Q(pk=case.remedy_id or 0))
    form.initial = {"cause": case.cause_id, "remedy": case.remedy_id, **form.initial}


class GrantForm(SolveForm):
    """Cause, remedy and what it costs, beside the case."""

    _AMOUNT = {"step": "0.01", "min": "0", "inputmode": "decimal"}
    goodwill = forms.DecimalField(label=gettext_lazy("Goodwill"), widget=forms.NumberInput(_AMOUNT), **MONEY)
    own_cost = forms.DecimalField(label=gettext_lazy("Own cost"), widget=forms.NumberInput(_AMOUNT), **MONEY)

    def __init__(self, *args: Any, case: Case, user: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {"goodwill": case.goodwill or None, "own_cost": case.own_cost or None, **kwargs.get("initial", {})}
        super().__init__(*args, case=case, user=user, **kwargs)
        self.case = case

    def facts(self) -> dict[str, Any]:
        """What the service takes: a field the reader does not see keeps its value."""
        typed = self.cleaned_data
        return {
            "cause": typed["cause"] if "cause" in self.fields else self.case.cause,
            "remedy": typed["remedy"] if "remedy" in self.fields else self.case.remedy,
            "goodwill": (typed["goodwill"] or 0) if "goodwill" in self.fields else self.case.goodwill,
            "own_cost": (typed["own_cost"] or 0) if "own_cost" in self.fields else self.case.own_cost,
        }


class AssignForm(forms.Form):
    """Who goes on with it: a person, or a team's queue."""

    owner = forms.ModelChoiceField(User.objects.none(), label=gettext_lazy("Owner"), required=False, empty_label=gettext_lazy("nobody: back into the queue"))
    team = forms.ModelChoiceField(Team.objects.none(), label=gettext_lazy("Queue"), empty_label=None)

    def __init__(self, *args: Any, case: Case, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, initial={"owner": case.owner_id, "team": case.team_id}, **kwargs)
        self.fields["owner"].queryset = agents(user)  # type: ignore[attr-defined]
        self.fields["team"].queryset = Team.objects.visible_to(user)  # type: ignore[attr-defined]


class _Suggested(forms.TextInput):
    """A text field with suggestions that are there from the start."""

    suggestions: list[str]

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        found = f"id_{name}_list"
        options = format_html_join("", '<option value="{}"></option>', ((text,) for text in self.suggestions))
        field = super().render(name, value, {**(attrs or {}), "list": found, "autocomplete": "off"}, renderer)
        return format_html('{}<datalist id="{}">{}</datalist>', field, found, options)


class OtherCaseForm(forms.Form):
    """Another case by its number; near ones are suggested."""

    other = forms.CharField(label=gettext_lazy("Number of the other case"), max_length=200, widget=_Suggested)

    def __init__(self, *args: Any, rows: Any, near: list[Case], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rows = rows
        self.fields["other"].widget.suggestions = [f"{case.number} · {case.heading}" for case in near]  # type: ignore[attr-defined]

    def clean_other(self) -> Case:
        """The case of this number, if the reader may."""
        found = _NUMBER.search(self.cleaned_data["other"].upper())
        case: Case | None = self.rows.filter(number=found[1]).first() if found else None
        if case is None:
            raise ValidationError(_("There is no such case, or you may not change it."))
        return case


class WriterForm(forms.Form):
    """Who wrote a mail: a contact that is there already, or the name of a new one."""

    party = PartyField(label=gettext_lazy("Contact that is there already"), required=False, help_text=gettext_lazy("Three letters of the name, or a number. Leave it empty to create a contact."))
    first_name = forms.CharField(label=gettext_lazy("First name"), required=False, max_length=80)
    last_name = forms.CharField(label=gettext_lazy("Last name"), required=False, max_length=80)

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["party"].queryset = Party.objects.visible_to(user)
        if not may(user, "add", Party):
            del self.fields["first_name"], self.fields["last_name"]

    def clean(self) -> dict[str, Any]:
        facts = super().clean() or self.cleaned_data
        if not facts.get("party") and not (facts.get("first_name") or facts.get("last_name")) and not self.errors:
            self.add_error("last_name" if "last_name" in self.fields else "party", _("Choose a contact, or type a name."))
        return facts


class DecideForm(forms.Form):
    """Yes or no to goodwill, with a reason."""

    granted = forms.TypedChoiceField(choices=[("1", gettext_lazy("approve")), ("0", gettext_lazy("refuse"))], coerce=lambda value: value == "1")
    note = forms.CharField(label=gettext_lazy("Note"), max_length=300, required=False)
