"""A row of a list as HTML, drawn without a template for each of its cells: a page has four hundred of them.

The rows of `crm.core.lists.context` are {pk, object, url, cells}; a cell is what `Column.cell` gives, with `edit_url`, `cell` and `label` where
it can be edited in place (the value becomes a form when clicked; the wrapper stays, its content is swapped).
"""

from __future__ import annotations

from collections.abc import Callable
from html import unescape
from typing import Any

from django.utils.html import conditional_escape, escape, strip_tags
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

_ANY = "987654321012345678"  # stands for the key in an address
PARTIES = ("person", "organisation")  # carry their initials in front of their name


def addresses(of: Callable[[int], str]) -> Callable[[int], str]:
    """`of` gives the address for a key; the same, worked out once and not for each of hundreds of cells."""
    pattern = of(int(_ANY))
    return lambda pk: pattern.replace(_ANY, str(pk))


class Pen:
    """Draws the rows of one page. `tag` and `ago` draw a status word and a time; words that stand in every row are translated once."""

    def __init__(self, tag: Any, ago: Any, selectable: bool = False) -> None:
        self.tag, self.ago, self.selectable = tag, ago, selectable
        self.select, self.edit = _("Select %(name)s"), _("edit")
        self._labels: dict[int, str] = {}

    def row(self, row: dict[str, Any], mark: SafeString) -> SafeString:
        """One <tr>. `mark` stands in front of the name."""
        found = ["<tr>"]
        if self.selectable:
            words = escape(self.select % {"name": row["object"]})
            found.append(f'<td><input class="form-check-input" type="checkbox" form="bulk" name="pk" value="{int(row["pk"])}" data-one aria-label="{words}"></td>')
        for cell in row["cells"]:
            if cell["primary"]:
                below = f'<div class="l-mut l-xs l-cut">{escape(cell["detail"])}</div>' if cell["detail"] else ""
                name = f'<a class="l-b text-reset l-cut d-block" href="{escape(row["url"])}">{escape(cell["text"])}</a>'
                found.append(f'<th scope="row"><div class="l-row">{mark}<div class="l-grow">{name}{below}</div></div></th>')
            else:
                classes = ("n " if cell["numeric"] else "") + ("" if cell["priority"] == 1 else f"no-sm p{cell['priority']}")
                found.append(f'<td class="{classes}"><div class="l-cut">{self.value(cell)}</div></td>')
        found.append("</tr>\n")
        return SafeString("".join(found))

    def value(self, cell: dict[str, Any]) -> str:
        """What stands in a cell."""
        if cell["plain"]:
            return escape(cell["text"])
        shown: str = ""
        if cell["kind"] == "tag" and cell["value"]:
            shown = self.tag(cell["text"], cell["tone"])
        elif cell["kind"] == "ago":
            shown = conditional_escape(self.ago(cell["value"]))
        elif cell["tone"]:
            shown = f'<span class="l-{escape(cell["tone"])}">{escape(cell["text"])}</span>'
        shown = shown or escape(cell["text"] or "–")
        if "edit_url" not in cell:
            return shown
        return self.inline(cell["label"], shown, cell["edit_url"], cell["cell"])

    def inline(self, label: Any, shown: str, url: str, at: str) -> SafeString:
        """A value that becomes a form when clicked: `shown` is HTML, `at` unique on the page (phone-17)."""
        at, url = escape(at), escape(url)
        said = self._labels.get(id(label)) or self._labels.setdefault(id(label), str(label))
        words = escape(f"{said}: {unescape(strip_tags(shown))}, {self.edit}")
        return SafeString(
            f'<div class="l-inline" id="at-{at}"><a class="l-cell" id="cell-{at}" href="{url}" hx-get="{url}" hx-target="#at-{at}" hx-swap="outerHTML" aria-label="{words}">{shown}</a></div>'
        )
