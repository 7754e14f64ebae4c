"""What we sell: products with dated prices, and currencies with dated rates."""

from __future__ import annotations

from datetime import date

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.core.access import ReferenceAccess
from crm.core.records import Record, RecordQuerySet


class Currency(models.Model):
    """An ISO 4217 currency this house uses."""

    code = models.CharField(_("code"), max_length=3, primary_key=True)
    active = models.BooleanField(_("active"), default=True)

    objects = RecordQuerySet.as_manager()
    access = ReferenceAccess()

    class Meta:
        verbose_name = _("currency")
        verbose_name_plural = _("currencies")
        ordering = ["code"]
        constraints = [models.CheckConstraint(condition=Q(code__regex=r"^[A-Z]{3}$"), name="currency_code")]

    def __str__(self) -> str:
        return self.code


class Rate(models.Model):
    """From `valid_from` on, one unit of `currency` is worth `value` units of the house currency."""

    currency = models.ForeignKey(Currency, models.CASCADE, related_name="rates", verbose_name=_("currency"))
    valid_from = models.DateField(_("valid from"))
    value = models.DecimalField(_("value in house currency"), max_digits=14, decimal_places=6)

    class Meta:
        verbose_name = _("exchange rate")
        verbose_name_plural = _("exchange rates")
        ordering = ["currency", "-valid_from"]
        constraints = [
            models.UniqueConstraint(fields=["currency", "valid_from"], name="rate_once_a_day"),
            models.CheckConstraint(condition=Q(value__gt=0), name="rate_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.currency_id} {self.valid_from}"


class Product(Record):
    """Something on the price list. `number` is the article number people know; series groups products in figures."""

    number = models.CharField(_("article number"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=120)
    series = models.CharField(_("series"), max_length=60, blank=True, default="")
    active = models.BooleanField(_("on the price list"), default=True)

    access = ReferenceAccess("product")

    class Meta:
        verbose_name = _("product")
        verbose_name_plural = _("products")
        ordering = ["name"]

    named_by = ("name",)

    def __str__(self) -> str:
        return self.name

    def price_on(self, day: date, currency: str) -> Price | None:
        """The list price that holds on `day`, or None."""
        return self.prices.filter(currency_id=currency, valid_from__lte=day).order_by("-valid_from").first()


class Price(models.Model):
    """A product's list price from a day on."""

    product = models.ForeignKey(Product, models.CASCADE, related_name="prices", verbose_name=_("product"))
    currency = models.ForeignKey(Currency, models.PROTECT, related_name="+", verbose_name=_("currency"))
    valid_from = models.DateField(_("valid from"))
    amount = models.DecimalField(_("list price"), max_digits=14, decimal_places=2)

    objects = RecordQuerySet.as_manager()
    access = ReferenceAccess("product")

    class Meta:
        verbose_name = _("price")
        verbose_name_plural = _("prices")
        ordering = ["-valid_from"]
        constraints = [
            models.UniqueConstraint(fields=["product", "currency", "valid_from"], name="price_once_a_day", violation_error_message=_("There is a price from this day on already.")),
            models.CheckConstraint(condition=Q(amount__gte=0), name="price_not_negative", violation_error_message=_("A price cannot be negative.")),
        ]

    def __str__(self) -> str:
        return f"{self.product} {self.amount} {self.currency_id}"
