"""The pages of people and organisations, declared (D4)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar

from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts import detail, duplicates, hints, services
from contacts.filters import OrganisationFilters, PartyFilters, PersonFilters
from contacts.forms import OrganisationForm, PartyForm, PersonForm
from contacts.letters import COLUMNS
from contacts.listing import CITY, EMAIL, EMPLOYER, LAST, LATER, OWNER, PHONE, STATE, EditableColumn, add_function, add_house, addressed
from contacts.models import Organisation, Party, PartyTag, Person, Tag
from contacts.panels import panels_for
from contacts.salutation import address_line, letter_salutation
from contacts.search import search_parties
from crm.core.access import may, sees_beside
from crm.core.columns import Column
from crm.core.saving import FactsForm
from crm.core.views import Crud, GatedCreate, GatedDelete, GatedDetail, GatedList, GatedUpdate


class PartyList(GatedList):
    """A list of contacts: cells to edit where the reader may, and the selection to be assigned or tagged."""

    def get_queryset(self, among: Collection[int] | None = None) -> QuerySet[Any]:
        """Each with `changeable`: may the reader change it?"""
        return super().get_queryset(among).annotate(changeable=sees_beside(self.request.user, Party, action="change", among=among))

    def more_context(self, context: dict[str, Any]) -> dict[str, Any]:
        reader, rows = self.request.user, context["rows"]
        for row in rows:
            row["fixed"] = not row["object"].changeable
        actions = [{"label": _("Assign …"), "url": self.crud.url("assign"), "icon": "user-share"}] if may(reader, "assign", Party) else []
        if may(reader, "change", Party) and Tag.objects.visible_to(reader).filter(active=True).exists():
            actions.append({"label": _("Tag …"), "url": self.crud.url("tag"), "icon": "tag"})
        if may(reader, "merge", Party):
            actions.append({"label": _("Merge …"), "url": self.crud.url("merge"), "icon": "arrows-join-2"})
        if not actions:
            return {}
        all_of_it = 0 < len(rows) < context["count"] <= services.AT_ONCE and not context["more"]
        return {"bulk_actions": actions, **({"whole_label": _("all %(n)s of this view") % {"n": context["count_label"]}} if all_of_it else {})}


class _WithLetter:
    """A form beside which stands how a letter would begin, from what is typed so far."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)  # type: ignore[misc]
        typed, known = {bound.name: bound.value() for bound in context["form"]}, self.object.pk if self.object else None  # type: ignore[attr-defined]
        url = self.crud.url("letter") + (f"?party={known}" if known else "")  # type: ignore[attr-defined]
        return {**context, "letter_url": url, **hints.typed_beginning(self.crud.kind, typed, self.request.user, known)}  # type: ignore[attr-defined]


class PartyUpdate(_WithLetter, GatedUpdate):
    """Edit a contact."""


class PartyCreate(_WithLetter, GatedCreate):
    """A new contact: possible duplicates are shown while somebody types, and once more before the first save."""

    def get_initial(self) -> dict[str, Any]:
        asked = {name: self.request.GET[name] for name in ("legal_name", "first_name", "last_name", "employer", "email", "phone", "city") if name in self.request.GET}
        return {**super().get_initial(), "source": _("entered by hand"), **asked}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {"duplicates_url": self.crud.url("duplicates"), **super().get_context_data(**kwargs)}

    def form_valid(self, form: Any) -> HttpResponse:
        found = duplicates.look_up(self.crud.kind, form.data, self.request.user)  # type: ignore[attr-defined]
        if found and form.data.get("anyway") != "1":
            panel = render_to_string("contacts/_duplicates.html", {"found": found}, request=self.request)
            return self.render_to_response(self.get_context_data(form=form, duplicates=panel), status=422)
        return super().form_valid(form)


