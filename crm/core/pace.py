"""People first: what works in the background steps back while people work.

Whoever is signed in and asks for something says so, for a second. Background work looks between two of its steps, and as long as somebody has
said so it rests: a multiple of its last step that is the larger the fewer processors the machine has, as its two processes take all of two and
a small part of sixteen. It never stands still. What takes no more than a second is done at once, and so is all mail but advertising: somebody
waits for that, too. Where Valkey is gone nobody rests.
"""

from __future__ import annotations

import os
import time

from crm.core.memory import keep, recall

HOLDS = 1  # seconds for which it is said that people work
OFTEN = HOLDS / 2  # seconds until a process of the page says so again
FREE = 1.0  # seconds of work without a rest
REST, LONGEST = 12.0 / (os.cpu_count() or 1), 5.0  # times the last step, and seconds: a worker has at least a seventh of two processors
LOOK = 0.1  # seconds from one look to the next
AT_WORK = "lotse-people-work"

_said_at = 0.0


def somebody_asks() -> None:
    """Said at the beginning of a request of somebody signed in."""
    global _said_at
    now = time.monotonic()
    if now - _said_at >= OFTEN:
        _said_at = now  # two threads at once say it twice
        keep(AT_WORK, 1, HOLDS)


class Pace:
    """One run of background work, or its next part (`begun`), for which nothing is free any more."""

    def __init__(self, *, begun: bool = False) -> None:
        self._since, self._worked = time.monotonic(), FREE if begun else 0.0

    def step(self) -> None:
        """Between two steps, outside every transaction: rest while people work."""
        now = time.monotonic()
        took = now - self._since
        self._worked += took
        until = now + min(REST * took, LONGEST) if self._worked > FREE else now
        while now < until and recall(AT_WORK):
            time.sleep(min(LOOK, until - now))
            now = time.monotonic()
        self._since = time.monotonic()
