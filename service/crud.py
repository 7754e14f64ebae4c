"""The pages of a case, declared: its columns, and what creating, saving and deleting mean."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db.models import QuerySet, Value
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.detail import remember
from contacts.fields import numbered, party_label
from contacts.models import Party
from crm.core.access import may
from crm.core.columns import Choice, Column
from crm.core.models import Installation
from crm.core.saving import FactsForm
from crm.core.views import Crud, GatedCreate, GatedDetail, GatedList
from service import detail, services
from service.filters import CaseFilter, search, with_party_beside, with_party_seen
from service.forms import CaseForm
from service.models import Case
from service.queue import TYPE_TONES

STATE_TONES = {"new": "acc", "open": "", "waiting": "", "solved": "good", "closed": "good"}


class CaseList(GatedList):
    """The table behind the desk."""

    def more_context(self, context: dict[str, Any]) -> dict[str, Any]:
        for chip in context["filter_chips"]:
            if chip["name"] == "party" and chip["active"]:
                chip["value"] = chip["form_field"].value() or chip["value"]  # by name even where the address holds its id
        return {}


class CaseCreate(GatedCreate):
    """Taken down on the telephone; `?party=K-10001` fills in the customer, whoever takes cases looks after it."""

    def get_initial(self) -> dict[str, Any]:
        asked = self.request.GET
        given: dict[str, Any] = {name: asked[name] for name in ("heading", "type", "reporter") if name in asked}
        if may(self.request.user, "change", Case):
            given["owner"] = self.request.user.pk
        if "party" in asked:
            party = Party.objects.visible_to(self.request.user).filter(number=numbered(asked["party"])).first()
            if party is not None:
                given["party"] = party_label(party)
        return {**super().get_initial(), **given}


class CaseDetail(GatedDetail):
    """The desk with this case open."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = super().get(request, *args, **kwargs)
        remember(self.object, request.user)
        return response

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().select_related("party", "organisation", "owner", "team", "rule__calendar", "cause", "remedy", "product", "touchpoint", "merged_into")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), **detail.desk(self.request, self.object)}


class Cases(Crud):
    name = "case"
    model = Case
    form_class = CaseForm
    filterset_class = CaseFilter
    search = staticmethod(search)
    order = "due"
    list_view = CaseList
    create_view = CaseCreate
    detail_view = CaseDetail
    templates = {"detail": "service/desk.html", "form": "service/form.html", "list": "service/cases.html"}
    columns = [
        Column("heading", gettext_lazy("Subject"), "heading", "sort_heading", primary=True, detail="number", field="heading"),
        Column("party", gettext_lazy("Customer"), lambda row: row.party if row.party_seen else None, "", priority=2, joins=("party",), adds=with_party_beside),
        Column("type", gettext_lazy("Type"), Choice("type"), "type", "tag", priority=4, tone=lambda row: TYPE_TONES[row.type]),
        Column("state", gettext_lazy("State"), Choice("state"), "state", "tag", priority=1, tone=lambda row: STATE_TONES[row.state]),
        Column("priority", gettext_lazy("Priority"), Choice("priority"), "priority", priority=3),
        Column("due", gettext_lazy("Due"), "due_next", "due_next", "ago", priority=3, field="due_next"),
        Column("owner", gettext_lazy("Owner"), "owner", "", priority=2, joins=("owner",)),
        Column("opened_at", gettext_lazy("Opened"), "opened_at", "opened_at", "ago", priority=3),
        Column("number", gettext_lazy("Number"), "number", "", priority=2, shown=False),
        Column("team", gettext_lazy("Queue"), "team", "", priority=2, shown=False, joins=("team",)),
        Column("channel", gettext_lazy("Channel"), Choice("channel"), "channel", priority=2, shown=False),
        Column("product", gettext_lazy("Product"), "product", "", priority=2, shown=False, joins=("product",)),
        Column("lot", gettext_lazy("Lot or serial number"), "lot", "", priority=2, shown=False),
        Column("touchpoint", gettext_lazy("Touchpoint"), "touchpoint", "", priority=2, shown=False, joins=("touchpoint",)),
        Column("cause", gettext_lazy("Cause"), "cause", "", priority=2, shown=False, joins=("cause",)),
        Column("remedy", gettext_lazy("Granted"), "remedy", "", priority=2, shown=False, joins=("remedy",)),
        Column("goodwill", gettext_lazy("Goodwill"), "goodwill", "goodwill", "money", priority=2, shown=False),
        Column("own_cost", gettext_lazy("Own cost"), "own_cost", "own_cost", "money", priority=2, shown=False),
        Column("solved_at", gettext_lazy("Solved"), "solved_at", "solved_at", "ago", priority=2, shown=False),
        Column("closed_at", gettext_lazy("Closed"), "closed_at", "closed_at", "ago", priority=2, shown=False),
    ]

    @classmethod
    def create_title(cls) -> str:
        return _("New case")

    @classmethod
    def empty(cls) -> dict[str, str]:
        return {"title": _("No cases yet"), "text": _("A case is what a customer wants settled: a question, a fault, a request or a complaint, each with its deadline.")}

    @classmethod
    def rows(cls, request: HttpRequest, action: str, among: Collection[int] | None = None) -> QuerySet[Any]:
        """Marked by whether the customer may be known; a money column reads its currency here."""
        return with_party_seen(super().rows(request, action, among), request.user).annotate(currency_id=Value(Installation.current().currency))

    @classmethod
    def save(cls, form: FactsForm, *, by: Any) -> Any:
        return services.save_case(form, by=by)

    @classmethod
    def delete(cls, row: Any, *, by: Any) -> dict[str, Any]:
        return services.delete_case(row, by=by)
