"""Keys as others send them, and stable keys of reference rows, made of their label."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.core.exceptions import BadRequest
from django.db import connection
from django.http import HttpRequest
from django.utils.text import slugify
from django.utils.translation import gettext as _

_ONE_NAMES = 0x3A14  # the advisory lock under which a free key is looked for


def whole(value: Any, digits: int = 18) -> int | None:
    """The whole number somebody sent (a primary key, a count, a place), if it is one: digits alone, and few enough, by default for a bigint."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= digits else None


def number_from(request: HttpRequest, name: str, default: int | None = None) -> int | None:
    """A whole number of the query string, or `default`; anything else is a 400 in words."""
    text = request.GET.get(name, "") or request.POST.get(name, "")
    if not text:
        return default
    if (number := whole(text)) is None:
        raise BadRequest(_("This address holds a number that is none."))
    return number


def free_key(label: str, taken: Collection[str]) -> str:
    """The label as a slug of at most 56 characters, with a number behind it if it is taken."""
    stem = slugify(label)[:50].strip("-") or "item"
    key, number = stem, 1
    while key in taken:
        number += 1
        key = f"{stem}-{number}"
    return key


def taken_keys(rows: Any) -> set[str]:
    """The keys of these rows, for whoever adds one. Within a transaction: until its end nobody else reads them, who would find the same key free."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ONE_NAMES])
    return set(rows.values_list("key", flat=True))
