"""Sales staff of the export: inactive users in the team of their manager, which belongs to the region."""

from __future__ import annotations

import re
from collections.abc import Sequence

from django.contrib.auth.hashers import make_password

from accounts.models import Membership, Role, Team, User
from crm.core.fold import sort_key
from sales.imports.context import Context, Finding, Names, Plan
from sales.imports.models import Kind
from sales.imports.reading import name_key
from sales.imports.rows import Row


class Staff:
    """Users by name, with their home team; `staged` also knows those this import will create."""

    def __init__(self, context: Context, *, staged: bool) -> None:
        self.team_of: dict[int, int | None] = {}
        self.active: set[int] = set()
        self.names = Names()
        for user in User.objects.unrestricted().order_by("-is_active", "pk"):  # of two with one name the active one is meant
            self.names.add(str(user), user.pk)
            self.team_of[user.pk] = user.team_id
            if user.is_active:
                self.active.add(user.pk)
        if staged:
            for _key, facts in context.staged(Kind.AGENT):
                self.names.add(facts["name"], 0)


class Agents:
    """Judges and writes rows of kind agent. Somebody who is known and active keeps team and rights: no export changes those."""

    kind = Kind.AGENT

    def __init__(self, context: Context) -> None:
        self.context = context

    def key(self, facts: dict[str, str]) -> str:
        return name_key(facts["name"])

    def load(self, rows: Sequence[Row]) -> None:
        self.staff = Staff(self.context, staged=False)
        self.earlier = self.context.earlier(self.kind, [row.key for row in rows])

    def judge(self, row: Row) -> Finding:
        finding = Finding()
        facts = row.facts
        finding.target_id = self.staff.names.get(facts["name"])
        if finding.target_id is None:
            if not self.context.may_add("setup", None):
                finding.refuse("no_right", what="setup")
            return finding
        earlier = self.earlier.get(row.key)
        if earlier is not None and finding.target_id not in self.staff.active:
            for name in ("manager", "region"):
                if facts.get(name) and facts.get(name) != earlier.get(name):
                    finding.changes[name] = [earlier.get(name, ""), facts[name]]
            if finding.changes and self.context.reach("change", "setup") is None:
                finding.refuse("no_right", what="setup")
        return finding

    def write(self, plan: Plan) -> None:
        """Create teams, managers and agents; move inactive agents whose manager or region changed."""
        teams = _Teams(self.context.root)
        taken = set(User.objects.unrestricted().values_list("username", flat=True))
        roles = {role.key: role for role in Role.objects.unrestricted().filter(key__in=["rep", "lead"])}
        for row, finding in plan:
            facts = row.facts
            if finding.target_id is not None and not finding.changes:
                continue
            team = teams.of(facts.get("manager", ""), facts.get("region", ""))
            if facts.get("manager") and self.staff.names.get(facts["manager"]) is None:
                self._create(facts["manager"], team, roles.get("lead"), taken)
            if finding.target_id is None:
                finding.target_id = self.staff.names.get(facts["name"]) or self._create(facts["name"], team, roles.get("rep"), taken)
            else:
                User.objects.filter(pk=finding.target_id).update(team=team)
                Membership.objects.filter(user=finding.target_id, role=roles.get("rep")).update(team=team)

    def _create(self, name: str, team: Team, role: Role | None, taken: set[str]) -> int:
        first, _space, last = name.rpartition(" ")
        user = User(username=_username(name, taken), first_name=first, last_name=last, is_active=False, team=team, password=make_password(None))
        user.save(force_insert=True)
        if role is not None:  # so that switching the person on is all that is left to do
            Membership.objects.create(user=user, team=team, role=role)
        self.staff.names.add(name, user.pk)
        return user.pk


class _Teams:
    """Finds or creates region and manager's team below the firm."""

    def __init__(self, root: Team) -> None:
        self.root = root
        self.known = {(team.parent_id, name_key(team.name)): team for team in Team.objects.unrestricted()}

    def of(self, manager: str, region: str) -> Team:
        team = self.root
        for name in filter(None, (region, manager)):
            key = (team.pk, name_key(name[:80]))
            if key not in self.known:
                self.known[key] = Team.objects.create(name=name[:80], parent=team)
            team = self.known[key]
        return team


def _username(name: str, taken: set[str]) -> str:
    """"Moses Frase" → moses.frase, with a number behind it where that is taken."""
    base = re.sub(r"[^a-z0-9]+", ".", sort_key(name)).strip(".")[:140] or "user"
    username, number = base, 1
    while username in taken:
        number += 1
        username = f"{base}{number}"
    taken.add(username)
    return username
