"""Stable keys of reference rows, made of their label."""

from __future__ import annotations

from collections.abc import Collection

from django.utils.text import slugify


def free_key(label: str, taken: Collection[str]) -> str:
    """The label as a slug of at most 56 characters, with a number behind it if it is taken."""
    stem = slugify(label)[:50].strip("-") or "item"
    key, number = stem, 1
    while key in taken:
        number += 1
        key = f"{stem}-{number}"
    return key
