"""A large stock in small."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.management import call_command

from crm.demo import firm
from crm.demo.stock import growing, slices

SMALL = {"PARTIES": 400, "FIRMS": 60, "OPPORTUNITIES": 200, "INTERACTIONS": 900, "CASES": 80, "LONGEST_HISTORY": 150}


@pytest.fixture
def grown(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The firm with two slices, and what was said."""
    for name, count in SMALL.items():
        monkeypatch.setattr(slices, name, count)
    monkeypatch.setattr(growing, "COUNTS", {"party": 400, "opportunity": 200, "case": 80})
    call_command("seed")
    people = firm.found_firm()
    firm.write_price_list(people["Weber"])
    said: list[str] = []
    assert growing.grow(800, said.append)
    yield said
