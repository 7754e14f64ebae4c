"""A hidden field is hidden on every page, not only in the list: canaries in all of them, one walk over every address (D3)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.forms import hideable
from accounts.grants import sync_grants
from accounts.models import FieldRule, Role, RoleRight
from contacts.models import Industry, Party
from crm.core.subjects import name_subject
from crm.core.wiring import table
from sales import services
from sales.models import LostReason, Opportunity
from service.models import Case, Cause, Remedy, Satisfaction, TextModule, Touchpoint
from service.services import open_case
from tests.access.addresses import pages
from tests.factories import CaseFactory, InteractionFactory, ProductFactory
from tests.world import build

pytestmark = pytest.mark.django_db

PARTY = {
    "salutation": "", "title": "", "language": "",  # a few fixed words and a part of the name: no canary fits
    "founded": 1871, "employees": 31_415, "revenue": Decimal("2718.28"), "vat_id": "DE98765KANARI", "website": "https://kanari.example", "source": "kanari-quelle",
}  # fmt: skip
OPPORTUNITY = {
    "amount": Decimal("77123.45"), "opened_on": date(2019, 3, 17), "expected_close": date(2031, 7, 13), "closed_on": None, "lost_note": "kanari-notiz", "source": "kanari-herkunft",
}  # fmt: skip
CLOSED = date(2020, 5, 19)
CASE = {"description": "kanari-beschreibung", "reporter": "kanari-melder", "lot": "kanari-los", "demanded": "kanari-forderung"}
TIMES = {"ack_at": datetime(2018, 2, 23, 10, tzinfo=UTC), "solved_at": datetime(2018, 3, 24, 10, tzinfo=UTC), "closed_at": datetime(2018, 4, 26, 10, tzinfo=UTC)}
MARKS = [
    "1871", "31.415", "31415", "2.718,28", "2718.28", "DE98765KANARI", "kanari.example", "kanari-quelle", "kanari-branche", "77.123", "77123",
    "17.03.2019", "2019-03-17", "13.07.2031", "2031-07-13", "13. Juli", "13. Jul", "kanari-notiz", "kanari-herkunft", "kanari-grund", "kanari-produkt",
    "19.05.2020", "2020-05-19", "23.02.2018", "2018-02-23", "24.03.2018", "2018-03-24", "26.04.2018", "2018-04-26",
    "kanari-beschreibung", "kanari-melder", "kanari-los", "kanari-forderung", "kanari-ursache", "kanari-abhilfe", "kanari-ort",
]  # fmt: skip
# Keys of forms and sessions are random: any four digits may stand in one.
CHANCE = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|nonce=\"[^\"]*\"|[A-Za-z0-9]{32,}")
OPEN = {"/catalog/": "kanari-produkt", "/lose/": "kanari-grund"}  # the price list, and the reasons to choose from, are no facts of a record


@pytest.fixture
def world(cast: Any) -> Any:
    """Anna's records with a canary in everything that can be hidden; a second opportunity of hers is lost, and two more cases name no customer."""
    built = build(cast)
    for verb in ("change", "assign", "export"):
        RoleRight.objects.create(role=Role.objects.get(key="rep"), entity="case", verb=verb, reach="team")
    sync_grants()
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
    services.lose_opportunity(lost, reason=reason, by=cast.anna, note="kanari-notiz", on=CLOSED)
    built.own.opportunity.save()
    built.lost = lost
    built.told, built.heard = cases_of(built, product)
    return built


