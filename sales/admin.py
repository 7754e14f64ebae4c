"""Set-up of selling: pipelines, stages with their gates, and reasons for losing."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from crm.core.admin_site import GatedAdmin, LabelledAdmin
from crm.core.conditions import sentence
from crm.core.keys import free_key, taken_keys
from sales.models import LostReason, Opportunity, Pipeline, Stage, StageTransition

GATE_FIELDS = ("party", "product", "amount", "expected_close")  # what a stage may ask for


def gate_of(fields: list[str]) -> dict[str, Any]:
    """The condition "all of these fields are filled in"."""
    return {"all": [{"field": name, "op": "set"} for name in fields]} if fields else {}


def required_by(gate: dict[str, Any]) -> list[str] | None:
    """The fields a simple gate asks for; None if it says more than that (then it is shown, and kept)."""
    parts = gate.get("all", []) if gate else []
    if (gate and set(gate) != {"all"}) or any(set(part) != {"field", "op"} or part["op"] != "set" or part["field"] not in GATE_FIELDS for part in parts):
        return None
    return [part["field"] for part in parts]


def open_in(stage: Stage) -> int:
    """How many open opportunities are in the stage."""
    return Opportunity.objects.unrestricted().filter(stage=stage, state=Opportunity.State.OPEN).count()


class StageForm(forms.ModelForm):
    """A stage: its names, its place, what it asks for. The key and the numbers of the places are made."""

    after = forms.ModelChoiceField(label=_("Comes after"), queryset=Stage.objects.none(), required=False, empty_label=_("(at the beginning)"))
    required = forms.MultipleChoiceField(
        label=_("Must be filled in"), required=False, widget=forms.CheckboxSelectMultiple, help_text=_("What an opportunity needs before it may enter this stage.")
    )

    class Meta:
        model = Stage
        fields = ["pipeline", "label_de", "label_en", "probability", "active"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stages = Stage.objects.exclude(pk=self.instance.pk).select_related("pipeline").order_by("pipeline__position", "position")
        names = [(name, Opportunity._meta.get_field(name).verbose_name) for name in GATE_FIELDS]
        gate = required_by(self.instance.gate)
        if "after" in self.fields:
            field: Any = self.fields["after"]
            field.queryset = stages
            field.label_from_instance = lambda stage: f"{stage.pipeline}: {stage}" if Pipeline.objects.count() > 1 else str(stage)
            before = [stage for stage in stages if stage.pipeline_id == self.instance.pipeline_id and stage.position < (self.instance.position or 0)]
            field.initial = before[-1] if before else None if self.instance.pk else stages.last()
        if "required" in self.fields:
            required: Any = self.fields["required"]
            required.choices, required.initial = names, gate or []
            if gate is None:
                required.disabled = True
                required.help_text = _("This stage asks for more: %(condition)s.") % {"condition": sentence(self.instance.gate, Opportunity)}
        if not self.instance.pk and "pipeline" in self.fields:
            self.fields["pipeline"].initial = Pipeline.objects.first()

    def clean_active(self) -> bool:
        count = open_in(self.instance) if self.instance.pk and not self.cleaned_data["active"] else 0
        if count:
            raise forms.ValidationError(
                ngettext("%(count)s open opportunity is in this stage. Move it first.", "%(count)s open opportunities are in this stage. Move them first.", count) % {"count": count}
            )
        return bool(self.cleaned_data["active"])

    def clean(self) -> dict[str, Any]:
        facts = super().clean() or self.cleaned_data
        after, pipeline = facts.get("after"), facts.get("pipeline") or getattr(self.instance, "pipeline", None)
        if after is not None and pipeline is not None and after.pipeline_id != pipeline.pk:
            self.add_error("after", _("This stage belongs to another pipeline."))
        return facts

    def place(self) -> None:
        """Number the stages of the pipeline anew, with this one behind the chosen one (the database checks the numbers at the end)."""
        order = list(Stage.objects.select_for_update().filter(pipeline=self.instance.pipeline).exclude(pk=self.instance.pk).order_by("position"))
        after = self.cleaned_data.get("after")
        at = next((index + 1 for index, stage in enumerate(order) if after is not None and stage.pk == after.pk), 0)
        order.insert(at, self.instance)
        for position, stage in enumerate(order, start=1):
            if stage.position != position:
                Stage.objects.filter(pk=stage.pk).update(position=position)
                stage.position = position


@admin.register(Stage)
class StageAdmin(GatedAdmin):
    """The columns of the board."""

    about = _("The columns of the board: their order, assumed win rates and what they ask for.")
    form = StageForm
    list_display = ["label", "pipeline", "position", "open_here", "probability", "asks_for", "active"]
    list_filter = ["pipeline"]
    list_select_related = ["pipeline"]
    ordering = ["pipeline__position", "position"]

    def get_fields(self, request: HttpRequest, obj: Stage | None = None) -> list[str]:
        fields = ["pipeline", "label_de", "label_en", "after", "probability", "required", "active"]
        return [*fields, "open_here"] if obj else fields[:-1]

    def get_readonly_fields(self, request: HttpRequest, obj: Stage | None = None) -> list[str]:
        return ["open_here", "pipeline"] if obj else []

    def get_queryset(self, request: HttpRequest) -> QuerySet[Stage]:
        return super().get_queryset(request).annotate(open_count=Count("opportunities", filter=Q(opportunities__state=Opportunity.State.OPEN)))

    @admin.display(description=_("name"))
    def label(self, stage: Stage) -> str:
        return stage.label

    @admin.display(description=_("open opportunities"))
    def open_here(self, stage: Stage) -> int:
        return stage.open_count  # type: ignore[attr-defined,no-any-return]

    @admin.display(description=_("conditions to enter"))
    def asks_for(self, stage: Stage) -> str:
        return sentence(stage.gate, Opportunity) if stage.gate else "–"

    def save_model(self, request: HttpRequest, obj: Stage, form: Any, change: bool) -> None:
        if not change:
            obj.key = free_key(obj.label_en, taken_keys(obj.pipeline.stages))
            obj.position = 1 + max(obj.pipeline.stages.values_list("position", flat=True), default=0)
        if required_by(obj.gate) is not None:
            obj.gate = gate_of(form.cleaned_data["required"])
        super().save_model(request, obj, form, change)
        form.place()

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """A stage that opportunities are in or went through stays: their history names it."""
        stage = self.get_object(request, object_id)
        if stage is not None and self.has_delete_permission(request, stage):
            used = Opportunity.objects.unrestricted().filter(stage=stage).count()
            passed = StageTransition.objects.unrestricted().filter(Q(from_stage=stage) | Q(to_stage=stage)).exists()
            if used or passed:
                text = ngettext(
                    "“%(stage)s” cannot be deleted: %(count)s opportunity is in it. Move it, then switch the stage off.",
                    "“%(stage)s” cannot be deleted: %(count)s opportunities are in it. Move them, then switch the stage off.",
                    used,
                )
                if not used:
                    text = _("“%(stage)s” cannot be deleted: opportunities went through it. Switch it off instead.")
                self.message_user(request, text % {"stage": stage, "count": used}, messages.ERROR)
                return HttpResponseRedirect(reverse("admin:sales_stage_change", args=[stage.pk]))
        return super().delete_view(request, object_id, extra_context)


@admin.register(Pipeline)
class PipelineAdmin(LabelledAdmin):
    """Ways of selling, each with its stages."""

    about = _("Ways of selling, each with its own stages.")
    list_display = ["label_de", "label_en", "position", "active"]

    def get_fields(self, request: HttpRequest, obj: Pipeline | None = None) -> list[str]:
        return [*self.fields, "its_stages"] if obj else [*self.fields]

    def get_readonly_fields(self, request: HttpRequest, obj: Pipeline | None = None) -> list[str]:
        return ["its_stages"] if obj else []

    @admin.display(description=_("stages"))
    def its_stages(self, pipeline: Pipeline) -> str:
        rows = [(reverse("admin:sales_stage_change", args=[stage.pk]), stage.label, stage.probability) for stage in pipeline.stages.all()]
        return format_html("<ol>{}</ol>", format_html_join("", '<li><a href="{}">{}</a> ({} %)</li>', rows)) if rows else "–"


@admin.register(LostReason)
class LostReasonAdmin(LabelledAdmin):
    """Why opportunities are lost."""

    about = _("The answers to: why was it lost?")
    fields = ["label_de", "label_en", "needs_note", "active"]
    list_display = ["label_de", "label_en", "needs_note", "position", "active"]
