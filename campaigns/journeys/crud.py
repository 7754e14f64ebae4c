"""The pages of journeys, declared: the list, the facts, and the flow with how many are where."""

from __future__ import annotations

from typing import Any

import django_filters as filters
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.filters import MineFilter
from campaigns.journeys import services
from campaigns.journeys.flow import Flow, counted, figures, stuck
from campaigns.journeys.forms import JourneyForm
from campaigns.journeys.presets import PRESETS
from campaigns.models import Journey, JourneyVersion
from crm.core.columns import Choice, Column
from crm.core.fold import sort_key
from crm.core.saving import FactsForm
from crm.core.views import Crud, GatedCreate, GatedDetail

TONES = {"draft": "", "running": "good", "paused": "warn", "ended": ""}


class JourneyFilter(MineFilter):
    """By state, and one's own."""

    state = filters.ChoiceFilter(choices=Journey.State.choices, label=gettext_lazy("State"))

    class Meta:
        model = Journey
        fields = ["state"]


def flow_url(journey: Journey, step: str = "") -> str:
    """Where a journey is built, perhaps at a step."""
    url = reverse("journey-flow", args=[journey.pk])
    return f"{url}?{urlencode({'step': step})}" if step else url


class JourneyCreate(GatedCreate):
    """Name and purpose; the flow is built on the page that follows."""

    def get_initial(self) -> dict[str, Any]:
        asked = self.request.GET.get("begin", "")
        return {**super().get_initial(), "language": self.request.user.language, "begin": asked if asked in PRESETS else ""}

    def form_valid(self, form: FactsForm) -> HttpResponse:
        response = super().form_valid(form)
        return HttpResponseRedirect(flow_url(self.object, "" if self.object.draft["steps"] else "trigger")) if response.status_code == 302 else response


class JourneyDetail(GatedDetail):
    """The version that runs with its counts; before the first the draft."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context, row = super().get_context_data(**kwargs), self.object
        live: JourneyVersion | None = row.live
        counts = counted(row) if live is not None else None
        definition = live.definition if live is not None else row.draft
        context |= {"journey": row, "flow": Flow(definition, self.request.user, counts=counts), "live": live, "tone": TONES[row.state], "figures": figures(row) if live is not None else []}
        return context | {"changed": live is not None and differs(row, live), "owner_gone": row.owner is None or not row.owner.is_active, "stuck": stuck(row)}


def differs(journey: Journey, live: JourneyVersion) -> bool:
    """Is there a draft beside what runs?"""
    flows = [(one.get("trigger"), one.get("steps")) for one in (journey.draft, live.definition)]
    return flows[0] != flows[1] or (journey.purpose_id, journey.language) != (live.purpose_id, live.language)


def search(rows: QuerySet[Any], text: str) -> QuerySet[Any]:
    """Journeys by their name."""
    return rows.filter(sort_name__contains=sort_key(text.strip()))


class Journeys(Crud):
    name = "journey"
    model = Journey
    form_class = JourneyForm
    filterset_class = JourneyFilter
    search = staticmethod(search)
    create_view = JourneyCreate
    detail_view = JourneyDetail
    templates = {"detail": "campaigns/journeys/detail.html"}
    columns = [
        Column("name", gettext_lazy("Name"), "name", "sort_name", primary=True, detail="note", field="name"),
        Column("state", gettext_lazy("State"), Choice("state"), "state", "tag", priority=1, tone=lambda row: TONES[row.state]),
        Column("owner", gettext_lazy("Owner"), "owner", "", priority=3, joins=("owner",)),
        Column("updated_at", gettext_lazy("Changed"), "updated_at", "updated_at", "ago", priority=2),
    ]

    @classmethod
    def create_title(cls) -> str:
        return _("New journey")

    @classmethod
    def empty(cls) -> dict[str, Any]:
        return {
            "title": _("No journeys yet"),
            "text": _("A journey does something by itself when it is time: after half a year of silence it writes a mail, waits for an answer, and gives whoever looks after the contact a task if none comes."),
        }

    @classmethod
    def save(cls, form: FactsForm, *, by: Any) -> Any:
        preset = PRESETS.get(form.cleaned_data.get("begin", ""))
        return services.save_journey(form, by=by, draft=preset.make() if preset else None)

    @classmethod
    def delete(cls, row: Any, *, by: Any) -> None:
        services.delete_journey(row, by=by)
