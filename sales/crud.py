"""The pages of an opportunity, declared: its columns, and what creating, saving and deleting mean."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from contacts.fields import numbered, party_label
from contacts.models import Party
from crm.core.access import hidden_fields, may, scope_of
from crm.core.columns import Choice, Column
from crm.core.saving import FactsForm, save_facts
from crm.core.views import Crud, GatedCreate, GatedDetail, GatedList
from crm.core.work import work
from sales import detail, services
from sales.filters import OpportunityFilter, offered, search, with_party_beside, with_party_seen
from sales.forms import OpportunityForm
from sales.models import Opportunity

FACTS = {"product", "owner", "team", "opened_on", "closed_on", "lost_reason", "currency", "source"}  # the rest stands above them
TONES = {"won": "good", "lost": "bad", "open": ""}


class OpportunityList(GatedList):
    """The table beside the board: the same filters, and the way over."""

    def more_context(self, context: dict[str, Any]) -> dict[str, Any]:
        return {"filter_chips": offered(context["filter_chips"]), **switch(self.request, "list")}


class OpportunityCreate(GatedCreate):
    """A new one; `?party=K-10001`, `?stage=` and `?name=` fill in what is known."""

    def get_initial(self) -> dict[str, Any]:
        asked = self.request.GET
        given = {name: asked[name] for name in ("name", "stage", "product") if name in asked}
        if "party" in asked:
            party = Party.objects.visible_to(self.request.user).filter(number=numbered(asked["party"])).first()
            if party is not None:
                given["party"] = party_label(party)
        return {**super().get_initial(), **given}


class OpportunityDetail(GatedDetail):
    """Everything about one opportunity."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        facts = [(column.label, column.cell(self.object)) for column in self.crud.columns if column.key in FACTS and column.key not in context["hidden"]]
        return {**context, "facts": facts, **detail.context(self.object, self.request)}


class Opportunities(Crud):
    name = "opportunity"
    model = Opportunity
    form_class = OpportunityForm
    filterset_class = OpportunityFilter
    search = staticmethod(search)
    list_view = OpportunityList
    create_view = OpportunityCreate
    detail_view = OpportunityDetail
    templates = {"detail": "sales/opportunity.html", "list": "sales/opportunities.html", "rows": "sales/_table.html"}
    columns = [
        Column("name", gettext_lazy("Name"), "name", "sort_name", primary=True, detail="number", field="name"),
        Column("party", gettext_lazy("Contact"), lambda row: row.party if row.party_seen else None, "", priority=0, joins=("party",), adds=with_party_beside),
        Column("stage", gettext_lazy("Stage"), "stage", "stage__position", priority=4, joins=("stage",)),
        Column("state", gettext_lazy("State"), Choice("state"), "state", "tag", priority=1, tone=lambda row: TONES[row.state]),
        Column("amount", gettext_lazy("Amount"), "amount", "amount", "money", priority=1),
        Column("expected_close", gettext_lazy("Close expected"), "expected_close", "expected_close", "day", priority=3),
        Column("owner", gettext_lazy("Owner"), "owner", "", priority=2, joins=("owner",)),
        Column("product", gettext_lazy("Product"), "product", "", priority=2, shown=False, joins=("product",)),
        Column("team", gettext_lazy("Team"), "team", "", priority=2, shown=False, joins=("team",)),
        Column("stage_since", gettext_lazy("In this stage"), "stage_since", "stage_since", "ago", priority=2, shown=False),
        Column("opened_on", gettext_lazy("Opened"), "opened_on", "opened_on", "day", priority=2, shown=False),
        Column("closed_on", gettext_lazy("Closed"), "closed_on", "closed_on", "day", priority=2, shown=False),
        Column("lost_reason", gettext_lazy("Reason for losing"), "lost_reason", "", priority=2, shown=False, joins=("lost_reason",)),
        Column("currency", gettext_lazy("Currency"), "currency_id", "", priority=2, shown=False),
        Column("source", gettext_lazy("Source"), "source", "", priority=2, shown=False),
        Column("number", gettext_lazy("Number"), "number", "", priority=2, shown=False),
    ]

    @classmethod
    def create_title(cls) -> str:
        return _("New opportunity")

    @classmethod
    def views(cls, user: Any) -> list[tuple[str, dict[str, str]]]:
        days = {"expected_close", "closed_on"} & hidden_fields(user, Opportunity)
        soon, last = ({}, {}) if days else ({"sort": "expected_close"}, {"sort": "-closed_on"})
        mine = [(_("My open ones"), {"state": "open", "owner": "me", **soon})] if may(user, "add", Opportunity) else []
        return [*mine, (pgettext("opportunities", "Open"), {"state": "open", **soon}), (pgettext("opportunities", "Won"), {"state": "won", **last}), (pgettext("opportunities", "Lost"), {"state": "lost", **last})]

    @classmethod
    def empty(cls) -> dict[str, Any]:
        return {"title": _("No opportunities yet"), "text": _("An opportunity is a chance to sell: what, to whom, for how much and by when."), "importable": True}

    @classmethod
    def rows(cls, request: HttpRequest, action: str, among: Collection[int] | None = None) -> QuerySet[Any]:
        return with_party_seen(super().rows(request, action, among), request.user)

    @classmethod
    def save(cls, form: FactsForm, *, by: Any) -> Any:
        """A new one is opened by the service; an old one keeps its state and tells whether its amount is the list price."""
        row = form.instance
        with work(by=by):
            if row.pk is None:
                if not may(by, "add", Opportunity):
                    raise PermissionDenied
                services.open_opportunity(row, by=by)
                if not Opportunity.objects.visible_to(by, "add").filter(pk=row.pk).exists():  # the gate: a new row must lie within reach
                    raise PermissionDenied
                return row
            pricing = row.pricing
            saved = save_facts(form, by=by)
            services.note_pricing(saved, pricing, by=by)
            return saved

    @classmethod
    def delete(cls, row: Any, *, by: Any) -> None:
        services.delete_opportunity(row, by=by)


def switch(request: HttpRequest, current: str) -> dict[str, Any]:
    """The way between board, list and forecast; the filters come along."""
    asked = request.GET.copy()
    for name in ("after", "before", "column", "on"):
        asked.pop(name, None)
    query = f"?{asked.urlencode()}" if asked else ""
    ways = [("board", _("Board"), "layout-kanban", "board"), ("list", _("List"), "list", "opportunity-list")]
    if may_forecast(request.user):
        ways.append(("forecast", _("Forecast"), "chart-bar", "forecast"))
    return {"ways": [{"key": key, "label": label, "icon": icon, "url_name": name, "current": key == current} for key, label, icon, name in ways], "kept_query": query}


def may_forecast(user: Any) -> bool:
    """May the reader open the forecast?"""
    return scope_of(user).may("view", "forecast")
