"""Rows that very many tests begin with: written once by the product's own code in each process, and copied into the tables from then on.

Writing them takes ten times as long as copying them, which for all tests together were minutes.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

from django.core.cache import cache
from django.db import connection, transaction

# What the copied rows may point at: after a flush Django writes its content types and permissions anew, under other keys.
STANDING = "SELECT (SELECT array[min(id), max(id), count(*)] FROM django_content_type), (SELECT array[min(id), max(id), count(*)] FROM auth_permission)"


@dataclass(frozen=True)
class Rows:
    """The rows as Postgres copies them out, by table, and what stood in the database before."""

    standing: object
    empty: list[str]  # the tables that must be as they were: without a row
    by_table: dict[str, bytes]
    again: str  # sets the sequences behind the copied keys


class Beginning:
    """Does what `write` does, by copying where it can. `write` only adds rows, and answers nothing that is needed."""

    def __init__(self, write: Callable[[], object]) -> None:
        self._write = write
        self._known: Rows | None = None

    def bring(self) -> None:
        """The rows stand in the database of this test. Their keys are those of the tests before, so nothing that was remembered of these stays."""
        cache.clear()
        if self._known is None or self._known.standing != _standing() or _filled(self._known.empty):
            self._known = self._written()
        else:
            _copy_in(self._known)

    def _written(self) -> Rows:
        tables = _tables()
        before = {table: _copy_out(table) for table in _filled(tables)}
        standing = _standing()
        self._write()
        fresh = {}
        for table in _filled(tables):
            there, now = set(before.get(table, [])), _copy_out(table)
            assert there <= set(now), f"rows of {table} were changed"
            if added := [line for line in now if line not in there]:
                fresh[table] = b"".join(added)
        return Rows(standing, [table for table in fresh if table not in before], fresh, _sequences(list(fresh)))


def _standing() -> object:
    with connection.cursor() as cursor:
        cursor.execute(STANDING)
        return cursor.fetchone()


def _tables() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname")
        return [name for (name,) in cursor.fetchall()]


def _filled(tables: list[str]) -> list[str]:
    """Those of the tables that hold rows."""
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(f"(SELECT '{table}' FROM \"{table}\" LIMIT 1)" for table in tables))
        return [name for (name,) in cursor.fetchall()]


def _copy_out(table: str) -> list[bytes]:
    out = io.BytesIO()
    with connection.cursor() as cursor:
        cursor.copy_expert(f'COPY "{table}" TO STDOUT', out)
    return out.getvalue().splitlines(keepends=True)


def _copy_in(kept: Rows) -> None:
    """As rows alone: what triggers and keys would do or ask was done and asked when they were written."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = 'replica'")
        for table, rows in kept.by_table.items():
            cursor.copy_expert(f'COPY "{table}" FROM STDIN', io.BytesIO(rows))
        cursor.execute("SET LOCAL session_replication_role = 'origin';" + kept.again)


def _sequences(tables: list[str]) -> str:
    """SQL that sets each table's sequence behind the highest key in it, where it is not yet."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT table_name, pg_get_serial_sequence(table_name, column_name) FROM information_schema.columns WHERE is_identity = 'YES' AND column_name = 'id' AND table_name = ANY(%s)", [tables])
        return ";".join(f"SELECT setval('{sequence}', greatest((SELECT last_value FROM {sequence}), (SELECT max(id) FROM \"{table}\")))" for table, sequence in cursor.fetchall()) or "SELECT 1"
