"""Keys as others send them, and stable keys of reference rows, made of their label."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.utils.text import slugify


def whole(value: Any, digits: int = 18) -> int | None:
    """The whole number somebody sent (a primary key, a count, a place), if it is one: digits alone, and few enough, by default for a bigint."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= digits else None


def free_key(label: str, taken: Collection[str]) -> str:
    """The label as a slug of at most 56 characters, with a number behind it if it is taken."""
    stem = slugify(label)[:50].strip("-") or "item"
    key, number = stem, 1
    while key in taken:
        number += 1
        key = f"{stem}-{number}"
    return key
