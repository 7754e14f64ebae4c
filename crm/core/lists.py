"""The state of a list lives in its address: filters, search, order, columns, page. This module reads it and builds the page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from copy import copy
from functools import cached_property
from hashlib import sha256
from typing import Any
from urllib.parse import quote_plus, urlencode

from django.core.exceptions import BadRequest
from django.db import models
from django.db.models import QuerySet
from django.forms import BoundField, ChoiceField
from django.forms.models import ModelChoiceIterator
from django.http import Http404, HttpRequest, QueryDict
from django.utils.translation import gettext as _

from crm.core import formats, paging
from crm.core.access import ReferenceAccess, hidden_fields, may, scope_of
from crm.core.columns import Column
from crm.core.memory import keep, recall
from crm.core.models import SavedView
from crm.core.plain import plain_rows
from crm.core.rows import addresses

PAGE_SIZE = 50
MOST_OPTIONS = 30  # of a filter as a menu
STILL_MORE = 300  # seconds for which more rows than are counted are taken to be there still


_ENDS = ("", "_min", "_max", "_after", "_before", "_from", "_until")  # of the parameters of one filter


class State:
    """What one request asks of a list. Only the filters its address names have a field, and those whose `menus` are asked for (None: all)."""

    def __init__(self, crud: Any, request: HttpRequest, *, menus: frozenset[str] | None = frozenset()) -> None:
        self.crud = crud
        self.request = request
        self.hidden = hidden_fields(request.user, crud.model)
        self.offered = [column for column in crud.columns_for(request.user) if (column.field or column.key) not in self.hidden]
        chosen = {key for part in request.GET.getlist("columns") for key in part.split(",") if key}
        self.columns = [c for c in self.offered if c.primary or (c.key in chosen if chosen else c.shown)]
        sort = request.GET.get("sort", "") or crud.order
        self.descending = sort.startswith("-")
        self.sort_key = sort.lstrip("-")
        column = next((c for c in self.offered if c.key == self.sort_key and c.sort), None)
        if column is None:
            raise BadRequest(_("This list cannot be ordered like that."))
        self.sort = column.sort
        self.query = request.GET.get("q", "").strip()[:200]
        self.after, self.before = request.GET.get("after", ""), request.GET.get("before", "")
        self.filterset = crud.filterset_class(request.GET, queryset=crud.model.objects.none(), request=request)
        self.filters = {name: one for name, one in self.filterset.filters.items() if name not in self.hidden}
        self.typed = {name: [value for key in self.names(name) for value in request.GET.getlist(key) if value] for name in self.filters}
        self.filterset.filters = {name: one for name, one in self.filters.items() if self.typed[name] or menus is None or name in menus}
        self.filtered = any(self.typed.values()) or bool(self.query)

    @staticmethod
    def names(name: str) -> list[str]:
        """The parameters of a filter. A range has two (`name_min`, `name_max` …)."""
        return [f"{name}{end}" for end in _ENDS]

    def narrowed(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Filters and search applied. A filter with a wrong value narrows to nothing and says so beside its field."""
        self.filterset.queryset = rows
        if self.filterset.form.is_valid():
            rows = self.filterset.filter_queryset(rows)
        else:
            rows = rows.none()
        if self.query and self.crud.search is not None:
            rows = self.crud.search(rows, self.query)
        return rows

    def adorned(self, rows: QuerySet[Any], *, details: bool = True) -> QuerySet[Any]:
        """With what the shown columns read beside the row itself, and nothing else."""
        adds = [column.adds for column in self.columns] + [column.adds_detail for column in self.columns if details]
        for add in dict.fromkeys(adds):
            if add is not None:
                rows = add(rows, self.request.user)
        return rows

    def read(self, rows: QuerySet[Any]) -> list[Any]:
        """The rows of a page, in no order, with the values of the shown columns."""
        paths = {path for column in self.columns for path in column.reads()}
        return plain_rows(self.adorned(rows), paths | {self.sort}, {join for column in self.columns for join in column.joins})

    def every(self, rows: QuerySet[Any]) -> Iterator[Any]:
        """All rows of the view in its order, for an export."""
        keys = {field.name: field for field in rows.model._meta.concrete_fields if field.is_relation and isinstance(getattr(field.related_model, "access", None), ReferenceAccess)}
        joins = {join for column in self.columns for join in column.related()}
        apart, shown = sorted(keys.keys() & joins), self.adorned(rows, details=False)
        if rest := sorted(joins - keys.keys()):
            shown = shown.select_related(*rest)
        return paging.every(self.narrowed(rows), shown, self.sort, descending=self.descending, apart=[keys[name] for name in apart])

    @cached_property
    def _here(self) -> QueryDict:
        """The query string without its page; shallow copies of it do, as only whole values are exchanged."""
        here = self.request.GET.copy()
        for key in ("after", "before", "menu"):
            here.pop(key, None)
        return here

    @cached_property
    def plain(self) -> str:
        """The same as text."""
        return self._here.urlencode()

    @cached_property
    def counted_as(self) -> str:
        """Under which what was counted is kept: the same rows for the same reader, in whatever order and columns."""
        return f"more:{self.crud.name}:{sha256((scope_of(self.request.user).eyes() + self.address(sort=None, columns=None)).encode()).hexdigest()}"

    def address(self, **changes: str | None) -> str:
        """The same list with other state, as a query string."""
        query = copy(self._here)
        for key, value in changes.items():
            if value:
                query[key] = value
            else:
                query.pop(key, None)
        return "?" + query.urlencode()


