"""What a question of a journey is answered with: read off the database at a moment, with the owner's eyes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone

from campaigns.journeys.shape import Step
from campaigns.segments import members
from contacts.models import Affiliation, Interaction
from crm.core.errors import RuleBroken
from sales.models import Opportunity


def answer(step: Step, party: int, owner: Any, began: datetime, now: datetime) -> str:
    """yes or no. What counts "since the beginning" does so up to `now`; a condition is asked as of today. Raises RuleBroken, in words, for
    a condition the owner may not ask."""
    return "yes" if _holds(step, party, owner, began, now) else "no"


def _holds(step: Step, party: int, owner: Any, began: datetime, now: datetime) -> bool:
    about, first, last = step["about"], timezone.localdate(began), timezone.localdate(now)
    if about == "answered":
        entries = Interaction.objects.visible_to(owner).filter(party=party, direction=Interaction.Direction.IN, occurred_at__gt=began, occurred_at__lte=now)
        return entries.exclude(kind=Interaction.Kind.SYSTEM).exists()
    if about == "tree":
        try:
            return members(step["tree"], owner, last).filter(pk=party).exists()
        except ValidationError as problem:
            raise RuleBroken(" ".join(problem.messages)) from problem
    firm = Affiliation.objects.visible_to(owner).filter(person=party, is_primary=True).values("organisation")
    theirs = Opportunity.objects.visible_to(owner).filter(Q(party=party) | Q(party__in=firm))
    if about == "opportunity":
        return theirs.filter(opened_on__range=(first, last)).exists()
    return theirs.filter(state=Opportunity.State.WON, closed_on__range=(first, last)).exists()
