"""The pages of a campaign, declared: its list, the builder, and what it became."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns import builder, report, services
from campaigns.forms import GoalForm
from campaigns.models import Campaign, Segment
from crm.core.columns import Choice, Column
from crm.core.feedback import is_fragment
from crm.core.filtersets import FilterSet
from crm.core.fold import sort_key
from crm.core.keys import whole
from crm.core.saving import FactsForm, Stale
from crm.core.views import Crud, GatedCreate, GatedDetail, GatedUpdate

TONES = {"draft": "", "ready": "warn", "released": "acc", "running": "acc", "paused": "warn", "done": "good", "cancelled": ""}


class CampaignFilter(FilterSet):
    state = django_filters.ChoiceFilter(choices=Campaign.State.choices, label=gettext_lazy("State"))
    segment = django_filters.ModelChoiceFilter(queryset=lambda request: Segment.objects.visible_to(request.user), label=gettext_lazy("Segment"))

    class Meta:
        model = Campaign
        fields = ["state", "segment"]


class CampaignCreate(GatedCreate):
    """The first step of the builder on an empty page; saved, it goes on with the next."""

    def get_initial(self) -> dict[str, Any]:
        given = {"segment": key} if (key := whole(self.request.GET.get("segment"))) is not None else {}
        return {**super().get_initial(), "language": self.request.user.language, **given}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "step": "goal", "steps": builder.steps(None, "goal"), "next_step": "content"}

    def form_valid(self, form: FactsForm) -> HttpResponse:
        response = super().form_valid(form)
        return HttpResponseRedirect(builder.step_url(self.object, "content")) if response.status_code == 302 else response


class CampaignUpdate(GatedUpdate):
    """The builder at the step the address names."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.object = self.get_object()
        if not self.object.is_draft:
            return HttpResponseRedirect(reverse("campaign-detail", args=[self.object.pk]))
        return self.render_to_response(self.get_context_data())

    def get_form_class(self) -> type[FactsForm]:
        found: type[FactsForm] = builder.FORMS.get(builder.step_of(self.request), GoalForm)
        return found

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        step = builder.step_of(self.request)
        given = {"form": kwargs["form"]} if "form" in kwargs and step in builder.FORMS else {}
        return {"crud": self.crud, **builder.page(self.request, self.object, step, **given)}

    def form_valid(self, form: FactsForm) -> HttpResponse:
        response = super().form_valid(form)
        if response.status_code != 302:
            return response
        step = builder.step_of(self.request)
        return HttpResponseRedirect(builder.step_url(self.object, builder.NEXT[step] if self.request.POST.get("do") == "next" else step))

    def conflict(self, form: FactsForm, stale: Stale) -> HttpResponse:
        """Somebody else changed the same fields of this step: both stand beside each field, nothing typed is lost."""
        for one in stale.differences:
            if one.conflict:
                words = _("%(who)s changed this meanwhile to “%(theirs)s”. Save again to keep yours.") % {"who": one.theirs_by or _("Somebody"), "theirs": one.theirs}
                form.add_error(one.name if one.name in form.fields else None, words)
        data = form.data.copy()
        data["version"] = str(stale.current.version)
        form.data = data
        response = self.form_invalid(form)
        response.status_code = 409
        return response


class CampaignDetail(GatedDetail):
    """A draft in short, or what became of it; asked by htmx only its progress."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.object = self.get_object()
        if is_fragment(request):
            return render(request, "campaigns/_progress.html", report.running(self.object, request.user))
        return self.render_to_response(self.get_context_data(object=self.object))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), **report.page(self.request, self.object), "tone": TONES[self.object.state]}


def search(rows: QuerySet[Any], text: str) -> QuerySet[Any]:
    """Campaigns by their name."""
    return rows.filter(sort_name__contains=sort_key(text.strip()))


class Campaigns(Crud):
    name = "campaign"
    model = Campaign
    form_class = GoalForm
    filterset_class = CampaignFilter
    search = staticmethod(search)
    order = "-created"
    create_view = CampaignCreate
    update_view = CampaignUpdate
    detail_view = CampaignDetail
    templates = {"form": "campaigns/builder.html", "detail": "campaigns/detail.html"}
    columns = [
        Column("name", gettext_lazy("Name"), "name", "sort_name", primary=True, detail="goal", field="name"),
        Column("state", gettext_lazy("State"), Choice("state"), "state", "tag", priority=1, tone=lambda row: TONES[row.state]),
        Column("segment", gettext_lazy("Segment"), "segment", "", priority=3, joins=("segment",)),
        Column("send_at", gettext_lazy("To be sent"), "send_at", "", "ago", priority=4, shown=False),
        Column("started_at", gettext_lazy("Sent"), "started_at", "", "ago", priority=3),
        Column("owner", gettext_lazy("Owner"), "owner", "", priority=2, joins=("owner",)),
        Column("created", gettext_lazy("Created"), "created_at", "created_at", "ago", priority=2, field="created_at"),
    ]

    @classmethod
    def create_title(cls) -> str:
        return _("New campaign")

    @classmethod
    def empty(cls) -> dict[str, Any]:
        return {"title": _("No campaigns yet"), "text": _("A campaign writes to the people of a segment who may be written to, each once, and shows afterwards what came of it.")}

    @classmethod
    def save(cls, form: FactsForm, *, by: Any) -> Any:
        return services.save_campaign(form, by=by)

    @classmethod
    def delete(cls, row: Any, *, by: Any) -> None:
        services.delete_campaign(row, by=by)
