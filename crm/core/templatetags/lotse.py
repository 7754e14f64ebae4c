"""Filters and tags of every template (registered as builtins, so no `{% load %}`): formats by locale, icons, avatars, tags."""

import uuid
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from crispy_forms.templatetags.crispy_forms_filters import as_crispy_field
from django import template
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from crm.core import formats, rows
from crm.core.columns import Column

register = template.Library()
_EMPTY_FIELDS: dict[tuple[Any, ...], SafeString] = {}


def _number(value: Any) -> Decimal | int | float | None:
    """Template variables may be '' where nothing was given; that reads as missing, never as an error."""
    if value is None or value == "":
        return None
    return value if isinstance(value, Decimal | int | float) else Decimal(str(value))


def _money(amount: Any, currency: Any, decimals: int | None) -> str:
    code = getattr(currency, "code", currency)
    # Without a currency the number stands alone: a guessed unit would be a lie.
    return (
        formats.money(_number(amount), code, decimals=decimals)
        if code
        else formats.number(_number(amount), 2 if decimals is None else decimals)
    )


@register.filter
def money(amount: Any, currency: Any) -> str:
    """{{ amount|money:"EUR" }} → 1.234,50 €; the currency may be an object with `code`."""
    return _money(amount, currency, None)


@register.filter
def money0(amount: Any, currency: Any) -> str:
    """Like `money` without minor digits, for figures and cards."""
    return _money(amount, currency, 0)


@register.filter
def number(value: Any, decimals: int | None = None) -> str:
    return formats.number(_number(value), decimals)


@register.filter
def percent(share: Any, decimals: int = 0) -> str:
    """{{ 0.6315|percent:2 }} → 63,15 %: a share of 1, not of 100."""
    return formats.percent(_number(share), decimals)


@register.filter
def day(value: date | datetime | None) -> str:
    return formats.day(value or None)


@register.filter
def long_day(value: date | datetime | None) -> str:
    return formats.long_day(value) if value else formats.DASH


@register.filter
def short_day(value: date | datetime | None) -> str:
    return formats.short_day(value or None)


@register.filter
def clock(value: datetime | None) -> str:
    return formats.clock(value or None)


@register.filter
def moment(value: datetime | None) -> str:
    return formats.moment(value or None)


@register.filter
def second(value: datetime | None) -> str:
    return formats.second(value or None)


@register.filter
def ago(value: date | datetime | None) -> SafeString | str:
    """A <time> element: relative words inside, the exact moment as tooltip and machine-readable."""
    return rows.time_of(value)


@register.filter
def initials(name: Any) -> str:
    return formats.initials(str(name or ""))


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """A Tabler outline icon, hidden from assistive technology; with `label` the meaning is read out instead."""
    mark = format_html('<i class="ti ti-{}" aria-hidden="true"></i>', name)
    return format_html('<span title="{}">{}<span class="visually-hidden">{}</span></span>', label, mark, label) if label else mark


@register.simple_tag(takes_context=True)
def avatar(context: template.Context, who: Any, size: str = "", named: bool = False) -> SafeString:
    """Initials in a circle (person, user), a square (organisation) or petrol (the reader). `size`: xs, lg or empty.

    The mark is hidden from assistive technology: a visible name stands beside it, or `named=True` adds a hidden one.
    """
    if who is None or who == "":
        return SafeString("")
    reader = context.get("user")
    classes = (f" avatar-{size}" if size else "") + (" org" if getattr(who, "kind", "") == "organisation" else "") + (" me" if reader is not None and who == reader else "")
    return rows.initials_of(str(who), classes, title=str(who) if named else "")


@register.simple_tag
def tag(text: Any, state: str = "", title: str = "") -> SafeString:
    """A status word; `state` is good, warn, bad, acc or empty."""
    return rows.status_word(text, state, title)


@register.simple_tag
def table_rows(found: list[dict[str, Any]], columns: list[Column], hidden: frozenset[str], selectable: Any = "") -> SafeString:
    """The rows of a list (`crm.core.rows`), with a box to select each where there is something to do with a selection."""
    return rows.Pen(columns, hidden, selectable=bool(selectable)).rows(found)


