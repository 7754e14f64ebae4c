"""The measure of journeys: generated histories, a generator of definitions, and a slow reading of a definition over one contact at a time.

Nothing here knows the engine: a history is plain tuples, time is walked minute by minute, steps are looked for by reading the definition
from its top each time. The rules it states:

- A run begins once for each (journey, contact, occurrence). Occurrences: an event ("event:7"), a day of a record ("closing:7:2026-10-20"),
  a day on which somebody came into a segment ("segment:2026-10-20"), the day of the last contact ("inactive:2026-04-02").
- The house looks for days once a day, at the first tick at eight or later. What fell due while nobody looked still begins, a date up to three
  days later; nothing that fell due on a day before the publication does, but for silence where the journey says so.
- A segment is entered by whoever is in it at a look and was not at the look before; who is in it at the publication has not entered.
- "Wait n days" is over at the first minute at which the clock on the wall shows n days later, or later, and an hour within the window.
- Steps are done at a tick; all that is due is done at the same one, whoever is due longest first, step by step, and among equals whoever
  began first. Branches lead on to what follows the question.
- Questions: answered is an incoming contact after the beginning; an opportunity or a purchase counts from the day of the beginning on.
- A mail is sent where there is an address and its consent stands at that moment; why it is not is the outcome, and the run goes on.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Berlin")
MINUTE = timedelta(minutes=1)
LOOK = 8  # o'clock
LATE = 3  # days a date may be late
Definition = dict[str, Any]
Ledger = dict[tuple[int, int, str], list[tuple[str, str, datetime]]]
STATES = ["prospect", "customer", "former"]


def wall(at: datetime) -> datetime:
    """What the clock on the wall shows."""
    return at.astimezone(ZONE).replace(tzinfo=None)


@dataclass
class Happening:
    """Something that happens to a contact: answer (incoming), call (outgoing), won, lost, case_closed (events), opportunity (opened, closing on
    `day`), purchase (closed on `day`), state (becomes `word`), agree, withdraw. `number` names its record."""

    at: datetime
    kind: str
    party: int
    number: int = 0
    day: date | None = None
    word: str = ""


@dataclass
class History:
    """`parties`: contact → has an address. Happenings in their order; ticks at which somebody looks."""

    start: datetime
    parties: dict[int, bool]
    happenings: list[Happening]
    ticks: list[datetime]


def history(dice: random.Random, parties: list[int], start: datetime, days: int) -> History:
    """A generated month or so. Ticks come every few hours, with a day or two of silence now and then."""
    moments, at = [], start
    while at < start + timedelta(days=days):
        at += timedelta(minutes=dice.choice([37, 240, 420, 600, 600, 600, 1440, 2900] if dice.random() < 0.3 else [480, 540, 620]))
        moments.append(at)
    found, number = [], 0
    for party in parties:
        for _ in range(dice.randint(5, 12)):
            number += 1
            when = start + timedelta(minutes=dice.randrange(days * 1440))
            kind = dice.choice(["answer", "answer", "call", "won", "lost", "case_closed", "opportunity", "purchase", "state", "state", "agree", "withdraw"])
            day = wall(when).date() + timedelta(days=dice.randint(-6, 12)) if kind == "opportunity" else wall(when).date() if kind == "purchase" else None
            found.append(Happening(when, kind, party, number, day, dice.choice(STATES) if kind == "state" else ""))
        if dice.random() < 0.7:
            found.append(Happening(start - timedelta(days=dice.randint(1, 40), minutes=dice.randrange(900)), "call", party, 0))
    return History(start, {party: dice.random() < 0.8 for party in parties}, sorted(found, key=lambda one: (one.at, one.party, one.number)), moments)


def definition(dice: random.Random, segment: int, tag: int) -> Definition:
    """A random journey."""
    numbers = iter(range(1, 1000))

    def steps(depth: int, most: int) -> list[dict[str, Any]]:
        return [step(depth) for _ in range(dice.randint(0 if depth else 1, most))]

    def step(depth: int) -> dict[str, Any]:
        kind = dice.choice(["wait", "wait", "mail", "task", "ask", "ask", "opportunity", "case", "tag"] if depth < 2 else ["wait", "mail", "task"])
        made: dict[str, Any] = {"key": f"s{next(numbers)}", "kind": kind}
        if kind == "wait":
            made |= {"days": dice.choice([0, 1, 1, 2, 3, 7])} | dice.choice([{}, {"from": 8, "to": 17}, {"from": 2, "to": 3}, {"from": 0, "to": 1}, {"from": 22, "to": 24}])
        elif kind == "ask":
            about = dice.choice(["answered", "opportunity", "purchase", "tree"])
            tree = {"tree": {"all": [{"field": "state", "op": "in", "value": dice.sample(STATES, dice.choice([1, 2]))}]}} if about == "tree" else {}
            made |= {"about": about, **tree, "yes": steps(depth + 1, 2), "no": steps(depth + 1, 2)}
        elif kind == "mail":
            made |= {"subject": "Wartung", "preheader": "", "blocks": [{"kind": "text", "text": "Es ist Zeit."}]}
        elif kind == "task":
            made |= {"text": "Anrufen", "days": dice.choice([0, 3])}
        elif kind == "opportunity":
            made |= {"name": "Wartung", "days": None}
        elif kind == "tag":
            made |= {"tag": tag, "way": dice.choice(["add", "take"])}
        else:
            made |= {"heading": "Nachfragen", "type": "request"}
        return made

    trigger: dict[str, Any] = dice.choice(
        [
            {"kind": "event", "event": dice.choice(["won", "lost", "case_closed"])},
            {"kind": "event", "event": dice.choice(["won", "lost", "case_closed"])},
            {"kind": "date", "date": dice.choice(["closing", "purchase"]), "days": dice.choice([-3, 0, 2, 5])},
            {"kind": "segment", "segment": segment},
            {"kind": "inactive", "days": dice.choice([3, 7, 14]), "longer": dice.random() < 0.5},
        ]
    )
    return {"trigger": trigger, "steps": steps(0, 4)}


@dataclass
class _Run:
    began: datetime
    at: str  # key of the step it stands at, "" at the end
    arrived: datetime
    told: list[tuple[str, str, datetime]] = field(default_factory=list)
    over: datetime | None = None  # since when the step is due, once that was walked


class Reading:
    """Reads all definitions over a history; `segment_states` are the states whose contacts are in the one segment there is."""

    def __init__(self, past: History, definitions: dict[int, Definition], segment_states: set[str]) -> None:
        self.past, self.definitions, self.segment_states = past, definitions, segment_states
        self.runs: dict[tuple[int, int, str], _Run] = {}
        self.state = dict.fromkeys(past.parties, "prospect")
        self.consent: dict[int, str] = dict.fromkeys(past.parties, "no_consent")
        self.last: dict[int, datetime] = {}
        self.answers: list[tuple[int, datetime]] = []
        self.opportunities: dict[str, tuple[int, date, date | None]] = {}  # name → (contact, opened, closing)
        self.purchases: dict[str, tuple[int, date]] = {}
        self.members: dict[int, set[int]] = {}
        self.looked: date | None = None

    def ledger(self) -> Ledger:
        """(journey, contact, occurrence) → [(step, outcome, moment)]."""
        waiting = list(self.past.happenings)
        while waiting and waiting[0].at <= self.past.start:
            self._happen(waiting.pop(0))
        inside = {party for party, state in self.state.items() if state in self.segment_states}
        self.members = {number: set(inside) for number in self.definitions}
        for tick in self.past.ticks:
            while waiting and waiting[0].at <= tick:
                self._happen(waiting.pop(0))
            if wall(tick).hour >= LOOK and self.looked != wall(tick).date():
                self.looked = wall(tick).date()
                for number, one in self.definitions.items():
                    self._look(number, one["trigger"], tick)
            while self._go(tick):
                pass
        return {key: run.told for key, run in self.runs.items()}

    def _happen(self, it: Happening) -> None:
        if it.kind in {"answer", "call"}:
            self._touch(it.party, it.at)
            if it.kind == "answer":
                self.answers.append((it.party, it.at))
        elif it.kind == "state":
            self.state[it.party] = it.word
        elif it.kind == "agree":
            if self.consent[it.party] == "no_consent":  # what was withdrawn is given again only by the person
                self.consent[it.party] = ""
        elif it.kind == "withdraw":
            self.consent[it.party] = "withdrawn"
        elif it.kind == "opportunity":
            self.opportunities[str(it.number)] = (it.party, wall(it.at).date(), it.day)
        elif it.kind == "purchase":
            assert it.day is not None
            self.purchases[str(it.number)] = (it.party, it.day)
        else:
            for number, one in self.definitions.items():
                if one["trigger"] == {"kind": "event", "event": it.kind}:
                    self._begin(number, it.party, f"event:{it.number}", it.at)

    def _touch(self, party: int, at: datetime) -> None:
        self.last[party] = max(at, self.last.get(party, at))

    def _begin(self, number: int, party: int, occurrence: str, at: datetime) -> None:
        steps = self.definitions[number]["steps"]
        self.runs.setdefault((number, party, occurrence), _Run(at, steps[0]["key"], at))

    def _look(self, number: int, trigger: dict[str, Any], tick: datetime) -> None:
        today, published = wall(tick).date(), wall(self.past.start).date()
        if trigger["kind"] == "date":
            rows = {name: (row[0], row[2]) for name, row in self.opportunities.items()} if trigger["date"] == "closing" else dict(self.purchases)
            for name, (party, day) in rows.items():
                due = day + timedelta(days=trigger["days"]) if day else None
                if due is not None and published <= due <= today <= due + timedelta(days=LATE):
                    self._begin(number, party, f"{trigger['date']}:{name}:{day}", tick)
        elif trigger["kind"] == "inactive":
            for party, last in sorted(self.last.items()):
                due = wall(last).date() + timedelta(days=trigger["days"])
                if due <= today and (trigger["longer"] or published <= due):
                    self._begin(number, party, f"inactive:{wall(last).date()}", tick)
        elif trigger["kind"] == "segment":
            inside = {party for party, state in self.state.items() if state in self.segment_states}
            for party in sorted(inside - self.members[number]):
                self._begin(number, party, f"segment:{today}", tick)
            self.members[number] = inside

    def _go(self, tick: datetime) -> bool:
        """The one step that is due longest; False if none is."""
        waiting = []
        for place, ((number, party, _occurrence), run) in enumerate(self.runs.items()):
            if run.at:
                step, after = _find(self.definitions[number]["steps"], run.at, "")
                run.over = run.over or (_over(step, run.arrived) if step["kind"] == "wait" else run.arrived)
                if run.over <= tick:
                    waiting.append((run.over, place, party, run, step, after))
        if not waiting:
            return False
        _due, _place, party, run, step, after = min(waiting, key=lambda one: one[:2])
        outcome = self._do(step, party, run, tick)
        run.told.append((run.at, outcome, tick))
        if step["kind"] == "ask" and step[outcome]:
            after = step[outcome][0]["key"]
        run.at, run.arrived, run.over = after, tick, None
        return True

    def _do(self, step: dict[str, Any], party: int, run: _Run, tick: datetime) -> str:
        if step["kind"] == "wait":
            return "waited"
        day = wall(run.began).date()
        if step["kind"] == "ask":
            if step["about"] == "answered":
                yes = any(who == party and at > run.began for who, at in self.answers)
            elif step["about"] == "opportunity":
                yes = any(who == party and opened >= day for who, opened, _closing in self.opportunities.values())
            elif step["about"] == "purchase":
                yes = any(who == party and closed >= day for who, closed in self.purchases.values())
            else:
                yes = self.state[party] in step["tree"]["all"][0]["value"]
            return "yes" if yes else "no"
        if step["kind"] == "mail":
            return "no_address" if not self.past.parties[party] else self.consent[party] or "sent"
        if step["kind"] in {"opportunity", "case"}:
            self._touch(party, tick)
        if step["kind"] == "opportunity":
            self.opportunities[f"own{len(self.opportunities)}"] = (party, wall(tick).date(), None)
        return "done"


def _find(steps: list[dict[str, Any]], key: str, after: str) -> tuple[dict[str, Any], str]:
    """The step of this key, and the key of what follows it ("" at the end)."""
    for place, step in enumerate(steps):
        following = steps[place + 1]["key"] if place + 1 < len(steps) else after
        if step["key"] == key:
            return step, following
        for branch in ("yes", "no"):
            if step["kind"] == "ask":
                found = _find(step[branch], key, following)
                if found[0]:
                    return found
    return {}, ""


def _over(step: dict[str, Any], arrived: datetime) -> datetime:
    """Walk minute by minute until the wall shows it."""
    target = wall(arrived) + timedelta(days=step["days"])
    at = max(arrived, arrived + timedelta(days=step["days"], hours=-3))
    while True:
        shown = wall(at)
        if shown >= target and step.get("from", 0) <= shown.hour < step.get("to", 24):
            return at
        at = at + MINUTE if at.second == 0 and at.microsecond == 0 else (at + MINUTE).replace(second=0, microsecond=0)


def start_of(dice: random.Random) -> datetime:
    """A beginning some days before clocks change, in spring or in autumn."""
    return dice.choice([datetime(2026, 10, 14, 9, 12, tzinfo=UTC), datetime(2026, 3, 18, 9, 12, tzinfo=UTC)])
