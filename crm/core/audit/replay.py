"""Rebuilds a table from what the audit says and compares it with what is there: whatever was done to its rows with the triggers off stands out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from django.db import DatabaseError, connection, transaction

from crm.core.audit.guards import Finding, Watched
from crm.core.digest import AS_TEXT

NAMED = 5  # rows named one by one

# In the session's own schema: nothing that lies in the database is trusted to judge the database.
_TOOLS = """
CREATE OR REPLACE FUNCTION pg_temp.told(state jsonb, op text, after jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS
    $$ SELECT CASE op WHEN 'I' THEN after WHEN 'D' THEN NULL ELSE state || after END $$;
CREATE OR REPLACE AGGREGATE pg_temp.rebuilt(text, jsonb) (SFUNC = pg_temp.told, STYPE = jsonb);
"""
# Equal at the first glance, or read back as a row of the table and written in this session's way: times of another zone, 1 and 1.0. A column that
# came later and of which no entry tells has its default.
_DIFFERENT = """
WITH told AS (SELECT row_id AS id, pg_temp.rebuilt(op::text, after ORDER BY id) AS state FROM core_change WHERE relation = %(name)s GROUP BY row_id),
live AS (SELECT id, to_jsonb(t) - %(ignored)s::text[] AS state FROM {table} t),
pairs AS (
    SELECT id, told.state AS told, live.state AS live FROM live FULL JOIN (SELECT * FROM told WHERE state IS NOT NULL) told USING (id)
    WHERE told.state IS NULL OR live.state IS NULL OR jsonb_strip_nulls(told.state - %(ignored)s::text[] - %(nested)s::text[]) <> jsonb_strip_nulls(live.state - %(nested)s::text[])
        OR EXISTS (SELECT FROM unnest(%(nested)s::text[]) key WHERE coalesce(told.state -> key, 'null') <> coalesce(live.state -> key, 'null'))
)
SELECT id, told, live, columns FROM pairs CROSS JOIN LATERAL (
    SELECT array_agg(key ORDER BY key) AS columns
    FROM jsonb_each(to_jsonb(jsonb_populate_record(NULL::{table}, told)) - %(ignored)s::text[]) was FULL JOIN jsonb_each(live) now_ USING (key)
    WHERE coalesce(was.value, 'null') <> coalesce(now_.value, 'null') AND NOT (NOT told ? key AND now_.value = %(defaults)s::jsonb -> key)
) d
WHERE told IS NULL OR live IS NULL OR columns IS NOT NULL
"""


@dataclass
class Compared:
    """One table, rebuilt and compared."""

    rows: int = 0
    differ: int = 0
    found: list[Finding] = field(default_factory=list)


def compare(table: Watched) -> Compared:
    """Rebuild this table and hold it beside the live one, as of one moment."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            statement, values = _prepared(cursor, table)
            cursor.execute(f"SELECT (SELECT count(*) FROM {_quoted(table)}), count(*) OVER (), id, told IS NULL, live IS NULL, columns FROM ({statement}) d ORDER BY id LIMIT {NAMED}", values)  # noqa: S608
            rows = cursor.fetchall()
            if not rows:
                cursor.execute(f"SELECT count(*) FROM {_quoted(table)}")  # noqa: S608 - a table of ours
                return Compared(cursor.fetchone()[0])
    except DatabaseError as error:
        return Compared(found=[{"what": "unreadable", "table": table.name, "error": str(error).splitlines()[0][:200]}])
    kinds = {True: "row-unknown", False: "row-gone"}
    found: list[Finding] = [
        {"what": kinds[unknown] if unknown or gone else "row-other", "table": table.name, "row": row, "columns": "" if unknown or gone else ", ".join(columns)}
        for _rows, _all, row, unknown, gone, columns in rows
    ]
    count = int(rows[0][1])
    if count > NAMED:
        found.append({"what": "rows-more", "table": table.name, "count": count - NAMED})
    return Compared(int(rows[0][0]), count, found)


def settle(table: Watched) -> int:
    """Write down, as the house, what the audit does not tell right: rows from before it began, or differences somebody accepted. Returns how many."""
    if not compare(table).differ:
        return 0  # nobody waits where there is nothing to write
    with transaction.atomic(), connection.cursor() as cursor:
        statement, values = _prepared(cursor, table)
        cursor.execute("SET LOCAL lock_timeout = '2s'")
        cursor.execute(f"LOCK TABLE {_quoted(table)} IN SHARE ROW EXCLUSIVE MODE")  # what is about to be written would come after its own entry
        cursor.execute(
            f"""
            INSERT INTO core_change (at, xid, actor_id, origin, request, relation, row_id, op, before, after)
            SELECT clock_timestamp(), pg_current_xact_id()::text::bigint, NULL, 'house', '', %(name)s, id,
                CASE WHEN told IS NULL THEN 'I' WHEN live IS NULL THEN 'D' ELSE 'U' END,
                CASE WHEN live IS NULL THEN told WHEN told IS NOT NULL THEN (SELECT jsonb_object_agg(key, coalesce(told -> key, 'null')) FROM unnest(columns) key) END,
                CASE WHEN told IS NULL THEN (SELECT jsonb_object_agg(key, value) FROM jsonb_each(live) WHERE value <> 'null')
                     WHEN live IS NOT NULL THEN (SELECT jsonb_object_agg(key, coalesce(live -> key, 'null')) FROM unnest(columns) key) END
            FROM ({statement}) d
            """,  # noqa: S608 - all of it ours
            values,
        )
        return int(cursor.rowcount)


def _prepared(cursor: Any, table: Watched) -> tuple[str, dict[str, Any]]:
    """The statement and its values, in a transaction that may take as long as it takes."""
    cursor.execute(AS_TEXT)
    cursor.execute("SET LOCAL statement_timeout = 0")
    cursor.execute(_TOOLS)
    cursor.execute(
        "SELECT a.attname, a.atttypid IN ('json'::regtype, 'jsonb'::regtype), format_type(a.atttypid, a.atttypmod), pg_get_expr(d.adbin, d.adrelid)"
        " FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.attgenerated = ''"
        " WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped",
        [f"public.{table.name}"],
    )
    nested, defaults = [], []
    for column, is_json, kind, default in cursor.fetchall():
        if is_json and column not in table.ignored:
            nested.append(column)
        if default and re.fullmatch(r"'[^']*'::[\w ]+|\(?-?[\d.]+\)?|true|false", default):  # a constant: anything else never stood in a row that was there before it
            defaults.append(f"'{column}', to_jsonb(({default})::{kind})")
    cursor.execute(f"SELECT jsonb_build_object({', '.join(defaults)})::text")
    values = {"name": table.name, "ignored": list(table.ignored), "nested": nested, "defaults": cursor.fetchone()[0]}
    return _DIFFERENT.format(table=_quoted(table)), values


def _quoted(table: Watched) -> str:
    return f"public.{connection.ops.quote_name(table.name)}"
