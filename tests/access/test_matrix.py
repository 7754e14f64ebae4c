"""The access matrix: every route × method × relation × person against the oracle; canaries in every answer; refused means nothing happened."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.access import admin_pages, cells
from tests.access.routes import ACCOUNT, PUBLIC, ROUTES
from tests.architecture.test_doors import routes
from tests.conftest import Browser

pytestmark = pytest.mark.django_db


@pytest.mark.proof("access")
@pytest.mark.parametrize("who", cells.PEOPLE)
def test_every_cell(cast: Any, sign_in: Callable[[Any], Browser], figures: Any, who: str, prove_full: bool) -> None:
    walk = cells.begin(cast, sign_in, who)
    asked, wrong = 0, []
    for part in (cells.product(walk, every_fragment=prove_full), cells.set_up(walk)):
        for findings in part:
            asked += 1
            wrong += findings
    print(*wrong, sep="\n")
    figures.record(f"cells, {who}", asked, "answers", goal="> 600", holds=asked > 600)
    figures.record(f"leaks, canaries or wrong refusals, {who}", len(wrong), "; ".join(wrong[:3]) or "cells", goal="0", holds=not wrong)


@pytest.mark.proof("access")
def test_no_cell_is_unknown(figures: Any) -> None:
    names = {name for name, _pattern, _address in routes() if name}
    unknown = {name for name in names if name not in set(ROUTES) | PUBLIC | ACCOUNT and not name.startswith("admin:")} | admin_pages.unknown(names)
    print(*sorted(unknown), sep="\n")
    figures.record("unknown cells", len(unknown), "routes", goal="0", holds=not unknown)