def menu(crud: Any, request: HttpRequest, name: str) -> dict[str, Any]:
    """What `components/_filter_chips.html` draws of one filter with its menu: a fragment of a list leaves the menus out that nobody has opened yet."""
    state = State(crud, request, menus=frozenset({name}))
    if name not in state.filters:
        raise Http404
    return {"filter_chips": [chip(state, name)], "clear_url": crud.url("list")}


def context(crud: Any, request: HttpRequest, rows_of: Callable[..., QuerySet[Any]], *, menus: bool = True) -> dict[str, Any]:
    """Everything `crud/list.html` and `crud/_table.html` draw; without `menus` those of the filters that do not narrow come when they are opened.
    `rows_of()` are the rows behind the gate, `rows_of(keys)` those of them with these keys."""
    state = State(crud, request, menus=None if menus else frozenset())
    chips = [chip(state, name) for name in state.filters]
    rows = rows_of()
    narrowed, count, more, first = _counted(state, rows, state.narrowed(rows))
    page = paging.keyset(
        narrowed,
        state.sort,
        descending=state.descending,
        size=PAGE_SIZE,
        after=state.after,
        before=state.before,
        read=lambda keys: state.read(rows_of(keys)),
        first=first,
    )
    if len(page.rows) < count and not (page.after or page.before):  # they were more, and went since
        count, more = len(page.rows), False
    url_of = addresses(lambda pk: crud.url("detail", pk))
    return {
        "title": crud.title(),
        "count_label": _("more than %(n)s") % {"n": formats.number(count)} if more else formats.number(count),
        "count": count,
        "more": more,
        "columns": [_head(state, column) for column in state.columns],
        "rows": [{"object": row, "pk": row.pk, "url": url_of(row.pk)} for row in page.rows],
        "shown": state.columns,
        "hidden": state.hidden,
        "filter_chips": chips,
        "filtered": state.filtered,
        "filter_errors": state.filterset.form.errors,
        "search_value": state.query,
        "searchable": crud.search is not None,
        "next_url": state.address(after=page.after) if page.after else "",
        "previous_url": state.address(before=page.before) if page.before else "",
        "create_url": crud.url("create") if crud.create_view and may(request.user, "add", crud.model) else "",
        "create_label": crud.create_title(),
        "export_url": crud.url("export") + state.address() if crud.export_view and may(request.user, "export", crud.model) else "",
        "column_chooser": [{"key": c.key, "label": c.label, "shown": c in state.columns, "fixed": c.primary} for c in state.offered],
        "views": _views(state),
        "list_url": crud.url("list"),
        "state": request.GET.urlencode(),
        "empty": crud.empty(),
    }


def _counted(state: State, rows: QuerySet[Any], narrowed: QuerySet[Any]) -> tuple[QuerySet[Any], int, bool, list[int] | None]:
    """(the rows to page through, how many they are, are there more than are counted?, the keys of the first page where counting has read them).
    Whoever turns the pages of more than are counted, or orders them anew, does not wait for that number again: it is believed for a while. What
    can be counted is counted each time."""
    if known := recall(state.counted_as):
        return narrowed, known, True, None
    if state.filtered:
        begins = not (state.after or state.before)
        keys, count, more = paging.capped_keys(narrowed, order=paging.in_order(state.sort, descending=state.descending) if begins else ())
        if not more:
            return rows.filter(pk__any=keys), count, False, paging.keys_in(keys, PAGE_SIZE + 1) if begins else None
    else:
        count, more = paging.capped_count(narrowed)
    if more:
        keep(state.counted_as, count, STILL_MORE)
    return narrowed, count, more, None


