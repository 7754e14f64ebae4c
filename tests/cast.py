"""A cast, not anonymous users: the same nine people in every test (architecture, Tests).

anna (rep), ben (her team-mate), clara (their lead), david (rep of another team), mia (marketing), sven (service),
greta (management), emil (CRM manager), frieda (no rights).
"""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.core.management import call_command

from accounts.grants import sync_grants
from accounts.models import Membership, Role, Team, User

PEOPLE = {
    "anna": ("rep", "Nord"),
    "ben": ("rep", "Nord"),
    "clara": ("lead", "Nord"),
    "david": ("rep", "Süd"),
    "mia": ("marketing", "Marketing"),
    "sven": ("service", "Service"),
    "greta": ("management", ""),
    "emil": ("manager", ""),
    "frieda": (None, "Nord"),
}


def found_firm() -> SimpleNamespace:
    """The team tree: the firm with Nord, Süd, Marketing and Service, reference rows included."""
    call_command("seed")
    root = Team.objects.get(parent=None)
    return SimpleNamespace(root=root, **{key: Team.objects.create(name=name, parent=root) for key, name in (("north", "Nord"), ("south", "Süd"), ("marketing", "Marketing"), ("service", "Service"))})


def hire(firm: SimpleNamespace) -> SimpleNamespace:
    """The nine people by name, with their memberships written as grants."""
    teams = {team.name: team for team in Team.objects.all()}
    roles = {role.key: role for role in Role.objects.all()}
    people = {}
    for name, (role, team_name) in PEOPLE.items():
        team = teams.get(team_name, firm.root)
        user = User(username=name, first_name=name.capitalize(), last_name="Probe", email=f"{name}@lotse.test", team=team, language="de")
        user.set_unusable_password()
        user.save()
        if role:
            Membership.objects.create(user=user, team=team, role=roles[role])
        people[name] = user
    sync_grants()
    return SimpleNamespace(**people, firm=firm)


@pytest.fixture
def firm(db: None) -> SimpleNamespace:
    """The firm of one test."""
    return found_firm()


@pytest.fixture
def cast(firm: SimpleNamespace) -> SimpleNamespace:
    """Its people."""
    return hire(firm)
