"""Journeys of the tests, and what sets them off."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from campaigns.journeys import services
from campaigns.models import Journey
from crm.core.events import dispatch, emit
from crm.core.models import Event
from crm.core.work import work
from tests.campaigns.conftest import purpose
from tests.factories import JourneyFactory, OpportunityFactory

MAIL = {"key": "s1", "kind": "mail", "subject": "Danke", "preheader": "", "blocks": [{"kind": "text", "text": "{salutation}, danke."}]}
TASK = {"key": "s2", "kind": "task", "text": "Anrufen", "days": 1}
WON = {"kind": "event", "event": "won"}


def made(cast: Any, steps: list[Any], *, trigger: Any = WON, owner: Any = None, publish: bool = True) -> Journey:
    owner = owner or cast.emil
    with work(by=owner):
        row: Journey = JourneyFactory(owner=owner, team=owner.team, purpose=purpose(), name="Nach dem Kauf", draft={"trigger": trigger, "steps": steps})
    if publish:
        services.publish_journey(row, by=owner, at=timezone.now() - timedelta(minutes=1))
        row.refresh_from_db()
    return row


def won(cast: Any, person: Any) -> Event:
    with work(by=cast.emil):
        event = emit("sales.opportunity_won", OpportunityFactory(party=person, owner=cast.emil, team=cast.emil.team))
    dispatch()
    return event
