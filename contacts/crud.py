"""The pages of people and organisations, declared (D4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from django.db.models import Prefetch, QuerySet, Value
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts import detail, duplicates, hints, services
from contacts.filters import OrganisationFilters, PartyFilters, PersonFilters
from contacts.forms import OrganisationForm, PartyForm, PersonForm
from contacts.letters import addressee, stored
from contacts.models import Affiliation, EmailAddress, Organisation, Party, PartyTag, Person, PhoneNumber, PostalAddress, Tag
from contacts.panels import panels_for
from contacts.parts import main
from contacts.salutation import Addressee, address_line, letter_salutation
from contacts.search import search_parties
from crm.core import lists
from crm.core.access import may
from crm.core.columns import Column
from crm.core.feedback import is_fragment
from crm.core.models import Installation
from crm.core.saving import FactsForm
from crm.core.views import Crud, GatedCreate, GatedDelete, GatedDetail, GatedExport, GatedList, GatedUpdate


@dataclass(frozen=True)
class EditableColumn(Column):
    """A column whose cell can be edited in place by those who may change the row."""

    def cell(self, row: Any, hidden: frozenset[str] = frozenset()) -> dict[str, Any]:
        return {**super().cell(row, hidden), "plain": False, "edit_url": reverse("party-cell", args=[row.pk, self.key]), "cell": f"{self.key}-{row.pk}", "label": self.label}


def _of_main(rows: str, attribute: str) -> Any:
    """The value of a contact's main address, read from what was prefetched."""
    return lambda party: getattr(main(getattr(party, rows)), attribute, "")


def _employer(party: Party) -> Any:
    job = main(party.affiliations)
    return job.organisation if job else ""


def _function(party: Party) -> str:
    job = main(party.affiliations)
    return job.function if job else ""


def _addressee(party: Party) -> Addressee:
    return addressee(stored(party), getattr(party, "house", "de"))


PHONE = EditableColumn("phone", gettext_lazy("Telephone"), _of_main("phones", "number"), priority=4)
EMAIL = EditableColumn("email", gettext_lazy("E-mail"), _of_main("emails", "address"), priority=2)
CITY = Column("city", gettext_lazy("City"), _of_main("addresses", "city"), priority=2)
STATE = EditableColumn(
    "state", gettext_lazy("Status"), lambda party: party.get_state_display(), "state", "tag", priority=4, tone=lambda party: detail.STATE_TONES[party.state]
)
LAST = Column("last_contact", gettext_lazy("Last contact"), "activity__last_at", "activity__last_at", "ago", priority=1)
OWNER = Column("owner", gettext_lazy("Owner"), "owner", priority=3, joins=("owner",))
LATER = [
    Column("tags", gettext_lazy("Tags"), lambda party: ", ".join(held.tag.label for held in party.tags.all()), shown=False, priority=3),
    Column("number", gettext_lazy("Number"), "number", shown=False, priority=3),
    Column("postcode", gettext_lazy("Postcode"), _of_main("addresses", "postcode"), shown=False, priority=3),
    Column("street", gettext_lazy("Street and number"), _of_main("addresses", "street"), shown=False, priority=3),
    Column("country", gettext_lazy("Country"), _of_main("addresses", "country"), shown=False, priority=3),
    Column("team", gettext_lazy("Team"), "team", joins=("team",), shown=False, priority=3),
    Column("source", gettext_lazy("Source"), "source", shown=False, priority=3),
    Column("created_at", gettext_lazy("Created"), "created_at", "created_at", "ago", shown=False, priority=3),
    Column("updated_at", gettext_lazy("Changed"), "updated_at", "updated_at", "ago", shown=False, priority=3),
]


PARTS_OF_A_ROW: dict[str, Any] = {"emails": EmailAddress, "phones": PhoneNumber, "addresses": PostalAddress}


def with_parts(rows: QuerySet[Any], reader: Any) -> QuerySet[Any]:
    """A fixed number of further queries per page brings the main addresses and the employers the reader may see."""
    jobs = Affiliation.objects.visible_to(reader).filter(is_primary=True).select_related("organisation")
    return rows.prefetch_related(
        # the gate: parts are read for rows the reader sees, and a part is visible exactly when its contact is
        *(Prefetch(name, model.objects.order_by("pk").filter(is_primary=True)) for name, model in PARTS_OF_A_ROW.items()),
        Prefetch("affiliations", jobs),
        Prefetch("tags", PartyTag.objects.select_related("tag").order_by("tag__position", "tag__key")),
    )


