"""What a list shows: columns declared once, used by the page, the sort, the chooser and the export alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.db.models import Choices, QuerySet
from django.utils import timezone

from crm.core import formats


def chosen(name: str, choices: type[Choices]) -> Callable[[Any], str]:
    """For a value: the word for what a row holds in this field. `get_…_display` translates all there are, for each row anew."""
    labels = dict(choices.choices)
    return lambda row: str(labels.get(getattr(row, name), getattr(row, name)))


@dataclass(frozen=True)
class Column:
    """One column. `value` is an attribute path ("party__name") or a function of the row; `sort` a field path.

    `kind` is text, number, money, day, ago or tag. `field` names the model field whose hiding hides the column (default: key).
    `detail` stands small below the value: a field,
    unless it is hidden, or a function of the row. `adds` (rows, reader) brings what the value reads beside the row itself, `adds_detail` what the detail reads. `priority` 2–4 lets a column leave on narrow screens (DESIGN.md); `shown` is whether it is there before anyone chooses.
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

    @property
    def numeric(self) -> bool:
        """Right-aligned with tabular figures?"""
        return self.kind in {"number", "money", "ago"}

    def of(self, row: Any) -> Any:
        """The plain value of this column in a row."""
        if callable(self.value):
            return self.value(row)
        for part in self.value.split("__"):
            row = getattr(row, part, None)
        return row

    def related(self) -> tuple[str, ...]:
        """The joins this column needs, so that no list forgets one."""
        own = (self.value.rpartition("__")[0],) if isinstance(self.value, str) and "__" in self.value else ()
        return (*own, *self.joins)

    @cached_property
    def _always(self) -> dict[str, Any]:
        """What all cells of this column have in common."""
        plain = self.tone is None and self.kind not in {"tag", "ago"}  # its text is all there is to draw
        return {"kind": self.kind, "numeric": self.numeric, "priority": self.priority, "primary": self.primary, "plain": plain}

    def cell(self, row: Any, hidden: frozenset[str] = frozenset()) -> dict[str, Any]:
        """What the template draws, for a reader from whom these fields are hidden."""
        value = self.of(row)
        return {
            **self._always,
            "value": value,
            "text": self.text(row, value),
            "tone": self.tone(row) if self.tone else "",
            "detail": self.detail(row) if callable(self.detail) else getattr(row, self.detail) if self.detail and self.detail not in hidden else "",
        }

    def text(self, row: Any, value: Any) -> str:
        """The value in words and numbers of the reader's language."""
        if value is None or value == "":
            return "–"
        if self.kind == "money":
            return formats.money(value, getattr(row, "currency_id", "EUR"))
        if isinstance(value, datetime):
            return formats.day(timezone.localtime(value).date())
        if isinstance(value, date):
            return formats.day(value)
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            return formats.number(value)
        return str(value)

    def plain(self, row: Any) -> Any:
        """The value for a file: numbers and days stay such."""
        value = self.of(row)
        if isinstance(value, datetime):
            return timezone.localtime(value).replace(tzinfo=None, microsecond=0)
        return "" if value is None else value
