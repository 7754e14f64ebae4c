"""A hidden field is hidden on every page, not only in the list: canaries in all of them, one walk over every address (D3)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse

from accounts.forms import hideable
from accounts.models import FieldRule, Role
from contacts.models import Industry, Party
from crm.core.wiring import table
from sales import services
from sales.models import LostReason, Opportunity
from tests.access.addresses import pages
from tests.factories import ProductFactory
from tests.world import build

pytestmark = pytest.mark.django_db

PARTY = {
    "salutation": "", "title": "", "language": "",  # a few fixed words and a part of the name: no canary fits
    "founded": 1871, "employees": 31_415, "revenue": Decimal("2718.28"), "vat_id": "DE98765KANARI", "website": "https://kanari.example", "source": "kanari-quelle",
}  # fmt: skip
OPPORTUNITY = {
    "amount": Decimal("77123.45"), "opened_on": date(2019, 3, 17), "expected_close": date(2031, 7, 13), "closed_on": None, "lost_note": "kanari-notiz", "source": "kanari-herkunft",
}  # fmt: skip
MARKS = [
    "1871", "31.415", "31415", "2.718,28", "2718.28", "DE98765KANARI", "kanari.example", "kanari-quelle", "kanari-branche", "77.123", "77123",
    "17.03.2019", "2019-03-17", "13.07.2031", "2031-07-13", "13. Juli", "13. Jul", "kanari-notiz", "kanari-herkunft", "kanari-grund", "kanari-produkt",
]  # fmt: skip
# Keys of forms and sessions are random: any four digits may stand in one.
CHANCE = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|nonce=\"[^\"]*\"|[A-Za-z0-9]{32,}")
OPEN = {"/catalog/": "kanari-produkt", "/lose/": "kanari-grund"}  # the price list, and the reasons to choose from, are no facts of a record


@pytest.fixture
def world(cast: Any) -> Any:
    """Anna's records with a canary in everything that can be hidden; a second opportunity of hers is lost."""
    built = build(cast)
    industry = Industry.objects.create(key="canary", label_de="kanari-branche", label_en="kanari-branche")
    reason = LostReason.objects.create(key="canary", label_de="kanari-grund", label_en="kanari-grund")
    product = ProductFactory(name="kanari-produkt")
    Party.objects.filter(owner=cast.anna).update(industry=industry, **{name: value for name, value in PARTY.items() if value})
    lost = Opportunity.objects.get(pk=built.own.opportunity.pk)
    lost.pk, lost.number = None, ""
    for row in (lost, built.own.opportunity):
        for name, value in {**OPPORTUNITY, "product": product, "lost_note": ""}.items():
            setattr(row, name, value)
    services.open_opportunity(lost, by=cast.anna)
    services.lose_opportunity(lost, reason=reason, by=cast.anna, note="kanari-notiz")
    built.own.opportunity.save()
    built.lost = lost
    return built


def addresses(world: Any) -> list[str]:
    """Every page of the table for anna's records, and the ways into the same data that are none."""
    lost = world.lost.pk
    found = [*pages(world, world.own).values()]
    found += [reverse(f"opportunity-{name}", args=[lost]) for name in ("detail", "update", "changes", "why", "share")]
    found += [reverse("party-timeline", args=[world.own.organisation.pk]), reverse("search") + "?q=EIGENTUM"]
    for kind in ("person", "organisation", "opportunity"):
        everything = ",".join(column.key for column in _crud(kind).columns)
        found += [reverse(f"{kind}-list") + f"?columns={everything}", reverse(f"{kind}-export") + f"?columns={everything}"]
    return found


def _crud(kind: str) -> Any:
    from contacts.crud import Organisations, People
    from sales.crud import Opportunities

    return {"person": People, "organisation": Organisations, "opportunity": Opportunities}[kind]


def told(browser: Any, world: Any) -> dict[str, set[str]]:
    """Address → canaries in its answer, read as a page and as a fragment."""
    found: dict[str, set[str]] = {}
    for address in addresses(world):
        for htmx in (False, True):
            answer = browser.get(address, htmx=htmx)
            text = (b"".join(answer.streaming_content) if answer.streaming else answer.content).decode(errors="replace")
            text = CHANCE.sub("", text)
            seen = {mark for mark in MARKS if mark in text} - {mark for part, mark in OPEN.items() if part in address}
            if seen:
                found[f"{address}{' htmx' if htmx else ''}"] = seen
    return found


def test_no_page_tells_a_hidden_field(world: Any, sign_in: Callable[[Any], Any]) -> None:
    role = Role.objects.get(key="rep")
    for entity in table("LOTSE_ENTITIES"):
        FieldRule.objects.bulk_create(FieldRule(role=role, entity=entity.key, field=value.partition(".")[2]) for value, _label in hideable(entity))
    assert told(sign_in(world.cast.anna), world) == {}


def test_red_control_the_canaries_are_seen_by_those_who_may(world: Any, sign_in: Callable[[Any], Any]) -> None:
    seen = set().union(*told(sign_in(world.cast.anna), world).values())
    assert {"31.415", "77.123", "13.07.2031", "kanari-notiz", "kanari-grund", "kanari-branche", "kanari-produkt", "DE98765KANARI"} <= seen
