"""Cards of the board: what people typed is text in them, and nothing may be moved where nothing may."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django.template import Context, Template

EVIL = "<script>alert(1)</script>\"'&"
CARD: dict[str, Any] = {
    "id": 12_345, "url": "/x/?a=1&b=2", "title": EVIL, "subtitle": EVIL, "amount": Decimal("1234567.50"), "currency": "EUR", "stage": 10_001, "age_days": 12_345, "age_state": "warn",
    "age_words": EVIL, "owner": EVIL, "step_label": EVIL, "step_state": "late", "step_words": EVIL, "closes_on": date(2026, 12, 24), "move_url": "/m/", "win_url": "/w/", "lose_url": "/l/",
}  # fmt: skip


def _drawn(tag: str, **changes: Any) -> str:
    card = {**CARD, **changes}
    return Template("{% load board %}{% " + tag + " %}").render(Context({"card": card, "cards": [card], "user": None}))


def test_what_was_typed_is_text() -> None:
    html = _drawn("board_cards cards")
    assert "<script" not in html and html.count("&lt;script&gt;") == 8 and 'href="/x/?a=1&amp;b=2"' in html


def test_ids_are_plain_and_numbers_are_not() -> None:
    html = _drawn("board_cards cards")
    assert 'id="card-12345" data-id="12345" data-in="10001"' in html and "1.234.568" in html and ">12.345 " in html
    assert 'datetime="2026-12-24"' in html and "24. Dez." in html


def test_only_what_may_be_moved_has_a_grip() -> None:
    assert 'data-move="/m/" data-win="/w/" data-lose="/l/"' in _drawn("board_card card") and 'class="grip"' in _drawn("board_card card")
    fixed = _drawn("board_card card", move_url="")
    assert "grip" not in fixed and "data-move" not in fixed and "/w/" not in fixed


def test_within_a_fragment_it_replaces_the_one_that_is_there() -> None:
    assert 'hx-swap-oob="outerHTML"' in _drawn("board_card card oob=True") and "hx-swap-oob" not in _drawn("board_cards cards")


def test_what_is_hidden_is_not_there() -> None:
    html = _drawn("board_card card", amount=None, owner=None, closes_on=None)
    assert "–" in html and "avatar" not in html and "<time" not in html
