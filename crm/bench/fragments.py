"""The list fragment as it is answered, held against two views that answer less (D15): one `values_list` drawn by the same template.

`plain` shows what the page shows: the same rows, narrowed and ordered, with the values of the same columns. `least` repeats one value of the
first rows in each cell, whatever was asked for: what a page costs that looks like a list and tells nothing.
"""

from __future__ import annotations

import statistics
import time
import zlib
from collections import defaultdict
from collections.abc import Iterable
from operator import itemgetter
from typing import Any

from django.shortcuts import render
from django.test import RequestFactory

from crm.bench import measure
from crm.bench.personas import Persona
from crm.core import lists, paging
from crm.core.columns import Choice, Column
from crm.core.views import Crud


class _Htmx:
    """What django-htmx would put on the request of a swap."""

    boosted = False

    def __bool__(self) -> bool:
        return True


def request_of(user: Any, query: str) -> Any:
    """A swap that htmx asks for."""
    request: Any = RequestFactory().get("/?" + query, headers={"hx-request": "true"})
    request.user, request.htmx, request.csp_nonce = user, _Htmx(), "bench"
    return request


def answered(crud: type[Crud], persona: Persona, query: str) -> bytes:
    """The fragment of the list's own view."""
    response: Any = crud.list_view.as_view(crud=crud)(request_of(persona.user, query))  # type: ignore[attr-defined]  # every list view is a View; the gate before it is not
    return bytes(response.content)


TURNS = 4  # of each view, for each of `measure.TIMES`
VALUES = {  # of a column that draws a record: where the word itself stands
    "owner": "owner__last_name", "party": "party__name", "stage": "stage__label_de", "industry": "industry__label_de",
}  # fmt: skip
DETAILS = {"person": "main_function", "opportunity": "number", "case": "number"}  # stands small below the name


def _value(column: Column) -> str:
    if column.key in VALUES:
        return VALUES[column.key]
    return column.value.field if isinstance(column.value, Choice) else str(column.value)


def plain(crud: type[Crud], persona: Persona, query: str) -> bytes:
    """The rows of the page as plain values: no count of them, no menus, no saved views, nothing to be edited in place, no records. What a filter
    reads to narrow is part of both."""
    request = request_of(persona.user, query)
    state = lists.State(crud, request)
    shown, detail = state.columns, DETAILS.get(crud.name)
    rows = state.adorned(state.narrowed(crud.rows(request, "view")))
    wanted = ["pk", *map(_value, shown), *([detail] if detail else [])]
    found: list[Any] = []
    for walk in paging.walks(rows, state.sort, paging.cursor_of(rows, state.sort, request.GET.get("after", "")), descending=state.descending, backwards=False):
        found += walk.values_list(*wanted)[: lists.PAGE_SIZE - len(found)]
        if len(found) == lists.PAGE_SIZE:
            break
    drawn = [
        Column(column.key, column.label, itemgetter(place), kind=column.kind, priority=column.priority, primary=column.primary, detail=itemgetter(-1) if detail and column.primary else "")
        for place, column in enumerate(shown, 1)
    ]
    return _drawn(crud, request, drawn, found)


def least(crud: type[Crud], persona: Persona, query: str) -> bytes:
    """Fifty rows of plain values in the same table."""
    request = request_of(persona.user, query)
    shown = [column for column in crud.columns if column.shown or column.primary]
    order = next(column.sort for column in crud.columns if column.key == crud.order)
    rows = crud.model.objects.visible_to(persona.user).order_by(order, "pk").values_list("pk", order)[: lists.PAGE_SIZE]
    return _drawn(crud, request, [Column(column.key, column.label, itemgetter(1), priority=column.priority, primary=column.primary) for column in shown], rows)


def _drawn(crud: type[Crud], request: Any, shown: list[Column], rows: Iterable[Any]) -> bytes:
    context = {
        "crud": crud, "title": crud.title(), "count_label": "1", "list_url": crud.url("list"), "views": [], "filter_chips": [], "column_chooser": [],
        "columns": [{"key": column.key, "label": column.label, "numeric": column.numeric, "priority": column.priority, "primary": column.primary, "sort_url": "?", "sorted": ""} for column in shown],
        "shown": shown, "hidden": frozenset(),
        "rows": [{"pk": row[0], "object": row, "url": f"/{row[0]}/"} for row in rows],
    }  # fmt: skip
    return bytes(render(request, "crud/_table.html", context).content)


def ratios_of(crud: type[Crud], persona: Persona, query: str) -> tuple[float, float]:
    """How many times as long as the plain and as the least view ours takes. They take turns, and turns at being first: whatever else the machine
    does meets all three, and so does what the one before has left in memory."""
    views, times = [answered, plain, least], defaultdict[Any, list[float]](list)
    for turn in range(-len(views), measure.TIMES * TURNS):
        for view in views:
            begin = time.perf_counter()
            view(crud, persona, query)
            if turn >= 0:  # the first ones warm up
                times[view].append(time.perf_counter() - begin)
        views.append(views.pop(0))
    ours, *others = (statistics.median(times[view]) for view in (answered, plain, least))
    return ours / others[0], ours / others[1]


def weight_of(page: bytes) -> int:
    """Bytes on the wire, compressed as a web server does by default."""
    return len(zlib.compress(page, 6))
