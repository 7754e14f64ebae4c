"""What a question of a journey is answered with: read off the database at a moment, with the owner's eyes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.journeys.shape import Definition, Step, every
from campaigns.segments import members
from campaigns.segments.words import vocabulary_for
from contacts.models import Affiliation, Interaction, Party
from crm.core.access import may
from crm.core.conditions import check
from crm.core.errors import RuleBroken
from sales.models import Opportunity


def refusal(step: Step, reader: Any) -> list[str]:
    """Why this reader may not ask a question, in words; [] where they may."""
    if step["about"] == "tree":
        try:
            if step.get("tree"):
                check(step["tree"], vocabulary_for(reader))
        except ValidationError as problem:
            return list(problem.messages)
        return []
    if step["about"] == "answered":
        return [] if may(reader, "view", Party) else [_("Whoever publishes this may not see contacts, so it cannot be asked.")]
    return [] if may(reader, "view", Opportunity) else [_("Whoever publishes this may not see opportunities, so it cannot be asked.")]


def closed_steps(definition: Definition, reader: Any) -> tuple[set[str], set[str]]:
    """(the questions whose answers this reader may not know, the steps that would tell them)."""
    asked = [step for step in every(definition.get("steps", [])) if step["kind"] == "ask" and refusal(step, reader)]
    return {step["key"] for step in asked}, {one["key"] for step in asked for one in every([*step["yes"], *step["no"]])}


def answer(step: Step, party: int, owner: Any, began: datetime, now: datetime) -> str:
    """yes or no. What counts "since the beginning" does so up to `now`; a condition is asked as of today. Raises RuleBroken, in words, where
    the owner may not ask it, or does not see the contact: not seeing is no "no"."""
    if refused := refusal(step, owner):
        raise RuleBroken(" ".join(refused))
    if not Party.objects.visible_to(owner).filter(pk=party).exists():
        raise RuleBroken(_("Whoever owns this journey does not see this contact, so nothing can be asked about it."))
    return "yes" if _holds(step, party, owner, began, now) else "no"


def _holds(step: Step, party: int, owner: Any, began: datetime, now: datetime) -> bool:
    about, first, last = step["about"], timezone.localdate(began), timezone.localdate(now)
    if about == "answered":
        entries = Interaction.objects.visible_to(owner).filter(party=party, direction=Interaction.Direction.IN, occurred_at__gt=began, occurred_at__lte=now)
        return entries.exclude(kind=Interaction.Kind.SYSTEM).exists()
    if about == "tree":
        return members(step["tree"], owner, last, only=party).exists()
    firm = Affiliation.objects.visible_to(owner).filter(person=party, is_primary=True).values("organisation")
    theirs = Opportunity.objects.visible_to(owner).filter(Q(party=party) | Q(party__in=firm))
    if about == "opportunity":
        return theirs.filter(opened_on__range=(first, last)).exists()
    return theirs.filter(state=Opportunity.State.WON, closed_on__range=(first, last)).exists()
