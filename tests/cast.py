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
from tests.beginnings import Beginning

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


TEAMS = {"north": "Nord", "south": "Süd", "marketing": "Marketing", "service": "Service"}


def found_firm() -> None:
    """The team tree: the firm with Nord, Süd, Marketing and Service, reference rows included."""
    call_command("seed")
    root = Team.objects.get(parent=None)
    for name in TEAMS.values():
        Team.objects.create(name=name, parent=root)


def hire() -> None:
    """The firm and its nine people, with their memberships written as grants."""
    found_firm()
    teams = {team.name: team for team in Team.objects.all()}
    roles = {role.key: role for role in Role.objects.all()}
    for name, (role, team_name) in PEOPLE.items():
        team = teams.get(team_name) or Team.objects.get(parent=None)
        user = User(username=name, first_name=name.capitalize(), last_name="Probe", email=f"{name}@lotse.test", team=team, language="de")
        user.set_unusable_password()
        user.save()
        if role:
            Membership.objects.create(user=user, team=team, role=roles[role])
    sync_grants()


def the_firm() -> SimpleNamespace:
    """The teams that stand in the database."""
    teams = {team.name: team for team in Team.objects.filter(parent__isnull=False)}
    return SimpleNamespace(root=Team.objects.get(parent=None), **{key: teams[name] for key, name in TEAMS.items()})


def the_cast() -> SimpleNamespace:
    """The nine by name, and their firm."""
    people = {user.username: user for user in User.objects.filter(username__in=PEOPLE).select_related("team")}
    return SimpleNamespace(**people, firm=the_firm())


FIRM, CAST = Beginning(found_firm), Beginning(hire)


@pytest.fixture
def firm(request: pytest.FixtureRequest, db: None) -> SimpleNamespace:
    """The firm of one test; where the test has a cast, the cast's."""
    if "cast" in request.fixturenames:
        firm_of_the_cast: SimpleNamespace = request.getfixturevalue("cast").firm
        return firm_of_the_cast
    FIRM.bring()
    return the_firm()


@pytest.fixture
def cast(db: None) -> SimpleNamespace:
    """Its people."""
    CAST.bring()
    return the_cast()