class PartyList(GatedList):
    """A list of contacts: cells to edit where the reader may, and the selection to be assigned or tagged."""

    def get_queryset(self) -> QuerySet[Any]:
        return self.crud.listed(super().get_queryset(), self.request.user)  # type: ignore[attr-defined]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        context = lists.context(self.crud, request, self.get_queryset())
        changeable = set(Party.objects.visible_to(request.user, "change").filter(pk__in=[row["pk"] for row in context["rows"]]).values_list("pk", flat=True))
        for row in context["rows"]:
            if row["pk"] not in changeable:
                for cell in row["cells"]:
                    cell.pop("edit_url", None)
        actions = [{"label": _("Assign …"), "url": self.crud.url("assign"), "icon": "user-share"}] if may(request.user, "assign", Party) else []
        if may(request.user, "change", Party) and Tag.objects.visible_to(request.user).filter(active=True).exists():
            actions.append({"label": _("Tag …"), "url": self.crud.url("tag"), "icon": "tag"})
        if actions:
            context["bulk_actions"] = actions
            if 0 < len(context["rows"]) < context["count"] <= services.AT_ONCE:
                context["whole_label"] = _("all %(n)s of this view") % {"n": context["count_label"]}
        template = "crud/_table.html" if is_fragment(request) else "crud/list.html"
        return render(request, template, {"crud": self.crud, **context})


class PartyExport(GatedExport):
    def get_queryset(self) -> QuerySet[Any]:
        return self.crud.listed(super().get_queryset(), self.request.user)  # type: ignore[attr-defined]


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
        return super().get_queryset().select_related("owner", "team", "activity").prefetch_related(*PARTS_OF_A_ROW)

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
    export_view = PartyExport

    @classmethod
    def listed(cls, rows: QuerySet[Any], reader: Any) -> QuerySet[Any]:
        """The rows with what the list's columns read."""
        return with_parts(rows, reader)

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
        Column("name", gettext_lazy("Name"), "name", "sort_name", primary=True, field="last_name", detail=_function),
        Column("employer", gettext_lazy("Organisation"), _employer, priority=0),
        CITY,
        PHONE,
        STATE,
        EMAIL,
        LAST,
        OWNER,
        Column("function", gettext_lazy("Function"), _function, shown=False, priority=3),
        Column("letter", gettext_lazy("Letter salutation"), lambda party: letter_salutation(_addressee(party)), shown=False, priority=3, field="salutation"),
        Column("address_line", gettext_lazy("Address line"), lambda party: address_line(_addressee(party)), shown=False, priority=3, field="salutation"),
        *LATER,
    ]

    @classmethod
    def listed(cls, rows: QuerySet[Any], reader: Any) -> QuerySet[Any]:
        return super().listed(rows, reader).annotate(house=Value(Installation.current().language))

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
        Column("name", gettext_lazy("Name"), "name", "sort_name", primary=True, field="legal_name"),
        EditableColumn("industry", gettext_lazy("Industry"), "industry", joins=("industry",), priority=3),
        CITY,
        EditableColumn("employees", gettext_lazy("Employees"), "employees", "employees", "number", priority=2),
        STATE,
        LAST,
        OWNER,
        Column("phone", gettext_lazy("Telephone"), PHONE.value, shown=False, priority=4),
        Column("email", gettext_lazy("E-mail"), EMAIL.value, shown=False, priority=2),
        *LATER,
    ]

    @classmethod
    def columns_for(cls, user: Any) -> list[Column]:
        more = [column for panel in panels_for(user) for column in panel.columns]
        place = cls.columns.index(LAST)
        return [*cls.columns[:place], *more, *cls.columns[place:]]

    @classmethod
    def listed(cls, rows: QuerySet[Any], reader: Any) -> QuerySet[Any]:
        for panel in panels_for(reader):
            rows = panel.annotate(rows, reader)
        return super().listed(rows, reader)

    @classmethod
    def create_title(cls) -> str:
        return _("New organisation")

    @classmethod
    def empty(cls) -> dict[str, Any]:
        return {"title": _("No organisations yet"), "text": _("Create the first one, or bring in those you have from a file."), "importable": True}


def crud_of(party: Party) -> type[Parties]:
    """The pages of this kind of contact."""
    return People if party.kind == Party.Kind.PERSON else Organisations

