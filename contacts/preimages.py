"""Rows as they were, kept as JSON and put back byte for byte: what a merge writes down and an unmerge reads."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import IntegrityError, connection, models, transaction
from django.db.models import F
from django.utils import timezone

from crm.core.records import Record

TRACE = {"version", "updated_at", "updated_by_id"}  # they tell of the change itself and only ever go forward


def columns(model: Any) -> list[str]:
    """The columns that are stored, not generated."""
    return [str(field.column) for field in model._meta.concrete_fields if not getattr(field, "generated", False)]


def picture(model: Any, ids: Sequence[int]) -> list[dict[str, Any]]:
    """These rows, column by column, as Postgres writes them; by id."""
    names = json.dumps(columns(model))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT jsonb_object_agg(key, value) FROM jsonb_each(to_jsonb(t)) WHERE %s::jsonb ? key)::text"  # noqa: S608 - names from the model
            f' FROM "{model._meta.db_table}" t WHERE "{model._meta.pk.column}" = ANY(%s) ORDER BY "{model._meta.pk.column}"',
            [names, list(ids)],
        )
        return [json.loads(text) for (text,) in cursor.fetchall()]


def put_back(model: Any, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert rows that were dropped, as they were; returns how many found their place. What needs something that is gone stays away."""
    if not rows:
        return 0
    if _insert(model, rows):
        return len(rows)
    return sum(_insert(model, [row]) for row in rows)


def _insert(model: Any, rows: Sequence[Mapping[str, Any]]) -> bool:
    names = ", ".join(f'"{name}"' for name in columns(model))
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                f'INSERT INTO "{model._meta.db_table}" ({names}) SELECT {names} FROM jsonb_populate_recordset(NULL::"{model._meta.db_table}", %s::jsonb)',  # noqa: S608 - names from the model
                [json.dumps([dict(row) for row in rows])],
            )
            connection.check_constraints()  # now, where somebody can still do without the row
        return True
    except IntegrityError:
        return False


def rewrite(model: Any, pk: int, values: Mapping[str, Any], *, by: Any) -> None:
    """Set these columns of one row to what a picture holds."""
    fields = {field.column: field for field in model._meta.concrete_fields}
    change(model._base_manager.filter(pk=pk), by=by, **{fields[name].attname: fields[name].to_python(value) for name, value in values.items()})


def change(rows: models.QuerySet[Any], *, by: Any, **values: Any) -> int:
    """Change rows; a record among them gets its next version and the trace of who did it."""
    if issubclass(rows.model, Record):
        values |= {"version": F("version") + 1, "updated_by": by, "updated_at": timezone.now()}
    return int(rows.update(**values))
