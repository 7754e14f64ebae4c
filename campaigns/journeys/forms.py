"""What is typed about a journey: its facts, its trigger, and each kind of step. A form of a step gives the facts of its definition."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from campaigns.blocks import KINDS, ContentForm
from campaigns.journeys.presets import PRESETS
from campaigns.journeys.shape import ABOUT, MOST_DAYS, TRIGGERS, Step
from campaigns.journeys.triggers import offered
from campaigns.models import Journey, Segment
from campaigns.segments.builder import Builder
from campaigns.segments.words import vocabulary_for
from contacts.consent_words import to_write_for
from contacts.forms import TagForm
from crm.core.saving import FactsForm, one_line
from service.models import Case

PARTS = {key: value for key, value in KINDS.items() if key != "image"}  # of a mail of a journey


class JourneyForm(FactsForm):
    """What it is called and what for. A new one may begin with a preset."""

    half = frozenset({"purpose", "language"})
    begin = forms.ChoiceField(
        label=gettext_lazy("Begin with"), required=False, widget=forms.RadioSelect, initial="",
        choices=[("", pgettext_lazy("journey", "an empty page")), *((key, preset.label) for key, preset in PRESETS.items())],
    )  # fmt: skip

    class Meta:
        model = Journey
        fields = ("name", "note", "purpose", "language")
        help_texts = {"purpose": gettext_lazy("For its mails: only those get them who agreed to exactly this.")}

    field_order = ("name", "begin", "note", "purpose", "language")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is not None:
            del self.fields["begin"]
        if "purpose" in self.fields:
            self.fields["purpose"].queryset = to_write_for(self.fields["purpose"].queryset, self.instance.purpose_id)


def _days(label: Any, **facts: Any) -> forms.IntegerField:
    return forms.IntegerField(label=label, max_value=MOST_DAYS, **{"min_value": 0, **facts})


class TriggerForm(forms.Form):
    """What sets it off. Only the fields of the chosen kind are there."""

    kind = forms.ChoiceField(label=gettext_lazy("What sets it off"), choices=[("", gettext_lazy("please choose")), *TRIGGERS.items()])

    def __init__(self, *args: Any, reader: Any, trigger: dict[str, Any], kind: str = "", **kwargs: Any) -> None:
        super().__init__(*args, auto_id="id_%s", **kwargs)
        self.kind = self["kind"].value() if self.is_bound else kind or trigger.get("kind", "")
        self.initial = {"days": 180, **trigger, "kind": self.kind}
        events, dates = offered(reader)
        if self.kind == "event":
            self.fields["event"] = forms.ChoiceField(label=_("What happens"), choices=list(events.items()))
        elif self.kind == "date":
            self.fields["date"] = forms.ChoiceField(label=_("Which date"), choices=list(dates.items()))
            self.fields["days"] = _days(_("Number of days"))
            self.fields["side"] = forms.ChoiceField(label=_("Before or after"), choices=[("before", _("before it")), ("after", _("after it"))])
            shift = trigger.get("days", -30) if trigger.get("kind") == "date" else -30
            self.initial |= {"days": abs(shift), "side": "before" if shift < 0 else "after"}
        elif self.kind == "inactive":
            self.fields["days"] = _days(_("Days without contact"), min_value=1)
            self.fields["longer"] = forms.BooleanField(label=_("Begin also with whoever has been silent for longer already"), required=False)
        elif self.kind == "segment":
            self.fields["segment"] = forms.ModelChoiceField(label=_("Segment"), queryset=Segment.objects.visible_to(reader))

    def facts(self) -> dict[str, Any]:
        """The trigger as a definition has it."""
        found = dict(self.cleaned_data)
        if "side" in found:
            found["days"] *= -1 if found.pop("side") == "before" else 1
        if "segment" in found:
            found["segment"] = found["segment"].pk
        return found


class WaitForm(forms.Form):
    """How long, and perhaps within which hours it goes on."""

    days = _days(gettext_lazy("Days"))
    start = forms.IntegerField(label=gettext_lazy("Not before (hour)"), required=False, min_value=0, max_value=23)
    end = forms.IntegerField(label=gettext_lazy("And before (hour)"), required=False, min_value=1, max_value=24)

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        start, end = found.get("start"), found.get("end")
        if start is not None and end is not None and end <= start:
            self.add_error("end", _("It has to end later than it begins."))
        return found

    def facts(self) -> dict[str, Any]:
        start, end = self.cleaned_data["start"], self.cleaned_data["end"]
        window = {} if start is None and end is None else {"from": start or 0, "to": end or 24}
        return {"days": self.cleaned_data["days"], **window}


class TaskForm(forms.Form):
    """What is to be done, and by when."""

    text = forms.CharField(label=gettext_lazy("What is to be done"), max_length=200, required=False, validators=[one_line])
    days = _days(gettext_lazy("Due after (days)"))

    def facts(self) -> dict[str, Any]:
        return dict(self.cleaned_data)


class OpportunityForm(forms.Form):
    """An opportunity in the first stage."""

    name = forms.CharField(label=gettext_lazy("Name of the opportunity"), max_length=160, required=False, validators=[one_line])
    days = _days(gettext_lazy("Expected to close after (days; empty: open)"), required=False)

    def facts(self) -> dict[str, Any]:
        return dict(self.cleaned_data)


class CaseForm(forms.Form):
    """A case in the queue for what comes in."""

    heading = forms.CharField(label=gettext_lazy("Subject of the case"), max_length=160, required=False, validators=[one_line])
    type = forms.ChoiceField(label=gettext_lazy("Type"), choices=Case.Type.choices)

    def facts(self) -> dict[str, Any]:
        return dict(self.cleaned_data)


class TagStepForm(TagForm):
    """Which tag the contact gets or loses."""

    def __init__(self, *args: Any, user: Any, initial: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(*args, user=user, initial=initial, **kwargs)
        field: Any = self.fields["tag"]
        field.required, field.empty_label = False, _("please choose")

    def facts(self) -> dict[str, Any]:
        tag = self.cleaned_data["tag"]
        return {"tag": tag.pk if tag else None, "way": self.cleaned_data["way"]}


class AskForm(forms.Form):
    """What is asked; a condition has the fields of a segment beside it (`builder`)."""

    about = forms.ChoiceField(label=gettext_lazy("What is asked"), choices=list(ABOUT.items()))

    def __init__(self, data: Any = None, *, step: Step, reader: Any, about: str = "", typed: Any = None, **kwargs: Any) -> None:
        super().__init__(data, auto_id="id_%s", initial={"about": about if about in ABOUT else step["about"]}, **kwargs)
        known = vocabulary_for(reader)
        self.builder: Builder | None = None
        if self["about"].value() == "tree":
            typed = typed or (data if data is not None and any(name.endswith("-word") for name in data) else None)
            self.builder = Builder.typed(typed, known) if typed else Builder.of_tree(step.get("tree") or {}, known) or Builder.typed({}, known)

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        self.tree = self.builder.tree() if self.builder is not None else {}
        if self.tree is None:
            raise forms.ValidationError(_("Please complete the marked conditions."))
        return found

    def facts(self) -> dict[str, Any]:
        return {"about": self.cleaned_data["about"], **({"tree": self.tree} if self.tree else {})}


FORMS: dict[str, Any] = {"wait": WaitForm, "task": TaskForm, "opportunity": OpportunityForm, "case": CaseForm}


def form_for(step: Step, reader: Any, *, data: Any = None, files: Any = None, about: str = "", typed: Any = None) -> Any:
    """The form of a step, as it stands or as it was sent; `typed` is a condition that is still being built."""
    if step["kind"] == "mail":
        return ContentForm(data, files, variant=SimpleNamespace(**{name: step[name] for name in ("subject", "preheader", "blocks")}, version=0), images={})
    if step["kind"] == "ask":
        return AskForm(data, step=step, reader=reader, about=about, typed=typed)
    initial = {**step, "start": step.get("from"), "end": step.get("to")}
    if step["kind"] == "tag":
        return TagStepForm(data, user=reader, initial=initial, auto_id="id_%s")
    return FORMS[step["kind"]](data, initial=initial, auto_id="id_%s")
