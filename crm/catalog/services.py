"""What can happen to a product besides its facts: its list price changes on a day."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from crm.catalog.models import Currency, Price, Product
from crm.core.errors import RuleBroken
from crm.core.models import Undo
from crm.core.undo import offer_undo
from crm.core.work import work


def set_price(product: Product, *, currency: Currency, valid_from: date, amount: Decimal, by: Any) -> Price:
    """A list price from a day on. Raises RuleBroken if that day has one: a price people have sold at is not overwritten."""
    with work(by=by):
        price, fresh = Price.objects.get_or_create(product=product, currency=currency, valid_from=valid_from, defaults={"amount": amount})
        if not fresh:
            raise RuleBroken(_("There is a price from this day on already. Remove it first, or choose another day."), field="valid_from")
        return price


def remove_price(price: Price, *, by: Any) -> Undo:
    """Take a price off the list, for instance a mistyped one. Returns the way back."""
    with work(by=by):
        price.delete()
        return offer_undo(by, _("Price removed: %(product)s") % {"product": price.product})
