"""Rows of one model on their way into Postgres by COPY: the columns a caller names, and for all others what the model fills in."""

from __future__ import annotations

from datetime import date, datetime
from io import StringIO
from typing import Any

from django.db import connection, models
from django.utils import timezone

_ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


class Rows:
    """Collects rows of `model`; `columns` are field names (a key by its `…_id`). `write` sends them all and begins anew.

    A column nobody names has the model's default, times that Django sets are now, and an id is drawn by the database.
    """

    def __init__(self, model: type[models.Model], *columns: str) -> None:
        fields = {field.attname: field for field in model._meta.concrete_fields if not getattr(field, "generated", False)}
        rest = [field for name, field in fields.items() if name not in columns and not field.primary_key]
        self.model = model
        self.head = ", ".join(f'"{column}"' for column in [*(str(fields[name].column) for name in columns), *(str(field.column) for field in rest)])
        self.tail = "".join("\t" + text(_default(field)) for field in rest) + "\n"
        self.lines: list[str] = []

    def add(self, *values: Any) -> None:
        """One row, in the order of the columns."""
        self.lines.append("\t".join([text(value) for value in values]) + self.tail)

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
    if value is None:
        return "\\N"
    if isinstance(value, str):
        return value.translate(_ESCAPED) if "\\" in value or "\n" in value or "\t" in value or "\r" in value else value
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bool):
        return "t" if value else "f"
    return str(value)


def _default(field: Any) -> Any:
    if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
        return timezone.now()
    value = field.get_default()
    return "{}" if value in ({}, []) else value


def reserve(model: type[models.Model], count: int) -> int:
    """The first of `count` ids that nobody else will get."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), nextval(pg_get_serial_sequence(%s, 'id')) + %s)", [table, table, count - 1])
        last = int(cursor.fetchone()[0])
    return last - count + 1
