"""Cases as the tests of service need them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from service.models import Case, SlaRule
from service.services import open_case
from tests.factories import CaseFactory, OrganisationFactory


@pytest.fixture
def make(cast: Any) -> Callable[..., Case]:
    """make(by=…, at=…, **facts): a case taken down by the service; a letter, so that nothing is acknowledged yet."""

    def build(by: Any = None, at: Any = None, **facts: Any) -> Case:
        by = by or cast.sven
        facts.setdefault("party", OrganisationFactory(owner=cast.anna))
        facts.setdefault("channel", "letter")
        return open_case(CaseFactory.build(number="", team=cast.firm.service, **facts), by=by, at=at)

    return build


@pytest.fixture
def promise(cast: Any) -> SlaRule:
    """The promise for complaints: acknowledged within 4, solved within 45 business hours."""
    return SlaRule.objects.get(key="complaint")
