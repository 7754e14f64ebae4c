"""What the answer must be, worked out from the plain tables alone: roles, matrix, team tree, memberships, shares.

Nothing here imports the gate. It is slow, short and read aloud, so that a mistake in `crm.core.access` cannot hide in it.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class World:
    """The firm as plain values."""

    parent: dict[str, str | None]  # team → the team it belongs to
    matrix: dict[str, dict[str, dict[str, str]]]  # role → entity → verb → own | team | all
    roles: dict[str, list[tuple[str, str]]]  # user → [(role, team)]
    inactive: set[str] = field(default_factory=set)
    shares: set[tuple[str, str, str]] = field(default_factory=set)  # (user, verb, record)
    stands_for: dict[str, set[str]] = field(default_factory=dict)  # deputy → the absent, whose rights the deputy has beside the own

    def held(self, user: str) -> list[tuple[str, str]]:
        """The roles a user acts in: the own ones and those of the absent."""
        return [role for who in (user, *sorted(self.stands_for.get(user, ()))) for role in self.roles.get(who, [])]

    def owns(self, user: str, owner: str | None) -> bool:
        """Is the owner the user, or somebody the user stands in for?"""
        return owner is not None and (owner == user or owner in self.stands_for.get(user, ()))


@dataclass(frozen=True)
class Row:
    """A record: who owns it, which team it belongs to. A line of the history also names its contact, its source and its writer."""

    name: str
    owner: str | None
    team: str
    party: Row | None = None
    source: Row | None = None


def inside(world: World, team: str | None, top: str) -> bool:
    """Is `team` the team `top`, or below it?"""
    while team is not None:
        if team == top:
            return True
        team = world.parent[team]
    return False


def holds(world: World, user: str, verb: str, entity: str) -> bool:
    """Does any of the user's roles know this verb at all?"""
    return user not in world.inactive and any(verb in world.matrix[role].get(entity, {}) for role, _team in world.held(user))


def may(world: World, user: str, verb: str, entity: str, row: Row) -> bool:
    """May the user do this to this record?"""
    if not holds(world, user, verb, entity):
        return False
    if world.owns(user, row.owner) or (user, verb, row.name) in world.shares:
        return True
    for role, team in world.held(user):
        reach = world.matrix[role].get(entity, {}).get(verb)
        if reach == "all" or (reach == "team" and inside(world, row.team, team)):
            return True
    return False


def may_history(world: World, user: str, verb: str, row: Row) -> bool:
    """A task or an entry: its contact and its source must be seen, or it is one's own task; "own" reach means written or to be done by me."""
    assert row.party is not None
    seen = may(world, user, "view", "party", row.party) and (row.source is None or may(world, user, "view", "opportunity", row.source))
    if not (seen or (row.name.startswith("task") and row.owner == user)):
        return False
    reaches = {world.matrix[role].get("interaction", {}).get(verb) for role, _team in world.held(user)}
    return bool(reaches & {"team", "all"}) or ("own" in reaches and world.owns(user, row.owner))
