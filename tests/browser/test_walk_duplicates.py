"""The data-care queue, walked in a real browser in both languages: one pair is merged and taken back, another is called two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from contacts.models import DuplicatePair, MergeRecord, Party
from tests.browser.hands import Hands, done

pytestmark = [pytest.mark.browser, pytest.mark.proof("walks")]


def test_merge_a_pair_and_take_it_back(world: Any, open_as: Callable[..., Any], figures: Any, language: str) -> None:
    page = open_as(world.cast.emil)
    page.goto("/contacts/duplicates/")
    hands = Hands(page)
    pair = f"article:has(#pair-{world.own.pair.pk})"
    hands.click(f"{pair} a.btn-primary")
    page.wait_for_selector("form input[name=survivor]")
    hands.click("form .l-foot button.btn-primary")
    page.wait_for_url("**/contacts/duplicates/")
    assert not Party.objects.filter(pk=world.own.twin.pk).exists() and not page.query_selector(f"#pair-{world.own.pair.pk}")
    done(figures, "merge a pair of the queue", language, hands, 2)
    hands.click("#toasts form button")
    page.wait_for_load_state("networkidle")
    assert Party.objects.filter(pk=world.own.twin.pk).exists() and MergeRecord.objects.filter(voids__isnull=False).count() == 1


def test_call_a_pair_two(world: Any, open_as: Callable[..., Any], figures: Any, language: str) -> None:
    page = open_as(world.cast.emil, width=390, height=844)
    page.goto("/contacts/duplicates/")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    hands = Hands(page)
    hands.click(f"article:has(#pair-{world.team.pair.pk}) form button")
    page.wait_for_load_state("networkidle")
    assert DuplicatePair.objects.get(pk=world.team.pair.pk).state == "not_same"
    done(figures, "call a pair two different ones", language, hands, 1)
    page.goto(f"/contacts/{world.own.organisation.pk}/merge/{world.own.twin.pk}/")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
