"""One house for all faults: they strike it one after the other, and it must stand again for the next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults.house import Supervised, supervised_house


@pytest.fixture(scope="module")
def house(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervised]:
    """The product under its supervisor."""
    with django_db_blocker.unblock(), supervised_house(tmp_path_factory.mktemp("house")) as found:
        yield found
