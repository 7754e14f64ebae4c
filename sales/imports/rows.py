"""Rows of an import while they are judged: plain values, as a million of the model's own instances would cost more than the judging."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet

from sales.imports.models import ImportRow
from sales.imports.reading import Reason


@dataclass(slots=True, eq=False)
class Row:
    """What `ImportRow` keeps."""

    kind: str
    key: str
    facts: dict[str, str]
    pk: int = 0
    run_id: int = 0
    file_id: int = 0
    line: int = 0
    cells: list[str] = field(default_factory=list)
    verdict: str = ImportRow.Verdict.NEW
    reasons: list[Reason] = field(default_factory=list)
    asks: list[str] = field(default_factory=list)
    changes: dict[str, list[str]] = field(default_factory=dict)
    target_id: int | None = None
    outcome: str = ImportRow.Outcome.NONE
    before: Any = None


def read_rows(rows: QuerySet[ImportRow], count: int, *further: str) -> list[Row]:
    """The first of `rows` by their keys, with what judging needs and the columns of `further`."""
    names = ("pk", "kind", "key", "facts", "target_id", "before", *further)
    return [Row(**dict(zip(names, values, strict=True))) for values in rows.order_by("pk").values_list(*names)[:count]]
