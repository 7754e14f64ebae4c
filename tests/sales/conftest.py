"""Opportunities as the tests of sales need them."""

from __future__ import annotations

import pytest

from sales import services
from sales.models import Stage
from tests.factories import OpportunityFactory, OrganisationFactory


@pytest.fixture
def stages(cast):
    """The stages in order, open to all: gates are set by the test that needs one."""
    Stage.objects.update(gate={})
    return list(Stage.objects.order_by("pipeline__position", "position"))


@pytest.fixture
def make(cast, stages):
    """make(stage=…, owner=…, **facts): an opportunity opened by the service."""

    def build(stage=None, owner=None, **facts):
        owner = owner or cast.anna
        facts.setdefault("party", OrganisationFactory(owner=owner))
        row = OpportunityFactory.build(owner=owner, team=owner.team, stage=stage or stages[0], number="", **facts)
        return services.open_opportunity(row, by=owner)

    return build
