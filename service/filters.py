"""What cases are narrowed by, what they are found by, and the mark that says whether a reader may know the customer."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import django_filters as filters
from django import forms
from django.db.models import Q, QuerySet, Value
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Team
from accounts.people import PlainSelect, people
from contacts.fields import PartyFilter
from contacts.models import Party
from contacts.search import search_records
from crm.catalog.models import Product
from crm.core.access import hidden_fields, sees, sees_beside
from crm.core.filtersets import FilterSet
from crm.core.ranges import MomentsFilter
from service.models import Case, Cause, Remedy, Touchpoint

SETTLED = (Case.State.SOLVED, Case.State.CLOSED)
OPEN = ~Q(state__in=SETTLED)


def _of(model: Any) -> Any:
    """The choices of a filter: what the reader may see of a model."""
    return lambda request: model.objects.visible_to(request.user)


class CaseFilter(FilterSet):
    """`cause` includes what belongs to it; `party` the people of an organisation."""

    state = filters.ChoiceFilter(label=_("State"), choices=[("unsettled", _("not settled")), *Case.State.choices], method="by_state")
    type = filters.ChoiceFilter(label=_("Type"), choices=Case.Type.choices)
    priority = filters.ChoiceFilter(label=_("Priority"), choices=Case.Priority.choices)
    late = filters.ChoiceFilter(label=_("Overdue"), choices=[("1", _("yes"))], method="by_late")
    owner = filters.ChoiceFilter(label=_("Owner"), method="by_owner", widget=PlainSelect)
    team = filters.ModelChoiceFilter(label=_("Queue"), queryset=_of(Team), widget=PlainSelect)
    party = PartyFilter(label=_("Customer"), queryset=_of(Party), method="by_party")
    cause = filters.ModelChoiceFilter(label=_("Cause"), queryset=_of(Cause), method="by_cause")
    remedy = filters.ModelChoiceFilter(label=_("Granted"), queryset=_of(Remedy))
    touchpoint = filters.ModelChoiceFilter(label=_("Touchpoint"), queryset=_of(Touchpoint))
    product = filters.ModelChoiceFilter(label=_("Product"), queryset=_of(Product), widget=PlainSelect)
    lot = filters.CharFilter(label=_("Lot or serial number"), lookup_expr="iexact", max_length=60)
    opened = MomentsFilter(label=_("Opened"), field_name="opened_at")

    class Meta:
        model = Case
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        user = self.request.user
        self.filters["owner"].extra["choices"] = cache(lambda: [("me", _("me")), ("none", _("nobody")), *(one for one in people(user) if one[0] != str(user.pk))])
        self.filters["lot"].extra["widget"] = forms.TextInput()
        hidden = hidden_fields(user, Case)
        for name in [name for name, one in self.filters.items() if name in hidden or one.field_name in hidden]:
            del self.filters[name]

    def by_state(self, rows: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        """One state, or all in which something is left to do."""
        return rows.filter(OPEN) if value == "unsettled" else rows.filter(state=value)

    def by_late(self, rows: QuerySet[Any], _name: str, _value: str) -> QuerySet[Any]:
        """A deadline has passed."""
        return rows.filter(due_next__lte=timezone.now())

    def by_owner(self, rows: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        """Mine, nobody's, or one person's."""
        if value == "none":
            return rows.filter(owner__isnull=True)
        return rows.filter(owner=self.request.user.pk if value == "me" else int(value))

    def by_party(self, rows: QuerySet[Any], _name: str, value: Party) -> QuerySet[Any]:
        """The customer, and for an organisation what its people reported."""
        return rows.filter(of_party(value))

    def by_cause(self, rows: QuerySet[Any], _name: str, value: Cause) -> QuerySet[Any]:
        """The cause and all that belongs to it."""
        return rows.filter(cause__in=causes_below(value))


def of_party(party: Party) -> Q:
    """Cases of a customer; those of an organisation are also those of its people."""
    return Q(party=party.pk) if party.is_person else Q(party=party.pk) | Q(organisation=party.pk)


def causes_below(cause: Cause) -> set[int]:
    """The cause and all below it, by id."""
    below: dict[int | None, list[int]] = {}
    for pk, parent in Cause.objects.values_list("pk", "parent_id"):  # the gate: reference data, open to everyone
        below.setdefault(parent, []).append(pk)
    found: set[int] = set()
    waiting = [cause.pk]
    while waiting:
        current = waiting.pop()
        if current not in found:
            found.add(current)
            waiting.extend(below.get(current, ()))
    return found


def with_party_seen(rows: QuerySet[Any], user: Any, how: Callable[..., Any] = sees) -> QuerySet[Any]:
    """Mark the cases whose customer the reader may see, too: nobody learns a foreign contact's name from a case. So are those found by their lot."""
    hidden = hidden_fields(user, Case)
    if "lot" not in hidden:
        rows = rows.annotate(lot_seen=Value(True))
    if "party" in hidden:
        return rows.annotate(party_seen=Value(False))
    return rows.annotate(party_seen=how(user, Party, "party"))


with_party_beside = partial(with_party_seen, how=sees_beside)  # of rows that are shown with their party, and not searched


def search(rows: QuerySet[Any], text: str, among: list[int] | None = None) -> QuerySet[Any]:
    """By subject, number, lot, or the name of a visible customer (of rows marked by `with_party_seen`, which tells of the lot, too); of `among` alone in the palette."""
    exact = ("number", "lot") if "lot_seen" in rows.query.annotations else ("number",)
    return search_records(rows, text, "sort_heading", *exact, among=among)
