"""Pages by key instead of by offset, and counts that stop counting: a list costs the same on page 1 and page 1,000 (D15)."""

from __future__ import annotations

import base64
import binascii
import json
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.core.exceptions import BadRequest, ValidationError
from django.db.models import Count, F, Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils.translation import gettext as _

COUNT_CAP = 10_000
AT_A_TIME = 2_000  # rows of a file


@dataclass(frozen=True)
class Page:
    """Rows in order, and the cursors of the neighbours ("" where there is none)."""

    rows: list[Any]
    after: str
    before: str


def keyset(
    rows: QuerySet[Any], sort: str, *, descending: bool, size: int, after: str = "", before: str = "", read: Callable[[list[int]], Iterable[Any]] | None = None, first: list[int] | None = None
) -> Page:
    """One page of `rows` ordered by (sort, id), empty values last. `after`/`before` are cursors of an earlier page.

    The keys are found first, so that an index that holds order, owner and team answers alone; then their rows are read: `read` gives them by
    their keys, with whatever the page shows beside the row (default: as they stand in `rows`). `first` are the keys of the first page and one
    more, where somebody has read them already (`capped_keys` in the order of the page). Rows without a value
    follow as a walk of their own: one condition for both would keep Postgres from beginning in the middle of the index.
    Raises BadRequest for a cursor that is not one of ours.
    """
    backwards = bool(before)
    cursor = cursor_of(rows, sort, before or after)
    keys = _walked(walks(rows, sort, cursor, descending=descending, backwards=backwards), size + 1) if first is None else first
    more, keys = len(keys) > size, keys[:size]
    if backwards:
        keys.reverse()
    by_key = {row.pk: row for row in (read(keys) if read else rows.filter(pk__any=keys))} if keys else {}
    found = [by_key[key] for key in keys if key in by_key]
    has_next = more if not backwards else True
    has_previous = more if backwards else cursor is not None
    return Page(found, _encode(found[-1], sort) if found and has_next else "", _encode(found[0], sort) if found and has_previous else "")


def _walked(ways: Iterable[QuerySet[Any]], most: int) -> list[int]:
    keys: list[int] = []
    for walk in ways:
        keys += walk.values_list("pk", flat=True)[: most - len(keys)]
        if len(keys) == most:
            break
    return keys


def every(rows: QuerySet[Any], shown: QuerySet[Any], sort: str, *, descending: bool, apart: Iterable[Any] = ()) -> Iterator[Any]:
    """All of `rows` in the order of `keyset`, for a file; `shown` brings with them what the file holds. `apart` are keys to tables of a few
    rows, such as the people here: these are read once and not with each of a million rows.

    One statement finds the keys, whatever narrows and orders them; then their rows are read by key, some thousand at a time. Between two
    of these statements nothing is open: a slow download holds neither a transaction nor a cursor, and no more memory than the keys.
    """
    keys = array("q")
    for walk in walks(rows, sort, None, descending=descending, backwards=False):
        keys.extend(walk.order_by().aggregate(keys=ArrayAgg("pk", order_by=walk.query.order_by))["keys"] or [])  # one value: no cursor, and planned for all of them
    known: dict[Any, dict[int, Any]] = {field: {} for field in apart}
    for start in range(0, len(keys), AT_A_TIME):
        some = keys[start : start + AT_A_TIME]
        read = {row.pk: row for row in shown.order_by().filter(pk__any=some)}
        for field, there in known.items():
            _fill(read.values(), field, there)
        yield from (read[key] for key in some if key in read)


def _fill(rows: Collection[Any], field: Any, known: dict[int, Any]) -> None:
    """Let each row know what its key names."""
    wanted = {getattr(row, field.attname) for row in rows} - known.keys() - {None}
    if wanted:
        known.update(field.related_model._base_manager.in_bulk(wanted))
    for row in rows:
        field.set_cached_value(row, known.get(getattr(row, field.attname)))


def walks(rows: QuerySet[Any], sort: str, cursor: tuple[Any, int] | None, *, descending: bool, backwards: bool) -> Iterator[QuerySet[Any]]:
    """The rows behind the cursor in the order of the page, those with a value and those without one apart."""
    down = descending != backwards
    compare = "lt" if down else "gt"
    pk = "-pk" if down else "pk"
    with_value, without = rows.order_by(("-" if down else "") + sort, pk), rows.filter(**{f"{sort}__isnull": True}).order_by(pk)
    may_be_empty = _nullable(rows.model, sort)
    if may_be_empty:
        with_value = with_value.filter(**{f"{sort}__isnull": False})
    if cursor is None:
        yield with_value
    elif cursor[0] is None:
        yield without.filter(**{f"pk__{compare}": cursor[1]})
        if backwards:
            yield with_value
        return
    else:
        value, last = cursor
        # Twice the same bound: the first one is where the index begins.
        yield with_value.filter(Q(**{f"{sort}__{compare}": value}) | Q(**{f"pk__{compare}": last}), **{f"{sort}__{compare}e": value})
    if may_be_empty and not backwards:
        yield without


def _nullable(model: Any, path: str) -> bool:
    """Can a row lack this value: is the column nullable, or anything on the way to it?"""
    for name in path.split("__"):
        field = model._meta.get_field(name)
        column = field.output_field if getattr(field, "generated", False) else field
        if (field.is_relation and not field.concrete) or column.null:
            return True
        model = field.related_model
    return False


Candidates = Callable[[tuple[Any, int] | None, int], list[tuple[int, Any]]]


def sifted(rows: QuerySet[Any], sort: str, candidates: Candidates, *, size: int, after: str = "") -> Page:
    """One page of `rows`, newest (sort, id) first, looked for among candidates instead of in the whole table.

    `candidates(cursor, limit)` gives at most `limit` pairs (id, value of `sort`) behind the cursor in that order, all that could be on the
    page and perhaps some more; `rows` decides which of them may be seen. Each look asks for four times as many as the one before.
    """
    cursor = cursor_of(rows, sort, after)
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


def in_order(sort: str, *, descending: bool) -> list[Any]:
    """How `keyset` orders its rows, for one statement over all of them."""
    return [F(sort).desc(nulls_last=True), F("pk").desc()] if descending else [F(sort).asc(nulls_last=True), F("pk").asc()]


def capped_keys(rows: QuerySet[Any], cap: int = COUNT_CAP, of: str = "pk", order: Sequence[Any] = ()) -> tuple[str, int, bool]:
    """(their keys as an array for `any`, count, are there more?): counts no further than `cap`. Whoever has them all need not ask again what fits;
    where there are more the array is no use. `of` is a column that is never empty; `order` is that of the array."""
    found = rows.order_by().values(of)[: cap + 1].aggregate(keys=Cast(ArrayAgg(of, order_by=order), TextField()), n=Count(of))
    return found["keys"] or "{}", min(found["n"], cap), found["n"] > cap


def keys_in(array: str, most: int) -> list[int]:
    """The first keys of such an array."""
    return [int(key) for key in array.strip("{}").split(",", most)[:most] if key]


def _value(row: Any, sort: str) -> Any:
    if isinstance(row, tuple):  # plain values, each under its whole path
        return getattr(row, sort)
    for part in sort.split("__"):
        row = getattr(row, part, None)
    return row


def _encode(row: Any, sort: str) -> str:
    value = _value(row, sort)
    text = json.dumps([None if value is None else str(value), row.pk])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def cursor_of(rows: QuerySet[Any], sort: str, cursor: str) -> tuple[Any, int] | None:
    """(value, key) behind which a page begins, None for the first one. Raises BadRequest for what is not a cursor of ours."""
    if not cursor:
        return None
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
