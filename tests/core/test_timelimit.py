"""What a page may wait for the database: all its statements together, and nothing is left of the limit afterwards."""

from __future__ import annotations

import time

import pytest
from django.db import DataError, connection

from crm.core.timelimit import TookTooLong, at_most

pytestmark = pytest.mark.django_db


def _ask(sql: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


def test_one_that_takes_too_long_is_stopped_and_the_page_goes_on() -> None:
    begun = time.monotonic()
    with pytest.raises(TookTooLong), at_most(0.2):
        _ask("SELECT pg_sleep(30)")
    assert time.monotonic() - begun < 10
    assert _ask("SHOW statement_timeout") == "0" and _ask("SELECT 1") == 1


def test_many_short_ones_count_together() -> None:
    asked = 0
    with pytest.raises(TookTooLong), at_most(0.3):
        while asked < 1000:
            _ask("SELECT pg_sleep(0.05)")
            asked += 1
    assert 1 <= asked < 20


def test_what_is_quick_leaves_no_limit_behind() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '77s'")
    with at_most(20):
        assert _ask("SELECT 2") == 2
        assert _ask("SHOW statement_timeout") != "77s"
    assert _ask("SHOW statement_timeout") == "77s"


def test_a_stricter_limit_of_the_house_stands() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '100ms'")
    begun = time.monotonic()
    with pytest.raises(TookTooLong), at_most(30):
        _ask("SELECT pg_sleep(30)")
    assert time.monotonic() - begun < 10 and _ask("SHOW statement_timeout") == "100ms"


def test_another_error_is_not_taken_for_it() -> None:
    with pytest.raises(DataError), at_most(20):
        _ask("SELECT 1 / 0")
    assert _ask("SELECT 3") == 3
