"""The pages of segments, declared, and the list of the contacts in one."""

from __future__ import annotations

from typing import Any

import django_filters as filters
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from campaigns.filters import MineFilter
from campaigns.models import Segment, SegmentSnapshot
from campaigns.segments.forms import SegmentForm
from campaigns.segments.who import PATIENCE, SOON, members, standing
from campaigns.segments.words import vocabulary_for
from campaigns.waterfall import Place, at
from contacts.consent_words import to_write_for
from contacts.crud import Parties
from contacts.filters import PartyFilters
from contacts.listing import CITY, EMAIL, LAST, LATER, OWNER, PHONE, STATE
from contacts.models import ConsentPurpose, Party
from crm.core.access import may
from crm.core.columns import Choice, Column
from crm.core.conditions import check, sentence
from crm.core.fold import sort_key
from crm.core.saving import FactsForm
from crm.core.timelimit import TookTooLong, at_most
from crm.core.views import Crud, GatedCreate, GatedDetail, GatedUpdate

KEPT_SHOWN = 5


class SegmentFilter(MineFilter):
    """Mine or anybody's."""

    class Meta:
        model = Segment
        fields: list[str] = []


def in_words(segment: Segment, reader: Any) -> tuple[str, str]:
    """(the sentence, "") or ("", why it cannot be asked for this reader)."""
    known = vocabulary_for(reader)
    try:
        check(segment.tree, known)
    except ValidationError as problem:
        return "", " ".join(problem.messages)
    return sentence(segment.tree, known), ""


class _WithResult:
    """A form beside which stands whom it would hold, from what is typed so far."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        form = context["form"]
        return {**context, "builder": form.builder, **result_of(form.builder, self.request.user)}

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Without JavaScript the buttons that add and drop conditions send the form: it is drawn again, nothing is saved."""
        if request.POST.get("do", "save") == "save":
            return super().post(request, *args, **kwargs)
        self.object = self.get_object() if "pk" in self.kwargs else None
        form = self.get_form()
        form.tidy()
        return self.render_to_response(self.get_context_data(form=form))


class SegmentCreate(_WithResult, GatedCreate):
    """A new segment."""


class SegmentUpdate(_WithResult, GatedUpdate):
    """Other words for a segment."""


