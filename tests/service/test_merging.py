"""Cases that go up in each other: a step taken back never closes two for one another."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from crm.core.errors import RuleBroken
from crm.core.undo import take_back
from service import merging, services

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("steps", [1, 2])
def test_taking_back_merges_no_two_cases_into_each_other(make: Any, cast: Any, steps: int) -> None:
    gone, stays, further = make(), make(), make()
    merging.merge_case(gone, stays, by=cast.sven)
    undo = services.reopen_case(gone, by=cast.sven)
    way = [stays, further, gone] if steps == 2 else [stays, gone]
    for case, into in pairwise(way):
        merging.merge_case(case, into, by=cast.sven)
    with pytest.raises(RuleBroken, match="in diesem aufgegangen"):
        take_back(undo, by=cast.sven)
    gone.refresh_from_db()
    assert gone.is_open and gone.merged_into is None


def test_taking_back_the_reopening_of_a_merged_case_merges_it_again(make: Any, cast: Any) -> None:
    gone, stays = make(), make()
    merging.merge_case(gone, stays, by=cast.sven)
    take_back(services.reopen_case(gone, by=cast.sven), by=cast.sven)
    gone.refresh_from_db()
    assert gone.state == "closed" and gone.merged_into == stays
