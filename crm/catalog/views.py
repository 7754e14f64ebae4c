"""Pages of products, and the verbs of their prices."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery, Value
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.catalog import services
from crm.catalog.forms import PriceForm, ProductFilter, ProductForm
from crm.catalog.models import Price, Product
from crm.core import formats
from crm.core.access import may
from crm.core.columns import Column
from crm.core.errors import RuleBroken
from crm.core.feedback import say
from crm.core.models import Installation
from crm.core.undo import offer_undo
from crm.core.views import Crud, GatedDetail, action


class ProductDetail(GatedDetail):
    """A product with its prices, the newest first; the one that holds today is marked."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), **_prices(self.object, self.request)}


def _prices(product: Product, request: HttpRequest, form: PriceForm | None = None) -> dict[str, Any]:
    today = timezone.localdate()
    prices = list(Price.objects.visible_to(request.user).filter(product=product).order_by("currency", "-valid_from"))
    current: dict[str, int] = {}
    for price in prices:
        if price.valid_from <= today:
            current.setdefault(price.currency_id, price.pk)
    form = form or PriceForm(user=request.user, house=Installation.current().currency)
    return {"prices": prices, "current": set(current.values()), "today": today, "price_form": form}


def search(rows: QuerySet[Any], text: str) -> QuerySet[Any]:
    """By name or article number."""
    return rows.filter(Q(name__icontains=text) | Q(number__icontains=text))


class Products(Crud):
    name = "product"
    model = Product
    form_class = ProductForm
    filterset_class = ProductFilter
    search = staticmethod(search)
    detail_view = ProductDetail
    templates = {"detail": "catalog/product.html"}
    columns = [
        Column("name", gettext_lazy("Name"), "name", "name", primary=True, detail="series"),
        Column("number", gettext_lazy("Article number"), "number", "number", priority=3),
        Column("price", gettext_lazy("List price"), "price", "", "money", priority=1),
        Column("active", gettext_lazy("State"), lambda row: _("on the price list") if row.active else _("no longer sold"), "active", "tag", priority=3, tone=lambda row: "good" if row.active else "", needs=("active",)),
        Column("series", gettext_lazy("Series"), "series", "series", priority=4, shown=False),
    ]

    @classmethod
    def create_title(cls) -> str:
        return _("New product")

    @classmethod
    def empty(cls) -> dict[str, Any]:
        return {"title": _("No products yet"), "text": _("A product has an article number and list prices that hold from a day on."), "importable": True}

    @classmethod
    def rows(cls, request: HttpRequest, action: str, among: Collection[int] | None = None) -> QuerySet[Any]:
        """With the list price that holds today, in the house currency."""
        house = Installation.current().currency
        prices = Price.objects.visible_to(request.user).filter(product=OuterRef("pk"), currency=house, valid_from__lte=timezone.localdate())
        return super().rows(request, action, among).annotate(price=Subquery(prices.order_by("-valid_from").values("amount")[:1]), currency_id=Value(house))


@action(Products, "change")
def price_add(request: HttpRequest, row: Product) -> HttpResponse:
    """A price from a day on."""
    form = PriceForm(request.POST, user=request.user)
    if form.is_valid():
        try:
            price = services.set_price(row, by=request.user, **form.cleaned_data)
        except RuleBroken as broken:
            form.add_error(broken.field, broken.message)
        else:
            text = _("%(product)s costs %(price)s from %(day)s on.") % {
                "product": row,
                "price": formats.money(price.amount, price.currency_id),
                "day": formats.day(price.valid_from),
            }
            say(request, text, undo=offer_undo(request.user, text))
            return HttpResponseRedirect(reverse("product-detail", args=[row.pk]))
    may_here = {verb: may(request.user, verb, Product) for verb in ("change", "delete")}
    facts = [(column.label, column.cell(row)) for column in Products.columns]
    context = {"title": str(row), "object": row, "crud": Products, "facts": facts, "hidden": frozenset(), "may": may_here}
    return render(request, "catalog/product.html", context | _prices(row, request, form), status=422)


@action(Products, "change")
def price_remove(request: HttpRequest, row: Product, price: int) -> HttpResponse:
    """Take a price off the list."""
    found = get_object_or_404(Price.objects.visible_to(request.user, "change").select_related("product"), pk=price, product=row)
    undo = services.remove_price(found, by=request.user)
    say(request, undo.label, undo=undo)
    return HttpResponseRedirect(reverse("product-detail", args=[row.pk]))
