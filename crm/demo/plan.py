"""What happens in the demo firm, as a plan: pure values from seeded dice, relative to now. `crm.demo.life` carries it out."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from crm.demo.names import PLACES, PROJECTS

STAGES = ("qualified", "needs", "offer", "negotiation", "commitment")
DAYS = {"qualified": 14, "needs": 18, "offer": 21, "negotiation": 12, "commitment": 6}  # half of the won ones took less
STAY = {"qualified": 0.24, "needs": 0.18, "offer": 0.3, "negotiation": 0.16, "commitment": 0.06}  # share lost out of a stage
MONTHS = 18
CLOSED, OPEN = 188, 62
OPEN_IN = {"qualified": 19, "needs": 15, "offer": 13, "negotiation": 9, "commitment": 6}
REASONS = ["price"] * 31 + ["timing"] * 22 + ["competitor"] * 16 + ["features"] * 12 + ["no-budget"] * 8 + ["no-answer"] * 6 + ["no-need"] * 4 + ["other"]


@dataclass
class Course:
    """One opportunity's life: when it entered which stage, how it ended (won, lost or open), and what is said about it."""

    name: str
    article: str
    pieces: int
    rebate: float
    entered: list[tuple[str, datetime]] = field(default_factory=list)
    outcome: str = "open"
    closed: datetime | None = None
    expected: datetime | None = None
    reason: str = ""
    step_due: datetime | None = None
    step_done: bool = False


def courses(dice: random.Random, now: datetime) -> list[Course]:
    """All opportunities: the decided ones over eighteen months, with a little growth, and the open ones on today's board."""
    planned = [_decided(dice, now, number) for number in range(CLOSED)]
    stages = [stage for stage, count in OPEN_IN.items() for _ in range(count)]
    planned += [_open(dice, now, stage, number) for number, stage in enumerate(stages)]
    return planned


def _project(dice: random.Random) -> Course:
    what, article, least, most = dice.choice(PROJECTS)
    place = dice.choice(PLACES)
    return Course(f"{what} {place}".strip(), article, dice.randint(least, most), dice.choice([0, 0, 0, 0.03, 0.05, 0.08]))


def _stay(dice: random.Random, stage: str) -> float:
    """Days in a stage: half stay shorter than the usual time, a few much longer."""
    return max(0.5, DAYS[stage] * dice.lognormvariate(0, 0.55))


def _decided(dice: random.Random, now: datetime, number: int) -> Course:
    course = _project(dice)
    ago = MONTHS * 30.4 * (1 - ((number + dice.random()) / CLOSED) ** 0.85) + 0.6  # more of late
    course.closed = at_work(now - timedelta(days=ago), dice, now)
    last = next((stage for stage in STAGES if dice.random() < STAY[stage]), "")
    course.outcome = "lost" if last else "won"
    passed = STAGES[: STAGES.index(last) + 1] if last else STAGES
    _enter(course, passed, course.closed, dice, now)
    course.expected = course.closed + timedelta(days=dice.randint(-9, 12))
    if last:
        course.reason = dice.choice(REASONS)
    return course


def _open(dice: random.Random, now: datetime, stage: str, number: int) -> Course:
    course = _project(dice)
    ageing = number % 5 == 0  # some have lain there for too long
    here = DAYS[stage] * (2.4 + dice.random() * 1.4) if ageing else _stay(dice, stage) * dice.random()
    _enter(course, STAGES[: STAGES.index(stage) + 1], now - timedelta(days=here), dice, now, into_last=True)
    left = sum(DAYS[later] for later in STAGES[STAGES.index(stage) :]) * (0.6 + dice.random() * 0.9)
    course.expected = now + timedelta(days=left if number % 7 else -dice.randint(1, 6))
    kind = number % 10
    if kind < 6:
        course.step_due = at_work(now + timedelta(days=dice.randint(1, 9)), dice, None)
    elif kind < 7:
        course.step_due = datetime.combine(now.date(), time(16, 0), tzinfo=now.tzinfo)
    elif kind < 9:
        course.step_due = at_work(now - timedelta(days=dice.randint(1, 5)), dice, None)
    return course


def _enter(course: Course, passed: tuple[str, ...], end: datetime, dice: random.Random, now: datetime, *, into_last: bool = False) -> None:
    """The days on which it came into each stage, counted back from the end (the closing, or the day it came into the last one)."""
    moment, entered = end, []
    for stage in reversed(passed):
        if not (into_last and stage == passed[-1]):
            moment -= timedelta(days=_stay(dice, stage))
        entered.append((stage, at_work(moment, dice, now)))
    course.entered = sorted(entered, key=lambda step: (step[1], STAGES.index(step[0])))
    for place, (stage, when) in enumerate(course.entered):  # working hours may have put two steps into the wrong order
        if place and when <= course.entered[place - 1][1]:
            course.entered[place] = (stage, course.entered[place - 1][1] + timedelta(minutes=20))
    if course.closed is not None:
        course.closed = max(course.closed, course.entered[-1][1] + timedelta(minutes=30))


def at_work(moment: datetime, dice: random.Random, now: datetime | None) -> datetime:
    """The same day, or the Friday before, at a time when people work; never after `now`."""
    while moment.weekday() > 4:
        moment -= timedelta(days=1)
    moment = moment.replace(hour=dice.randint(8, 16), minute=dice.choice([0, 10, 15, 20, 30, 40, 45, 50]), second=0, microsecond=0)
    return moment if now is None or moment < now else now - timedelta(minutes=dice.randint(90, 300))
