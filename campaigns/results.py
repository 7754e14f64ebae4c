"""What came of a campaign: who answered, what was sold, against those who were held out (D16: report and export read here).

Counted for the registered days after each mail: an answer is an incoming mail or call of the person, no automatic one; an opportunity is one opened with the
person or its firm, and counts for whoever of the firm got the mail first; revenue is what of those opportunities is won by now, in the house
currency. Those held out are counted over the same days from the start.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property, partial
from typing import Any

from django.db.models import BigIntegerField, Count, DateTimeField, Exists, F, Max, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, TruncSecond
from django.utils import timezone

from campaigns.ab import CONTROL, Race, Verdict
from campaigns.effect import FEWEST, Between, moved, roi, share
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
    """All of it. What takes longer is worked out where somebody asks."""

    arms: list[Arm]
    control: Arm
    over: bool
    cost: Decimal
    whole: Arm
    race: Callable[[], Race]
    units: Callable[[], tuple[int, int]]
    brought: tuple[list[Decimal], list[Decimal]]  # what was won of each firm that bought: of those written to, of those held out

    @cached_property
    def verdict(self) -> Verdict:
        """What the test says."""
        return self.race().verdict

    @cached_property
    def _units(self) -> tuple[int, int]:
        return self.units()

    @property
    def firms(self) -> int:
        """How many firms were written to."""
        return self._units[0]

    @cached_property
    def gain(self) -> Between | None:
        """What the mail brought per firm beyond what came anyway; None where it cannot be said. With fewer people there are no more firms to count."""
        return moved(*self.brought, self._units) if min(self.whole.people, self.control.people) >= FEWEST else None

    @property
    def back(self) -> Between | None:
        """The return on the costs, if both can be said."""
        return None if self.gain is None else roi(self.gain, self.firms, self.cost)


def _reached(campaign: Campaign) -> QuerySet[Any]:
    """Whoever has the mail, and whoever was held out, with `since` when. A report asks of them only who answered or bought: there may be very many."""
    rows = Delivery.objects.unrestricted().filter(Q(arm=CONTROL) | Q(mail__state=OutgoingMail.State.ACCEPTED), campaign=campaign)
    return rows.annotate(since=Coalesce("mail__handed_at", Value(campaign.started_at, DateTimeField()))) if campaign.started_at else rows.none()


def _jobs() -> QuerySet[Affiliation]:
    return Affiliation.objects.unrestricted().filter(is_primary=True)


def _with_firm(rows: QuerySet[Any]) -> QuerySet[Any]:
    job = Subquery(_jobs().filter(person=OuterRef("party_id")).values("organisation")[:1])
    found: QuerySet[Any] = rows.annotate(firm=Coalesce(job, F("party_id"), output_field=BigIntegerField()))
    return found


def _people(rows: QuerySet[Any]) -> list[Person]:
    return [Person(party, arm or 0, since, firm) for party, arm, since, firm in _with_firm(rows).values_list("party_id", "arm", "since", "firm")]


def _units(rows: QuerySet[Any]) -> tuple[int, int]:
    """How many firms, of those written to and of those held out."""
    found = _with_firm(rows).aggregate(sent=Count("firm", distinct=True, filter=~Q(arm=CONTROL)), held=Count("firm", distinct=True, filter=Q(arm=CONTROL)))
    return found["sent"], found["held"]


def _first_answers(rows: QuerySet[Any], span: tuple[datetime, datetime], days: timedelta) -> dict[Person, datetime]:
    """Who answered within its days, and when first."""
    by_machine = IncomingMail.objects.filter(entry=OuterRef("pk")).exclude(nature=Nature.HUMAN)
    said = Interaction.objects.unrestricted().filter(~Exists(by_machine), party__in=rows.values("party"), direction=Interaction.Direction.IN, occurred_at__range=span)
    entries = list(said.order_by("occurred_at").values_list("party_id", "occurred_at"))
    people = {one.party: one for one in _people(rows.filter(party__in={party for party, _at in entries}))}
    found: dict[Person, datetime] = {}
    for party, at in entries:
        one = people.get(party)  # nobody, where the mail has come back just now
        if one and one.at <= at <= one.at + days:
            found.setdefault(one, at)
    return found


def _opened_by(rows: QuerySet[Any], span: tuple[datetime, datetime], days: timedelta) -> dict[Person, list[tuple[datetime, Decimal]]]:
    """Who bought, with the opportunities that count for it: (when opened, what was won)."""
    firms = _jobs().filter(person__in=rows.values("party")).values("organisation")
    either = rows.order_by().values("party").union(firms.order_by())  # one set, looked up by index where it is small; of two Postgres reads all opportunities
    chances = Opportunity.objects.unrestricted().filter(party__in=either, opened_on__range=[timezone.localdate(end) for end in span])
    listed: Any = list(chances.annotate(worth=house_amount()).order_by("opened_on", "pk").values_list("party_id", "opened_on", "state", "worth"))
    parties = {party for party, *_rest in listed}
    keys: dict[int, list[Person]] = defaultdict(list)
    for one in sorted(_people(rows.filter(Q(party__in=parties) | Q(party__in=_jobs().filter(organisation__in=parties).values("person")))), key=lambda one: (one.at, one.party)):
        keys[one.party].append(one)
        if one.firm != one.party:
            keys[one.firm].append(one)
    found: dict[Person, list[tuple[datetime, Decimal]]] = defaultdict(list)
    for party, day, state, amount in listed:
        for one in keys[party]:
            if timezone.localdate(one.at) <= day <= timezone.localdate(one.at) + days:
                opened = max(one.at, timezone.make_aware(datetime.combine(day, datetime.min.time())))
                found[one].append((opened, amount if state == Opportunity.State.WON and amount else Decimal(0)))
                break
    return found


def _race_of(rows: QuerySet[Any], hits: Mapping[Person, datetime], arms: int, effect: int) -> Race:
    """The test, fed in the order of what happened; mails by the second they left in, as there may be very many. One mail alone runs against
    nobody: nothing is read for it."""
    race = Race(arms, effect / 100)
    if arms < 2:
        return race
    sent = rows.exclude(arm=CONTROL).order_by().values_list(TruncSecond("since", tzinfo=UTC), "arm").annotate(Count("pk"))
    events = [(at, 0, count, arm or 0, at) for at, arm, count in sent]
    events += [(at, 1, one.party, one.arm, one.at) for one, at in hits.items() if one.arm != CONTROL]
    for _at, answered, count, arm, since in sorted(events):
        cohort = int(since.timestamp()) // HOUR
        race.answered(arm, cohort) if answered else race.handed(arm, cohort, count)
    return race


def results(campaign: Campaign, now: datetime | None = None) -> Results:
    """Everything the report shows."""
    rows, days, number = _reached(campaign), timedelta(days=campaign.days), max(1, campaign.variants.count())
    counted = list(rows.order_by().values_list("arm").annotate(Count("pk"), Max("since")))
    last = max((at for _arm, _people, at in counted), default=None)
    span = (campaign.started_at, last + days) if last and campaign.started_at else None
    answers, opened = (_first_answers(rows, span, days), _opened_by(rows, span, days)) if span else ({}, {})
    arms = {arm: Arm(arm) for arm in (*range(number), CONTROL)}
    for arm, people, _at in counted:
        arms.setdefault(arm or 0, Arm(arm or 0)).people += people
    for one in answers:
        arms[one.arm].answers += 1
    units: dict[bool, dict[int, Decimal]] = {True: defaultdict(Decimal), False: defaultdict(Decimal)}
    for one, sold in opened.items():
        won = sum((amount for _at, amount in sold), Decimal(0))
        arms[one.arm].opportunities += len(sold)
        arms[one.arm].revenue += won
        units[one.arm != CONTROL][one.firm] += won
    hits = answers if campaign.metric == Campaign.Metric.REPLY else {one: min(sold)[0] for one, sold in opened.items()}
    sent = [row for arm, row in arms.items() if arm != CONTROL]
    return Results(
        arms=sent,
        control=arms[CONTROL],
        over=campaign.ended_at is not None and last is not None and (now or timezone.now()) > last + days,
        cost=sum(campaign.costs.values_list("amount", flat=True), Decimal(0)),
        whole=Arm(0, sum(r.people for r in sent), sum(r.answers for r in sent), sum(r.opportunities for r in sent), sum((r.revenue for r in sent), Decimal(0))),
        race=partial(_race_of, rows, hits, number, campaign.effect),
        units=partial(_units, rows),
        brought=(list(units[True].values()), list(units[False].values())),
    )
