"""Rows of a list: what people typed is text in them, and what we draw is HTML."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from django.utils.safestring import SafeString

from crm.core.columns import Column
from crm.core.rows import Pen, addresses
from crm.core.templatetags.lotse import ago, tag

EVIL = "<script>alert(1)</script>\"'&"


class _Row:
    name = EVIL
    state = EVIL
    last = timezone.now() - timedelta(days=3)
    nothing = None


def _drawn(selectable: bool = True) -> str:
    columns = [
        Column("name", "Name", "name", primary=True, detail=lambda row: EVIL),
        Column("state", "State", "state", kind="tag", tone=lambda row: "good"),
        Column("text", "Text", "name"),
        Column("last", "Last", "last", kind="ago", priority=1),
        Column("never", "Never", "nothing", kind="ago"),
        Column("toned", "Toned", "name", tone=lambda row: "bad"),
    ]
    cells = [column.cell(_Row()) for column in columns]
    cells.append({**cells[2], "plain": False, "edit_url": f"/x/?a={EVIL}", "cell": "text-1", "label": "Text"})
    return Pen(tag, ago, selectable).row({"pk": 12_345, "object": EVIL, "url": "/x/", "cells": cells}, SafeString("<i></i>"))


def test_what_was_typed_is_text() -> None:
    html = _drawn()
    assert "<script" not in html and html.count("&lt;script&gt;") >= 8
    assert 'value="12345"' in html and 'href="/x/?a=&lt;script' in html


def test_what_we_draw_is_html() -> None:
    html = _drawn(selectable=False)
    assert "<time datetime=" in html and '<span class="l-tag good">' in html and '<span class="l-bad">' in html and "<i></i>" in html
    assert "checkbox" not in html and '<td class="n no-sm p0"><div class="l-cut">–</div></td>' in html


def test_a_value_in_place_is_read_out_without_its_tags() -> None:
    html = Pen(tag, ago).inline("Status", tag("Kunde & mehr", "good"), "/e/", "state-1")
    assert 'aria-label="Status: Kunde &amp; mehr, ' in html and html.count('id="cell-state-1"') == 1


def test_an_address_worked_out_once_is_that_of_each_record() -> None:
    asked: list[int] = []

    def of(pk: int) -> str:
        asked.append(pk)
        return f"/people/{pk}/cell/phone/?v=1"

    found = addresses(of)
    assert [found(pk) for pk in (1, 12_345)] == ["/people/1/cell/phone/?v=1", "/people/12345/cell/phone/?v=1"] and len(asked) == 1
