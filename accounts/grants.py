"""The matrix becomes guardian rows: `sync_grants` is the only writer of grants with source "matrix" (D3)."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import Deputy, Membership, RoleRight, Team, TeamUserPerm, User, entities
from crm.core.access import forget_scopes


def ensure_permissions(sender: Any = None, using: str = "default", **_: Any) -> None:
    """Create the codenames verb_entity on Team that are missing. Runs after every migrate."""
    team = ContentType.objects.db_manager(using).get_for_model(Team)
    have = set(Permission.objects.using(using).filter(content_type=team).values_list("codename", flat=True))
    wanted = {f"{verb}_{entity.key}": f"{verb} {entity.key}" for entity in entities() for verb in entity.verbs}
    Permission.objects.using(using).bulk_create(
        [Permission(content_type=team, codename=codename, name=name) for codename, name in wanted.items() if codename not in have],
        ignore_conflicts=True,
    )


Key = tuple[int, int, int]  # user, permission, team


def sync_grants(users: list[User] | None = None) -> int:
    """Write what matrix, memberships and deputies say as guardian rows on teams (of these users, or of all). Returns how many rows changed.

    Nothing is expanded down the tree: "own" and "team" stand on the membership's team, "all" on the root team. A deputy's rows
    are named by their arrangement and carry its end; a sync follows the absent person's roles, and never takes them for the deputy's own.
    """
    with transaction.atomic():
        memberships = Membership.objects.select_related("role").filter(user__is_active=True)
        held = TeamUserPerm.objects.select_for_update(of=("self",)).filter(source=TeamUserPerm.Source.MATRIX).order_by("pk")
        deputies = Deputy.objects.filter(deputy__is_active=True, until__gte=timezone.localdate())
        if users is not None:
            ids = [user.pk for user in users]
            memberships, held = memberships.filter(user_id__in=ids), held.filter(user_id__in=ids)
            deputies = deputies.filter(Q(absent_id__in=ids) | Q(deputy_id__in=ids))
        changed = _write(_wanted(list(memberships)), list(held))
        for arrangement in deputies:
            wanted = _handed_over(arrangement)
            changed += _write(wanted, list(arrangement.grants.all()), source=TeamUserPerm.Source.DEPUTY, deputy=arrangement, until=_end_of(arrangement))
        _sync_groups(users)
    forget_scopes()
    return changed


def _write(wanted: dict[Key, bool], held: list[TeamUserPerm], **marks: Any) -> int:
    """Make the held rows the wanted ones; what is right already stays untouched."""
    until = marks.get("until")
    right = {key: row for row in held if wanted.get(key := (row.user_id, row.permission_id, row.content_object_id)) == row.own_only and row.until == until}
    kept = {row.pk for row in right.values()}
    gone = [row.pk for row in held if row.pk not in kept]
    fresh = [TeamUserPerm(user_id=key[0], permission_id=key[1], content_object_id=key[2], own_only=own, **marks) for key, own in wanted.items() if key not in right]
    TeamUserPerm.objects.filter(pk__in=gone).delete()
    TeamUserPerm.objects.bulk_create(fresh, ignore_conflicts=True)
    return len(gone) + len(fresh)


def _wanted(memberships: list[Membership]) -> dict[Key, bool]:
    """(user, permission, team) → own only; the widest reach wins where several roles meet."""
    team_type = ContentType.objects.get_for_model(Team)
    permission = dict(Permission.objects.filter(content_type=team_type).values_list("codename", "pk"))
    root = Team.objects.unrestricted().filter(parent__isnull=True).values_list("pk", flat=True).first()
    cells: dict[int, list[RoleRight]] = {}
    for cell in RoleRight.objects.filter(role__in={m.role_id for m in memberships}):
        cells.setdefault(cell.role_id, []).append(cell)
    wanted: dict[Key, bool] = {}
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


def _handed_over(arrangement: Deputy) -> dict[Key, bool]:
    """What the deputy gets: every right the absent person holds. A right on own records alone means the absent person's own
    (`accounts.rights` reads whose they are from the arrangement), never more than the absent person could do.
    """
    rights = _wanted(list(Membership.objects.select_related("role").filter(user_id=arrangement.absent_id)))
    return {(arrangement.deputy_id, pk, team): own_only for (_, pk, team), own_only in rights.items()}


def _end_of(arrangement: Deputy) -> datetime:
    """The midnight after the last day."""
    return timezone.make_aware(datetime.combine(arrangement.until + timedelta(days=1), time()))


def _sync_groups(users: list[User] | None) -> None:
    """Django's groups of a user are exactly the groups of the roles held (shares with a role go through them)."""
    through = User.groups.through
    chosen = User.objects.all() if users is None else User.objects.filter(pk__in=[user.pk for user in users])
    wanted = set(Membership.objects.filter(user__in=chosen, user__is_active=True).values_list("user_id", "role__group_id"))
    present = set(through.objects.filter(user__in=chosen).values_list("user_id", "group_id"))
    for user, group in present - wanted:
        through.objects.filter(user_id=user, group_id=group).delete()
    through.objects.bulk_create([through(user_id=user, group_id=group) for user, group in wanted - present], ignore_conflicts=True)