def cases_of(built: Any, product: Any) -> list[Case]:
    """A closed and an open case of nobody known, and what was said about them; the one of the world gets the same canaries."""
    anna = built.cast.anna
    touchpoint, cause, remedy = (model.objects.create(key="canary", label_de=label, label_en=label) for model, label in ((Touchpoint, "kanari-ort"), (Cause, "kanari-ursache"), (Remedy, "kanari-abhilfe")))
    TextModule.objects.create(key="canary", label_de="Baustein", label_en="Baustein", body_de="Zu {product}:", body_en="On {product}:")
    found = []
    for heading in ("Erledigt", "Offen"):
        case = CaseFactory.build(heading=heading, number="", owner=anna, team=anna.team, channel="letter", **CASE)
        found.append(open_case(case, by=anna, at=datetime(2018, 1, 9, 10, tzinfo=UTC)))
        InteractionFactory(party=None, kind="call", direction="in", body="Ruft an", created_by=anna, **name_subject(case))
        Satisfaction.objects.create(case=case, score=2, answered_at=timezone.now())
    everywhere = Case.objects.filter(pk__in=[built.own.case.pk, *(case.pk for case in found)])
    everywhere.update(product=product, touchpoint=touchpoint, cause=cause, remedy=remedy, **CASE)
    everywhere.filter(pk=found[0].pk).update(state="closed", **TIMES)
    everywhere.filter(pk=found[1].pk).update(ack_at=TIMES["ack_at"])
    return found


def addresses(world: Any) -> list[str]:
    """Every page of the table for anna's records, and the ways into the same data that are none."""
    lost = world.lost.pk
    found = [*pages(world, world.own).values()]
    found += [reverse(f"opportunity-{name}", args=[lost]) for name in ("detail", "update", "changes", "why", "share")]
    found += [reverse(f"case-{name}", args=[case.pk]) for case in (world.told, world.heard) for name in ("detail", "update", "changes", "why", "solve", "contact", "delete")]
    found += [reverse("party-timeline", args=[world.own.organisation.pk]), reverse("search") + "?q=EIGENTUM"]
    for kind in ("person", "organisation", "opportunity", "case"):
        everything = ",".join(column.key for column in _crud(kind).columns)
        found += [reverse(f"{kind}-list") + f"?columns={everything}", reverse(f"{kind}-export") + f"?columns={everything}"]
    return found


def _crud(kind: str) -> Any:
    from contacts.crud import Organisations, People
    from sales.crud import Opportunities
    from service.crud import Cases

    return {"person": People, "organisation": Organisations, "opportunity": Opportunities, "case": Cases}[kind]


def conceal() -> None:
    """Hide from reps all that can be hidden."""
    role = Role.objects.get(key="rep")
    for entity in table("LOTSE_ENTITIES"):
        FieldRule.objects.bulk_create(FieldRule(role=role, entity=entity.key, field=value.partition(".")[2]) for value, _label in hideable(entity))


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
    conceal()
    assert told(sign_in(world.cast.anna), world) == {}


def test_red_control_the_canaries_are_seen_by_those_who_may(world: Any, sign_in: Callable[[Any], Any]) -> None:
    seen = set().union(*told(sign_in(world.cast.anna), world).values())
    assert {"31.415", "77.123", "13.07.2031", "19.05.2020", "kanari-notiz", "kanari-grund", "kanari-branche", "kanari-produkt", "DE98765KANARI"} <= seen
    assert {"23.02.2018", "24.03.2018", *CASE.values(), "kanari-ursache", "kanari-abhilfe", "kanari-ort"} <= seen


def test_nothing_is_found_or_narrowed_by_a_hidden_field(world: Any, sign_in: Callable[[Any], Any]) -> None:
    anna = sign_in(world.cast.anna)
    case, lost = reverse("case-detail", args=[world.told.pk]), reverse("opportunity-detail", args=[world.lost.pk])
    won = Opportunity.objects.filter(pk=world.own.opportunity.pk)
    won.update(state="won", closed_on=date(2021, 6, 20))
    found = [(reverse("case-list") + "?q=kanari-los", case), (reverse("search") + "?q=kanari-los", case)]
    narrowed = [(reverse("case-list") + "?lot=anderes", case), (reverse("opportunity-list") + "?closed_from=2025-01-01", lost)]
    narrowed += [(reverse("opportunity-list") + "?forecast_from=2025-01-01", reverse("opportunity-detail", args=[won.get().pk]))]
    assert [(url, row in anna.get(url).content.decode()) for url, row in found + narrowed] == [(url, True) for url, _row in found] + [(url, False) for url, _row in narrowed]
    conceal()
    assert [(url, row in anna.get(url).content.decode()) for url, row in found + narrowed] == [(url, False) for url, _row in found] + [(url, True) for url, _row in narrowed]
