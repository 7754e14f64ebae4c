"""Rows of a list: what people typed is text in them, and what we draw is HTML."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone

from crm.core.columns import Column
from crm.core.rows import Pen, addresses
from crm.core.templatetags.lotse import tag

EVIL = "<script>alert(1)</script>\"'&"


class _Row:
    name = EVIL
    state = EVIL
    last = timezone.now() - timedelta(days=3)
    nothing = None
    kind = "person"

    def __str__(self) -> str:
        return EVIL


class _InPlace(Column):
    @property
    def edited_at(self) -> Callable[[int], str]:
        return lambda pk: f"/x/?a={EVIL}"


def _drawn(selectable: bool = True, fixed: bool = False) -> str:
    columns = [
        Column("name", "Name", "name", primary=True, detail=lambda row: EVIL),
        Column("state", "State", "state", kind="tag", tone=lambda row: "good"),
        Column("text", "Text", "name"),
        Column("last", "Last", "last", kind="ago", priority=1),
        Column("never", "Never", "nothing", kind="ago"),
        Column("toned", "Toned", "name", tone=lambda row: "bad"),
        _InPlace("place", "In place", "name"),
    ]
    return Pen(columns, selectable=selectable).row({"pk": 12_345, "object": _Row(), "url": "/x/", "fixed": fixed})


def test_what_was_typed_is_text() -> None:
    html = _drawn()
    assert "<script" not in html and html.count("&lt;script&gt;") >= 8
    assert 'value="12345"' in html and 'href="/x/?a=&lt;script' in html


def test_what_we_draw_is_html() -> None:
    html = _drawn(selectable=False)
    assert "<time datetime=" in html and '<span class="l-tag good">' in html and '<span class="l-bad">' in html and '<span class="avatar" aria-hidden="true">' in html
    assert "checkbox" not in html and '<td class="n no-sm p0"><div class="l-cut">–</div></td>' in html


def test_a_row_that_is_not_the_readers_to_change_has_nothing_to_click() -> None:
    assert 'class="l-inline"' in _drawn() and 'class="l-inline"' not in _drawn(fixed=True)


def test_a_value_in_place_is_read_out_without_its_tags() -> None:
    html = Pen().inline("Status", tag("Kunde & mehr", "good"), "/e/", "state-1")
    assert 'aria-label="Status: Kunde &amp; mehr, ' in html and html.count('id="cell-state-1"') == 1


def test_an_address_worked_out_once_is_that_of_each_record() -> None:
    asked: list[int] = []

    def of(pk: int) -> str:
        asked.append(pk)
        return f"/people/{pk}/cell/phone/?v=1"

    found = addresses(of)
    assert [found(pk) for pk in (1, 12_345)] == ["/people/1/cell/phone/?v=1", "/people/12345/cell/phone/?v=1"] and len(asked) == 1
