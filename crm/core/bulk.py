"""Many rows of one model at once: new ones by COPY, changed ones by one UPDATE. A tenth of what `bulk_create` and `bulk_update` take."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from io import StringIO
from typing import Any, Literal

from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.db.models.expressions import RawSQL
from django.utils import timezone

_json = json.JSONEncoder(ensure_ascii=False).encode
_ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


class Rows:
    """Collects rows of `model`; `columns` are field names (a key by its `…_id`). `write` sends them all and begins anew.

    A column nobody names has the model's default, times that Django sets are now, and an id is drawn by the database.
    """

    def __init__(self, model: type[models.Model], *columns: str) -> None:
        fields = {field.attname: field for field in model._meta.concrete_fields if not getattr(field, "generated", False)}
        rest = [field for name, field in fields.items() if name not in columns and not field.primary_key]
        self.model = model
        self.arrays = {place for place, name in enumerate(columns) if isinstance(fields[name], ArrayField)}
        self.head = ", ".join(f'"{column}"' for column in [*(str(fields[name].column) for name in columns), *(str(field.column) for field in rest)])
        self.tail = "".join("\t" + text(_default(field)) for field in rest) + "\n"
        self.lines: list[str] = []

    def add(self, *values: Any) -> None:
        """One row, in the order of the columns."""
        if self.arrays:
            values = tuple(_array(value) if place in self.arrays else value for place, value in enumerate(values))
        self.lines.append("\t".join([_AS_TEXT.get(type(value), _other)(value) for value in values]) + self.tail)

    def write(self) -> int:
        """COPY what was added; returns how many rows."""
        count = len(self.lines)
        if count:
            with connection.cursor() as cursor:
                cursor.copy_expert(f'COPY "{self.model._meta.db_table}" ({self.head}) FROM STDIN', StringIO("".join(self.lines)))
        self.lines = []
        return count


def text(value: Any) -> str:
    """A value as COPY reads it."""
    return _AS_TEXT.get(type(value), _other)(value)


def _escaped(value: str) -> str:
    return value.translate(_ESCAPED) if "\\" in value or "\n" in value or "\t" in value or "\r" in value else value


def _document(value: dict[str, Any] | list[Any]) -> str:
    return _json(value).replace("\\", "\\\\") if value else str(value)  # of what COPY reads otherwise JSON itself leaves no more


def _other(value: Any) -> str:
    """What is of no such type itself: a choice is a text, too, and a number is written as it is."""
    kind = next((kind for kind in (str, dict, list, datetime, date) if isinstance(value, kind)), None)
    return _AS_TEXT[kind](value) if kind else str(value)


# Millions of values are written; the type is looked up once for each.
_AS_TEXT: dict[type[Any], Callable[[Any], str]] = {
    type(None): lambda _value: "\\N", str: _escaped, int: str, bool: lambda value: "t" if value else "f", datetime: datetime.isoformat, date: date.isoformat, dict: _document, list: _document,
}  # fmt: skip


def _array(texts: Sequence[str]) -> str:
    """A list of texts as Postgres writes an array."""
    return "{" + ",".join(['"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"' for word in texts]) + "}"


def _default(field: Any) -> Any:
    if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
        return timezone.now()
    value = field.get_default()
    return "{}" if value in ({}, []) else value


def reserve(model: type[models.Model], count: int) -> list[int]:
    """`count` ids that nobody else will get, ascending. Not in a row where several draw at once."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT array_agg(id ORDER BY id) FROM (SELECT nextval(sequence) AS id FROM CAST(pg_get_serial_sequence(%s, 'id') AS regclass) sequence, generate_series(1, %s)) drawn",
            [model._meta.db_table, count],
        )
        return list(cursor.fetchone()[0])


def change_rows(model: type[models.Model], rows: Sequence[Mapping[str, Any]], *, by: Any = None) -> int:
    """Change these rows in one UPDATE; returns how many there were. Each names its "id" and, as `…_id` where they are keys, the same columns.

    A record that has a `version` gets the next one and the trace of who changed it.
    """
    if not rows:
        return 0
    fields = {field.attname: field for field in model._meta.concrete_fields}
    names = [name for name in rows[0] if name != "id"]
    sets = [f'"{fields[name].column}" = f."{name}"' for name in names]
    values: list[Any] = []
    if "version" in fields:
        sets.append("version = t.version + 1, updated_by_id = %s, updated_at = %s")
        values = [getattr(by, "pk", None), timezone.now()]
    if not sets:
        return 0
    shape = ", ".join(f'"{name}" {(model._meta.pk if name == "id" else fields[name]).db_type(connection)}' for name in ("id", *names))
    with connection.cursor() as cursor:
        cursor.execute(
            f'UPDATE "{model._meta.db_table}" t SET {", ".join(sets)} FROM jsonb_to_recordset(%s::jsonb) AS f ({shape})'  # noqa: S608 - names from the model
            f' WHERE t."{model._meta.pk.column}" = f.id',
            [*values, json.dumps([dict(row) for row in rows], default=str)],
        )
        return int(cursor.rowcount)


def among(values: Iterable[Any], kind: Literal["bigint", "text"] = "bigint") -> RawSQL:
    """For `…__in=` of thousands of ids or texts: one array, where Django would write each into the statement."""
    return RawSQL(f"SELECT unnest(%s::{kind}[])", [list(values)])  # noqa: S611 - one of two words
