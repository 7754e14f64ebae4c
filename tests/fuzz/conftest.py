"""One town for all of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults.house import supervised_house
from tests.fuzz.town import Town


@pytest.fixture(scope="module")
def town(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """The product under its supervisor, with people and records. gunicorn keeps its workers: what grows in them must be seen, not replaced."""
    further = {"DJANGO_SETTINGS_MODULE": "tests.fuzz.settings", "GUNICORN_CMD_ARGS": "--max-requests 0 --max-requests-jitter 0"}
    with django_db_blocker.unblock(), supervised_house(tmp_path_factory.mktemp("town"), size=6000, files_size=2000, **further) as house:
        found = Town(house)
        found.settle()
        yield found
