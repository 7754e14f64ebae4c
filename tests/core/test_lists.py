"""What a list answers htmx with: only what is seen at once, and at little more than the cost of the plainest view."""

from __future__ import annotations

import cProfile
import pstats
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from contacts.crud import People
from crm.bench import fragments
from crm.bench.personas import Persona
from crm.core import lists
from crm.core.access import one_request
from tests.factories import AddressFactory, OpportunityFactory, PersonFactory

LIST = "/contacts/people/"


def test_a_fragment_leaves_the_menus_to_whoever_opens_them(cast: Any, sign_in: Callable[[Any], Any]) -> None:
    PersonFactory(owner=cast.anna)
    anna = sign_in(cast.anna)
    with CaptureQueriesContext(connection) as whole:
        page = anna.get(f"{LIST}?state=customer&sort=-name").content.decode()
    with CaptureQueriesContext(connection) as part:
        fragment = anna.get(f"{LIST}?state=customer&sort=-name", htmx=True).content.decode()
    assert "owner=none" in page and "owner=none" not in fragment and len(part) < len(whole) - 3
    assert 'type="hidden" name="state" value="customer"' in fragment, "what narrows is there: the form sends it along"
    assert 'hx-get="?state=customer&amp;sort=-name&amp;menu=owner"' in fragment


def test_a_menu_comes_alone_and_keeps_the_rest_of_the_address(cast: Any, sign_in: Callable[[Any], Any]) -> None:
    anna = sign_in(cast.anna)
    with CaptureQueriesContext(connection) as queries:
        menu = anna.get(f"{LIST}?state=customer&after=xyz&menu=team", htmx=True)
    html = menu.content.decode()
    assert menu.status_code == 200 and html.count("<details") == 1 and 'id="menu-team"' in html
    assert f'href="?state=customer&amp;team={cast.anna.team_id}"' in html and not any("contacts_party" in query["sql"] for query in queries)
    assert anna.get(f"{LIST}?menu=nonsense", htmx=True).status_code == 404
    assert 'id="list"' in anna.get(f"{LIST}?menu=team").content.decode(), "without htmx it is the page"


def test_the_menu_of_a_hidden_field_does_not_exist(cast: Any, sign_in: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "hidden_fields", lambda user, model: frozenset({"owner"}))
    anna = sign_in(cast.anna)
    assert anna.get(f"{LIST}?menu=owner", htmx=True).status_code == 404
    assert "menu=owner" not in anna.get(LIST, htmx=True).content.decode()


def test_a_filter_with_a_wrong_value_shows_its_field_in_a_fragment(cast: Any, sign_in: Callable[[Any], Any]) -> None:
    html = sign_in(cast.anna).get(f"{LIST}?silent=soon", htmx=True).content.decode()
    assert 'name="silent"' in html and "invalid-feedback" in html


def _calls(run: Callable[[], Any]) -> int:
    """Python's calls of one run: they tell what it costs a processor, the same each time."""
    run()
    with cProfile.Profile() as profile:
        run()
    return int(pstats.Stats(profile).total_calls)


def test_fifty_rows_cost_little_more_than_the_least_view(cast: Any) -> None:
    for _ in range(50):
        AddressFactory(party=PersonFactory(owner=cast.anna, team=cast.anna.team))
    with one_request():
        reader = Persona("narrow", cast.anna)
        ours, least = _calls(lambda: fragments.answered(People, reader, "")), _calls(lambda: fragments.least(People, reader, ""))
        assert ours <= 6 * least, (ours, least)
        with pytest.MonkeyPatch.context() as patch:  # the control: all menus are built and drawn again
            patch.setattr("crm.core.views.is_fragment", lambda request: False)
            assert _calls(lambda: fragments.answered(People, reader, "")) > 1.5 * ours


def test_no_list_has_a_filter_the_address_cannot_name(cast: Any, sign_in: Callable[[Any], Any]) -> None:
    """Each filter's menu can be opened by itself, on each list."""
    emil = sign_in(cast.emil)
    for page in ("person-list", "organisation-list", "opportunity-list", "case-list", "product-list", "campaign-list", "segment-list", "journey-list", "import-list"):
        chips = emil.get(reverse(page)).context["filter_chips"]
        for chip in chips:
            assert emil.get(f"{reverse(page)}?menu={chip['name']}", htmx=True).status_code == 200, (page, chip["name"])


def test_the_board_offers_its_own_filters_and_no_others(cast: Any, sign_in: Callable[[Any], Any]) -> None:
    """What the board fixes itself is no filter of it, and its menus are all there."""
    OpportunityFactory(owner=cast.anna)
    anna = sign_in(cast.anna)
    for htmx in (False, True):
        page = anna.get(reverse("board"), htmx=htmx)
        names = {chip["name"] for chip in page.context["filter_chips"]}
        assert "owner" in names and not names & {"state", "stage", "closed"} and "menu=" not in page.content.decode()
