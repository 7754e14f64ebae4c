"""What came of a campaign: who answered, what was sold, against those who were held out (D16: report and export read here).

Counted for the registered days after each mail: an answer is an incoming mail or call of the person, no automatic one; an opportunity is one opened with the
person or its firm, and counts for whoever of the firm got the mail first; revenue is what of those opportunities is won by now, in the house
currency. Those held out are counted over the same days from the start.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property, partial
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from campaigns.ab import CONTROL, Race, Verdict
from campaigns.effect import Between, moved, roi, share
from campaigns.models import Campaign, Delivery
from contacts.models import Affiliation, Interaction
from crm.core.mail.inbox.nature import Nature
from crm.core.models import IncomingMail, OutgoingMail
from sales.metrics import house_amount
from sales.models import Opportunity

HOUR = 3600


@dataclass(frozen=True)
class Person:
    """Somebody who got a mail, or was held out (arm −1): when, and for which firm (the contact itself where there is none)."""

    party: int
    arm: int
    at: datetime
    firm: int


@dataclass
class Arm:
    """One mail, or the control group: people, who answered, opportunities and what was won of them."""

    arm: int
    people: int = 0
    answers: int = 0
    opportunities: int = 0
    revenue: Decimal = Decimal(0)

    @property
    def answered(self) -> Between:
        """Share of people who answered."""
        return share(self.answers, self.people)


@dataclass(frozen=True)
class Results:
    """All of it. `gain` is what the mail brought per firm beyond what came anyway, `back` the return on the costs; None where it cannot be said."""

    arms: list[Arm]
    control: Arm
    race: Callable[[], Race]
    over: bool
    cost: Decimal
    firms: int = 0
    gain: Between | None = None
    back: Between | None = None
    whole: Arm = field(default_factory=lambda: Arm(0))

    @cached_property
    def verdict(self) -> Verdict:
        """What the test says; run only where somebody asks."""
        return self.race().verdict


def people_of(campaign: Campaign) -> list[Person]:
    """Whoever has the mail, and whoever was held out."""
    if campaign.started_at is None:
        return []
    rows = Delivery.objects.unrestricted().filter(Q(arm=CONTROL) | Q(mail__state=OutgoingMail.State.ACCEPTED), campaign=campaign).values_list("party_id", "arm", "mail__handed_at")
    found = [(party, arm, at or campaign.started_at) for party, arm, at in rows]
    jobs = Affiliation.objects.unrestricted().filter(person__in=[party for party, _arm, _at in found], is_primary=True)
    firms = dict(jobs.values_list("person_id", "organisation_id"))
    return [Person(party, arm or 0, at, firms.get(party, party)) for party, arm, at in found]


def first_answers(people: Iterable[Person], days: int) -> dict[int, datetime]:
    """Contact → when it first answered within its days."""
    since = {one.party: one.at for one in people}
    if not since:
        return {}
    by_machine = IncomingMail.objects.filter(entry=OuterRef("pk")).exclude(nature=Nature.HUMAN)
    rows = Interaction.objects.unrestricted().filter(~Exists(by_machine), party__in=since, direction=Interaction.Direction.IN, occurred_at__gte=min(since.values())).order_by("occurred_at")
    found: dict[int, datetime] = {}
    for party, at in rows.values_list("party_id", "occurred_at"):
        if since[party] <= at <= since[party] + timedelta(days=days):
            found.setdefault(party, at)
    return found


def opened_by(people: Iterable[Person], days: int) -> dict[int, list[tuple[datetime, Decimal]]]:
    """Contact → the opportunities that count for it: (when opened, what was won)."""
    ranked = sorted(people, key=lambda one: (one.at, one.party))
    if not ranked:
        return {}
    keys: dict[int, list[Person]] = defaultdict(list)
    for one in ranked:
        keys[one.party].append(one)
        if one.firm != one.party:
            keys[one.firm].append(one)
    rows = Opportunity.objects.unrestricted().filter(party__in=list(keys), opened_on__gte=timezone.localdate(ranked[0].at))
    found: dict[int, list[tuple[datetime, Decimal]]] = defaultdict(list)
    listed: Any = rows.annotate(worth=house_amount()).order_by("opened_on", "pk").values_list("party_id", "opened_on", "state", "worth")
    for party, day, state, amount in listed:
        for one in keys[party]:
            if timezone.localdate(one.at) <= day <= timezone.localdate(one.at) + timedelta(days=days):
                opened = max(one.at, timezone.make_aware(datetime.combine(day, datetime.min.time())))
                found[one.party].append((opened, amount if state == Opportunity.State.WON and amount else Decimal(0)))
                break
    return found


def race_of(people: Iterable[Person], hits: Mapping[int, datetime], arms: int, effect: int) -> Race:
    """The test, fed in the order of what happened."""
    events = [(one.at, 0, one) for one in people if one.arm != CONTROL]
    events += [(hits[one.party], 1, one) for one in people if one.arm != CONTROL and one.party in hits]
    race = Race(arms, effect / 100)
    for _at, answered, one in sorted(events, key=lambda event: (event[0], event[1], event[2].party)):
        cohort = int(one.at.timestamp()) // HOUR
        race.answered(one.arm, cohort) if answered else race.handed(one.arm, cohort)
    return race


def results(campaign: Campaign, now: datetime | None = None) -> Results:
    """Everything the report shows."""
    now = now or timezone.now()
    people, days = people_of(campaign), campaign.days
    answers, opened = first_answers(people, days), opened_by(people, days)
    number = max(1, campaign.variants.count())
    arms = {arm: Arm(arm) for arm in (*range(number), CONTROL)}
    units: dict[bool, dict[int, Decimal]] = {True: defaultdict(Decimal), False: defaultdict(Decimal)}
    for one in people:
        row, sold = arms.setdefault(one.arm, Arm(one.arm)), opened.get(one.party, [])
        row.people += 1
        row.answers += one.party in answers
        row.opportunities += len(sold)
        won = sum((amount for _at, amount in sold), Decimal(0))
        row.revenue += won
        units[one.arm != CONTROL][one.firm] += won
    hits = answers if campaign.metric == Campaign.Metric.REPLY else {party: min(rows)[0] for party, rows in opened.items()}
    sent = [row for arm, row in arms.items() if arm != CONTROL]
    last = max((one.at for one in people), default=None)
    cost = sum(campaign.costs.values_list("amount", flat=True), Decimal(0))
    gain = moved(list(units[True].values()), list(units[False].values()))
    whole = Arm(0, sum(r.people for r in sent), sum(r.answers for r in sent), sum(r.opportunities for r in sent), sum((r.revenue for r in sent), Decimal(0)))
    return Results(
        arms=sent,
        control=arms[CONTROL],
        race=partial(race_of, people, hits, number, campaign.effect),
        over=campaign.ended_at is not None and last is not None and now > last + timedelta(days=days),
        cost=cost,
        firms=len(units[True]),
        gain=gain,
        back=roi(gain, len(units[True]), cost) if gain is not None else None,
        whole=whole,
    )
