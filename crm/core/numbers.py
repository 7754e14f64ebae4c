"""Number ranges exist once: human numbers, taken in blocks, unique, perhaps with gaps."""

from __future__ import annotations

from django.db import connection

PREFIXES = {"party": "K-", "opportunity": "V-", "case": "R-"}


def take_numbers(key: str, count: int = 1) -> list[str]:
    """The next `count` numbers of a range. One UPDATE: two callers never get the same, a rolled-back caller leaves a gap at most."""
    prefix, first = reserve_numbers(key, count)
    return [f"{prefix}{number}" for number in range(first, first + count)]


def reserve_numbers(key: str, count: int) -> tuple[str, int]:
    """The next `count` numbers of a range as prefix and first number. Nobody else gets any until the caller's transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO core_numberrange AS r (key, prefix, upcoming) VALUES (%s, %s, 10001 + %s)"
            " ON CONFLICT (key) DO UPDATE SET upcoming = r.upcoming + %s RETURNING prefix, upcoming",
            [key, PREFIXES[key], count, count],
        )
        prefix, upcoming = cursor.fetchone()
    return str(prefix), int(upcoming) - count