@register.simple_tag
def closed_filter(chip: dict[str, Any]) -> SafeString:
    """A filter that does not narrow, without its menu: that comes when it is opened (`crm.core.lists.menu`)."""
    name, url, words = chip["name"], escape(chip["menu_url"]), escape(_("Show choices"))
    way = f'<a class="l-item" href="{url}" hx-get="{url}" hx-trigger="toggle from:\'closest details\' once, click" hx-target="closest .l-pop" hx-select="#menu-{name}" hx-swap="outerHTML">{words}</a>'
    button = f'<summary class="l-chip" id="chip-{name}">{escape(chip["label"])} <i class="ti ti-chevron-down" aria-hidden="true"></i></summary>'
    return SafeString(f'<details class="l-menu l-filter" name="filter">{button}\n<div class="l-pop" id="menu-{name}">{way}</div></details>')


@register.simple_tag
def filter_options(chip: dict[str, Any], target: str) -> SafeString:
    """The choices of a filter as links: one click narrows. What is chosen goes along with the form."""
    links, swap = [], f'hx-target="{escape(target)}" hx-push-url="true"'
    for option in chip["options"]:
        url, current, mark = escape(option["url"]), "", ""
        if option["current"]:
            current = ' aria-current="true"'
            mark = f'<i class="ti ti-check" aria-hidden="true"></i><input type="hidden" name="{escape(chip["name"])}" value="{escape(option["value"])}">'
        links.append(f'<a class="l-item" href="{url}" hx-get="{url}" {swap}{current}><span class="l-grow">{escape(option["label"])}</span>{mark}</a>')
    return SafeString("".join(links))


@register.simple_tag
def filter_field(chip: dict[str, Any]) -> SafeString:
    """The field of a filter. An empty one without choices is the same for everybody (`drawn_as`): it is drawn once for each language."""
    kind = chip.get("drawn_as")
    if not kind:
        return SafeString(as_crispy_field(chip["form_field"]))
    key = (*kind, get_language())
    return _EMPTY_FIELDS.get(key) or _EMPTY_FIELDS.setdefault(key, SafeString(as_crispy_field(chip["form_field"])))


@register.simple_tag
def column_boxes(columns: list[dict[str, Any]]) -> SafeString:
    """The columns of a list to choose from: [{key, label, shown, fixed}]."""
    boxes = []
    for column in columns:
        state = (" checked" if column["shown"] else "") + (" disabled" if column["fixed"] else "")
        box = f'<input class="form-check-input m-0" type="checkbox" name="columns" value="{escape(column["key"])}"{state}>'
        boxes.append(f'<label class="l-row l-sm mb-1">{box}<span>{escape(column["label"])}</span></label>\n')
    return SafeString("".join(boxes))


@register.simple_tag
def cell_value(cell: dict[str, Any]) -> SafeString:
    """One value of a record as its list draws it."""
    return rows.Pen().value(cell)


@register.simple_tag
def inline_read(label: Any, html: Any, text: Any, url: str, at: str) -> SafeString:
    """A value that becomes a form when clicked: `html` as it stands, else `text`."""
    return rows.Pen().inline(label, html or escape(text or "–"), url, at)


@register.simple_tag
def form_key() -> SafeString:
    """The idempotency key of one rendered form: the server answers a second POST of the same key with the first result."""
    return format_html('<input type="hidden" name="_key" value="{}" autocomplete="off">', uuid.uuid4())


@register.simple_tag(takes_context=True)
def query_fields(context: template.Context, keep: str = "", drop: str = "") -> SafeString:
    """Hidden inputs that carry the current query string through a GET form: only the names in `keep`, or all but `drop`."""
    kept, dropped = set(keep.split()), set(drop.split())
    lists = context["request"].GET.lists()
    return hidden_pairs((name, values) for name, values in lists if (name in kept if keep else name not in dropped))


@register.simple_tag
def hidden_pairs(pairs: Iterable[tuple[str, Any]]) -> SafeString:
    """Hidden inputs for (name, value); a list gives one input per entry, None gives none. Values are never localised."""
    flat = ((name, entry) for name, value in pairs for entry in (value if isinstance(value, list | tuple | set) else [value]))
    return format_html_join(
        "", '<input type="hidden" name="{}" value="{}">', ((name, str(entry)) for name, entry in flat if entry is not None)
    )
