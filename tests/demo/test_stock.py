"""The large stock in small: every row passes the database's own rules, the gate sees what it should, and an interrupted growth goes on."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.models import Count

from accounts.models import Team, User
from contacts.diary import recount
from contacts.models import Interaction, Party, PartyActivity
from contacts.search import search_parties
from crm.core.models import Change
from crm.demo import firm
from crm.demo.firm import address_of
from crm.demo.stock import growing, house, slices
from sales.models import Opportunity, StageTransition
from service.models import Case
from tests.demo.conftest import SMALL

pytestmark = pytest.mark.django_db


def test_what_it_holds(grown: list[str]) -> None:
    stock = Party.objects.unrestricted().filter(source=slices.SOURCE)
    assert stock.count() == 800 and stock.filter(kind="organisation").count() == 120
    assert User.objects.count() == house.PEOPLE + len(firm.PEOPLE)
    per_team = list(stock.values_list("team").annotate(n=Count("pk")).order_by("-n").values_list("n", flat=True))
    assert per_team[0] > 5 * per_team[-1], "branches differ in size"
    states = dict(Opportunity.objects.unrestricted().values_list("state").annotate(n=Count("pk")))
    assert set(states) == {"open", "won", "lost"} and 0.2 < states["open"] / 400 < 0.45
    assert Interaction.objects.unrestricted().filter(party=stock.order_by("pk").first()).count() >= SMALL["LONGEST_HISTORY"]
    assert "contacts shared" in grown[-2] and "0 s to go" in grown[-3]


def test_it_is_consistent(grown: list[str]) -> None:
    """Constraints and keys hold (Postgres checked them); what is kept beside a row says the same as the row."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    told = dict(PartyActivity.objects.values_list("party", "last_at"))
    recount(Party.objects.unrestricted().values_list("pk", flat=True))
    assert told == dict(PartyActivity.objects.values_list("party", "last_at"))
    for opportunity in Opportunity.objects.unrestricted().prefetch_related("transitions")[:50]:
        steps = sorted(opportunity.transitions.all(), key=lambda step: (step.at, step.pk))
        last = {"won": "win", "lost": "lose"}.get(opportunity.state)
        assert steps[0].kind == "open" and steps[-1].to_stage_id == opportunity.stage_id
        assert last is None or steps[-1].kind == last
    assert not Change.objects.filter(origin="sql").exists(), "unlabelled writes"
    assert Change.objects.filter(relation="contacts_party", op="I").count() == 800


def test_the_gate_over_it(grown: list[str]) -> None:
    outsider = User.objects.get(email=address_of(*house.OUTSIDER))
    assert Party.objects.visible_to(outsider).count() == growing.FEW
    region = User.objects.get(team=Team.objects.get(name="Region Nord"))
    below = Team.objects.filter(parent__name="Region Nord")
    assert Party.objects.visible_to(region).filter(team__in=below).count() == Party.objects.unrestricted().filter(team__in=below).count() > 0
    some = Party.objects.unrestricted().filter(source=slices.SOURCE, kind="person")[5]
    assert some in search_parties(Party.objects.unrestricted(), some.last_name)


def test_it_goes_on_and_stays(grown: list[str]) -> None:
    before = set(Party.objects.unrestricted().values_list("pk", flat=True))
    assert not growing.grow(800, lambda text: None), "nothing was missing"
    assert growing.grow(1000, lambda text: None)
    after = Party.objects.unrestricted().filter(source=slices.SOURCE)
    assert after.count() == 1200 and before <= set(after.values_list("pk", flat=True)) | before
    assert Case.objects.unrestricted().count() == 240 == Case.objects.unrestricted().values("number").distinct().count()
    assert StageTransition.objects.unrestricted().count() > 600
