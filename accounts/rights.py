"""What the gate asks of accounts: the rights of one user as plain values (named by LOTSE_RIGHTS)."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable

from django.db import connection
from django.utils import timezone

from accounts.models import User
from crm.core.access import Rights

# Every request asks this once, so it is one question: six of the ORM cost more than many a page.
_QUESTION = """
WITH mine AS (
    SELECT m.role_id, r.group_id, r.active, r.start_page, r.position
    FROM accounts_membership m JOIN accounts_role r ON r.id = m.role_id WHERE m.user_id = %(user)s
), granted AS (
    SELECT p.codename, g.content_object_id AS team, g.own_only, coalesce(d.absent_id, g.user_id) AS owner
    FROM accounts_teamuserperm g JOIN auth_permission p ON p.id = g.permission_id LEFT JOIN accounts_deputy d ON d.id = g.deputy_id
    WHERE g.user_id = %(user)s AND (g.until IS NULL OR g.until > %(now)s)
), used AS ( -- the user's own roles and those of whom the user stands in for
    SELECT role_id FROM mine UNION SELECT role_id FROM accounts_membership WHERE user_id IN (SELECT owner FROM granted)
)
SELECT json_build_array(
    (SELECT json_agg(json_build_array(codename, team, own_only, owner)) FROM granted),
    (SELECT json_agg(json_build_array(id, parent_id)) FROM accounts_team),
    (SELECT json_agg(DISTINCT group_id) FROM mine),
    (SELECT json_agg(start_page ORDER BY position, role_id) FROM mine WHERE active AND start_page <> ''),
    (SELECT json_agg(role_id) FROM used),
    (SELECT json_agg(json_build_array(entity, field, role_id)) FROM accounts_fieldrule WHERE role_id IN (TABLE used)),
    (SELECT json_agg(json_build_array(entity, role_id)) FROM accounts_roleright WHERE verb = 'view' AND role_id IN (TABLE used))
)::text
"""


def rights_of(user: User) -> Rights:
    """All grants that hold now, the team tree, the user's role groups, the fields hidden from the user and the pages the roles begin with."""
    with connection.cursor() as cursor:
        cursor.execute(_QUESTION, {"user": user.pk, "now": timezone.now()})
        grants, teams, groups, starts, roles, rules, viewing = (part or () for part in json.loads(cursor.fetchone()[0]))
    children: dict[int, tuple[int, ...]] = defaultdict(tuple)
    roots: set[int] = set()
    for team, parent in teams:
        if parent is None:
            roots.add(team)
        else:
            children[parent] += (team,)
    return Rights(tuple(tuple(grant) for grant in grants), dict(children), frozenset(roots), tuple(groups), _hidden(set(roles), rules, viewing), tuple(starts))


def _hidden(roles: set[int], rules: Iterable[tuple[str, str, int]], viewing: Iterable[tuple[str, int]]) -> dict[str, frozenset[str]]:
    """Entity → fields that every one of these roles hides that may view the entity at all: a role that never sees a record shows none of it."""
    hiding: dict[tuple[str, str], set[int]] = defaultdict(set)
    for entity, field, role in rules:
        hiding[entity, field].add(role)
    seeing: dict[str, set[int]] = defaultdict(set)
    for entity, role in viewing:
        seeing[entity].add(role)
    hidden: dict[str, set[str]] = defaultdict(set)
    for (entity, field), those in hiding.items():
        if (seeing[entity] or roles) <= those:
            hidden[entity].add(field)
    return {entity: frozenset(fields) for entity, fields in hidden.items()}
