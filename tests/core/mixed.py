"""Changes of every kind over every audited table, made by the database itself from the types of their columns; and a slow second rebuilding."""

from __future__ import annotations

import json
import random
import re
from typing import Any

from django.db import connection

from crm.core.audit.guards import Watched, audited

MOVED = 10**12  # ids of rows whose key was changed


def run(statement: str, *values: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        return int(cursor.rowcount)


def rows(statement: str, *values: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        return cursor.fetchall()


def let_anything_in() -> None:
    """Off with every constraint and every unique index but primary keys, in the transaction of the test: here only the audit is asked."""
    names = [table.name for table in audited()]
    run("SET CONSTRAINTS ALL IMMEDIATE")
    for table, name in rows("SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE contype IN ('f', 'c', 'u', 'x') AND (conrelid::regclass::text = ANY(%s) OR confrelid::regclass::text = ANY(%s))", names, names):
        run(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    for (name,) in rows("SELECT i.indexrelid::regclass::text FROM pg_index i WHERE i.indisunique AND NOT i.indisprimary AND i.indrelid::regclass::text = ANY(%s)", names):
        run(f"DROP INDEX {name}")


def expression(kind: str) -> str:
    """SQL for a random value of this type."""
    if kind.endswith("[]"):
        return f"ARRAY[{expression(kind[:-2])}]::{kind}"
    if length := re.fullmatch(r"character varying\((\d+)\)", kind):
        return f"left(md5(random()::text) || 'äß€', {length.group(1)})"
    if size := re.fullmatch(r"numeric\((\d+),(\d+)\)", kind):
        return f"round((random() * 9)::numeric, {size.group(2)})"
    return {
        "text": "chr(946) || md5(random()::text)", "character varying": "md5(random()::text)", "boolean": "random() < 0.5", "smallint": "(random() * 99)::smallint",
        "integer": "(random() * 1e6)::int", "bigint": "(random() * 1e9)::bigint", "numeric": "random()::numeric", "double precision": "random() * 1e-3", "date": "current_date - (random() * 999)::int",
        "timestamp with time zone": "clock_timestamp() - random() * interval '900 days'", "time without time zone": "(random() * interval '23 hours')::time", "uuid": "gen_random_uuid()",
        "jsonb": "CASE WHEN random() < 0.5 THEN jsonb_build_object('a', NULL, 'b', jsonb_build_array(random(), NULL, '{\"c\": null}'::jsonb)) ELSE '[]' END", "bytea": "decode(md5(random()::text), 'hex')",
        "interval": "random() * interval '9 days'", "inet": "'10.0.0.1'::inet", "tsvector": "to_tsvector('simple', md5(random()::text))",
    }[kind]  # fmt: skip


class Changed:
    """One table and what may be done to it."""

    def __init__(self, table: Watched) -> None:
        self.name = table.name
        found = rows(
            "SELECT quote_ident(attname), format_type(atttypid, atttypmod), attnotnull FROM pg_attribute"
            " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND attname <> 'id' ORDER BY attnum",
            table.name,
        )
        self.columns = {name: expression(kind) if needed else f"CASE WHEN random() < 0.7 THEN {expression(kind)} END" for name, kind, needed in found}

    @property
    def top(self) -> str:
        """The highest number in use; where the newest rows were deleted, theirs are given again."""
        return f"(SELECT coalesce(max(id), 0) FROM {self.name} WHERE id < {MOVED})"

    def some(self, count: int) -> str:
        return f"(SELECT id FROM {self.name} TABLESAMPLE SYSTEM (100) ORDER BY random() LIMIT {count})"

    def change(self, dice: random.Random, many: int) -> int:
        """One statement, of whatever kind; how many rows it touched."""
        kind, count = dice.random(), dice.randint(1, many)
        names = ", ".join(self.columns)
        few = dice.sample(sorted(self.columns), dice.randint(1, min(4, len(self.columns))))
        changed = ", ".join(f"{name} = {self.columns[name]}" for name in few)
        if kind < 0.40:
            return run(f"INSERT INTO {self.name} (id, {names}) SELECT {self.top} + n, {', '.join(self.columns.values())} FROM generate_series(1, {count}) n")
        if kind < 0.78:
            return run(f"UPDATE {self.name} SET {changed} WHERE id IN {self.some(count)}")
        if kind < 0.88:
            return run(f"DELETE FROM {self.name} WHERE id IN {self.some(count)}")
        if kind < 0.91:
            return run(f"UPDATE {self.name} t SET id = (SELECT greatest(max(id), {MOVED}) FROM {self.name}) + t.id, {changed} WHERE t.id < {MOVED} AND id IN {self.some(count)}")
        if kind < 0.95:  # those that are there are changed, the others come back under a number that was used
            return run(
                f"INSERT INTO {self.name} (id, {names}) SELECT n, {', '.join(self.columns.values())} FROM generate_series(greatest(1, {self.top} - {count}), {self.top}) n"
                f" ON CONFLICT (id) DO UPDATE SET {changed}"
            )
        return run(f"MERGE INTO {self.name} t USING {self.some(count)} s ON t.id = s.id WHEN MATCHED AND t.id % 3 = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET {changed}")


def change_everything(dice: random.Random, goal: int, many: int) -> int:
    """Mixed changes over all audited tables until there are so many; each table gets its share. Returns how many rows were touched."""
    tables = [Changed(table) for table in audited()]
    zones, done = ["UTC", "Europe/Berlin", "Asia/Kathmandu"], 0
    while done < goal:
        for table in tables:
            run(f"SET LOCAL timezone = '{dice.choice(zones)}'")
            done += table.change(dice, many)
    run("SET LOCAL timezone = 'UTC'")
    return done


def slowly_different(table: Watched) -> int:
    """How many rows are not what the entries say, read one after the other in Python."""
    told: dict[int, dict[str, Any]] = {}
    for number, op, after in rows("SELECT row_id, op, after::text FROM core_change WHERE relation = %s ORDER BY id", table.name):
        if op == "D":
            del told[number]
        elif op == "I":
            told[number] = json.loads(after)
        else:
            told[number] |= json.loads(after)
    moments = {name for (name,) in rows("SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND atttypid = 'timestamptz'::regtype", table.name)}
    different = 0
    for number, text in rows(f"SELECT id, to_jsonb(t)::text FROM {table.name} t"):
        live, was = json.loads(text), told.pop(number, None)
        different += was is None or any(_plain(name, live[name], moments) != _plain(name, was.get(name), moments) for name in live if name not in table.ignored)
    return different + len(told)


def _plain(name: str, value: Any, moments: set[str]) -> Any:
    from datetime import datetime

    return datetime.fromisoformat(value) if name in moments and value else value
