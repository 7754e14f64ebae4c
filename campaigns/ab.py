"""Which mail works better, by a test that may be looked at all the time. Pure.

Every answer is a draw: it comes from arm b with chance θ·R_b / (R_a + θ·R_b), where R are the people of each arm who got their mail at about the
same time (a cohort) and have not answered yet, and θ is how many times as often people answer b. If the mails are equal, θ = 1, whatever the
rate, however late answers come and while mails still leave. Without cohorts those who got theirs long ago would count as if they might still
answer like the others: 5.6 % false winners instead of fewer than 5. The likelihood of a bet on θ over that of θ = 1, multiplied answer by answer, is an e-value: if nothing is
there, the chance that it *ever* passes 1/α is at most α. (J. ter Schure, M. F. Pérez-Ortiz, A. Ly, P. Grünwald: The Safe Logrank Test, 2020,
arXiv 2011.06931; the bound is Ville's inequality.) We bet half on the difference that was named beforehand, half on its opposite. The same
bet read the other way round denies a difference that large. With several arms each pair gets its share of α (Bonferroni).
"""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from dataclasses import dataclass
from itertools import combinations

ALPHA = 0.05
CONTROL = -1  # the arm of those who are held out
WINNER, SAME, WAITING, ALONE = "winner", "same", "waiting", "alone"


@dataclass(frozen=True)
class Verdict:
    """`kind` is waiting (no winner yet), winner, same (no difference worth having) or alone (one mail only). `chance` ≤ α decides: how
    rarely so much would be seen at any time if nothing was there."""

    kind: str
    winner: int | None = None
    chance: float = 1.0

    @property
    def decided(self) -> bool:
        """Nothing that comes can change it."""
        return self.kind in {WINNER, SAME}


class _Pair:
    """Two arms: the logarithms of the bet that the second (`up`), or the first (`down`), is answered more often."""

    __slots__ = ("alpha", "beaten", "down", "even", "most", "no_down", "no_up", "theta", "up")

    def __init__(self, theta: float, alpha: float) -> None:
        self.theta, self.alpha = theta, alpha
        self.up = self.down = self.most = 0.0
        self.no_up = self.no_down = False
        self.beaten: int | None = None  # 0 or 1: which of the two lost
        self.even = False

    def draw(self, second: bool, first_left: int, second_left: int) -> None:
        """One answer, with those who might have given it."""
        everybody, theta = first_left + second_left, self.theta
        self.up += math.log((theta if second else 1.0) * everybody / (first_left + theta * second_left))
        self.down += math.log((1.0 if second else theta) * everybody / (theta * first_left + second_left))
        if self.beaten is not None or self.even:
            return
        high, low = (self.up, self.down) if self.up > self.down else (self.down, self.up)
        self.most = max(self.most, high + math.log1p(math.exp(low - high)) - math.log(2))
        bar = -math.log(self.alpha)
        self.no_up, self.no_down = self.no_up or -self.up >= bar, self.no_down or -self.down >= bar
        if self.most >= bar:
            self.beaten = 0 if self.up > self.down else 1
        elif self.no_up and self.no_down:
            self.even = True


class Race:
    """The test of one campaign, fed in the order of what happened. `effect` is the smallest difference worth having: 0.2 is a fifth more answers.

    A cohort is any number that people share who got their mail at about the same time, for instance the hour.
    """

    def __init__(self, arms: int, effect: float, alpha: float = ALPHA) -> None:
        self.mails, self.answers = [0] * arms, [0] * arms
        self._left: dict[int, list[int]] = defaultdict(lambda: [0] * arms)
        pairs = list(combinations(range(arms), 2))
        self._alpha = alpha
        self._pairs = {pair: _Pair(1 + effect, alpha / len(pairs)) for pair in pairs}

    def handed(self, arm: int, cohort: int = 0, count: int = 1) -> None:
        """One more person has this mail, or so many."""
        self.mails[arm] += count
        self._left[cohort][arm] += count

    def answered(self, arm: int, cohort: int = 0) -> None:
        """One of those has answered, for the first time."""
        left = self._left[cohort]
        if left[arm] <= 0:
            return
        for (first, second), pair in self._pairs.items():
            if arm in (first, second):
                pair.draw(arm == second, left[first], left[second])
        left[arm] -= 1
        self.answers[arm] += 1

    @property
    def verdict(self) -> Verdict:
        """What may be said now. A winner is the only arm that no other has beaten; those that are left may be the same."""
        if not self._pairs:
            return Verdict(ALONE)
        beaten = {pair[row.beaten] for pair, row in self._pairs.items() if row.beaten is not None}
        standing = [arm for arm in range(len(self.mails)) if arm not in beaten]
        chance = min(1.0, math.exp(-max(row.most for row in self._pairs.values())) * len(self._pairs))
        if len(standing) == 1:
            return Verdict(WINNER, standing[0], chance)
        if all(row.even for pair, row in self._pairs.items() if set(pair) <= set(standing)):
            return Verdict(SAME, chance=chance)
        return Verdict(WAITING, chance=chance)


def needed(rate: float, effect: float, arms: int = 2, alpha: float = ALPHA) -> int:
    """About how many mails each arm needs to find the difference in four of five cases, if `rate` of the people answer the weaker mail.

    The bet grows by its expected logarithm with every answer (Wald); the mails are those that bring so many answers, with room for chance.
    """
    pairs = max(1, arms * (arms - 1) // 2)
    share = (1 + effect) / (2 + effect)
    gains = (math.log(2 * share), math.log(2 * (1 - share)))
    mean = share * gains[0] + (1 - share) * gains[1]
    spread = math.sqrt(share * (1 - share)) * (gains[0] - gains[1])
    bar = math.log(2 * pairs / alpha)
    root = (0.84 * spread + math.sqrt((0.84 * spread) ** 2 + 4 * mean * bar)) / (2 * mean)
    return math.ceil(root**2 / (rate * (2 + effect)))


def split(campaign: int, party: int, *, arms: int, control: int, house: int = 0) -> int:
    """The arm of a person, 0 to arms − 1, or CONTROL for `control` in a thousand. The same whenever it is asked; another for each campaign.

    People of one `house` (their firm; 0: none) are held out together, because what they buy the firm buys; the mail is drawn person by person.
    """
    if _draw(campaign, f"house {house}" if house else str(party), "control") * 1000 < control << 32:
        return CONTROL
    return _draw(campaign, str(party), "mail") * arms >> 32


def _draw(campaign: int, who: str, what: str) -> int:
    """A number below 2³² that nobody chose."""
    return int.from_bytes(hashlib.sha256(f"lotse {campaign} {what} {who}".encode()).digest()[:4], "big")
