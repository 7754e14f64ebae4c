"""The marketer's way to a segment, walked and counted in both languages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from campaigns.models import Segment, SegmentSnapshot
from contacts.models import Party
from tests.browser.hands import Hands, done

pytestmark = [pytest.mark.browser, pytest.mark.proof("walks")]


def test_from_the_empty_page_to_a_counted_segment(world: Any, open_as: Callable[..., Any], figures: Any, language: str) -> None:
    german = language == "de"
    Party.objects.filter(pk__in=[world.own.person.pk, world.foreign.organisation.pk]).update(state="customer")
    Segment.objects.all().delete()
    page = open_as(world.cast.mia)
    page.goto("/")
    hands = Hands(page)
    hands.click("nav a:has-text('Segmente')" if german else "nav a:has-text('Segments')")
    page.wait_for_selector("section.l-empty")
    hands.press("c")
    page.wait_for_selector(".ts-control")
    hands.type("#id_name", "Kunden 2027")
    hands.click(".l-cond .ts-control")
    hands.type(".l-cond .ts-control input", "Status")
    hands.press("Enter")
    page.wait_for_selector(".l-cond .ts-wrapper.multi")
    hands.click(".l-cond .ts-wrapper.multi .ts-control")
    hands.click(".ts-dropdown .option:has-text('Kunde')" if german else ".ts-dropdown .option:has-text('customer')")
    page.wait_for_selector(".l-big b:has-text('2')")
    hands.click("#form .l-foot button[type=submit]")
    page.wait_for_selector("#waterfall")
    segment = Segment.objects.get()
    assert (segment.name, segment.tree) == ("Kunden 2027", {"all": [{"all": [{"field": "state", "op": "in", "value": ["customer"]}]}]})
    assert page.locator(".l-sent").inner_text() == ("Kontakte, deren Status Kunde ist" if german else "Contacts whose status is customer")
    done(figures, "from the empty page to a counted segment", language, hands, 9)


def test_keep_a_state_and_open_the_list(world: Any, open_as: Callable[..., Any], figures: Any, language: str) -> None:
    page = open_as(world.cast.mia, width=390, dark=True)
    page.goto(f"/campaigns/segments/{world.own.segment.pk}/")
    hands = Hands(page)
    hands.click("form[action$='/keep/'] button")
    page.wait_for_selector("table:not(.l-wf) tbody time")
    assert SegmentSnapshot.objects.get().size == Party.objects.count()
    hands.click("#now-h + a")
    page.wait_for_selector("#list tbody tr")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    done(figures, "keep a state and open the list", language, hands, 2)


def test_the_builder_without_javascript(world: Any, open_as: Callable[..., Any], language: str) -> None:
    page = open_as(world.cast.mia, java_script_enabled=False)
    page.goto("/campaigns/segments/new/")
    page.fill("#id_name", "Ohne Skript")
    page.select_option("#id_g0-r0-word", "field:city")
    page.click("noscript button, button[value=draw]")
    page.fill("#id_g0-r0-value", "FREMDHAUSstadt")
    page.click("button[value='add-g0']")
    assert page.input_value("#id_g0-r0-value") == "FREMDHAUSstadt" and page.input_value("#id_name") == "Ohne Skript"
    page.click("#form .l-foot button[type=submit]")
    assert Segment.objects.get(name="Ohne Skript").tree == {"all": [{"all": [{"field": "city", "op": "contains", "value": "FREMDHAUSstadt"}]}]}
