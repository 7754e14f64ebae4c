"""Whoever works with the keyboard stays where they are when a part of the page is swapped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

STILL = "html:not(:has(.htmx-request, [data-busy]))"
AT = "document.activeElement.id"


def enter(page: Any, selector: str, came: str) -> str:
    """Enter on what the selector finds; where focus is when what comes is there."""
    page.locator(selector).first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(came, state="attached")
    page.wait_for_selector(STILL, state="attached")
    return str(page.evaluate(AT))


@pytest.mark.browser
def test_focus_stays_through_swaps(world: Any, open_as: Callable[..., Any]) -> None:
    page = open_as(world.cast.anna)
    page.goto("/contacts/people/")
    assert enter(page, "#view-2", "#view-2[aria-current]") == "view-2"
    assert enter(page, "#view-1", "#view-1[aria-current]") == "view-1"
    page.locator("#chip-state").press("Enter")
    page.wait_for_selector("#menu-state a[href*='state=']")  # the menu comes when it is opened
    assert page.evaluate(AT) == "chip-state"
    assert enter(page, "#menu-state a.l-item", "#chip-state.on") == "chip-state"
    assert enter(page, "#filters > a.btn", "#chip-state:not(.on)") == page.locator("#filters summary").first.get_attribute("id")

    page.goto(f"/contacts/{world.own.person.pk}/")
    assert enter(page, "#said-2", "#said-2[aria-current]") == "said-2"
    page.fill("#entry_body", "Ruft wieder an.")
    assert enter(page, "#entry_save", "#toasts .l-toast") == "entry_save"

    page.goto("/insights/forecast/")
    before = page.locator("#period-before").inner_text()
    assert enter(page, "#period-before", f"#period-before:not(:text-is('{before}'))") == "period-before"
    assert not page.errors
