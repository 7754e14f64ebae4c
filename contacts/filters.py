"""What lists of contacts are narrowed by; the address holds the state."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Any

import django_filters as filters
from django import forms
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Team
from accounts.people import PlainSelect, people
from contacts.letters import NAMES
from contacts.models import Industry, Organisation, Party, PartyRole, PartySearch, Person, PostalAddress, Tag
from crm.core.access import hidden_fields
from crm.core.filtersets import FilterSet
from crm.core.fold import Fold, fold
from crm.core.paging import capped_count, capped_keys

ME = "me"
FEW, MANY_PLACES = 1_000, 20_000  # contacts that other filters leave, addresses in a city


def _owners(request: Any) -> list[tuple[str, str]]:
    return [(ME, _("me")), ("none", _("nobody")), *people(request.user, active=True)]


def _teams(request: Any) -> QuerySet[Team]:
    return Team.objects.visible_to(request.user)


def _places() -> QuerySet[PostalAddress]:
    return PostalAddress.objects.unrestricted()  # the gate: they only narrow rows that start at `visible_to`


class DaysFilter(filters.NumberFilter):
    """A number of days."""

    field_class = forms.IntegerField

    def get_max_validator(self) -> None:
        """The bounds stand on the field itself."""


class PartyFilters(FilterSet):
    """Filters of people and organisations alike."""

    state = filters.ChoiceFilter(label=gettext_lazy("Status"), choices=Party.State.choices, empty_label=gettext_lazy("any"))
    owner = filters.ChoiceFilter(label=gettext_lazy("Owner"), method="by_owner", choices=[], widget=PlainSelect, empty_label=gettext_lazy("anyone"))
    team = filters.ModelChoiceFilter(label=gettext_lazy("Team"), queryset=_teams, empty_label=gettext_lazy("any"), widget=PlainSelect)
    city = filters.CharFilter(label=gettext_lazy("City"), method="by_city", max_length=80)
    silent = DaysFilter(label=gettext_lazy("No contact for days"), method="by_silence", min_value=1, max_value=36_500)
    role = filters.ChoiceFilter(label=gettext_lazy("Role"), field_name="roles__role", choices=PartyRole.Role.choices, empty_label=gettext_lazy("any"))
    tag = filters.ModelChoiceFilter(label=gettext_lazy("Tag"), field_name="tags__tag", queryset=lambda request: Tag.objects.visible_to(request.user), empty_label=gettext_lazy("any"))
    country = filters.CharFilter(label=gettext_lazy("Country"), method="by_country", max_length=2)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.filters["owner"].extra["choices"] = cache(lambda: _owners(self.request))  # read only where they are offered or one of them is named

    def by_owner(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        if value == ME:
            return rows.filter(owner=self.request.user)
        return rows.filter(owner__isnull=True) if value == "none" else rows.filter(owner=int(value))

    def by_city(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """The beginning of the city's name, whichever way it is spelled. Whose addresses fit is asked first: by their keys Postgres reads the contacts
        in one go, where a condition within the statement looks each of them up (customers of Hamburg for whoever sees 600,000 contacts: 229 ms
        against 84). It stays a condition where few contacts are left by now or too many addresses fit."""
        there = _places().annotate(folded=Fold("city")).filter(folded__begins=fold(value.strip()))
        _few, many_left = capped_count(rows, FEW)
        keys, _count, too_many = capped_keys(there, MANY_PLACES, "party") if many_left else ("{}", 0, True)
        return rows.filter(pk__in=there.values("party")) if too_many else rows.filter(pk__any=keys)

    def by_country(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(pk__in=_places().filter(country=value.upper()).values("party"))

    def by_silence(self, rows: QuerySet[Any], name: str, value: int) -> QuerySet[Any]:
        since = timezone.now() - timedelta(days=int(value))
        return rows.filter(Q(activity__isnull=True) | Q(activity__last_at__lt=since))


class PersonFilters(PartyFilters):
    """People, by what is wrong with their salutation, too; the name of the filter hides it with the field."""

    salutation = filters.ChoiceFilter(
        label=gettext_lazy("Salutation"), method="by_salutation", choices=[("unclear", gettext_lazy("unclear")), ("odd", gettext_lazy("conspicuous"))], empty_label=gettext_lazy("any")
    )

    class Meta:
        model = Person
        fields: list[str] = []

    def by_salutation(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """Unclear: nobody told it, nor how letters begin instead. Conspicuous: an open hint speaks of the name."""
        if hidden_fields(self.request.user, Party) & set(NAMES):
            return rows.none()
        if value == "unclear":
            return rows.filter(salutation="", letter_salutation="")
        return rows.filter(pk__in=PartySearch.objects.filter(~Q(hints=[])).values("party"))  # the gate: it only narrows rows that start at `visible_to`


class OrganisationFilters(PartyFilters):
    """Organisations, by their branch, too."""

    industry = filters.ModelChoiceFilter(label=gettext_lazy("Industry"), queryset=lambda request: Industry.objects.visible_to(request.user), empty_label=gettext_lazy("any"))

    class Meta:
        model = Organisation
        fields: list[str] = []