def facts(crud: Any, row: Any, reader: Any) -> list[tuple[Any, dict[str, Any]]]:
    """Label and value of each column the reader may see, for the page of one record."""
    hidden = hidden_fields(reader, crud.model)
    return [(column.label, column.cell(row)) for column in crud.columns_for(reader) if (column.field or column.key) not in hidden]


def _head(state: State, column: Column) -> dict[str, Any]:
    current = column.key == state.sort_key
    turned = column.key if current and state.descending else f"-{column.key}" if current else column.key
    return {
        "key": column.key,
        "label": column.label,
        "numeric": column.numeric,
        "priority": column.priority,
        "primary": column.primary,
        "sort_url": state.address(sort=turned) if column.sort else "",
        "sorted": ("desc" if state.descending else "asc") if current else "",
    }


def chip(state: State, name: str) -> dict[str, Any]:
    """One filter in words; several choices are named one after the other. Without its field it says where its menu is."""
    typed = state.typed[name]
    if name not in state.filterset.filters:
        return {"name": name, "label": state.filters[name].label, "active": False, "value": "", "menu_url": f"?{state.plain}&menu={name}"}
    field = state.filterset.form[name]
    choices = flat_choices(field)
    labels = dict(choices)
    rest = state.address(**{name: None})
    here = f"{rest}{'' if rest == '?' else '&'}{name}="
    return {
        "name": name,
        "label": field.label,
        "active": bool(typed),
        "value": " – ".join(labels.get(value, value) for value in typed),
        "form_field": field,
        "drawn_as": None if typed or isinstance(field.field, ChoiceField) else (type(state.filterset), name),
        "options": options(choices, typed, lambda value: f"{here}{quote_plus(value)}"),
        "clear_url": state.address(**dict.fromkeys(state.names(name))),
    }


def flat_choices(field: BoundField) -> list[tuple[str, str]]:
    """(value, label) of a field that offers choices, without the empty one; [] for any other and for grouped ones."""
    offered = getattr(field.field, "choices", ())
    if isinstance(offered, ModelChoiceIterator):
        empty = [("", offered.field.empty_label)] if offered.field.empty_label is not None else []
        read = [*empty, *(offered.choice(row) for row in offered.queryset.all())]  # as it stands it would count them, and read them through a cursor
    else:
        read = list(offered)
    if read:
        field.field.widget.choices = read  # type: ignore[attr-defined]  # drawn from what was read: a menu of records asks once
    found = [(str(value), label) for value, label in read]
    return [] if any(isinstance(label, list | tuple) for _value, label in found) else [(value, str(label)) for value, label in found if value]


def options(choices: list[tuple[str, str]], chosen: Iterable[str], address: Callable[[str], str]) -> list[dict[str, Any]]:
    """The choices of a filter as links, [{value, label, url, current}]: one click narrows. [] where there are too many for a menu."""
    if len(choices) > MOST_OPTIONS:
        return []
    return [{"value": value, "label": label, "url": address(value), "current": value in chosen} for value, label in choices]


def _views(state: State) -> list[dict[str, Any]]:
    """All rows, the views every list of this kind begins with, and the reader's own."""
    crud, reader, here = state.crud, state.request.user, state.plain
    saved = SavedView.objects.visible_to(reader).filter(page=crud.name).values_list("name", "query", "pk")
    ready = [(label, urlencode(asked), None) for label, asked in crud.views(reader)]
    url = crud.url("list")
    return [{"label": label, "url": f"{url}?{query}" if query else url, "current": here == query, "pk": pk} for label, query, pk in [(_("All"), "", None), *ready, *saved]]


def blockers(row: models.Model) -> list[dict[str, Any]]:
    """What would be orphaned by deleting `row`, by kind with its count: such a row is not deleted."""
    found = []
    for relation in row._meta.related_objects:
        if relation.on_delete not in (models.PROTECT, models.RESTRICT):
            continue
        model: Any = relation.related_model
        count = model._base_manager.filter(**{relation.field.name: row.pk}).count()
        if count:
            found.append({"label": str(model._meta.verbose_name_plural), "count": count})
    return found
