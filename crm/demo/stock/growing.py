"""Growing the stock: slice by slice, each whole or not at all, until there are enough contacts; shares at the end."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.utils import timezone

from accounts.models import Role, Team, User
from contacts.models import Industry, Party, PartyGroupPerm, PartyUserPerm
from contacts.search import index_parties
from crm.catalog.models import Product
from crm.core.bulk import Rows, reserve
from crm.core.numbers import take_numbers
from crm.core.work import work
from crm.demo.firm import address_of
from crm.demo.stock import house, slices
from sales.models import LostReason, Opportunity, Stage
from service.models import Case, Cause, Remedy, SlaRule, Touchpoint

SHARES_WITH_ONE, SHARES_WITH_ROLE, FEW = 20_000, 5_000, 3
COUNTS = {"party": slices.PARTIES, "opportunity": slices.OPPORTUNITIES, "case": slices.CASES}


def grow(target: int, say: Callable[[str], None]) -> bool:
    """Write slices until `target` contacts of the stock are there, then share some. What is there stays; returns whether anything was missing."""
    house.hire(say)
    begin, done = time.monotonic(), Party.objects.unrestricted().filter(source=slices.SOURCE).count() // slices.PARTIES
    wanted = -(-target // slices.PARTIES)
    refers_to = _house()
    for number in range(done, wanted):
        _write(refers_to, number)
        spent = time.monotonic() - begin
        say(f"{(number + 1) * slices.PARTIES:,} contacts, {spent:.0f} s, about {spent / (number + 1 - done) * (wanted - number - 1):.0f} s to go")
    if done < wanted:
        say(f"{_share()} contacts shared with single people and one role")
        say(f"stock grown in {time.monotonic() - begin:.0f} s")
    return done < wanted


def _house() -> slices.House:
    desk = Team.objects.get(name="Service")
    agents = list(User.objects.filter(team=desk, is_active=True).order_by("pk").values_list("pk", flat=True))

    def ids(rows: Any) -> list[int]:
        return list(rows.values_list("pk", flat=True))

    return slices.House(
        now=timezone.localtime(),
        branches=house.branches(),
        industries=ids(Industry.objects.all()),
        products=ids(Product.objects.all()),
        stages=ids(Stage.objects.filter(pipeline__key="projects", active=True).order_by("position")),
        reasons=ids(LostReason.objects.filter(needs_note=False)),
        desk=house.Branch(desk.pk, 1, agents),
        causes=ids(Cause.objects.filter(parent__isnull=False)),
        remedies=ids(Remedy.objects.all()),
        touchpoints=ids(Touchpoint.objects.all()),
        rules=ids(SlaRule.objects.all()),
        types={model.__name__.lower(): ContentType.objects.get_for_model(model).pk for model in (Opportunity, Case)},
    )


def _write(refers_to: slices.House, number: int) -> None:
    with work():
        ids = {model.__name__.lower(): reserve(model, COUNTS[model.__name__.lower()]) for model in (Party, Opportunity, Case)}
        place = slices.Place(number, **ids, numbers={key: take_numbers(key, count) for key, count in COUNTS.items()})
        for table in slices.Slice(refers_to, place).fill().tables:
            table.write()
        index_parties(place.party)


def _share() -> int:
    """Single contacts with single people, some with everyone in a role, three with somebody who sees nothing else. A stock of 100,000 shares as many
    with the role as one of a million: who reads there sees as much, and what grows is the firm (`bench --since`)."""
    dice = random.Random(25)  # noqa: S311 - the same shares every time
    parties = list(Party.objects.unrestricted().filter(source=slices.SOURCE).order_by("pk").values_list("pk", flat=True))
    people = list(User.objects.filter(team__name__in=house.BRANCHES).order_by("pk").values_list("pk", flat=True))
    view = Permission.objects.get(codename="view_party", content_type=ContentType.objects.get_for_model(Party)).pk
    with work():
        alone, together = Rows(PartyUserPerm, "permission_id", "user_id", "content_object_id"), Rows(PartyGroupPerm, "permission_id", "group_id", "content_object_id")
        PartyUserPerm.objects.filter(user__in=people).delete()
        for party in dice.sample(parties, min(SHARES_WITH_ONE, len(parties) // 40)):
            alone.add(view, dice.choice(people), party)
        outsider = User.objects.get(email=address_of(*house.OUTSIDER))
        PartyUserPerm.objects.filter(user=outsider).delete()
        for party in parties[:: len(parties) // FEW][:FEW]:
            alone.add(view, outsider.pk, party)
        group = Role.objects.get(key="lead").group_id
        PartyGroupPerm.objects.filter(group_id=group).delete()
        for party in dice.sample(parties, min(SHARES_WITH_ROLE, len(parties) // 20)):
            together.add(view, group, party)
        return alone.write() + together.write()


def tidy() -> None:
    """What autovacuum would do within the hour: statistics, and the map that lets an index answer alone."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
