"""What a list shows: columns declared once, used by the page, the sort, the chooser and the export alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from babel import Locale
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import get_language

from crm.core import formats


class Choice:
    """The `value` of a column that shows a stored choice by its word. Django's own `get_…_display` gathers all choices anew for each row."""

    def __init__(self, field: str) -> None:
        self.field = field
        self._words: dict[str | None, dict[type, dict[Any, str]]] = {}

    def __call__(self, row: Any) -> Any:
        return self.spoken()(row)

    def spoken(self) -> Callable[[Any], Any]:
        """The same in the language of now, which is not asked for each row."""
        by_model, field = self._words.setdefault(get_language(), {}), self.field

        def word(row: Any) -> Any:
            words = by_model.get(row._meta.model)  # and not by the class of the row, which may be made for this page alone
            if words is None:
                words = by_model[row._meta.model] = {stored: str(word) for stored, word in row._meta.get_field(field).flatchoices}
            stored = getattr(row, field)
            return words.get(stored, stored)

        return word


@dataclass(frozen=True)
class Column:
    """One column. `value` is an attribute path ("party__name") or a function of the row; `sort` a field path.

    `kind` is text, number, money, day, ago or tag. `field` names the model field whose hiding hides the column (default: key).
    `detail` stands small below the value: a field, unless it is hidden, or a function of what `adds_detail` brings. `adds` (rows, reader)
    brings what the value reads beside the row itself, for every reader, `adds_detail` what the detail reads; `joins` are keys that show what they name; `needs`
    are the fields that a function as `value` reads: a list brings nothing else (`crm.core.plain`). `tone` goes by the value's own field.
    `priority` 2–4 lets a column leave on narrow screens (DESIGN.md); `shown` is whether it is there before anyone chooses.
    """

    key: str
    label: Any
    value: str | Callable[[Any], Any]
    sort: str = ""
    kind: str = "text"
    priority: int = 0
    primary: bool = False
    shown: bool = True
    field: str = ""
    joins: tuple[str, ...] = ()
    tone: Callable[[Any], str] | None = None
    detail: str | Callable[[Any], Any] = ""
    adds: Callable[[QuerySet[Any], Any], QuerySet[Any]] | None = None
    adds_detail: Callable[[QuerySet[Any], Any], QuerySet[Any]] | None = None
    needs: tuple[str, ...] = ()

    @property
    def numeric(self) -> bool:
        """Right-aligned with tabular figures?"""
        return self.kind in {"number", "money", "ago"}

    @property
    def edited_at(self) -> Callable[[int], str] | None:
        """Where the value of a row, by its key, is edited in place; None: nowhere."""
        return None

    def reader(self) -> Callable[[Any], Any]:
        """What reads the plain value of this column in a row, for the rows of one page."""
        if isinstance(self.value, Choice):
            return self.value.spoken()
        return self.value if callable(self.value) else self._read

    @cached_property
    def _read(self) -> Callable[[Any], Any]:
        assert isinstance(self.value, str)
        path = self.value
        first, *way = path.split("__")
        if not way:
            return lambda row: getattr(row, path, None)

        def read(row: Any) -> Any:
            if isinstance(row, tuple):
                return getattr(row, path)
            row = getattr(row, first, None)
            for part in way:
                row = getattr(row, part, None)
            return row

        return read

    def of(self, row: Any) -> Any:
        """The plain value of this column in a row."""
        return self.reader()(row)

    def related(self) -> tuple[str, ...]:
        """The joins this column needs, so that no list forgets one."""
        own = (self.value.rpartition("__")[0],) if isinstance(self.value, str) and "__" in self.value else ()
        return (*own, *self.joins)

    def reads(self) -> tuple[str, ...]:
        """The fields of the row, and paths behind its keys, in which this column stands."""
        own = self.value.field if isinstance(self.value, Choice) else self.value if isinstance(self.value, str) else ""
        detail = self.detail if isinstance(self.detail, str) else ""
        currency = "currency_id" if self.kind == "money" else ""
        return (*self.needs, *(name for name in (own, detail, currency) if name and name not in self.joins))

    def cell(self, row: Any) -> dict[str, Any]:
        """A value on its record's own page, which `{% cell_value %}` draws."""
        return {"column": self, "row": row, "value": self.of(row)}

    def small(self, row: Any, hidden: frozenset[str]) -> Any:
        """What stands small below the value, for a reader from whom these fields are hidden."""
        if callable(self.detail):
            return self.detail(row)
        return getattr(row, self.detail) if self.detail and self.detail not in hidden else ""

    def words(self, row: Any) -> str:
        """The value of a row in words and numbers of the reader's language."""
        return self.text(row, self.of(row))

    def text(self, row: Any, value: Any, locale: Locale | None = None) -> str:
        """A value in words and numbers of the reader's language (`locale`, where it is known already)."""
        if isinstance(value, str):
            return value or formats.DASH
        if value is None:
            return formats.DASH
        if self.kind == "money":
            return formats.money(value, getattr(row, "currency_id", "EUR"), locale=locale)
        if isinstance(value, date):
            return formats.day(value, locale)
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            return formats.number(value, locale=locale)
        return str(value) or formats.DASH

    def plain(self, row: Any) -> Any:
        """The value for a file: numbers and days stay such."""
        value = self.of(row)
        if isinstance(value, datetime):
            return timezone.localtime(value).replace(tzinfo=None, microsecond=0)
        return "" if value is None else value
