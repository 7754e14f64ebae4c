"""The price list: everyone reads it, who may changes it, and a price holds from its day on."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from crm.catalog.models import Price, Product
from crm.core.models import Undo
from crm.core.undo import take_back
from tests.factories import OpportunityFactory, PriceFactory, ProductFactory


@pytest.fixture
def product(cast):
    return ProductFactory(name="GTX Pro", series="GTX")


def test_everyone_reads_and_only_some_write(cast, product, sign_in):
    for page in ("list", "detail"):
        address = reverse(f"product-{page}", args=[product.pk] if page == "detail" else [])
        assert sign_in(cast.anna).get(address).status_code == 200
    for page in ("create", "update", "delete"):
        address = reverse(f"product-{page}", args=[] if page == "create" else [product.pk])
        assert sign_in(cast.anna).get(address).status_code == 403
        assert sign_in(cast.emil).get(address).status_code == 200
    assert sign_in(cast.anna).post(reverse("product-price", args=[product.pk]), {}).status_code == 403


def test_a_product_is_created_and_edited(cast, sign_in):
    emil = sign_in(cast.emil)
    assert emil.post(reverse("product-create"), {"number": "A-1", "name": "Belt", "series": "", "active": "on", "version": "0"}).status_code == 302
    again = emil.post(reverse("product-create"), {"number": "A-1", "name": "Other", "version": "0"})
    assert again.status_code == 422 and "number" in again.context["form"].errors
    row = Product.objects.get()
    assert emil.post(reverse("product-update", args=[row.pk]), {"number": "A-1", "name": "Belt 2", "version": row.version}).status_code == 302
    row.refresh_from_db()
    assert (row.name, row.active, row.version) == ("Belt 2", False, 2)


def test_a_price_holds_from_its_day_on(cast, product, sign_in):
    today = timezone.localdate()
    PriceFactory(product=product, valid_from=today - timedelta(days=10), amount="100")
    emil, address = sign_in(cast.emil), reverse("product-price", args=[product.pk])
    assert emil.post(address, {"amount": "120.50", "currency": "EUR", "valid_from": today}).status_code == 302
    assert emil.post(address, {"amount": "150", "currency": "EUR", "valid_from": today + timedelta(days=1)}).status_code == 302
    assert product.price_on(today, "EUR").amount == Decimal("120.50")
    assert product.price_on(today - timedelta(days=1), "EUR").amount == Decimal("100")
    assert product.price_on(today, "USD") is None
    shown = emil.get(reverse("product-list")).context
    assert "120,50" in next(column.words(shown["rows"][0]["object"]) for column in shown["shown"] if column.kind == "money")


def test_a_price_is_not_overwritten_but_can_be_removed_and_brought_back(cast, product, sign_in):
    today = timezone.localdate()
    price = PriceFactory(product=product, valid_from=today, amount="100")
    emil = sign_in(cast.emil)
    refused = emil.post(reverse("product-price", args=[product.pk]), {"amount": "1", "currency": "EUR", "valid_from": today})
    assert refused.status_code == 422 and "valid_from" in refused.context["price_form"].errors
    assert emil.post(reverse("product-price-remove", args=[product.pk, price.pk]), {}).status_code == 302
    assert not Price.objects.exists()
    take_back(Undo.objects.latest("at"), by=cast.emil)
    assert Price.objects.get().amount == 100
    assert emil.post(reverse("product-price-remove", args=[product.pk, 99999]), {}).status_code == 404


@pytest.mark.parametrize("nonsense", [{"amount": "-1"}, {"amount": "9" * 500}, {"valid_from": "31.02.2026"}, {"currency": "XXX"}, {"amount": ""}])
def test_nonsense_is_said_beside_its_field(cast, product, sign_in, nonsense):
    values = {"amount": "1", "currency": "EUR", "valid_from": timezone.localdate()} | nonsense
    answer = sign_in(cast.emil).post(reverse("product-price", args=[product.pk]), values)
    assert answer.status_code == 422 and set(answer.context["price_form"].errors) == set(nonsense)
    assert not Price.objects.exists()


def test_what_was_sold_is_not_deleted(cast, product, sign_in):
    OpportunityFactory(owner=cast.anna, product=product)
    emil = sign_in(cast.emil)
    assert emil.get(reverse("product-delete", args=[product.pk])).context["blockers"]
    assert emil.post(reverse("product-delete", args=[product.pk]), {}).status_code == 422
    assert Product.objects.exists()


def test_the_list_is_searched_filtered_and_exported(cast, product, sign_in):
    ProductFactory(name="MG Special", series="MG", active=False, number="B-7")
    emil, address = sign_in(cast.emil), reverse("product-list")
    for query, names in {"q=gtx": ["GTX Pro"], "q=b-7": ["MG Special"], "active=true": ["GTX Pro"], "active=false": ["MG Special"], "series=MG": ["MG Special"]}.items():
        assert [row["object"].name for row in emil.get(f"{address}?{query}").context["rows"]] == names, query
    assert b"MG Special" in b"".join(emil.get(reverse("product-export")).streaming_content)
