"""One number for the content of a table: the measure of "as before" (D6), and of "everything came back" (backup)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection, models

IGNORED = ["version", "updated_at", "updated_by_id"]  # they tell of the change itself and only ever go forward


def digest(tables: Iterable[type[models.Model]]) -> dict[str, str]:
    """Table → md5 over all its rows, whatever their order; `IGNORED` columns do not count. Equal content gives equal digests."""
    found = {}
    with connection.cursor() as cursor:
        for model in tables:
            name = connection.ops.quote_name(model._meta.db_table)
            cursor.execute(
                f"SELECT md5(coalesce(string_agg(row, '' ORDER BY row), '')) FROM (SELECT md5((to_jsonb(t) - %s)::text) AS row FROM {name} t) r",  # noqa: S608
                [IGNORED],
            )
            found[model._meta.db_table] = cursor.fetchone()[0]
    return found


@dataclass(frozen=True)
class Table:
    """What a whole table holds: how many rows, and one number over all of them, every column counted."""

    rows: int
    digest: str


# How a row becomes text, whatever the session's own habits.
AS_TEXT = "SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL intervalstyle = 'postgres'; SET LOCAL bytea_output = 'hex'; SET LOCAL extra_float_digits = 1"


def digest_everything(cursor: Any) -> dict[str, Table]:
    """Every table of the database, ours or a library's, within the caller's transaction.

    Sums of the rows' md5, so that no order, no sort and no memory is needed: 100 million rows are read once, as a stream.
    """
    cursor.execute(AS_TEXT)
    cursor.execute("SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace ORDER BY relname COLLATE \"C\"")
    found = {}
    for (name,) in cursor.fetchall():
        cursor.execute(
            "SELECT count(*), coalesce(sum(('x' || left(h, 16))::bit(64)::bigint), 0), coalesce(sum(('x' || right(h, 16))::bit(64)::bigint), 0)"  # noqa: S608 - a name from the catalogue
            f" FROM (SELECT md5(t::text) AS h FROM public.{connection.ops.quote_name(name)} t) r"
        )
        rows, *halves = cursor.fetchone()
        found[name] = Table(rows, "".join(f"{int(half) % 2**64:016x}" for half in halves))
    return found


def digest_shape(cursor: Any) -> str:
    """One number for what stands around the rows: columns, constraints, indexes, triggers and functions, by name and kind."""
    cursor.execute("""
        SELECT md5(string_agg(line, E'\\n' ORDER BY line COLLATE "C")) FROM (
            SELECT concat_ws(' ', 'column', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attgenerated, a.attidentity) AS line
                FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
                WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
            UNION ALL SELECT concat_ws(' ', 'constraint', conrelid::regclass, conname, contype, convalidated) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
            UNION ALL SELECT concat_ws(' ', 'index', c.relname, i.indisunique, i.indisvalid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
                WHERE c.relnamespace = 'public'::regnamespace
            UNION ALL SELECT concat_ws(' ', 'trigger', tgrelid::regclass, tgname, tgtype, tgenabled) FROM pg_trigger WHERE NOT tgisinternal
            UNION ALL SELECT concat_ws(' ', 'function', proname, md5(prosrc)) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
        ) shape""")
    return str(cursor.fetchone()[0])
