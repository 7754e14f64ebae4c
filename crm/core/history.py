"""A record's change history: the audit rows of the database, in the words of its fields, narrowed to what the reader may see."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import models
from django.db.models import Q
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from crm.core import formats
from crm.core.access import hidden_fields, seen_row
from crm.core.models import Change

LONGEST = 300  # changes on one page
_SILENT = {"id", "version", "created_at", "created_by_id", "updated_at", "updated_by_id", "rank", "sort_name", "key"}
_WAYS_BACK = {"party", "person", "content_object", "permission"}


@dataclass
class Entry:
    """One piece of work: when, who, and field by field what it was and what it became."""

    at: datetime
    who: str
    verb: str  # I created, U changed, D deleted
    lines: list[tuple[str, str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Part:
    """Rows of another table that belong to a record. They are told field by field, without those `hidden` — or, with `named`, in one line:
    what the row said before and what it says now."""

    ids: Collection[int]
    hidden: frozenset[str] = frozenset()
    named: Callable[[Any], str] | None = None


def changes_of(record: models.Model, user: Any, parts: Mapping[type[models.Model], Part] | None = None) -> list[Entry]:
    """What happened to this record, newest first. The caller has narrowed `record` by `visible_to`; hidden fields stay hidden here.

    `parts` belong to the record: their changes are told as changes of the record, and what one piece of work did stands in one entry.
    """
    model: Any = type(record)._meta.concrete_model
    models_by_table: dict[str, Any] = {model._meta.db_table: model}
    wanted = Q(relation=model._meta.db_table, row_id=record.pk)
    parts = parts or {}
    for part, of_it in parts.items():
        models_by_table[part._meta.db_table] = part
        wanted |= Q(relation=part._meta.db_table, row_id__in=list(of_it.ids))
    rows = list(Change.objects.filter(wanted).order_by("-id")[:LONGEST])
    people = get_user_model().objects.in_bulk({row.actor_id for row in rows if row.actor_id})
    hidden = hidden_fields(user, model)
    names, past = Names(user), {part: _Past(part, of_it) for part, of_it in parts.items() if of_it.named}
    entries: list[Entry] = []
    last_work = None
    for row in rows:
        own = row.relation == model._meta.db_table
        table = models_by_table[row.relation]
        lines = past[table].tell(row) if table in past else _lines(row, table, model, hidden if own else parts[table].hidden, names)
        if not lines and (row.op == "U" or not own):
            continue
        if not entries or row.work is None or row.work != last_work:
            entries.append(Entry(row.at, _who(row, people), "U"))
        entry, last_work = entries[-1], row.work
        entry.verb = row.op if own and row.op != "U" else entry.verb
        entry.lines += [line for line in lines if line not in entry.lines]
    return entries


class _Past:
    """What the rows of a named part said at each of their changes: read from the newest back, since the audit keeps what changed only."""

    def __init__(self, model: Any, part: Part) -> None:
        self.model, self.named = model, part.named
        self.columns = {one.column: one for one in model._meta.concrete_fields if not getattr(one, "generated", False)}
        rows = model._base_manager.in_bulk(list(part.ids))
        self.now: dict[int, dict[str, Any]] = {pk: {column: getattr(row, one.attname) for column, one in self.columns.items()} for pk, row in rows.items()}

    def tell(self, change: Change) -> list[tuple[str, str, str]]:
        """The change in one line, or in none if nobody would see it. Call it for the newest change first."""
        after = self.now.get(change.row_id, {})
        before: dict[str, Any] = {} if change.op == "I" else {**after, **(change.before or {})}
        self.now[change.row_id] = before
        said = (capfirst(str(self.model._meta.verbose_name)), self._words(before), self._words({} if change.op == "D" else after))
        return [said] if said[1] != said[2] else []

    def _words(self, columns: dict[str, Any]) -> str:
        if not columns or self.named is None:
            return formats.DASH
        row = self.model()
        for column, value in columns.items():
            if column in self.columns:
                setattr(row, self.columns[column].attname, self.columns[column].to_python(value))
        return self.named(row) or formats.DASH


def told(row: Change, model: Any, names: Names) -> list[tuple[str, str, str]]:
    """One changed row of a table that is no part of another: (field, before, after) in words."""
    return _lines(row, model, model, frozenset(), names)


def _lines(row: Change, model: Any, owner: Any, hidden: frozenset[str], names: Names) -> list[tuple[str, str, str]]:
    """One changed row field by field; keys, the way back to `owner` and what follows from other fields say nothing."""
    before, after = row.before or {}, row.after or {}
    lines = []
    for one in model._meta.concrete_fields:
        if one.column not in {*before, *after} or one.column in _SILENT or one.name in hidden or getattr(one, "generated", False):
            continue
        if one.related_model in (owner, Permission) and model is not owner and one.name in _WAYS_BACK:
            continue
        if model is owner and not isinstance(one.verbose_name, Promise):
            continue  # without words of its own it is of the machinery
        said = (capfirst(str(one.verbose_name)), names.say(one, before.get(one.column)), names.say(one, after.get(one.column)))
        if said[1] != said[2]:
            lines.append(said)
    return lines


def _who(row: Change, people: dict[int, Any]) -> str:
    if row.actor_id:
        return str(people.get(row.actor_id) or _("somebody who is gone"))
    return _("the house itself") if row.origin == "house" else _("the database")


class Names:
    """Audit values in words; a related record is named only to those who may see it, and asked for once."""

    def __init__(self, user: Any) -> None:
        self.user = user
        self.known: dict[tuple[Any, Any], str] = {}

    def say(self, one: Any, value: Any) -> str:
        if value is None or value == "":
            return formats.DASH
        if one.is_relation:
            if (one, value) not in self.known:
                self.known[one, value] = self._related(one, value)
            return self.known[one, value]
        if one.choices:
            return str(dict(one.flatchoices).get(value, value))
        if isinstance(one, models.DateTimeField):
            at = parse_datetime(str(value))
            return formats.moment(at) if at else str(value)
        if isinstance(one, models.JSONField):
            return _("set") if value else formats.DASH
        value = one.to_python(value)
        if isinstance(one, models.DateField):
            return formats.day(value)
        if isinstance(one, models.BooleanField):
            return _("yes") if value else _("no")
        if isinstance(one, models.DecimalField | models.IntegerField):
            return formats.number(value, getattr(one, "decimal_places", None))
        return str(value)

    def _related(self, one: Any, value: Any) -> str:
        found = seen_row(self.user, one.related_model, value)
        return str(getattr(found, "role", found)) if found is not None else _("(not visible to you)")
