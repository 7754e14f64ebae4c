"""Intervals of shares and of what a campaign moved, against figures from the literature and from dice."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest

from campaigns.effect import moved, roi, share


@pytest.mark.parametrize(("count", "total", "low", "high"), [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)])
def test_shares_as_newcombe_lists_them(count: int, total: int, low: float, high: float) -> None:
    """R. G. Newcombe, Statistics in Medicine 17 (1998) 857–872, table I, Wilson's interval."""
    found = share(count, total)
    assert (round(found.low, 4), round(found.high, 4)) == (pytest.approx(low, abs=2e-4), pytest.approx(high, abs=2e-4))


def test_nobody_asked_says_nothing() -> None:
    assert (share(0, 0).low, share(0, 0).high) == (0.0, 1.0)


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    dice, held = random.Random(1), 0
    for _ in range(300):
        treated = [Decimal(dice.random() < 0.2) * 100 for _ in range(150)]
        control = [Decimal(dice.random() < 0.1) * 100 for _ in range(100)]
        found = moved(treated, control)
        held += found is not None and found.low <= 10 <= found.high
    assert 0.91 <= held / 300 <= 0.99


def test_few_units_say_nothing_and_no_cost_no_return() -> None:
    assert moved([Decimal(1)] * 100, [Decimal(0)] * 19) is None
    gain = moved([Decimal(10)] * 50, [Decimal(0)] * 50)
    assert gain is not None
    assert roi(gain, 50, Decimal(0)) is None
    back = roi(gain, 50, Decimal(250))
    assert back is not None and back.value == pytest.approx(1.0)
