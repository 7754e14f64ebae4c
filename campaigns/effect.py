"""What a campaign brought, with how sure that is. Pure.

Shares with the interval of Wilson (1927). What it moved is the mean of those who were to get it less the mean of those held out, firm by firm,
with the interval of Welch (1947): firms, not people, because what its people buy the firm buys.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

Z = 1.959964  # 95 %
FEWEST = 20  # units in each group before anything is said about the difference


@dataclass(frozen=True)
class Between:
    """An estimate and its 95 % interval."""

    value: float
    low: float
    high: float


def share(count: int, total: int) -> Between:
    """A share of people, 0 to 1."""
    if not total:
        return Between(0.0, 0.0, 1.0)
    p = count / total
    middle, spread = p + Z**2 / (2 * total), Z * math.sqrt(p * (1 - p) / total + Z**2 / (4 * total**2))
    scale = 1 + Z**2 / total
    return Between(p, max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale))


def moved(treated: Sequence[Decimal], held: Sequence[Decimal], units: tuple[int, int] | None = None) -> Between | None:
    """How much more a unit brought because of the campaign; None while a group is too small to say. `units`: how many there are of each group,
    where those that brought nothing may be missing in the lists."""
    many, few = units or (len(treated), len(held))
    if min(many, few) < FEWEST:
        return None
    (mean_t, var_t), (mean_c, var_c) = _moments(treated, many), _moments(held, few)
    spread = Z * math.sqrt(var_t / many + var_c / few)
    return Between(mean_t - mean_c, mean_t - mean_c - spread, mean_t - mean_c + spread)


def roi(gain: Between, units: int, cost: Decimal) -> Between | None:
    """What came back per euro spent, less that euro: 0.5 is half as much again. None without costs."""
    if not cost:
        return None
    spent = float(cost)
    return Between(*((part * units - spent) / spent for part in (gain.value, gain.low, gain.high)))


def _moments(values: Sequence[Decimal], units: int) -> tuple[float, float]:
    plain = [float(value) for value in values]
    mean = math.fsum(plain) / units
    return mean, math.fsum([*((value - mean) ** 2 for value in plain), (units - len(plain)) * mean**2]) / (units - 1)
