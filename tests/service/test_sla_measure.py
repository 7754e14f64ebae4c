"""The measure of deadlines judges itself: the table worked out by hand and the reference that walks minute by minute agree."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.service.sla_cases import CASES
from tests.service.sla_reference import REGIONS, histories, judge, wall_clock


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_table_and_reference_agree(case):
    assert judge(case) == (case.due, case.used, case.state)


def test_histories_are_varied_and_the_same_every_time():
    made = histories(200)
    assert made == histories(200)
    assert Counter(case.hours.region or "none" for case in made).keys() >= set(REGIONS)
    assert {len(case.pauses) for case in made} == {0, 1, 2, 3}
    assert sum(case.stopped is not None for case in made) > 40 and sum(any(end is None for _start, end in case.pauses) for case in made) > 15


def test_red_control_wall_clock_hours_fail_the_table():
    wrong = [case.name for case in CASES if wall_clock(case) != (case.due, case.used, case.state)]
    assert len(wrong) > 50
