"""The matrix becomes guardian rows: `sync_grants` is the only writer of grants with source "matrix" (D3)."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import transaction

from accounts.models import Membership, RoleRight, Team, TeamUserPerm, User
from crm.core.access import Entity, forget_scopes
from crm.core.wiring import table


def entities() -> list[Entity]:
    """The rows of the matrix, from the roof."""
    return table("LOTSE_ENTITIES")


def ensure_permissions(sender: Any = None, using: str = "default", **_: Any) -> None:
    """Create the codenames verb_entity on Team that are missing. Runs after every migrate."""
    team = ContentType.objects.db_manager(using).get_for_model(Team)
    have = set(Permission.objects.using(using).filter(content_type=team).values_list("codename", flat=True))
    wanted = {f"{verb}_{entity.key}": f"{verb} {entity.key}" for entity in entities() for verb in entity.verbs}
    Permission.objects.using(using).bulk_create(
        [Permission(content_type=team, codename=codename, name=name) for codename, name in wanted.items() if codename not in have],
        ignore_conflicts=True,
    )


def sync_grants(users: list[User] | None = None) -> int:
    """Write what matrix and memberships say as guardian rows on teams; deputies stay untouched. Returns how many rows changed.

    Nothing is expanded down the tree: "own" and "team" stand on the membership's team, "all" on the root team.
    """
    with transaction.atomic():
        memberships = Membership.objects.select_related("role").filter(user__is_active=True)
        held = TeamUserPerm.objects.select_for_update(of=("self",)).filter(source=TeamUserPerm.Source.MATRIX).order_by("pk")
        if users is not None:
            ids = [user.pk for user in users]
            memberships, held = memberships.filter(user_id__in=ids), held.filter(user_id__in=ids)
        wanted = _wanted(list(memberships))
        present: dict[tuple[int, int, int], TeamUserPerm] = {(row.user_id, row.permission_id, row.content_object_id): row for row in held}
        gone = [row.pk for key, row in present.items() if wanted.get(key) != row.own_only]
        fresh = [key for key, own_only in wanted.items() if key not in present or present[key].own_only != own_only]
        TeamUserPerm.objects.filter(pk__in=gone).delete()
        TeamUserPerm.objects.bulk_create(
            [TeamUserPerm(user_id=user, permission_id=permission, content_object_id=team, own_only=wanted[user, permission, team]) for user, permission, team in fresh],
            ignore_conflicts=True,
        )
        _sync_groups(users)
    forget_scopes()
    return len(gone) + len(fresh)


def _wanted(memberships: list[Membership]) -> dict[tuple[int, int, int], bool]:
    """(user, permission, team) → own only; the widest reach wins where several roles meet."""
    team_type = ContentType.objects.get_for_model(Team)
    permission = dict(Permission.objects.filter(content_type=team_type).values_list("codename", "pk"))
    root = Team.objects.unrestricted().filter(parent__isnull=True).values_list("pk", flat=True).first()
    cells: dict[int, list[RoleRight]] = {}
    for cell in RoleRight.objects.filter(role__in={m.role_id for m in memberships}):
        cells.setdefault(cell.role_id, []).append(cell)
    wanted: dict[tuple[int, int, int], bool] = {}
    for membership in memberships:
        for cell in cells.get(membership.role_id, ()):
            pk = permission.get(f"{cell.verb}_{cell.entity}")
            team = root if cell.reach == RoleRight.Reach.ALL else membership.team_id
            if pk is None or team is None:
                continue
            key = (membership.user_id, pk, team)
            own_only = cell.reach == RoleRight.Reach.OWN
            wanted[key] = wanted.get(key, True) and own_only
    return wanted


def _sync_groups(users: list[User] | None) -> None:
    """Django's groups of a user are exactly the groups of the roles held (shares with a role go through them)."""
    through = User.groups.through
    chosen = User.objects.all() if users is None else User.objects.filter(pk__in=[user.pk for user in users])
    wanted = set(Membership.objects.filter(user__in=chosen).values_list("user_id", "role__group_id"))
    present = set(through.objects.filter(user__in=chosen).values_list("user_id", "group_id"))
    for user, group in present - wanted:
        through.objects.filter(user_id=user, group_id=group).delete()
    through.objects.bulk_create([through(user_id=user, group_id=group) for user, group in wanted - present], ignore_conflicts=True)


