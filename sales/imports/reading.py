"""From the cells of one row to facts: text in, understood values out, everything that cannot be read is named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

from crm.core.fold import sort_key
from crm.core.tables import read_date, read_money, read_number
from sales.imports.targets import FIELDS, Field

Reason = list[Any]  # [key, params] for sales.imports.words
_LARGEST = Decimal("999999999999.99")  # what the columns of money hold


@lru_cache(20_000)  # asked for several times a row
def name_key(text: str) -> str:
    """What a name is known by: case, marks and doubled blanks do not count. Equals the stored sort key of an organisation."""
    return sort_key(" ".join(text.split()))


def understand(kind: str, cells: Sequence[str], mapping: Mapping[str, str], formats: Sequence[str]) -> tuple[dict[str, str], list[Reason]]:
    """(facts, reasons to refuse). Facts are text: days in ISO form, numbers with a point. An empty cell is no fact."""
    facts: dict[str, str] = {}
    reasons: list[Reason] = []
    for place, field in _columns(kind, tuple(mapping.items())):
        key = field.key
        text = " ".join(cells[place].split()) if place < len(cells) else ""
        if text:
            value = _read(field, text, formats[place] if place < len(formats) else "")
            if value is None:
                reasons.append(["unreadable", {"field": key, "value": text[:60]}])
            elif len(value) > field.length:
                reasons.append(["too_long", {"field": key, "limit": field.length}])
            else:
                facts[key] = value
        elif field.required:
            reasons.append(["missing", {"field": key}])
    return facts, reasons


@lru_cache(100)
def _columns(kind: str, mapping: tuple[tuple[str, str], ...]) -> list[tuple[int, Field]]:
    targets = {field.key: field for field in FIELDS[kind]}
    return [(int(column), targets[key]) for column, key in mapping]


@lru_cache(50_000)  # the cells of a column repeat
def _read(field: Field, text: str, form: str) -> str | None:
    if field.kind == "date":
        day = read_date(text, form)
        return day.isoformat() if day else None
    if field.kind == "number":
        number = read_number(text, form)
        return str(int(number)) if number is not None and number == number.to_integral_value() and 0 <= number < 2_000_000_000 else None
    if field.kind == "money":
        money = read_money(text, form)
        if money is None or not 0 <= money.amount <= _LARGEST:
            return None
        return str(money.amount.quantize(Decimal("0.01")))
    return text
