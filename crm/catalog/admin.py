"""Set-up of the catalog: currencies with their rates, and the price lists of products."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from crm.catalog.models import Currency, Price, Product, Rate
from crm.core.admin import currency_code
from crm.core.admin_site import GatedAdmin, GatedInline
from crm.core.models import Installation


class CurrencyForm(forms.ModelForm):
    """The house currency stays in use; a code is three capital letters."""

    def clean_code(self) -> str:
        return currency_code(self.cleaned_data["code"])

    def clean_active(self) -> bool:
        if not self.cleaned_data["active"] and self.instance.pk == Installation.current().currency:
            raise forms.ValidationError(_("This is the currency of the house."))
        return bool(self.cleaned_data["active"])


class RateInline(GatedInline):
    model = Rate


@admin.register(Currency)
class CurrencyAdmin(GatedAdmin):
    """Currencies this house uses, with dated rates into its own."""

    about = _("Currencies and their dated rates to the currency of the house.")
    form = CurrencyForm
    list_display = ["code", "active"]
    inlines = [RateInline]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["code"] if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # amounts name it; switch it off instead


class PriceInline(GatedInline):
    model = Price
    entity = "product"


@admin.register(Product)
class ProductAdmin(GatedAdmin):
    """Products with their dated list prices."""

    about = _("What is sold, with dated list prices.")
    entity = "product"
    fields = ["number", "name", "series", "active"]
    list_display = ["name", "number", "series", "active"]
    list_filter = ["active", "series"]
    search_fields = ["name", "number", "series"]
    inlines = [PriceInline]

    def save_model(self, request: HttpRequest, obj: Product, form: forms.ModelForm, change: bool) -> None:
        if change:
            obj.version += 1
        else:
            obj.created_by = request.user
        obj.updated_by = request.user
        super().save_model(request, obj, form, change)
