"""Hands that count what they do. Counting rule: a click, a key chord, a drag, a typed or chosen value = 1."""

from __future__ import annotations

from typing import Any


class Hands:
    """Does what a person does, and counts it."""

    def __init__(self, page: Any) -> None:
        self.page, self.count = page, 0

    def click(self, selector: str) -> None:
        self.count += 1
        self.page.locator(selector).first.click()

    def press(self, chord: str) -> None:
        self.count += 1
        self.page.keyboard.press(chord)

    def type(self, selector: str, text: str) -> None:
        self.count += 1
        self.page.wait_for_load_state()  # the set-up moves the cursor to its first field when all is there
        self.page.locator(selector).first.press_sequentially(text)

    def choose(self, selector: str, value: str) -> None:
        self.count += 1
        self.page.locator(selector).first.select_option(value)

    def drag(self, grip: str, goal: str) -> None:
        self.count += 1
        mouse, start = self.page.mouse, self.page.locator(grip).first.bounding_box()
        mouse.move(start["x"] + start["width"] / 2, start["y"] + start["height"] / 2)
        mouse.down()
        mouse.move(start["x"] + 30, start["y"] + 30, steps=4)
        end = self.page.locator(goal).first.bounding_box()
        mouse.move(end["x"] + end["width"] / 2, end["y"] + min(60, end["height"] / 2), steps=12)
        mouse.up()


def done(figures: Any, name: str, language: str, hands: Hands, goal: int) -> None:
    """The walk is at its end: it took no more than promised, and no script failed on the way."""
    figures.record(f"{name} ({language})", hands.count, "interactions", goal=f"≤ {goal}", holds=hands.count <= goal)
    assert not hands.page.errors, hands.page.errors
