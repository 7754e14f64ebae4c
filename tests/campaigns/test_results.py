"""What came of a campaign, against the same told person by person; and of very many only those are read who answered or bought."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from campaigns import results as module
from campaigns.ab import Race, Verdict
from campaigns.effect import moved
from campaigns.models import Campaign, Delivery
from campaigns.results import results
from contacts.diary import log_interaction
from contacts.models import Affiliation, Interaction
from crm.core.models import OutgoingMail
from crm.core.work import work
from sales.models import Opportunity, Stage
from tests.campaigns.conftest import run
from tests.factories import OpportunityFactory, OrganisationFactory

pytestmark = pytest.mark.django_db
Told = tuple[dict[int, list[Any]], Any, Verdict]


def lived(cast: Any, campaign: Any, audience: Any, dice: random.Random, metric: str) -> Campaign:
    """A hundred and thirty people, some of them colleagues: their mails left over some hours, some answered or bought, too early and too late as well."""
    people = audience(130)
    firms = [OrganisationFactory(owner=cast.anna, team=cast.anna.team) for _ in range(8)]
    with work(by=cast.mia):
        for person in people[:30]:
            Affiliation.objects.create(person=person, organisation=dice.choice(firms))
    row = run(campaign(mails=2, control=40, days=5, metric=metric), cast.mia).row
    begun = timezone.now() - timedelta(days=9)
    Campaign.objects.filter(pk=row.pk).update(started_at=begun)
    for mail in OutgoingMail.objects.filter(delivery__campaign=row):
        state = dice.choice(["accepted"] * 9 + ["refused"])
        OutgoingMail.objects.filter(pk=mail.pk).update(state=state, handed_at=begun + timedelta(minutes=dice.randint(1, 200)) if state == "accepted" else None)
    stage = Stage.objects.order_by("position")[0]
    with work(by=cast.anna):
        for _ in range(90):
            log_interaction(dice.choice(people), kind="email", body="Ja", by=cast.anna, at=begun + timedelta(minutes=dice.choice([dice.randint(0, 300), dice.randint(-500, 12_000)])), direction=dice.choice(["in", "in", "out"]))
        for _ in range(60):
            day = timezone.localdate(begun) + timedelta(days=dice.randint(-1, 8))
            closed = {"state": "won", "closed_on": day} if dice.random() < 0.6 else {}
            OpportunityFactory(party=dice.choice([*people, *firms, *firms]), owner=cast.anna, team=cast.anna.team, stage=stage, amount=dice.randint(1, 900), opened_on=day, **closed)
    row.refresh_from_db()
    return row


def told(row: Campaign) -> Told:
    """The same, person by person."""
    days = timedelta(days=row.days)
    jobs = dict(Affiliation.objects.unrestricted().filter(is_primary=True).values_list("person", "organisation"))
    people = []
    for one in Delivery.objects.unrestricted().filter(campaign=row).select_related("mail"):
        if one.arm == -1 or (one.mail and one.mail.state == "accepted"):
            people.append(((one.mail.handed_at if one.mail else None) or row.started_at, one.party_id, one.arm, jobs.get(one.party_id, one.party_id)))
    people.sort()
    arms: dict[int, list[Any]] = defaultdict(lambda: [0, 0, 0, Decimal(0)])
    first, sold, units = {}, defaultdict(list), {True: defaultdict(Decimal), False: defaultdict(Decimal)}
    for at, party, arm, firm in people:
        said = [entry.occurred_at for entry in Interaction.objects.unrestricted().filter(party=party, direction="in") if at <= entry.occurred_at <= at + days]
        if said:
            first[party] = min(said)
        arms[arm][0] += 1
        arms[arm][1] += bool(said)
        units[arm != -1][firm] += 0
    for chance in Opportunity.objects.unrestricted().order_by("opened_on", "pk"):
        for at, party, arm, firm in people:
            if chance.party_id in (party, firm) and timezone.localdate(at) <= chance.opened_on <= timezone.localdate(at + days):
                worth = chance.amount if chance.state == "won" else Decimal(0)
                arms[arm][2] += 1
                arms[arm][3] += worth
                units[arm != -1][firm] += worth
                begin = timezone.make_aware(timezone.datetime.combine(chance.opened_on, timezone.datetime.min.time()))
                sold[party].append(max(at, begin))
                break
    hits = first if row.metric == "reply" else {party: min(moments) for party, moments in sold.items()}
    race = Race(2, row.effect / 100)
    events = [(at, 0, party, arm, at) for at, party, arm, _firm in people if arm != -1]
    events += [(hits[party], 1, party, arm, at) for at, party, arm, _firm in people if arm != -1 and party in hits]
    for _at, answered, _party, arm, at in sorted(events):
        (race.answered if answered else race.handed)(arm, int(at.timestamp()) // 3600)
    return arms, moved(list(units[True].values()), list(units[False].values())), race.verdict


@pytest.mark.parametrize("metric", ["reply", "opportunity"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_it_is_what_one_finds_person_by_person(cast: Any, campaign: Any, audience: Any, seed: int, metric: str) -> None:
    row = lived(cast, campaign, audience, random.Random(seed), metric)
    found, (arms, gain, verdict) = results(row), told(row)
    assert {one.arm: [one.people, one.answers, one.opportunities, one.revenue] for one in (*found.arms, found.control)} == dict(arms)
    assert arms[0][1] and arms[1][2] and arms[-1][0] >= 20, "the dice left out what is to be seen"
    assert found.gain is not None and gain is not None and (found.gain.value, found.gain.low) == pytest.approx((gain.value, gain.low))
    assert (found.verdict.kind, found.verdict.chance) == (verdict.kind, pytest.approx(verdict.chance))


def test_who_did_nothing_is_counted_and_not_read(cast: Any, campaign: Any, audience: Any, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any) -> None:
    """50,000 people in a page's memory kept everybody else in that process waiting for most of a second."""
    people = audience(40)
    row = run(campaign(control=0), cast.mia).row
    OutgoingMail.objects.filter(delivery__campaign=row).update(state="accepted", handed_at=timezone.now())
    row.refresh_from_db()
    log_interaction(people[0], kind="call", body="Ja", by=cast.anna, at=timezone.now(), direction="in")
    read: list[int] = []
    real = module._people
    monkeypatch.setattr(module, "_people", lambda rows: read.append(len(real(rows))) or real(rows))
    found = results(row)
    with django_assert_num_queries(0):
        assert (found.whole.people, found.whole.answers, found.verdict.kind, found.gain) == (40, 1, "alone", None)
    assert sum(read) == 1


def test_the_test_is_fed_by_the_second(cast: Any, campaign: Any, audience: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two mails to forty people within a second are two lines, not forty; each of them counts."""
    audience(40)
    row = run(campaign(mails=2, control=0), cast.mia).row
    at = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)  # the second half past two of that night in Germany
    for number, mail in enumerate(OutgoingMail.objects.filter(delivery__campaign=row)):
        OutgoingMail.objects.filter(pk=mail.pk).update(state="accepted", handed_at=at + timedelta(milliseconds=number))
    handed: list[int] = []
    real = Race.handed
    monkeypatch.setattr(Race, "handed", lambda self, arm, cohort, count: handed.append(count) or real(self, arm, cohort, count))
    race = results(row).race()
    assert len(handed) == 2 and sum(race.mails) == sum(handed) == 40
    assert list(race._left) == [int(at.timestamp()) // module.HOUR]
