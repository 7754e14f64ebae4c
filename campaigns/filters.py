"""What narrows the lists of segments and journeys."""

from __future__ import annotations

from typing import Any

import django_filters as filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy

from crm.core.filtersets import FilterSet


class MineFilter(FilterSet):
    """Mine or anybody's."""

    owner = filters.ChoiceFilter(label=gettext_lazy("Owner"), method="by_owner", choices=[("me", gettext_lazy("me"))])

    def by_owner(self, rows: QuerySet[Any], _name: str, _value: str) -> QuerySet[Any]:
        """Only those of the reader."""
        return rows.filter(owner=self.request.user.pk)