class SegmentDetail(GatedDetail):
    """The sentence, who is in it now, and what was kept."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context, user = super().get_context_data(**kwargs), self.request.user
        words, refused = in_words(self.object, user)
        states = list(SegmentSnapshot.objects.visible_to(user).filter(segment=self.object).select_related("segment", "by").order_by("-taken_at", "-pk")[:KEPT_SHOWN])
        found: dict[str, Any] = {"kept": [{"kept": one} for one in states]}
        if not refused:
            behind = bool({"count", "purpose"} & self.request.GET.keys())
            try:
                with at_most(PATIENCE if behind else min(SOON, PATIENCE)):
                    found = self._counted(states)
            except TookTooLong:
                found["too_long" if behind else "later"] = True
        members_url = f"{reverse('segment-contact-list')}?segment={self.object.pk}"
        return {**context, "words": words, "refused": refused, "members_url": members_url, **found}

    def _counted(self, states: list[SegmentSnapshot]) -> dict[str, Any]:
        user, offered = self.request.user, list(purposes(self.request.user))
        purpose = next((one for one in offered if one.key == self.request.GET.get("purpose")), offered[0] if offered else None)
        now = standing(self.object.tree, user, since=states, purpose=purpose)
        kept = [{"kept": one, "moved": now.moved[one.pk]} for one in states]
        return {"standing": now, "kept": kept, "purposes": offered, "purpose": purpose, "waterfall": now.waterfall}


class Segments(Crud):
    name = "segment"
    model = Segment
    form_class = SegmentForm
    filterset_class = SegmentFilter
    create_view = SegmentCreate
    update_view = SegmentUpdate
    detail_view = SegmentDetail
    templates = {"form": "campaigns/segments/form.html", "detail": "campaigns/segments/detail.html"}
    columns = [
        Column("name", gettext_lazy("Name"), "name", "sort_name", primary=True, detail="note"),
        Column("owner", gettext_lazy("Owner"), "owner", priority=3, joins=("owner",)),
        Column("updated_at", gettext_lazy("Changed"), "updated_at", "updated_at", "ago", priority=1),
    ]

    @staticmethod
    def search(rows: QuerySet[Any], text: str) -> QuerySet[Any]:
        """By name."""
        return rows.filter(sort_name__contains=sort_key(text))

    @classmethod
    def create_title(cls) -> str:
        return _("New segment")

    @classmethod
    def empty(cls) -> dict[str, Any]:
        return {"title": _("No segments yet"), "text": _("A segment says in one sentence whom you mean: for instance customers in mechanical engineering you have not spoken to for half a year. Who is in it is counted anew each time.")}

    @classmethod
    def save(cls, form: FactsForm, *, by: Any) -> Any:
        """A new one belongs to whoever makes it."""
        if form.instance.pk is None:
            form.instance.owner, form.instance.team = by, by.team
        return super().save(form, by=by)


class ContactFilter(PartyFilters):
    """Contacts of both kinds, in a segment."""

    purpose = filters.ModelChoiceFilter(label=gettext_lazy("Purpose"), queryset=lambda request: purposes(request.user), method="by_purpose", empty_label=pgettext_lazy("segment", "any"))
    ends = filters.ChoiceFilter(label=gettext_lazy("By e-mail"), choices=Place.choices, method="by_place", empty_label=pgettext_lazy("segment", "any"))
    segment = filters.ModelChoiceFilter(label=gettext_lazy("Segment"), queryset=lambda request: Segment.objects.visible_to(request.user), method="by_segment", empty_label=pgettext_lazy("segment", "any"))

    class Meta:
        model = Party
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.filters = {"segment": self.filters.pop("segment"), **self.filters}  # what the list is for comes first

    def by_segment(self, rows: QuerySet[Any], _name: str, value: Segment) -> QuerySet[Any]:
        """Who is in it now; nobody where the reader cannot ask it."""
        try:
            return rows.filter(pk__in=members(value.tree, self.request.user).values("pk"))
        except ValidationError:
            return rows.none()


    def by_purpose(self, rows: QuerySet[Any], _name: str, _value: ConsentPurpose) -> QuerySet[Any]:
        """Only says for which purpose `ends` is meant."""
        return rows

    def by_place(self, rows: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        """Where writing to the segment for the purpose ends for a contact, seen among all of the segment."""
        chosen = self.form.cleaned_data
        segment, purpose = chosen.get("segment"), chosen.get("purpose") or purposes(self.request.user).first()
        if purpose is None:
            return rows.none()
        try:
            among = members(segment.tree, self.request.user) if segment else Party.objects.visible_to(self.request.user)
        except ValidationError:
            return rows.none()
        return rows.filter(pk__in=at(among, purpose, Place(value)).values("pk"))


def purposes(reader: Any) -> QuerySet[ConsentPurpose]:
    """What one may write for, as far as the reader sees it."""
    return to_write_for(ConsentPurpose.objects.visible_to(reader))


class SegmentContacts(Crud):
    """People and organisations in one list, to be narrowed by a segment: the contacts' own pages stay where they are."""

    name = "segment-contact"
    model = Party
    filterset_class = ContactFilter
    search = Parties.search
    create_view = update_view = delete_view = detail_view = None
    columns = [
        Column("name", gettext_lazy("Name"), "name", "sort_name", primary=True, detail="number", needs=("kind",)),
        Column("kind", gettext_lazy("Kind"), Choice("kind"), priority=2),
        *(Column(column.key, column.label, column.value, column.sort, column.kind, column.priority, tone=column.tone, joins=column.joins, adds=column.adds) for column in (CITY, PHONE, STATE, EMAIL, LAST, OWNER)),
        *LATER,
    ]

    @classmethod
    def title(cls) -> str:
        return _("Contacts in a segment")

    @classmethod
    def url(cls, page: str, *args: Any) -> str:
        return reverse("party-detail", args=args) if page == "detail" else super().url(page, *args)

    @classmethod
    def empty(cls) -> dict[str, Any]:
        return Parties.empty()


def result_of(builder: Any, reader: Any, *, behind: bool = False) -> dict[str, Any]:
    """What stands beside the builder: {sentence, standing, or later, or `behind` the page too_long} or {unfinished: n conditions}."""
    tree = builder.tree() if builder is not None else None
    if tree is None:
        return {"unfinished": builder.problems() if builder is not None else 0}
    try:
        found: dict[str, Any] = {"sentence": sentence(tree, builder.known)}
        with at_most(PATIENCE / 2 if behind else min(SOON, PATIENCE)):  # asked again with each change
            found["standing"] = standing(tree, reader)
    except TookTooLong:
        return {**found, "too_long" if behind else "later": True}
    except ValidationError as problem:
        return {"refused": " ".join(problem.messages)}
    return found


def may_build(user: Any) -> bool:
    """May the reader build segments, or change one?"""
    return may(user, "add", Segment) or may(user, "change", Segment)
