"""The matrix becomes rows: compared, over random firms, with a slow reference that reads the words of D3 and nothing else."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from accounts.grants import sync_grants
from accounts.models import Deputy, Membership, Role, RoleRight, Team, TeamUserPerm, User, entities
from accounts.services import add_deputy, end_deputy, set_memberships, set_rights
from crm.core.access import scope_of
from crm.core.errors import RuleBroken

pytestmark = pytest.mark.django_db

RANK = {"own": 1, "team": 2, "all": 3}


def parents(team: int | None, tree: dict[int, int | None]) -> list[int]:
    """The team and everything above it."""
    return [] if team is None else [team, *parents(tree[team], tree)]


def reference(memberships: list[tuple[int, int]], rights: dict[tuple[int, str, str], str], tree: dict[int, int | None], verb: str, entity: str) -> tuple[bool, set[int], bool]:
    """(may at all, teams whose records are reached, everything): cell by cell, team by team, as the words say."""
    held, reached, everything = False, set(), False
    for team, role in memberships:
        reach = rights.get((role, entity, verb))
        if reach is None:
            continue
        held = True
        everything = everything or reach == "all" or (reach == "team" and tree[team] is None)
        if reach == "team":
            reached |= {other for other in tree if team in parents(other, tree)}
    return held, reached, everything


def compare(user: User, memberships: list[tuple[int, int]], rights: dict[tuple[int, str, str], str], tree: dict[int, int | None]) -> int:
    scope, cells = scope_of(user), 0
    for entity in entities():
        for verb in entity.verbs:
            held, reached, everything = reference(memberships, rights, tree, verb, entity.key)
            reach = scope.reach(verb, entity.key)
            assert (reach is not None) == held, (entity.key, verb)
            if reach is not None:
                assert reach.everything == everything
                assert everything or reach.teams == reached, (entity.key, verb)
            cells += 1
    return cells


@pytest.mark.parametrize("seed", range(8))
def test_grants_say_what_matrix_and_memberships_say(firm: Any, seed: int) -> None:
    dice = random.Random(seed)
    teams = list(Team.objects.all())
    for number in range(6):
        teams.append(Team.objects.create(name=f"T{number}", parent=dice.choice(teams)))
    tree = {team.pk: team.parent_id for team in teams}
    roles = [Role.objects.create(key=f"r{n}", label_de=f"R{n}", label_en=f"R{n}", group=Group.objects.create(name=f"r{n}")) for n in range(4)]
    rights: dict[tuple[int, str, str], str] = {}
    for role in roles:
        for entity in entities():
            for verb in entity.verbs:
                reach = dice.choice(["", "", "own", "team", "all"])
                if reach:
                    rights[role.pk, entity.key, verb] = reach
    RoleRight.objects.bulk_create([RoleRight(role_id=r, entity=e, verb=v, reach=reach) for (r, e, v), reach in rights.items()])
    users = [User.objects.create(username=f"u{n}", email=f"u{n}@x.test", is_active=n != 4) for n in range(5)]
    held = {user.pk: list({(dice.choice(teams).pk, dice.choice(roles).pk) for _ in range(dice.randint(0, 3))}) for user in users}
    Membership.objects.bulk_create([Membership(user_id=user, team_id=team, role_id=role) for user, pairs in held.items() for team, role in pairs])
    sync_grants()
    for user in users:
        compare(user, held[user.pk] if user.is_active else [], rights, tree)
    assert sync_grants() == 0, "a second sync has nothing to do"
    role = roles[0]
    changed = {(e, v): dice.choice(["", "own", "team", "all"]) for (r, e, v) in rights if r == role.pk}
    Membership.objects.create(user=User.objects.create(username="boss"), team=firm.root, role=Role.objects.get(key="manager"))
    set_rights(role, changed, [], by=None)
    rights = {key: reach for key, reach in rights.items() if key[0] != role.pk} | {(role.pk, *cell): reach for cell, reach in changed.items() if reach}
    for user in users:
        compare(user, held[user.pk] if user.is_active else [], rights, tree)


def test_every_allow_is_a_row_on_a_team_and_no_role_opens_records(cast: Any) -> None:
    assert not Group.objects.filter(permissions__isnull=False).exists()
    assert TeamUserPerm.objects.filter(user=cast.anna).exists() and not TeamUserPerm.objects.filter(user=cast.frieda).exists()


def test_a_deputy_survives_a_sync_follows_roles_and_ends(cast: Any) -> None:
    today = timezone.localdate()
    own = set(TeamUserPerm.objects.filter(user=cast.david, source="matrix"))
    before = scope_of(cast.david).reaches
    arrangement = add_deputy(cast.anna, cast.david, today + timedelta(days=7), by=cast.emil)
    north = cast.firm.north.pk
    for _ in range(2):
        scope = scope_of(cast.david)
        assert north in scope.reach("view", "opportunity").teams  # type: ignore[union-attr]
        for verb in ("change", "delete"):  # hers alone: "own" of a deputy is the absent person's own, not the team's
            reach = scope.reach(verb, "opportunity")
            assert north not in reach.teams and reach.owners == {cast.anna.pk, cast.david.pk}  # type: ignore[union-attr]
        sync_grants()
    set_memberships(cast.anna, [(cast.firm.marketing, Role.objects.get(key="marketing"))], by=cast.emil)
    scope = scope_of(cast.david)
    assert scope.reach("view", "party").everything and north not in scope.reach("view", "opportunity").teams  # type: ignore[union-attr]
    assert set(TeamUserPerm.objects.filter(user=cast.david, source="matrix")) == own
    Deputy.objects.filter(pk=arrangement.pk).update(until=today - timedelta(days=1))
    TeamUserPerm.objects.filter(deputy=arrangement).update(until=timezone.now() - timedelta(hours=1))
    assert scope_of(cast.david).reaches == before
    end_deputy(arrangement, by=cast.emil)
    assert not TeamUserPerm.objects.filter(source="deputy").exists()


def test_the_last_day_counts(cast: Any) -> None:
    add_deputy(cast.anna, cast.david, timezone.localdate(), by=cast.emil)
    end = TeamUserPerm.objects.filter(source="deputy").values_list("until", flat=True).distinct().get()
    assert timezone.localtime(end).date() == timezone.localdate() + timedelta(days=1)


@pytest.mark.parametrize(("who", "days"), [("anna", 3), ("david", -1), ("off", 3)])
def test_arrangements_that_make_no_sense(cast: Any, who: str, days: int) -> None:
    cast.off = User.objects.create(username="off", is_active=False)
    with pytest.raises(RuleBroken):
        add_deputy(cast.anna, getattr(cast, who), timezone.localdate() + timedelta(days=days), by=cast.emil)


def test_groups_follow_the_roles(cast: Any) -> None:
    rep, lead = Role.objects.get(key="rep"), Role.objects.get(key="lead")
    assert list(cast.anna.groups.all()) == [rep.group]
    set_memberships(cast.anna, [(cast.firm.south, lead)], by=cast.emil)
    assert list(cast.anna.groups.all()) == [lead.group]
