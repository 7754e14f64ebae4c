"""A row of a list as HTML, drawn without a template for each of its cells: a page has four hundred of them.

The rows of `crm.core.lists.context` are {pk, object, url}, with `fixed` where none of its cells can be edited in place (elsewhere the value becomes
a form when clicked; the wrapper stays, its content is swapped).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from html import escape, unescape
from typing import Any

from django.utils.html import conditional_escape, strip_tags
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from crm.core import formats
from crm.core.columns import Column

_ANY = "987654321012345678"  # stands for the key in an address
PARTIES = ("person", "organisation")  # carry their initials in front of their name
Row = dict[str, Any]


def addresses(of: Callable[[int], str]) -> Callable[[int], str]:
    """`of` gives the address for a key; the same, worked out once and not for each of hundreds of cells."""
    pattern = of(int(_ANY))
    return lambda pk: pattern.replace(_ANY, str(pk))


def status_word(text: Any, state: str = "", title: str = "") -> SafeString:
    """A word in the colour of its state: good, warn, bad, acc or empty."""
    colour, hint = f" {escape(state)}" if state else "", f' title="{conditional_escape(title)}"' if title else ""
    return SafeString(f'<span class="l-tag{colour}"{hint}>{conditional_escape(text)}</span>')


def initials_of(name: str, classes: str = "", title: str = "") -> SafeString:
    """Initials in front of a name; hidden from assistive technology. With `title` no name stands beside them: it is read out instead."""
    shown, said = (f' title="{escape(title)}"', f'<span class="visually-hidden">{escape(title)}</span>') if title else ("", "")
    return SafeString(f'<span class="avatar{classes}" aria-hidden="true"{shown}>{escape(formats.initials(name))}</span>{said}')


def time_of(value: Any, clock: formats.Moments | None = None) -> SafeString:
    """A <time> element: relative words inside, the exact moment as tooltip and machine-readable. `clock` is that of the page."""
    if not value:
        return SafeString(formats.DASH)
    clock = clock or formats.Moments()
    return SafeString(f'<time datetime="{value.isoformat()}" title="{escape(clock.exact(value))}">{escape(clock.relative(value))}</time>')


class Pen:
    """Draws the rows of one page. What all rows have in common is worked out once: classes, addresses, words, the time."""

    def __init__(self, columns: Iterable[Column] = (), hidden: frozenset[str] = frozenset(), *, selectable: bool = False) -> None:
        self.selectable, self.hidden = selectable, hidden
        self.select, self.edit = _("Select %(name)s"), _("edit")
        self.clock = formats.Moments()
        self._said: dict[tuple[str, str], str] = {}
        self._draw = [self._name(column) if column.primary else self._cell(column) for column in columns]

    def rows(self, found: Iterable[Row]) -> SafeString:
        """All of them."""
        return SafeString("".join(self.row(row) for row in found))

    def row(self, row: Row) -> SafeString:
        """One <tr>."""
        cells = "".join([draw(row) for draw in self._draw])
        if not self.selectable:
            return SafeString(f"<tr>{cells}</tr>\n")
        words = escape(self.select % {"name": row["object"]})
        box = f'<td><input class="form-check-input" type="checkbox" form="bulk" name="pk" value="{int(row["pk"])}" data-one aria-label="{words}"></td>'
        return SafeString(f"<tr>{box}{cells}</tr>\n")

    def _name(self, column: Column) -> Callable[[Row], str]:
        """The cell a row is known by: the way to its page, with something small below."""
        read, text, hidden = column.reader(), column.text, self.hidden

        def draw(row: Row) -> str:
            found = row["object"]
            detail, kind = column.small(found, hidden), getattr(found, "kind", "")
            mark = initials_of(str(found), " org" if kind == "organisation" else "") if kind in PARTIES else ""
            below = f'<div class="l-mut l-xs l-cut">{escape(str(detail))}</div>' if detail else ""
            name = f'<a class="l-b text-reset l-cut d-block" href="{escape(row["url"])}">{escape(text(found, read(found)))}</a>'
            return f'<th scope="row"><div class="l-row">{mark}<div class="l-grow">{name}{below}</div></div></th>'

        return draw

    def _cell(self, column: Column) -> Callable[[Row], str]:
        """Any other cell."""
        classes = ("n " if column.numeric else "") + ("" if column.priority == 1 else f"no-sm p{column.priority}")
        begin, end, read, shown, edited_at = f'<td class="{classes}"><div class="l-cut">', "</div></td>", column.reader(), self._shown, column.edited_at
        if edited_at is None:
            return lambda row: f"{begin}{shown(column, row['object'], read(row['object']))}{end}"
        key, label, text, locale = escape(column.key), str(column.label), column.text, self.clock.locale

        def changed(row: Row) -> str:
            found = row["object"]
            value = read(found)
            html = shown(column, found, value)
            if not row.get("fixed"):
                html = self._inline(label, html, text(found, value, locale), edited_at(row["pk"]), f"{key}-{row['pk']}")
            return f"{begin}{html}{end}"

        return changed

    def _shown(self, column: Column, row: Any, value: Any) -> str:
        """A value as HTML."""
        kind, tone = column.kind, column.tone(row) if column.tone else ""
        if kind == "ago":
            return time_of(value, self.clock)
        text = column.text(row, value, self.clock.locale)
        if kind == "tag" and value:
            return self._said.get((text, tone)) or self._said.setdefault((text, tone), status_word(text, tone))
        return f'<span class="l-{escape(tone)}">{escape(text)}</span>' if tone else escape(text)

    def value(self, cell: dict[str, Any]) -> SafeString:
        """What stands in a cell that `Column.cell` gave."""
        return SafeString(self._shown(cell["column"], cell["row"], cell["value"]))

    def inline(self, label: Any, shown: str, url: str, at: str) -> SafeString:
        """A value that becomes a form when clicked: `shown` is HTML, `at` unique on the page (phone-17)."""
        return SafeString(self._inline(str(label), shown, unescape(strip_tags(shown)), url, escape(at)))

    def _inline(self, label: str, shown: str, text: str, url: str, at: str) -> str:
        url, words = escape(url), escape(f"{label}: {text}, {self.edit}")
        return f'<div class="l-inline" id="at-{at}"><a class="l-cell" id="cell-{at}" href="{url}" hx-get="{url}" hx-target="#at-{at}" hx-swap="outerHTML" aria-label="{words}">{shown}</a></div>'
