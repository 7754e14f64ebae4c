"""The list fragment as it is answered, and the least that could be answered: one `values_list` and the same template (D15)."""

from __future__ import annotations

import zlib
from operator import itemgetter
from typing import Any

from django.shortcuts import render
from django.test import RequestFactory

from crm.bench.measure import cost_of
from crm.bench.personas import Persona
from crm.core import lists
from crm.core.columns import Column
from crm.core.views import Crud


class _Htmx:
    """What django-htmx would put on the request of a swap."""

    boosted = False

    def __bool__(self) -> bool:
        return True


def _request(persona: Persona, query: str) -> Any:
    request: Any = RequestFactory().get("/?" + query, headers={"hx-request": "true"})
    request.user, request.htmx, request.csp_nonce = persona.user, _Htmx(), "bench"
    return request


def answered(crud: type[Crud], persona: Persona, query: str) -> bytes:
    """The fragment of the list's own view."""
    response: Any = crud.list_view.as_view(crud=crud)(_request(persona, query))  # type: ignore[attr-defined]  # every list view is a View; the gate before it is not
    return bytes(response.content)


def least(crud: type[Crud], persona: Persona, query: str) -> bytes:
    """Fifty rows of plain values in the same table."""
    request = _request(persona, query)
    shown = [column for column in crud.columns if column.shown or column.primary]
    order = next(column.sort for column in crud.columns if column.key == crud.order)
    rows = crud.model.objects.visible_to(persona.user).order_by(order, "pk").values_list("pk", order)[: lists.PAGE_SIZE]
    context = {
        "crud": crud, "title": crud.title(), "count_label": "1", "list_url": crud.url("list"), "views": [], "filter_chips": [], "column_chooser": [],
        "columns": [{"key": column.key, "label": column.label, "numeric": column.numeric, "priority": column.priority, "primary": column.primary, "sort_url": "?", "sorted": ""} for column in shown],
        "shown": [Column(column.key, column.label, itemgetter(1), priority=column.priority, primary=column.primary) for column in shown], "hidden": frozenset(),
        "rows": [{"pk": row[0], "object": row, "url": f"/{row[0]}/"} for row in rows],
    }  # fmt: skip
    return bytes(render(request, "crud/_table.html", context).content)


def ratio_of(crud: type[Crud], persona: Persona, query: str) -> float:
    """How many times as long ours takes."""
    return cost_of(lambda: answered(crud, persona, query)).all_ms / cost_of(lambda: least(crud, persona, query)).all_ms


def weight_of(page: bytes) -> int:
    """Bytes on the wire, compressed as a web server does by default."""
    return len(zlib.compress(page, 6))
