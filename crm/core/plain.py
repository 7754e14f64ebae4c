"""Rows of a page as plain values that read like their records: `row.number`, `row.owner`, `str(row)`.

A list reads some twenty values of each row. Fifty records with what hangs on their keys are two hundred objects, each with all that is known of
it; made of plain values a page costs less than half.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable
from functools import lru_cache
from operator import itemgetter
from typing import Any

from django.db import models
from django.db.models import QuerySet
from django.utils.translation import get_language


def plain_rows(rows: QuerySet[Any], paths: Iterable[str], joins: Iterable[str]) -> list[Any]:
    """`paths` are fields, and fields behind a key (`activity__last_at`), read under this very name; what is annotated comes with them. A key among
    `joins` gives the words of what it names (None: nothing). A model is named by its fields `named_by`, of which its `__str__` is made."""
    joins = tuple(sorted(joins))
    model: Any = rows.model
    wanted = {"pk", *model.named_by, *paths, *rows.query.annotations}
    wanted |= {path for join in joins for path in _behind(model, join)}
    kind = _kind(model, tuple(sorted(wanted)), joins, get_language())
    return [kind._make(values) for values in rows.values_list(*kind._fields)]


@lru_cache(maxsize=256)  # readers choose their columns; one takes 12 kB
def _kind(model: type[models.Model], paths: tuple[str, ...], joins: tuple[str, ...], language: str | None) -> Any:
    """The class of such rows, in the language of the page."""
    base: Any = namedtuple("base", paths)  # type: ignore[misc]  # its fields are not known before
    own = {join: property(_named(_model_behind(model, join), [paths.index(path) for path in _behind(model, join)], language)) for join in joins}
    words = _named(model, [paths.index(name) for name in model.named_by], language)  # type: ignore[attr-defined]  # every model that is listed has it
    return type(model.__name__, (base,), {"__slots__": (), "_meta": model._meta, "__str__": lambda row: words(row), **own})


def _named(model: type[models.Model], places: list[int], language: str | None) -> Callable[[Any], str | None]:
    first, *more = places
    if not more:
        return itemgetter(first)
    values = itemgetter(*places)
    return lambda row: None if row[first] is None else _words(model, language, *values(row))


@lru_cache(maxsize=500)
def _words(model: type[models.Model], language: str | None, *values: Any) -> str:
    return str(model(**dict(zip(model.named_by, values, strict=True))))  # type: ignore[attr-defined]  # see `_kind`


@lru_cache(maxsize=64)
def _behind(model: type[models.Model], join: str) -> tuple[str, ...]:
    """The paths of what names the record behind a key."""
    return tuple(f"{join}__{name}" for name in _model_behind(model, join).named_by)


def _model_behind(model: type[models.Model], join: str) -> Any:
    for name in join.split("__"):
        model = model._meta.get_field(name).related_model  # type: ignore[assignment]  # a join follows keys
    return model
