"""Products of the export with their list prices."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Min
from django.db.models.fields.json import KT
from django.utils import timezone

from crm.catalog.models import Price, Product
from sales.imports.context import Context, Finding, Names, Plan, differing, shown
from sales.imports.models import ImportRow, Kind
from sales.imports.reading import name_key
from sales.imports.rows import Row

_COLUMNS = {"name": ("name",), "series": ("series",), "price": ("price",)}


class PriceList:
    """Products by name with their list price in the house currency; `staged` also knows those this import will create."""

    def __init__(self, context: Context, *, staged: bool) -> None:
        self.names = Names()
        self.prices: dict[str, Decimal] = {}  # by name key
        current = dict(Price.objects.unrestricted().filter(currency=context.currency).order_by("product_id", "valid_from").values_list("product_id", "amount"))
        self.records = {product.pk: product for product in Product.objects.unrestricted().order_by("-active", "pk")}
        for product in self.records.values():
            self.names.add(product.name, product.pk)
            if product.pk in current:
                self.prices.setdefault(name_key(product.name), current[product.pk])
        if staged:
            for key, facts in context.staged(Kind.PRODUCT):
                self.names.add(facts["name"], 0)
                if facts.get("price"):
                    self.prices[key] = Decimal(facts["price"])


class Products:
    """Judges and writes rows of kind product."""

    kind = Kind.PRODUCT

    def __init__(self, context: Context) -> None:
        self.context = context

    def key(self, facts: dict[str, str]) -> str:
        return name_key(facts["name"])

    def load(self, rows: Sequence[Row]) -> None:
        self.list = PriceList(self.context, staged=False)
        self.numbers = {product.number: pk for pk, product in self.list.records.items()}
        self.earlier = self.context.earlier(self.kind, [row.key for row in rows])

    def judge(self, row: Row) -> Finding:
        facts = row.facts
        values = {"name": facts["name"], "series": facts.get("series", ""), "price": Decimal(facts["price"]) if "price" in facts else None}
        finding = Finding(values=values, target_id=self.list.names.get(facts["name"]))
        if finding.target_id is None:
            number = facts.get("number", "")
            if number in self.numbers:
                finding.target_id = self.numbers[number]
            elif not self.context.may_add("product", None):
                finding.refuse("no_right", what="product")
        if finding.target_id is not None:
            product = self.list.records[finding.target_id]
            now: dict[str, Any] = {"name": product.name, "series": product.series, "price": self.list.prices.get(name_key(product.name))}
            if name_key(product.name) == row.key:
                now["name"] = values["name"]  # only written another way
            changed = differing(_COLUMNS, facts, self.earlier.get(row.key), now, values)
            finding.changes = {name: [shown(now[name]), shown(new)] for name, new in changed.items()}
            if finding.changes and self.context.reach("change", "product") is None:
                finding.refuse("no_right", what="product")
        return finding

    def write(self, plan: Plan) -> None:
        """Create products with a price from the first day the export tells of; a new price of a known one holds from today."""
        by, first = self.context.by, first_day(self.context)
        for row, finding in plan:
            values = finding.values
            if finding.target_id is None:
                product = Product.objects.create(number=self._number(row.facts), name=values["name"], series=values["series"], created_by=by, updated_by=by)
                finding.target_id = product.pk
                self.list.names.add(product.name, product.pk)
                if values["price"] is not None:
                    Price.objects.create(product=product, currency_id=self.context.currency, valid_from=first, amount=values["price"])
            elif finding.changes:
                product = self.list.records[finding.target_id]
                for name in set(finding.changes) & {"name", "series"}:
                    setattr(product, name, values[name])
                product.version += 1
                product.updated_by = by
                product.save()
                if "price" in finding.changes:
                    Price.objects.update_or_create(product=product, currency_id=self.context.currency, valid_from=timezone.localdate(), defaults={"amount": values["price"]})

    def _number(self, facts: dict[str, str]) -> str:
        base = (facts.get("number") or facts["name"])[:55]
        number, count = base, 1
        while number in self.numbers:
            count += 1
            number = f"{base}-{count}"
        self.numbers[number] = 0
        return number


def first_day(context: Context) -> date:
    """The earliest day an opportunity of this import was opened or closed on; today if there is none."""
    rows = ImportRow.objects.unrestricted().filter(run=context.run, kind=Kind.OPPORTUNITY).exclude(verdict=ImportRow.Verdict.REFUSED)
    days = rows.aggregate(opened=Min(KT("facts__opened_on")), closed=Min(KT("facts__closed_on")))
    return min([date.fromisoformat(day) for day in days.values() if day] + [timezone.localdate()])
