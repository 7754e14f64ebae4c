"""A large stock in small."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.db import connection

from crm.demo import firm
from crm.demo.stock import growing, slices
from tests.databases import run_sql

SMALL = {"PARTIES": 400, "FIRMS": 60, "OPPORTUNITIES": 200, "INTERACTIONS": 900, "CASES": 80, "LONGEST_HISTORY": 150}


@pytest.fixture
def grown(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The firm with two slices, and what was said. What tests before it left behind in the tables takes no room any more."""
    run_sql("VACUUM", dbname=connection.settings_dict["NAME"])
    for name, count in SMALL.items():
        monkeypatch.setattr(slices, name, count)
    monkeypatch.setattr(growing, "COUNTS", {"party": 400, "opportunity": 200, "case": 80})
    call_command("seed")
    people = firm.found_firm()
    firm.write_price_list(people["Weber"])
    said: list[str] = []
    assert growing.grow(800, said.append)
    yield said
