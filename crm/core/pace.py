"""People first: what works in the background steps back while people wait for pages.

A process of the page that has two requests in hand at once lets somebody wait, for whatever reason: it says so, for a second. Background
work looks between two of its steps, and as long as somebody says so it rests, at most eight times as long as its last step took. So it
never stands still, however many are there. What takes no more than a second is done at once: somebody waits for that, too. Where Valkey is
gone nobody rests.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from crm.core.memory import keep, recall

CROWD = 2  # requests in hand at once in one process; with fewer threads than that nobody ever says so
HOLDS = 1  # seconds for which it is said
OFTEN = HOLDS / 2  # seconds until a process says so again
FREE = 1.0  # seconds of work without a rest
REST, LONGEST = 8.0, 5.0  # times the last step, and seconds
LOOK = 0.1  # seconds from one look to the next
WAITING = "lotse-people-wait"

_lock = threading.Lock()
_in_hand, _said_at = 0, 0.0


@contextmanager
def in_hand() -> Iterator[None]:
    """One request of this process, from its beginning to its answer."""
    global _in_hand, _said_at
    with _lock:
        _in_hand += 1
        say = _in_hand >= CROWD and time.monotonic() - _said_at >= OFTEN
        if say:
            _said_at = time.monotonic()
    try:
        if say:
            keep(WAITING, 1, HOLDS)
        yield
    finally:
        with _lock:
            _in_hand -= 1


class Pace:
    """One run of background work."""

    def __init__(self) -> None:
        self._since, self._worked = time.monotonic(), 0.0

    def step(self) -> None:
        """Between two steps, outside every transaction: rest while people wait."""
        now = time.monotonic()
        took = now - self._since
        self._worked += took
        until = now + min(REST * took, LONGEST) if self._worked > FREE else now
        while now < until and recall(WAITING):
            time.sleep(min(LOOK, until - now))
            now = time.monotonic()
        self._since = time.monotonic()
