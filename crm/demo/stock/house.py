"""Two hundred people in thirty teams: sales in regions and their branches, large and small. Written by the services, like any firm."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from accounts.models import Role, Team, User
from accounts.services import create_user
from crm.core.access import one_request
from crm.core.work import work
from crm.demo import firm, names
from crm.demo.firm import address_of

REGIONS = {
    "Region Nord": ["Hamburg", "Bremen", "Kiel", "Rostock", "Hannover"],
    "Region West": ["Köln", "Düsseldorf", "Dortmund", "Münster", "Bielefeld"],
    "Region Mitte": ["Frankfurt", "Kassel", "Erfurt", "Fulda", "Koblenz"],
    "Region Ost": ["Berlin", "Leipzig", "Dresden", "Magdeburg"],
    "Region Süd": ["München", "Stuttgart", "Nürnberg", "Ulm", "Freiburg"],
}
BRANCHES = [branch for branches in REGIONS.values() for branch in branches]
PEOPLE = 200
AGENTS, MARKETERS, MANAGERS = 24, 6, 4
OUTSIDER = ("Nora", "Neu")  # a rep in a branch that has no customers: sees what is shared with her, and nothing else
EMPTY = "Außenstelle"


@dataclass
class Branch:
    """A team with the people who look after its customers; `share` of all customers are its own."""

    team: int
    share: float
    people: list[int] = field(default_factory=list)


def branches() -> list[Branch]:
    """The branches with their people: the first has some twenty times the customers of the last."""
    weights = [1 / place for place in range(1, len(BRANCHES) + 1)]
    teams = dict(Team.objects.filter(name__in=BRANCHES).values_list("name", "pk"))
    found = [Branch(teams[name], weight / sum(weights)) for name, weight in zip(BRANCHES, weights, strict=True)]
    for branch in found:
        branch.people = list(User.objects.filter(team=branch.team, is_active=True).order_by("pk").values_list("pk", flat=True))
    return found


def hire(say: Callable[[str], None]) -> None:
    """Found the branches and fill them. What is there stays."""
    if Team.objects.filter(name=EMPTY).exists():
        return
    roles = {role.key: role for role in Role.objects.all()}
    dice = random.Random(30)  # noqa: S311 - the same people every time
    with work(), one_request():
        sales, service, marketing = (Team.objects.get(name=name) for name in ("Vertrieb", "Service", "Marketing"))
        root = Team.objects.get(parent=None)
        places: list[tuple[Team, Role]] = []
        for region, towns in REGIONS.items():
            above = Team.objects.create(name=region, parent=sales)
            places.append((above, roles["lead"]))
            for town in towns:
                branch = Team.objects.create(name=town, parent=above)
                places += [(branch, roles[key]) for key in ("lead", "rep", "rep")]
        places += [(service, roles["service"])] * AGENTS + [(marketing, roles["marketing"])] * MARKETERS + [(root, roles["management"])] * MANAGERS
        big = [place for place in places if place[1].key == "rep"][: len(BRANCHES)]  # the larger half of the branches, which come first
        places += [big[int(len(big) * dice.random() ** 2)] for _ in range(PEOPLE - len(places) - 1)]
        taken = {user.email for user in User.objects.all()}
        people = [_hire(dice, team, role, taken) for team, role in places]
        outpost = Team.objects.create(name=EMPTY, parent=sales)
        people.append(create_user(by=None, email=address_of(*OUTSIDER), first_name=OUTSIDER[0], last_name=OUTSIDER[1], team=outpost, memberships=[(outpost, roles["rep"])], language="de"))
        known = User.objects.get(email=address_of(*firm.PEOPLE[0][:2])).password  # all share the one word of the demo
        User.objects.filter(pk__in=[user.pk for user in people]).update(password=known)
    say(f"{len(people)} more people in {len(REGIONS) + len(BRANCHES) + 1} more teams")


def _hire(dice: random.Random, team: Team, role: Role, taken: set[str]) -> User:
    while True:
        first, last = dice.choice(names.WOMEN + names.MEN), dice.choice(names.LAST)
        email = address_of(first, last)
        if email not in taken:
            taken.add(email)
            return create_user(by=None, email=email, first_name=first, last_name=last, team=team, memberships=[(team, role)], language="de")
