"""Trials for judging a test of two mails: people who answer late, a marketer who looks after every batch, and two ways that lie."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

LATE = (0.5, 0.3, 0.15, 0.05)  # how many of those who answer do so in the same batch, one, two, three batches later


@dataclass(frozen=True)
class Trial:
    """Each arm gets `batches` × `batch` mails; `rates` are the true shares of people who answer, one per arm."""

    rates: tuple[float, ...]
    batches: int = 20
    batch: int = 200

    def events(self, seed: int) -> Iterator[list[tuple[int, bool, int]]]:
        """Batch by batch what happens, in order: (arm, True for an answer or False for a mail handed over, the batch of that mail)."""
        dice = random.Random(seed)
        later: list[list[tuple[int, bool, int]]] = [[] for _ in range(self.batches + len(LATE))]
        for number in range(self.batches + len(LATE) - 1):
            happened: list[tuple[int, bool, int]] = []
            if number < self.batches:
                happened = [(arm, False, number) for arm in range(len(self.rates)) for _ in range(self.batch)]
                for arm, rate in enumerate(self.rates):
                    for _ in range(sum(dice.random() < rate for _ in range(self.batch))):
                        later[number + dice.choices(range(len(LATE)), LATE)[0]].append((arm, True, number))
            dice.shuffle(later[number])
            yield happened + later[number]


Judge = Callable[[Sequence[int], Sequence[int]], int | None]


def max_rate(mails: Sequence[int], answers: Sequence[int]) -> int | None:
    """What others do: whoever is ahead has won."""
    rates = [answers[arm] / mails[arm] for arm in range(len(mails))]
    best = rates.index(max(rates))
    return best if rates.count(rates[best]) == 1 else None


def z_test(mails: Sequence[int], answers: Sequence[int]) -> int | None:
    """The test of the textbook, made for one look at the end."""
    pooled = sum(answers) / sum(mails)
    spread = math.sqrt(pooled * (1 - pooled) * (1 / mails[0] + 1 / mails[1])) or 1.0
    z = (answers[1] / mails[1] - answers[0] / mails[0]) / spread
    return None if abs(z) < 1.96 else int(z > 0)


def peeking(trial: Trial, seed: int, judge: Judge) -> int | None:
    """The first winner a judge names who looks at the counts after every batch."""
    mails, answers = [0] * len(trial.rates), [0] * len(trial.rates)
    for batch in trial.events(seed):
        for arm, answered, _ in batch:
            (answers if answered else mails)[arm] += 1
        winner = judge(mails, answers)
        if winner is not None:
            return winner
    return None