class PartyDetail(GatedDetail):
    """The 360° page."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = super().get(request, *args, **kwargs)
        detail.remember(self.object, request.user)
        return response

    def get_queryset(self) -> QuerySet[Any]:
        tags = Prefetch("tags", PartyTag.objects.unrestricted().select_related("tag"))  # the gate: read for a contact the reader sees
        return super().get_queryset().select_related("owner", "team", "activity", "industry").prefetch_related("emails", "phones", "addresses", "roles", tags)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        return {**context, **detail.context(self.object, self.request, self.crud, context["may"])}


class PartyDelete(GatedDelete):
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "related": detail.goes_with(self.object)}


class Parties(Crud):
    """What people and organisations have in common; as it stands it is the gate of the verbs both share."""

    name = "party"
    model = Party
    kind: ClassVar[str] = ""
    form_class = PartyForm
    filterset_class = PartyFilters
    columns = []
    templates = {"detail": "contacts/party.html", "form": "contacts/form.html"}
    search = staticmethod(search_parties)  # type: ignore[assignment]
    list_view = PartyList
    create_view = PartyCreate
    update_view = PartyUpdate
    detail_view = PartyDetail
    delete_view = PartyDelete

    @classmethod
    def views(cls, user: Any) -> list[tuple[str, dict[str, str]]]:
        mine = [(_("Mine"), {"owner": "me"})] if may(user, "add", Party) else []
        return [*mine, (_("Customers"), {"state": "customer"}), (_("Silent for 90 days"), {"silent": "90", "sort": "last_contact"})]

    @classmethod
    def save(cls, form: FactsForm, *, by: Any) -> Any:
        return services.save_party(form, by=by)

    @classmethod
    def delete(cls, row: Any, *, by: Any) -> None:
        services.delete_party(row, by=by)

    @classmethod
    def empty(cls) -> dict[str, Any]:
        return {"title": _("No contacts yet"), "text": _("Create the first one; as soon as there are several, they stand here to be searched and narrowed.")}


class People(Parties):
    name = "person"
    kind = Party.Kind.PERSON
    model = Person
    form_class = PersonForm
    filterset_class = PersonFilters
    columns = [
        Column("name", gettext_lazy("Name"), "name", "sort_name", primary=True, field="last_name", needs=("kind",), detail=lambda party: getattr(party, "main_function", ""), adds_detail=add_function),
        EMPLOYER,
        CITY,
        PHONE,
        STATE,
        EMAIL,
        LAST,
        OWNER,
        Column("function", gettext_lazy("Function"), "main_function", shown=False, priority=3, adds=add_function),
        Column("letter", gettext_lazy("Letter salutation"), lambda party: letter_salutation(addressed(party)), shown=False, priority=3, field="salutation", adds=add_house, needs=COLUMNS),
        Column("address_line", gettext_lazy("Address line"), lambda party: address_line(addressed(party)), shown=False, priority=3, field="salutation", adds=add_house, needs=COLUMNS),
        *LATER,
    ]

    @classmethod
    def create_title(cls) -> str:
        return _("New person")


class Organisations(Parties):
    name = "organisation"
    kind = Party.Kind.ORGANISATION
    model = Organisation
    form_class = OrganisationForm
    filterset_class = OrganisationFilters
    columns = [
        Column("name", gettext_lazy("Name"), "name", "sort_name", primary=True, field="legal_name", needs=("kind",)),
        EditableColumn("industry", gettext_lazy("Industry"), "industry", joins=("industry",), priority=3),
        CITY,
        EditableColumn("employees", gettext_lazy("Employees"), "employees", "employees", "number", priority=2),
        STATE,
        LAST,
        OWNER,
        Column("phone", PHONE.label, PHONE.value, shown=False, priority=4, adds=PHONE.adds),
        Column("email", EMAIL.label, EMAIL.value, shown=False, priority=2, adds=EMAIL.adds),
        *LATER,
    ]

    @classmethod
    def columns_for(cls, user: Any) -> list[Column]:
        more = [column for panel in panels_for(user) for column in panel.columns]
        place = cls.columns.index(LAST)
        return [*cls.columns[:place], *more, *cls.columns[place:]]

    @classmethod
    def create_title(cls) -> str:
        return _("New organisation")

    @classmethod
    def empty(cls) -> dict[str, Any]:
        return {"title": _("No organisations yet"), "text": _("Create the first one, or bring in those you have from a file."), "importable": True}


def crud_of(party: Party) -> type[Parties]:
    """The pages of this kind of contact."""
    return People if party.kind == Party.Kind.PERSON else Organisations

