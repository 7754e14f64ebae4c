"""One number for the content of a table: the measure of "as before" (D6)."""

from __future__ import annotations

from collections.abc import Iterable

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
