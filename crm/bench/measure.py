"""What one run costs: the statements it sends, how long the database takes for them, and how many pages of memory it touches."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction

TIMES = 5


@dataclass(frozen=True)
class Sql:
    """A statement with its parameters."""

    text: str
    params: Any = ()


@dataclass
class Cost:
    """Of one operation: `ms` in the database and `all_ms` in all, both medians; `buffers` of all its reading statements."""

    ms: float = 0
    all_ms: float = 0
    buffers: int = 0
    queries: int = 0
    statements: list[tuple[Sql, float]] = field(default_factory=list)


def cost_of(run: Callable[[], Any], times: int = 0) -> Cost:
    """Run it once to warm up and `times` (default TIMES) more."""
    times = times or TIMES
    seen: list[list[tuple[Sql, float]]] = []
    whole: list[float] = []
    for _ in range(times + 1):
        statements: list[tuple[Sql, float]] = []

        def watch(execute: Any, text: str, params: Any, many: bool, context: Any, kept: list[tuple[Sql, float]] = statements) -> Any:
            begin = time.perf_counter()
            try:
                return execute(text, params, many, context)
            finally:
                kept.append((Sql(text, params), (time.perf_counter() - begin) * 1000))

        begin = time.perf_counter()
        with connection.execute_wrapper(watch):
            run()
        whole.append((time.perf_counter() - begin) * 1000)
        seen.append(statements)
    warm = seen[1:]
    return Cost(
        ms=statistics.median(sum(ms for _sql, ms in statements) for statements in warm),
        all_ms=statistics.median(whole[1:]),
        buffers=sum(buffers_of(sql) for sql, _ms in warm[-1]),
        queries=len(warm[-1]),
        statements=warm[-1],
    )


def buffers_of(sql: Sql) -> int:
    """Shared buffers a reading statement touches; 0 for any other. Run within a transaction that is taken back."""
    if not sql.text.lstrip(" (\n").upper().startswith(("SELECT", "WITH")) or "set_config" in sql.text:
        return 0
    plan = plan_of(sql)
    return int(plan["Shared Hit Blocks"]) + int(plan["Shared Read Blocks"])


def plan_of(sql: Sql) -> dict[str, Any]:
    """The plan with what its nodes touched."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {sql.text}", sql.params)
        plan: dict[str, Any] = cursor.fetchone()[0][0]["Plan"]
        transaction.set_rollback(True)
    return plan


def rows_of(sql: Sql) -> list[Any]:
    """What a hand-written statement returns: its first column."""
    with connection.cursor() as cursor:
        cursor.execute(sql.text, sql.params)
        return [row[0] for row in cursor.fetchall()]


@dataclass
class Spent:
    """What a piece of long work cost once: `ms` in all, `own_ms` of them on our own processor, and the `buffers` that its statements and all
    they set off touched (triggers, indexes, keys)."""

    ms: float = 0
    own_ms: float = 0
    buffers: int = 0
    queries: int = 0


@dataclass(frozen=True)
class Both:
    """What an operation cost, and the least that does the same by hand. `rows` it was about, none where it is about something single."""

    rows: int
    ours: Spent
    floor: Spent
    same: bool = True


@contextmanager
def spending() -> Iterator[Spent]:
    """Count the block. What the database would check at the commit is checked at its end. Within a transaction: its counters begin there."""
    spent = Spent()

    def count(execute: Any, text: str, params: Any, many: bool, context: Any) -> Any:
        spent.queries += 1
        return execute(text, params, many, context)

    before, own, begin = _touched(), time.process_time(), time.perf_counter()
    with connection.execute_wrapper(count):
        yield spent
    connection.check_constraints()
    spent.ms, spent.own_ms = (time.perf_counter() - begin) * 1000, (time.process_time() - own) * 1000
    spent.buffers = _touched() - before


def _touched() -> int:
    """Shared buffers this transaction has touched so far, of whatever table or index."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(pg_stat_get_xact_blocks_fetched(oid)) FROM pg_class")
        return int(cursor.fetchone()[0])


@contextmanager
def taken_back() -> Iterator[None]:
    """Nothing of the block stays."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
