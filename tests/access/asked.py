"""Which query parameters a page asks for: heard while it is served, so that no list of names has to be kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from django.http import QueryDict


@contextmanager
def names_asked() -> Iterator[dict[str, None]]:
    """Collects, in the order they were asked for, the names a page looks up in its query (or in its empty body)."""
    names: dict[str, None] = {}

    def heard(how: str) -> Any:
        plain = getattr(QueryDict, how)

        def ask(query: QueryDict, key: str, *args: Any, **kwargs: Any) -> Any:
            names.setdefault(key)
            return plain(query, key, *args, **kwargs)

        return patch.object(QueryDict, how, ask)

    with heard("__getitem__"), heard("getlist"), heard("__contains__"):
        yield names
