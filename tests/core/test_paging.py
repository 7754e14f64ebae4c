"""Pages by key: every row once and in order, forwards and back, with equal values and with none at all."""

from __future__ import annotations

import random
from decimal import Decimal
from functools import partial
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.urls import reverse

from contacts import filters
from contacts.models import Party, Person
from crm.core import lists, memory, paging
from crm.core.access import array_of
from crm.core.paging import Page, capped_keys, keyset, sifted
from sales.models import Opportunity
from tests.factories import AddressFactory, OpportunityFactory, OrganisationFactory, PersonFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def rows(cast: Any) -> list[Opportunity]:
    """Forty opportunities: few different amounts, a third without any."""
    dice = random.Random(4)
    party = OrganisationFactory(owner=cast.anna)
    return [OpportunityFactory(owner=cast.anna, party=party, name=f"v{n}", amount=dice.choice([None, Decimal(100), Decimal(200), Decimal(300)])) for n in range(40)]


def in_order(rows: list[Opportunity], *, descending: bool) -> list[int]:
    """By amount and id, those without an amount last, by the slow way."""
    turn = -1 if descending else 1
    return [row.pk for row in sorted(rows, key=lambda row: (row.amount is None, turn * (row.amount or 0), turn * row.pk))]


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("size", [1, 7, 40])
def test_forwards_and_back(rows: list[Opportunity], descending: bool, size: int) -> None:
    def page(**cursor: str) -> Page:
        return keyset(Opportunity.objects.unrestricted(), "amount", descending=descending, size=size, **cursor)

    pages = [page()]
    while pages[-1].after:
        pages.append(page(after=pages[-1].after))
    found = [row.pk for one in pages for row in one.rows]
    assert found == in_order(rows, descending=descending)
    back = [pages[-1]]
    while back[-1].before:
        back.append(page(before=back[-1].before))
    assert [[row.pk for row in one.rows] for one in reversed(back)] == [[row.pk for row in one.rows] for one in pages]


@pytest.mark.parametrize("sort", ["amount", "-amount"])
@pytest.mark.parametrize("size", [7, 40, 50])
def test_a_filtered_list_begins_with_what_its_count_has_read(client: Any, cast: Any, rows: list[Opportunity], monkeypatch: pytest.MonkeyPatch, sort: str, size: int) -> None:
    """Its first page needs no statement of its own, and the others follow on it: every row once, in order, those without a value last."""
    OpportunityFactory(owner=cast.david, team=cast.david.team)
    monkeypatch.setattr(lists, "PAGE_SIZE", size)
    client.force_login(cast.anna)
    url, found, walked = reverse("opportunity-list"), [], []
    monkeypatch.setattr(paging, "walks", lambda *asked, plain=paging.walks, **facts: walked.append(1) or plain(*asked, **facts))
    query = f"?state=open&sort={sort}"
    while query:
        context = client.get(url + query).context
        assert context["count"] == 40 and bool(walked) == bool(found)
        found += [row["pk"] for row in context["rows"]]
        query = context["next_url"]
    assert found == in_order(rows, descending=sort.startswith("-"))
    assert not client.get(f"{url}?state=won&sort={sort}").context["rows"]


def test_what_hangs_on_another_table(rows: list[Opportunity]) -> None:
    """Contacts by their last activity: those without any are last, and on the pages."""
    parties = list(Party.objects.unrestricted())
    assert not any(hasattr(party, "activity") for party in parties)
    first = keyset(Party.objects.unrestricted(), "activity__last_at", descending=True, size=50)
    assert {row.pk for row in first.rows} == {party.pk for party in parties}


@pytest.mark.parametrize("seen", [0.02, 0.2, 0.5, 1.0])
def test_sifting_shows_the_seen_ones_in_order(rows: list[Opportunity], seen: float) -> None:
    """However few of the candidates may be seen, a page is full while there are any, and none comes twice."""
    keys = sorted((row.pk for row in rows), reverse=True)
    visible = [pk for place, pk in enumerate(keys) if place % round(1 / seen) == 0]
    asked: list[int] = []

    def candidates(cursor: Any, limit: int) -> list[tuple[int, Any]]:
        asked.append(limit)
        behind = [pk for pk in keys if cursor is None or pk < cursor[1]]
        return [(pk, f"v{pk}") for pk in behind[:limit]]

    found, after = [], ""
    while True:
        page = sifted(Opportunity.objects.unrestricted().filter(pk__in=visible), "name", candidates, size=3, after=after)
        found += [row.pk for row in page.rows]
        if not page.after:
            break
        after = page.after
    assert found == visible and asked[0] == 8


