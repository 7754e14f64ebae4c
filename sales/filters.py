"""What opportunities are narrowed by: one set for board, list, export and forecast; the address holds its state."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import Any

import django_filters as filters
from django.db.models import Exists, OuterRef, Q, QuerySet, Value
from django.utils.translation import gettext_lazy as _

from accounts.models import Team
from accounts.people import PlainSelect, people
from contacts.fields import PartyFilter
from contacts.models import Party, Task
from contacts.search import search_records
from crm.catalog.models import Product
from crm.core.access import hidden_fields, scope_of, sees, sees_beside
from crm.core.filtersets import FilterSet
from crm.core.ranges import DaysFilter, SumFilter
from crm.core.subjects import name_subject
from sales.models import Opportunity, Pipeline, Stage


def _of(model: Any) -> Any:
    """The choices of a filter: what the reader may see of a model."""
    return lambda request: model.objects.visible_to(request.user)


# Offered only while they narrow: numbers of the forecast open their rows with them, nobody starts with them.
RARE = {"shared", "undated", "forecast", "pipeline"}
_YES = [("1", _("yes"))]


class OpportunityFilter(FilterSet):
    """`team` includes the teams below it; `shared` tells rows seen through a share from those of one's own reach."""

    state = filters.ChoiceFilter(label=_("State"), choices=Opportunity.State.choices)
    stage = filters.ModelChoiceFilter(label=_("Stage"), queryset=_of(Stage))
    owner = filters.ChoiceFilter(label=_("Owner"), method="by_owner", widget=PlainSelect)
    team = filters.ModelChoiceFilter(label=_("Team"), queryset=_of(Team), method="by_team", widget=PlainSelect)
    expected = DaysFilter(field_name="expected_close", label=_("Close expected"))
    without_step = filters.ChoiceFilter(label=_("Without next step"), choices=_YES, method="by_missing_step")
    amount = SumFilter(label=_("Amount"))
    product = filters.ModelChoiceFilter(label=_("Product"), queryset=_of(Product), widget=PlainSelect)
    party = PartyFilter(label=_("Contact"), queryset=_of(Party))
    closed = DaysFilter(field_name="closed_on", label=_("Closed"))
    forecast = DaysFilter(field_name="expected_close", label=_("Won or expected"), method="by_forecast_days")
    undated = filters.ChoiceFilter(field_name="expected_close", label=_("No expected close"), choices=_YES, method="by_missing_day")
    shared = filters.ChoiceFilter(label=_("Shared with me"), choices=[("1", _("only")), ("0", _("without"))], method="by_share")
    pipeline = filters.ModelChoiceFilter(label=_("Pipeline"), field_name="stage__pipeline", queryset=_of(Pipeline))

    class Meta:
        model = Opportunity
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        user = self.request.user
        self.filters["owner"].extra["choices"] = cache(lambda: [("me", _("me")), ("none", _("nobody")), *(one for one in people(user) if one[0] != str(user.pk))])
        hidden = hidden_fields(user, Opportunity)
        for name, one in list(self.filters.items()):
            if one.field_name in hidden or (name == "forecast" and "closed_on" in hidden):  # it narrows by both days
                del self.filters[name]

    def by_owner(self, rows: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        """Mine, nobody's, or one person's."""
        if value == "none":
            return rows.filter(owner__isnull=True)
        return rows.filter(owner=self.request.user.pk if value == "me" else int(value))

    def by_team(self, rows: QuerySet[Any], _name: str, value: Team) -> QuerySet[Any]:
        """The team and every team below it."""
        return rows.filter(team__in=teams_below(value))

    def by_forecast_days(self, rows: QuerySet[Any], _name: str, value: slice) -> QuerySet[Any]:
        """What a forecast period counts: won ones by the day they closed, open ones by the day they are expected."""
        for lookup, day in (("gte", value.start), ("lte", value.stop)):
            if day is not None:
                rows = rows.filter(Q(state="won", **{f"closed_on__{lookup}": day}) | Q(state="open", **{f"expected_close__{lookup}": day}))
        return rows

    def by_missing_step(self, rows: QuerySet[Any], _name: str, _value: str) -> QuerySet[Any]:
        """Open ones without an open task."""
        return rows.filter(~Exists(open_steps(self.request.user).filter(subject_id=OuterRef("pk"))), state=Opportunity.State.OPEN)

    def by_missing_day(self, rows: QuerySet[Any], _name: str, _value: str) -> QuerySet[Any]:
        """Open ones that nobody gave an expected close."""
        return rows.filter(state=Opportunity.State.OPEN, expected_close__isnull=True)

    def by_share(self, rows: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        """Only rows that a share alone opens, or all but those."""
        reach = scope_of(self.request.user).reach("view", "opportunity")
        if reach is None or reach.everything:
            return rows.none() if value == "1" else rows
        return rows.filter(reach.beyond if value == "1" else reach.rows)


def teams_below(team: Team) -> set[int]:
    """The team and all below it, by id."""
    children: dict[int | None, list[int]] = {}
    for pk, parent in Team.objects.values_list("pk", "parent_id"):  # the gate: a team that may be chosen opens no row by itself
        children.setdefault(parent, []).append(pk)
    found: set[int] = set()
    waiting = [team.pk]
    while waiting:
        current = waiting.pop()
        if current not in found:
            found.add(current)
            waiting.extend(children.get(current, ()))
    return found


def open_steps(user: Any) -> QuerySet[Task]:
    """Open tasks of opportunities that the reader may see: their next steps. `subject_id` is the opportunity."""
    of_opportunities = name_subject(Opportunity())["subject_type"]
    return Task.objects.visible_to(user).filter(subject_type=of_opportunities, done_at__isnull=True)


def offered(chips: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The chips to show: rare ones only while they narrow, a contact by name even where the address holds its id."""
    shown = [chip for chip in chips if chip["active"] or chip["name"] not in RARE]
    for chip in shown:
        if chip["name"] == "party" and chip["active"]:
            chip["value"] = chip["form_field"].value() or chip["value"]
    return shown


def with_party_seen(rows: QuerySet[Any], user: Any, how: Callable[..., Any] = sees) -> QuerySet[Any]:
    """Mark the rows whose contact the reader may see, too: the name of a foreign contact is shown to nobody through an opportunity."""
    if "party" in hidden_fields(user, Opportunity):
        return rows.annotate(party_seen=Value(False))
    return rows.annotate(party_seen=how(user, Party, "party"))


with_party_beside = partial(with_party_seen, how=sees_beside)  # of rows that are shown with their party, and not searched


def search(rows: QuerySet[Any], text: str, among: list[int] | None = None) -> QuerySet[Any]:
    """By name, by number, or by the name of a visible contact (of rows marked by `with_party_seen`); of `among` alone in the palette."""
    return search_records(rows, text, "sort_name", "number", among=among)
