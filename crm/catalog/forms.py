"""Forms of products and prices."""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms
from django.core.validators import MinValueValidator
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.catalog.models import Currency, Price, Product
from crm.core.filtersets import FilterSet
from crm.core.saving import FactsForm


class ProductForm(FactsForm):
    """The facts of a product; its prices have days and are kept on its page."""

    class Meta:
        model = Product
        fields = ("number", "name", "series", "active")


class PriceForm(forms.ModelForm):
    """A price from a day on."""

    class Meta:
        model = Price
        fields = ("amount", "currency", "valid_from")
        widgets = {
            "amount": forms.NumberInput(attrs={"step": "0.01", "min": "0", "inputmode": "decimal"}),
            "valid_from": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        }

    def __init__(self, *args: Any, user: Any, house: str = "EUR", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["currency"].queryset = Currency.objects.visible_to(user).filter(active=True)
        self.fields["currency"].initial = house
        self.fields["currency"].empty_label = None
        self.fields["amount"].validators.append(MinValueValidator(0, _("A price cannot be negative.")))
        self.fields["valid_from"].initial = timezone.localdate


class ProductFilter(FilterSet):
    """What the price list is narrowed by."""

    active = django_filters.ChoiceFilter(label=_("On the price list"), choices=[("true", _("yes")), ("false", _("no"))], method="by_active")
    series = django_filters.AllValuesFilter(label=_("Series"))

    class Meta:
        model = Product
        fields: list[str] = []

    def by_active(self, rows: Any, _name: str, value: str) -> Any:
        """Sold now, or kept for the past."""
        return rows.filter(active=value == "true")
