"""What the gate asks of accounts: the rights of one user as plain values (named by LOTSE_RIGHTS)."""

from __future__ import annotations

from collections import defaultdict

from django.db.models import Q
from django.utils import timezone

from accounts.models import FieldRule, Membership, Team, TeamUserPerm, User
from crm.core.access import Rights


def rights_of(user: User) -> Rights:
    """All grants that hold now, the team tree, the user's role groups and the fields hidden from every one of those roles."""
    grants = tuple(
        TeamUserPerm.objects.filter(Q(until__isnull=True) | Q(until__gt=timezone.now()), user_id=user.pk).values_list(
            "permission__codename", "content_object_id", "own_only"
        )
    )
    children: dict[int, tuple[int, ...]] = defaultdict(tuple)
    roots: set[int] = set()
    for team, parent in Team.objects.unrestricted().values_list("pk", "parent_id"):
        if parent is None:
            roots.add(team)
        else:
            children[parent] += (team,)
    roles = dict(Membership.objects.filter(user_id=user.pk).values_list("role_id", "role__group_id"))
    return Rights(grants, dict(children), frozenset(roots), tuple(roles.values()), _hidden(set(roles)))


def _hidden(roles: set[int]) -> dict[str, frozenset[str]]:
    """Entity → fields that all of these roles hide."""
    rules: dict[tuple[str, str], set[int]] = defaultdict(set)
    for role, entity, field in FieldRule.objects.filter(role_id__in=roles).values_list("role_id", "entity", "field"):
        rules[entity, field].add(role)
    hidden: dict[str, set[str]] = defaultdict(set)
    for (entity, field), hiding in rules.items():
        if hiding == roles:
            hidden[entity].add(field)
    return {entity: frozenset(fields) for entity, fields in hidden.items()}
