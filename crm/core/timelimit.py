"""How long the database may take for something a page can do without."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import OperationalError, connection, transaction


class TookTooLong(Exception):
    """It was stopped; what was read so far is incomplete."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """All statements within take so long together, or TookTooLong; a stricter limit of the house stands. Evaluate what you read inside; write nothing.

    A page that counts as long as it takes keeps its worker and one of the database's processors from everybody else.
    """
    until = time.monotonic() + seconds

    def limited(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        left = until - time.monotonic()
        if left <= 0:
            raise TookTooLong
        _limit(min(int(left * 1000) + 1, before or math.inf))
        return execute(sql, params, many, context)

    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT setting::int FROM pg_settings WHERE name = 'statement_timeout'")  # in ms, 0 is none
                (before,) = cursor.fetchone()
            with connection.execute_wrapper(limited):
                yield
            _limit(before)
    except OperationalError as error:
        if getattr(error.__cause__, "pgcode", "") != "57014":  # query_canceled
            raise
        raise TookTooLong from error


def _limit(ms: float) -> None:
    """Until the end of the transaction, and no longer than the block: what is rolled back is forgotten."""
    with connection.connection.cursor() as cursor:  # beside whoever watches the statements of the block
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{ms:.0f}"])
