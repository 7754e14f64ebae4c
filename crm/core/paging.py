"""Pages by key instead of by offset, and counts that stop counting: a list costs the same on page 1 and page 1,000 (D15)."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import BadRequest, ValidationError
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _

COUNT_CAP = 10_000


@dataclass(frozen=True)
class Page:
    """Rows in order, and the cursors of the neighbours ("" where there is none)."""

    rows: list[Any]
    after: str
    before: str


def keyset(rows: QuerySet[Any], sort: str, *, descending: bool, size: int, after: str = "", before: str = "") -> Page:
    """One page of `rows` ordered by (sort, id), empty values last. `after`/`before` are cursors of an earlier page.

    Raises BadRequest for a cursor that is not one of ours.
    """
    backwards = bool(before)
    cursor = _decode(rows, sort, before or after) if (before or after) else None
    if cursor is not None:
        rows = rows.filter(_beyond(sort, cursor, descending=descending, backwards=backwards))
    down = descending != backwards
    key = F(sort).desc(nulls_first=backwards or None, nulls_last=not backwards or None) if down else F(sort).asc(
        nulls_first=backwards or None, nulls_last=not backwards or None
    )
    found = list(rows.order_by(key, "-pk" if down else "pk")[: size + 1])
    more, found = len(found) > size, found[:size]
    if backwards:
        found.reverse()
    has_next = more if not backwards else True
    has_previous = more if backwards else cursor is not None
    return Page(found, _encode(found[-1], sort) if found and has_next else "", _encode(found[0], sort) if found and has_previous else "")


Candidates = Callable[[tuple[Any, int] | None, int], list[tuple[int, Any]]]


def sifted(rows: QuerySet[Any], sort: str, candidates: Candidates, *, size: int, after: str = "") -> Page:
    """One page of `rows`, newest (sort, id) first, looked for among candidates instead of in the whole table.

    `candidates(cursor, limit)` gives at most `limit` pairs (id, value of `sort`) behind the cursor in that order, all that could be on the
    page and perhaps some more; `rows` decides which of them may be seen. Each look asks for four times as many as the one before.
    """
    cursor = _decode(rows, sort, after) if after else None
    found: list[Any] = []
    limit = 2 * (size + 1)
    while len(found) <= size:
        batch = candidates(cursor, limit)
        seen = rows.in_bulk([pk for pk, _value in batch])
        found += [seen[pk] for pk, _value in batch if pk in seen]
        if len(batch) < limit:
            break
        cursor, limit = (batch[-1][1], batch[-1][0]), limit * 4
    more, found = len(found) > size, found[:size]
    return Page(found, _encode(found[-1], sort) if more else "", "")


def capped_count(rows: QuerySet[Any], cap: int = COUNT_CAP) -> tuple[int, bool]:
    """(count, is there more?): counts no further than `cap`."""
    n = rows.order_by().values("pk")[: cap + 1].count()
    return min(n, cap), n > cap


def _beyond(sort: str, cursor: tuple[Any, int], *, descending: bool, backwards: bool) -> Q:
    value, pk = cursor
    down = descending != backwards
    compare = "lt" if down else "gt"
    if value is None:
        same = Q(**{f"{sort}__isnull": True, f"pk__{compare}": pk})
        return same | Q(**{f"{sort}__isnull": False}) if backwards else same
    here = Q(**{f"{sort}__{compare}": value}) | Q(**{sort: value, f"pk__{compare}": pk})
    return here if backwards else here | Q(**{f"{sort}__isnull": True})


def _value(row: Any, sort: str) -> Any:
    for part in sort.split("__"):
        row = getattr(row, part, None)
    return row


def _encode(row: Any, sort: str) -> str:
    value = _value(row, sort)
    text = json.dumps([None if value is None else str(value), row.pk])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(rows: QuerySet[Any], sort: str, cursor: str) -> tuple[Any, int]:
    try:
        value, pk = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(pk, int) or not -(2**63) <= pk < 2**63 or not (value is None or isinstance(value, str)):
            raise ValueError(cursor)
        if value is not None:
            value = _field(rows.model, sort).to_python(value)
        return value, pk
    except (ValueError, TypeError, ValidationError, binascii.Error, RecursionError):
        raise BadRequest(_("This page of the list does not exist. Please go back to the first page.")) from None


def _field(model: Any, path: str) -> Any:
    *way, last = path.split("__")
    for name in way:
        model = model._meta.get_field(name).related_model
    field = model._meta.get_field(last)
    return field.output_field if getattr(field, "generated", False) else field
