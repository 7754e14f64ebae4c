"""What the gate asks of accounts: the rights of one user as plain values (named by LOTSE_RIGHTS)."""

from __future__ import annotations

from collections import defaultdict

from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import FieldRule, Membership, RoleRight, Team, TeamUserPerm, User
from crm.core.access import Rights


def rights_of(user: User) -> Rights:
    """All grants that hold now, the team tree, the user's role groups and the fields hidden from the user."""
    grants = tuple(
        TeamUserPerm.objects.filter(Q(until__isnull=True) | Q(until__gt=timezone.now()), user_id=user.pk).values_list(
            "permission__codename", "content_object_id", "own_only", Coalesce("deputy__absent_id", "user_id")
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
    stands_for = {owner for _codename, _team, _own, owner in grants} - {user.pk}
    handed_over = Membership.objects.filter(user_id__in=stands_for).values_list("role_id", flat=True)
    return Rights(grants, dict(children), frozenset(roots), tuple(roles.values()), _hidden({*roles, *handed_over}))


def _hidden(roles: set[int]) -> dict[str, frozenset[str]]:
    """Entity → fields that every one of these roles hides that may view the entity at all: a role that never sees a record shows none of it."""
    rules: dict[tuple[str, str], set[int]] = defaultdict(set)
    for role, entity, field in FieldRule.objects.filter(role_id__in=roles).values_list("role_id", "entity", "field"):
        rules[entity, field].add(role)
    viewing: dict[str, set[int]] = defaultdict(set)
    for role, entity in RoleRight.objects.filter(role_id__in=roles, verb="view").values_list("role_id", "entity"):
        viewing[entity].add(role)
    hidden: dict[str, set[str]] = defaultdict(set)
    for (entity, field), hiding in rules.items():
        if (viewing[entity] or roles) <= hiding:
            hidden[entity].add(field)
    return {entity: frozenset(fields) for entity, fields in hidden.items()}