@pytest.mark.parametrize(("few", "places"), [(1_000, 20_000), (2, 20_000), (2, 3)])
@pytest.mark.parametrize("cap", [2, 3, 10_000])
def test_a_filtered_list_shows_the_same_whether_its_keys_are_few_or_many(client: Any, cast: Any, monkeypatch: pytest.MonkeyPatch, cap: int, few: int, places: int) -> None:
    """By the keys that were counted, or by asking once more what fits; a town by its beginning, whichever way it is spelled, and whether it is a
    condition or its addresses are read first."""
    monkeypatch.setattr(paging, "capped_keys", partial(paging.capped_keys, cap=cap))
    monkeypatch.setattr(filters, "FEW", few)
    monkeypatch.setattr(filters, "MANY_PLACES", places)
    client.force_login(cast.anna)
    for name, city in (("Acker", "Köln"), ("Busch", "KOELN-Deutz"), ("Clas", "Kölleda"), ("Dorn", "Koln"), ("Eck", "Ulm"), ("Fink", "Москва")):
        AddressFactory(party=PersonFactory(owner=cast.anna, last_name=name), city=city)
    AddressFactory(party=PersonFactory(owner=cast.david, last_name="Fern"), city="Köln")
    AddressFactory(party=Person.objects.get(last_name="Acker"), city="Köln", is_primary=False)
    shown = {city: client.get("/contacts/people/", {"city": city}).context for city in ("köln", "köl", "ulm", "мос", "xyz", "ln")}
    assert {city: [str(row["object"]).rpartition(" ")[2] for row in context["rows"]] for city, context in shown.items()} == {
        "köln": ["Acker", "Busch", "Dorn"], "köl": ["Acker", "Busch", "Clas", "Dorn"], "ulm": ["Eck"], "мос": ["Fink"], "xyz": [], "ln": [],
    }  # fmt: skip
    read = []
    monkeypatch.setattr(filters, "capped_keys", lambda *asked: read.append(capped_keys(*asked)) or read[-1])
    client.get("/contacts/people/", {"city": "köl"})
    assert read == [] if few > 5 else [(n, more) for _keys, n, more in read] == [(min(6, places), places < 6)]
    read.clear()
    client.get("/contacts/people/", {"city": "köl", "owner": cast.ben.pk})
    assert read == []  # nobody is left by then whose addresses were asked for
    assert {city: context["count"] for city, context in shown.items()} == {"köln": min(3, cap), "köl": min(4, cap), "ulm": 1, "мос": 1, "xyz": 0, "ln": 0}


def test_what_is_more_than_can_be_counted_is_not_counted_again_for_each_page(client: Any, cast: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither for the next page nor in another order, but for another filter, for another reader, and where it can be counted."""
    counted: list[int] = []

    def count(how: Any) -> Any:
        return lambda rows, **facts: counted.append(1) or how(rows, cap=60, **facts)

    monkeypatch.setattr(paging, "capped_count", count(paging.capped_count))
    monkeypatch.setattr(paging, "capped_keys", count(paging.capped_keys))
    for number in range(70):
        PersonFactory(owner=cast.anna, last_name=f"Zahl {number:02}", state="customer" if number < 65 else "former")

    def look(who: Any = cast.anna, **query: str) -> tuple[int, bool, int, int]:
        client.force_login(who)
        counted.clear()
        context = shown[0] = client.get("/contacts/people/", query).context
        return context["count"], context["more"], len(context["rows"]), len(counted)

    shown: list[Any] = [None]
    assert look() == (60, True, 50, 1)
    after = parse_qs(shown[0]["next_url"].removeprefix("?"))["after"][0]
    assert [look(), look(after=after), look(sort="-name"), look(columns="name,email")] == [(60, True, 50, 0), (60, True, 20, 0), (60, True, 50, 0), (60, True, 50, 0)]
    assert [look(state="customer"), look(state="customer", sort="-name")] == [(60, True, 50, 1), (60, True, 50, 0)]
    assert [look(state="former"), look(state="former")] == [(5, False, 5, 1), (5, False, 5, 1)], "what can be counted is, each time"
    assert look(cast.ben) == (60, True, 50, 1) and look(cast.david) == (0, False, 0, 1)
    PersonFactory(owner=cast.david, team=cast.david.team)
    assert [look(cast.david), look(cast.david)] == [(1, False, 1, 1), (1, False, 1, 1)]
    Person.objects.filter(last_name__lt="Zahl 60").delete()
    assert look() == (10, False, 10, 0), "and where one page shows them all it tells how many"

    def gone(*_: Any) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(memory, "cache", SimpleNamespace(get=gone, set=gone))
    assert look() == (10, False, 10, 1), "without Valkey it is counted"


def test_keys_are_counted_and_given_as_one_array(cast: Any) -> None:
    people = [PersonFactory(owner=cast.anna).pk for _ in range(3)]
    everybody = Person.objects.unrestricted()
    for cap, known, more in ((2, 2, True), (3, 3, False), (4, 3, False)):
        keys, count, are_more = capped_keys(everybody, cap)
        assert (count, are_more) == (known, more)
        assert more or set(everybody.filter(pk__any=keys).values_list("pk", flat=True)) == set(people)
    for empty in (capped_keys(everybody.none())[0], capped_keys(everybody.filter(last_name="nobody"))[0], array_of([]), [], ""):
        assert not everybody.filter(pk__any=empty).exists()
    assert set(everybody.filter(pk__any=array_of(people[:2])).values_list("pk", flat=True)) == set(people[:2])
