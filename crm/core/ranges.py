"""Filters with two ends: days from and until, sums from and up to. Either end may be empty."""

from __future__ import annotations

from typing import Any

import django_filters as filters
from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from django_filters.widgets import SuffixedMultiWidget

from crm.core.days import on_days


class _Days(SuffixedMultiWidget):
    """Two days, each named by what it limits."""

    template_name = "django/forms/widgets/multiwidget.html"
    suffixes = ["from", "until"]

    def __init__(self) -> None:
        labels = (_("from"), _("until"))
        super().__init__([forms.DateInput(attrs={"type": "date", "aria-label": label, "class": "form-control mb-2"}, format="%Y-%m-%d") for label in labels])

    def decompress(self, value: Any) -> list[Any]:
        """Slice → its two ends."""
        return [value.start, value.stop] if value else [None, None]


class _Sums(_Days):
    suffixes = ["min", "max"]

    def __init__(self) -> None:
        labels = (_("from"), _("up to"))
        number = {"min": "0", "step": "0.01", "inputmode": "decimal", "class": "form-control mb-2"}
        SuffixedMultiWidget.__init__(self, [forms.NumberInput(attrs={**number, "aria-label": label, "placeholder": label}) for label in labels])


class _DayRange(forms.MultiValueField):
    """Two days, either may be empty; a slice of dates."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__([forms.DateField(required=False), forms.DateField(required=False)], widget=_Days(), **kwargs)

    def compress(self, ends: list[Any]) -> slice | None:
        return slice(*ends) if ends and any(ends) else None


class _SumRange(forms.MultiValueField):
    """Two amounts, either may be empty."""

    def __init__(self, **kwargs: Any) -> None:
        limits: Any = {"required": False, "min_value": 0, "max_digits": 14, "decimal_places": 2}
        super().__init__([forms.DecimalField(**limits), forms.DecimalField(**limits)], widget=_Sums(), **kwargs)

    def compress(self, ends: list[Any]) -> slice | None:
        return slice(*ends) if any(end is not None for end in ends) else None


class _Between(filters.Filter):
    """At least the one end, at most the other; whole days, both included."""

    def filter(self, rows: QuerySet[Any], value: slice | None) -> QuerySet[Any]:
        ends = {"gte": value.start, "lte": value.stop} if value else {}
        return rows.filter(**{f"{self.field_name}__{lookup}": end for lookup, end in ends.items() if end is not None})


class DaysFilter(_Between):
    """`name_from`, `name_until`."""

    field_class = _DayRange


class MomentsFilter(DaysFilter):
    """`name_from`, `name_until` of a moment: the days it may lie on."""

    def filter(self, rows: QuerySet[Any], value: slice | None) -> QuerySet[Any]:
        return rows.filter(**on_days(self.field_name, value.start, value.stop)) if value else rows


class SumFilter(_Between):
    """`name_min`, `name_max`."""

    field_class = _SumRange
