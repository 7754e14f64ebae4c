"""Rows of one import that mean the same thing."""

from __future__ import annotations

from django.db import connection

from sales.imports.models import ImportRun


def refuse_doubles(run: ImportRun, kind: str) -> int:
    """The first row of a key counts, whatever became of it; a later one with the same key is refused and names the first. First is who stands
    in the file that came first, and higher up in it. Returns how many were refused; a second time there are none.

    All rows are looked through at once and not while they are judged, as several workers judge them. Sorted once: of rows just written
    Postgres knows too little to be trusted with a join over their keys.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE sales_importrow r
            SET verdict = 'refused', asks = '{}', changes = '{}', target_id = NULL,
                reasons = jsonb_build_array(jsonb_build_array('double', jsonb_build_object('file', file.name, 'line', found.line)))
            FROM (
                SELECT id, row_number() OVER same AS place, first_value(file_id) OVER same AS file_id, first_value(line) OVER same AS line
                FROM sales_importrow
                WHERE run_id = %(run)s AND kind = %(kind)s AND key <> ''
                WINDOW same AS (PARTITION BY key ORDER BY file_id, line)
            ) found
            JOIN sales_importfile file ON file.id = found.file_id
            WHERE r.id = found.id AND found.place > 1 AND r.reasons = '[]'
            """,
            {"run": run.pk, "kind": kind},
        )
        return int(cursor.rowcount)
