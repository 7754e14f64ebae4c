"""For whom it is measured: somebody who sees everything, much, little, and next to nothing, and the one in the middle of those who sell. Chosen
from the people there are."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count

from accounts.models import Membership, User
from contacts.models import Party
from crm.core.access import Reach, Scope, scope_of, shares
from sales.metrics import OPEN
from sales.models import Opportunity

LITTLE = 100  # contacts; whoever sees fewer sees next to nothing


@dataclass
class Persona:
    """One reader; `sees` is how many contacts, `reached` how many of these without a share."""

    name: str
    user: User
    sees: int = 0
    reached: int = 0
    scope: Scope = field(init=False)

    def __post_init__(self) -> None:
        self.scope = scope_of(self.user)

    def reach(self, entity: str, action: str = "view") -> Reach:
        """How far the verb goes; whoever may not view at all is no persona, and nobody is asked what they may not do."""
        reach = self.scope.reach(action, entity)
        assert reach is not None
        return reach

    def shared(self, model: Any, action: str = "view") -> list[int]:
        """The single records opened by shares."""
        return sorted({pk for rows in shares(model, self.scope, action) for pk in rows.values_list("content_object_id", flat=True)})


def personas() -> list[Persona]:
    """Management (everything), wide (most of those with limits), narrow (least of their own of those who see more than LITTLE: in a stock of any
    size it is the same person), few (least of all), rep (as many as the middle one of those with limits who have open opportunities); fewer
    where nobody fits."""
    per_team, per_owner = Counter[int](), Counter[tuple[int, int | None]]()
    for team, owner, n in Party.objects.unrestricted().values_list("team", "owner").annotate(n=Count("pk")).order_by():
        per_team[team] += n
        per_owner[team, owner] += n
    found: list[Persona] = []
    whole = sum(per_team.values())
    for user in User.objects.filter(is_active=True, is_superuser=False).order_by("pk"):
        scope = scope_of(user)
        reach = scope.reach("view", "party")
        if reach is None or not scope.may("view", "opportunity") or not scope.may("view", "case"):
            continue
        persona = Persona("", user)
        own = sum(n for (team, owner), n in per_owner.items() if owner == user.pk and team not in reach.teams)
        persona.reached = whole if reach.everything else sum(per_team[team] for team in reach.teams) + own
        persona.sees = whole if reach.everything else persona.reached + len(persona.shared(Party))
        found.append(persona)
    found.sort(key=lambda persona: persona.sees)
    limited = [persona for persona in found if not persona.reach("party").everything and persona.sees]
    selling = set(Opportunity.objects.unrestricted().filter(OPEN, owner__isnull=False).values_list("owner", flat=True).distinct())
    reps = [persona for persona in limited if persona.user.pk in selling]
    chosen = {
        "management": next((persona for persona in found if persona.reach("party").everything and persona.scope.may("view", "forecast")), None),
        "wide": limited[-1] if limited else None,
        "narrow": min((persona for persona in limited if persona.sees > LITTLE), key=lambda persona: (persona.reached, persona.sees), default=None),
        "few": limited[0] if limited and limited[0].sees <= LITTLE else None,
        "rep": reps[len(reps) // 2] if reps else None,
    }
    named: list[Persona] = []
    for name, persona in chosen.items():
        if persona is not None and not persona.name:  # in a small house one may be several
            persona.name = name
            named.append(persona)
    return named


def of_each_role() -> list[Persona]:
    """The first who holds each role, named like it."""
    holds = Membership.objects.filter(user__is_active=True).select_related("user", "role").order_by("role_id", "user_id").distinct("role_id")
    return [Persona(str(one.role), one.user) for one in holds]


def whoever_may(action: str, entity: str) -> Persona | None:
    """The first who may do this with every record there is."""
    for user in User.objects.filter(is_active=True, is_superuser=False).order_by("pk"):
        reach = scope_of(user).reach(action, entity)
        if reach is not None and reach.everything:
            return Persona("all", user)
    return None
