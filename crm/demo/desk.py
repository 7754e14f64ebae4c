"""Service in the demo: what customers reported over four months, and the queue Mehmet Kaya finds this morning (D14)."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from accounts.models import Team, User
from contacts.models import Party
from crm.core.models import Notification
from crm.core.work import work
from crm.demo.life import Say, World
from crm.demo.plan import at_work
from crm.demo.post import deliver
from crm.demo.reports import ANSWERS, CALLS, NOTES, REPORTS, Report
from service import sla
from service.calendars import calendar_of
from service.conversation import log_entry
from service.macros import run_macro
from service.merging import link_cases
from service.models import BusinessCalendar, Case, Cause, Macro, Remedy, SlaRule, Touchpoint
from service.remedies import grant_remedy
from service.satisfaction import rate_case
from service.services import assign_case, close_case, open_case, solve_case, take_case, wait_case

SETTLED = 64
MONTHS = 4
OPINIONS = [(5, ""), (4, "Schnell gelöst, danke."), (5, "Sehr freundlich am Telefon."), (2, "Erst nach der zweiten Nachfrage kam eine Antwort."), (4, ""), (3, ""), (5, ""), (4, "")]
Act = tuple[datetime, Callable[[], Any]]


class Desk:
    """Who and what the desk works with."""

    def __init__(self, dice: random.Random, world: World, now: datetime) -> None:
        self.dice, self.world, self.now = dice, world, now
        self.mehmet, self.ines = world.people["Kaya"], world.people["Roth"]
        self.causes = {cause.key: cause for cause in Cause.objects.all()}
        self.remedies = {remedy.key: remedy for remedy in Remedy.objects.all()}
        self.touchpoints = {touchpoint.key: touchpoint for touchpoint in Touchpoint.objects.all()}
        self.macros = {macro.key: macro for macro in Macro.objects.all()}
        self.calendar = calendar_of(BusinessCalendar.objects.get(key="office"))

    def customer(self) -> Party:
        """Somebody who works for one of our customers."""
        owner = self.dice.choice([name for name, firms in self.world.customers.items() if firms])
        _organisation, staff = self.dice.choice(self.world.customers[owner])
        return self.dice.choice(staff)

    def taken_down(self, report: Report, at: datetime, by: User, customer: Party | None = None) -> Case:
        """The case as the desk takes it down."""
        product, _price = self.world.prices.get(report.article, (None, None))
        case = Case(
            type=report.type, priority=report.priority, channel=report.channel, heading=report.heading, description=report.description, demanded=report.demanded, lot=report.lot,
            product=product, touchpoint=self.touchpoints.get(report.touchpoint), party=customer or self.customer(), team=by.team,
        )  # fmt: skip
        return open_case(case, by=by, at=at)


def set_up(world: World) -> None:
    """The CRM manager names the state whose holidays count and the queue cases go to."""
    with work(by=world.people["Weber"]):
        BusinessCalendar.objects.filter(key="office").update(region="NW")
        SlaRule.objects.update(team=Team.objects.get(name="Service"))


def serve(dice: random.Random, world: World, now: datetime, say: Say) -> int:
    """Let all of it happen in the order of time. Returns how many cases there are."""
    set_up(world)
    desk = Desk(dice, world, now)
    happening = [act for number in range(SETTLED) for act in _settled(desk, number)]
    happening += _this_morning(desk)
    happening.sort(key=lambda act: act[0])
    for _at, act in happening:
        act()
    deliver(now, list(Case.objects.unrestricted().filter(owner=desk.mehmet)[:1]))
    _related(desk)
    _read(desk)
    say(f"{Case.objects.unrestricted().count()} cases at the desk")
    return Case.objects.unrestricted().count()


def _settled(desk: Desk, number: int) -> Iterator[Act]:
    """A case that came to its end: taken, talked about, perhaps waited, granted, solved, closed."""
    dice = desk.dice
    report = dice.choice(REPORTS[:9] * 2 + REPORTS)  # deliveries and products more often: causes are not spread evenly
    agent = dice.choice([desk.mehmet, desk.mehmet, desk.ines])
    opened = at_work(desk.now - timedelta(days=MONTHS * 30.4 * (1 - number / SETTLED) + 5), dice, desk.now)
    held: list[Case] = []
    yield opened, lambda: held.append(desk.taken_down(report, opened, agent))
    taken = opened + timedelta(minutes=dice.randint(5, 170))
    yield taken, lambda: run_macro(held[0], desk.macros["confirm"], by=agent, at=taken) if dice.random() < 0.6 else take_case(held[0], by=agent, at=taken)
    said = taken + timedelta(hours=dice.randint(1, 5))
    yield said, lambda: log_entry(held[0], way="answer", body=dice.choice(ANSWERS), by=agent, at=said)
    answered = said
    if dice.random() < 0.3:
        waits, answered = said + timedelta(minutes=5), said + timedelta(days=dice.randint(1, 3))
        yield waits, lambda: wait_case(held[0], by=agent, at=waits)
        yield answered, lambda: log_entry(held[0], way="call_in", body=dice.choice(CALLS), by=agent, at=answered)
    solved = min(answered + timedelta(days=dice.choice([0, 1, 1, 2, 3, 6]), hours=2), desk.now - timedelta(hours=30))
    if report.cause:
        yield solved - timedelta(minutes=3), lambda: _granted(desk, held[0], report, agent, solved - timedelta(minutes=3))
    yield solved, lambda: solve_case(held[0], by=agent, at=solved)
    closed = solved + timedelta(hours=dice.randint(1, 28))
    if number < SETTLED - 3:
        yield closed, lambda: close_case(held[0], by=agent, at=closed)
        if number % 2:  # every second customer answers how it was
            score, words = OPINIONS[number // 2 % len(OPINIONS)]
            yield closed + timedelta(hours=1), lambda: rate_case(held[0], score=score, words=words, at=closed + timedelta(hours=1))


def _granted(desk: Desk, case: Case, report: Report, agent: User, at: datetime) -> None:
    facts = {"cause": desk.causes[report.cause], "remedy": desk.remedies[report.remedy], "goodwill": Decimal(report.goodwill), "own_cost": Decimal(report.own_cost)}
    grant_remedy(case, by=agent, at=at, **facts)


def _this_morning(desk: Desk) -> list[Act]:
    """What is open now: some new, some soon due, one overdue, some waiting, one with goodwill to be approved."""
    dice, now = desk.dice, desk.now
    stories = {report.heading: report for report in REPORTS}
    soon, near, long_ago = _opened_for(desk, 18, 0.5, 1.7), _opened_for(desk, 18, 2.5, 3.8), _opened_for(desk, 45, -14, -4)  # urgent complaints have 18 hours, others 45
    fresh = [now - timedelta(minutes=minutes) for minutes in (12, 55, 190)]
    found: list[Act] = []

    def add(heading: str, at: datetime, agent: User | None, *then: Callable[[Case, datetime], Any]) -> None:
        def act() -> None:
            case = desk.taken_down(stories[heading], at, agent or desk.ines)
            if agent is not None:
                assign_case(case, owner=agent, team=case.team, by=desk.ines, at=at + timedelta(minutes=4))
            for place, step in enumerate(then, start=2):
                step(case, min(at + timedelta(minutes=20 * place), now - timedelta(minutes=1)))

        found.append((at, act))

    def answers(case: Case, at: datetime) -> None:
        log_entry(case, way="answer", body=dice.choice(ANSWERS), by=case.owner, at=at)

    def notes(case: Case, at: datetime) -> None:
        log_entry(case, way="note", body=dice.choice(NOTES), by=desk.ines, at=at)

    def waits(case: Case, at: datetime) -> None:
        run_macro(case, desk.macros["ask-back"], by=case.owner, at=at)

    def asks(case: Case, at: datetime) -> None:
        grant_remedy(case, cause=desk.causes["bad-installation"], remedy=desk.remedies["credit"], goodwill=Decimal(840), own_cost=Decimal("312.50"), by=case.owner, at=at)

    add("Lichttaster fällt wieder aus", soon, desk.mehmet, notes, answers)
    add("Falsche Gurtbreite geliefert", near, desk.mehmet, answers)
    add("Gurt läuft nach links", long_ago, desk.mehmet, answers, notes)
    add("Verankerung falsch gesetzt", at_work(now - timedelta(days=3), dice, now), desk.mehmet, answers, asks)
    add("Lager nach vier Monaten laut", at_work(now - timedelta(days=2), dice, now), desk.mehmet, waits)
    add("Ersatzteilliste als Tabelle", at_work(now - timedelta(days=4), dice, now), desk.mehmet, waits)
    add("Wartungsintervall bei Dreischichtbetrieb", at_work(now - timedelta(days=1), dice, now), desk.mehmet)
    add("Motor läuft heiß", at_work(now - timedelta(days=1), dice, now), desk.ines, answers)
    add("Skonto nicht abgezogen", at_work(now - timedelta(days=2), dice, now), desk.ines)
    add("Lieferung unvollständig", at_work(now - timedelta(days=1), dice, now), desk.ines, answers)
    add("Lichtschranke meldet dauernd belegt", fresh[2], None)
    add("Rechnung doppelt erhalten", fresh[1], None)
    add("Drei Seitenführungen fehlen", fresh[0], None)
    return found


def _opened_for(desk: Desk, hours: int, least: float, most: float) -> datetime:
    """When a case with so many business hours must have been opened to be due `least` to `most` business hours from now (negative: overdue)."""
    low, high = (_from_now(desk, edge) for edge in (least, most))
    for minutes in range(0, 20 * 24 * 60, 20):
        at = desk.now - timedelta(minutes=minutes)
        due = sla.after(desk.calendar, at, timedelta(hours=hours))
        if due is not None and low < due <= high and at.astimezone(desk.calendar.zone).weekday() < 5 and 8 <= at.astimezone(desk.calendar.zone).hour < 17:
            return at
    return desk.now - timedelta(days=7)


def _from_now(desk: Desk, hours: float) -> datetime:
    ahead = sla.after(desk.calendar, desk.now, timedelta(hours=hours)) if hours > 0 else None
    return ahead or desk.now + timedelta(hours=hours)


def _related(desk: Desk) -> None:
    """Those with the same lot know of each other."""
    same = list(Case.objects.unrestricted().filter(lot="2231").order_by("-opened_at")[:3])
    for other in same[1:]:
        link_cases(same[0], other, by=desk.mehmet)


def _read(desk: Desk) -> None:
    """What was assigned earlier has been read; the last two are news."""
    for agent in (desk.mehmet, desk.ines):
        known = Notification.objects.filter(user=agent).order_by("-pk").values("pk")[2:]
        Notification.objects.filter(pk__in=list(known.values_list("pk", flat=True))).update(read_at=desk.now)
