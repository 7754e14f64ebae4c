"""Who waits for whom in the database, looked at again and again."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from typing import Any

from crm.devstack.places import Stack
from crm.devstack.services import NAME, Postgres

PAUSE = 0.02
WAITING = """SELECT pid, application_name, CASE WHEN wait_event_type = 'Lock' THEN pg_blocking_pids(pid) ELSE '{}' END,
    CASE WHEN wait_event_type = 'Lock' THEN (SELECT extract(epoch FROM clock_timestamp() - min(waitstart))::float8 FROM pg_locks WHERE pg_locks.pid = a.pid AND NOT granted) END
    FROM pg_stat_activity a WHERE datname = current_database() AND backend_type = 'client backend'"""


class Watch:
    """`with Watch(stack, PEOPLE) as seen: …; seen.longest["upgrade"]`: the longest any of these waited for a lock of that one, in seconds.

    Whoever waits for somebody who waits counts as well. Postgres says when a wait began, so it is known up to the moment of the last look at it.
    """

    def __init__(self, stack: Stack, whose: str) -> None:
        self.longest: dict[str, float] = defaultdict(float)
        self.looks, self.gap = 0, 0.0  # how often, and the longest time between two
        self._whose, self._server = whose, Postgres(stack)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(30)

    def _watch(self) -> None:
        connection, last = self._server.connect(NAME), time.monotonic()
        try:
            with connection.cursor() as cursor:
                while not self._over.wait(PAUSE):
                    cursor.execute(WAITING)
                    self.see(cursor.fetchall())
                    self.looks, self.gap, last = self.looks + 1, max(self.gap, time.monotonic() - last), time.monotonic()
        finally:
            connection.close()

    def see(self, rows: list[Any]) -> None:
        """One look: (process, its name, those it waits for, for how long)."""
        names, blockers = {row[0]: row[1] for row in rows}, {row[0]: row[2] for row in rows}
        for pid, name, _, waited in rows:
            if name != self._whose or waited is None:
                continue
            behind, new = set(), set(blockers[pid])
            while new:
                behind |= new
                new = {further for one in new for further in blockers.get(one, [])} - behind
            for other in {names.get(one, "") for one in behind - {pid}}:
                self.longest[other] = max(self.longest[other], waited)
