"""Journeys do what a slow reading of their definition says: generated journeys over generated histories, on days on which clocks change, too."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction

from campaigns.journeys import asking, engine, mails, services, shape, triggers
from campaigns.models import FrequencyCap, Journey, RunStep, Segment
from contacts.consent_steps import record_consent, withdraw_consent
from contacts.diary import log_interaction
from contacts.models import Party, Tag
from contacts.reach import reach
from crm.core.events import dispatch, emit
from crm.core.models import Event
from crm.core.work import work
from tests.campaigns import journey_reference as reference
from tests.campaigns.conftest import purpose
from tests.factories import CaseFactory, EmailFactory, OpportunityFactory, PersonFactory

pytestmark = pytest.mark.django_db
SMALL, FULL, AT_ONCE, DAYS = 60, 300, 30, 16
LONG_AGO = "2020-01-01"
EVENTS = {"won": "sales.opportunity_won", "lost": "sales.opportunity_lost", "case_closed": "service.case_closed"}


class Play:
    """Plays a history in the database, and reads off what the engine made of it."""

    def __init__(self, cast: Any, seed: int, journeys: int) -> None:
        self.dice, self.emil = random.Random(seed), cast.emil
        self.start = reference.start_of(self.dice)
        self.wording = purpose().wordings.get()
        FrequencyCap.objects.filter(pk=1).update(mails=100, days=1)
        with work(by=self.emil):
            people = [PersonFactory(owner=self.emil, team=self.emil.team, last_name=f"Öz{n}") for n in range(8)]
            self.past = reference.history(self.dice, [person.pk for person in people], self.start, DAYS)
            self.address = {person.pk: f"p{person.pk}@kunde.example" for person in people if self.past.parties[person.pk]}
            for person in people:
                if person.pk in self.address:
                    EmailFactory(party=person, address=self.address[person.pk], is_primary=True)
            tree = {"all": [{"field": "state", "op": "in", "value": ["customer"]}]}
            self.segment = Segment.objects.create(name="Kunden", tree=tree, owner=self.emil, team=self.emil.team)
            self.tag = Tag.objects.create(key="won", label_de="Käufer", label_en="Buyer")
            self.parties: dict[int, Any] = {person.pk: person for person in people}
            self.definitions = {}
            for n in range(journeys):
                made = reference.definition(self.dice, self.segment.pk, self.tag.pk)
                row = Journey.objects.create(name=f"J{n}", owner=self.emil, team=self.emil.team, purpose=purpose(), language="de", draft=made)
                self.definitions[row.pk] = made
        self.consent = dict.fromkeys(self.parties, "")
        self.numbers: dict[str, int] = {}  # an event or an opportunity of the database → the number of its happening

    def run(self) -> reference.Ledger:
        """From the publication to the last tick."""
        waiting = list(self.past.happenings)
        while waiting and waiting[0].at <= self.start:
            self.happen(waiting.pop(0))
        for row in Journey.objects.filter(pk__in=self.definitions).order_by("pk"):
            with work(by=self.emil):
                publish_or_force(row, self.emil, self.start)
        for tick in self.past.ticks:
            while waiting and waiting[0].at <= tick:
                self.happen(waiting.pop(0))
            while dispatch(500):
                pass
            engine.tend_journeys(tick)
            while engine.work_off(tick):  # what a busy machine had no time for is rung for at once
                pass
        found: reference.Ledger = {}
        for step in RunStep.objects.filter(run__journey__in=self.definitions).select_related("run").order_by("pk"):
            found.setdefault((step.run.journey_id, step.run.party_id, self.plain(step.run.occurrence)), []).append((step.step, step.outcome, step.at))
        return found

    def plain(self, occurrence: str) -> str:
        kind, number, *day = occurrence.split(":")
        key = {"event": f"event:{number}", "closing": f"opportunity:{number}", "purchase": f"opportunity:{number}"}.get(kind)
        return ":".join([kind, str(self.numbers[key]), *day]) if key else occurrence

    def happen(self, it: reference.Happening) -> None:
        party = self.parties[it.party]
        with work(by=self.emil):
            if it.kind in {"answer", "call"}:
                log_interaction(party, kind="call", direction="in" if it.kind == "answer" else "out", body="", by=self.emil, at=it.at)
            elif it.kind == "state":
                Party.objects.filter(pk=it.party).update(state=it.word)
            elif it.kind in {"agree", "withdraw"}:
                self.say(it)
            elif it.kind in {"opportunity", "purchase"}:
                facts = {"state": "won", "closed_on": it.day, "amount": Decimal(5), "opened_on": LONG_AGO} if it.kind == "purchase" else {"opened_on": reference.wall(it.at).date(), "expected_close": it.day}
                row = OpportunityFactory(party=party, owner=self.emil, team=self.emil.team, **facts)
                self.numbers[f"opportunity:{row.pk}"] = it.number
            else:
                made = CaseFactory if it.kind == "case_closed" else OpportunityFactory
                more = {"type": "request"} if it.kind == "case_closed" else {"opened_on": LONG_AGO}
                event = emit(EVENTS[it.kind], made(party=party, owner=self.emil, team=self.emil.team, **more))
                Event.objects.filter(pk=event.pk).update(at=it.at)
                self.numbers[f"event:{event.pk}"] = it.number

    def say(self, it: reference.Happening) -> None:
        if it.party not in self.address or self.consent[it.party] == "withdraw":
            return
        self.consent[it.party] = it.kind
        to = reach("email", self.address[it.party])
        if it.kind == "withdraw":
            withdraw_consent(to, [purpose()], how="link", by=None, at=it.at)
        else:
            record_consent(to, [self.wording], how="talk", by=self.emil, at=it.at)


def publish_or_force(row: Journey, by: Any, at: datetime) -> Any:
    """Published whatever its shape: the generator also makes journeys that do nothing but wait."""
    kept = services.faults
    services.faults = lambda _row, _by: {}
    try:
        return services.publish_journey(row, by=by, at=at)
    finally:
        services.faults = kept


def disagreements(cast: Any, journeys: int, seed: int = 5) -> tuple[list[str], int, int]:
    """(what engine and reference tell differently, how many steps they told, how many runs)."""
    wrong, steps, runs = [], 0, 0
    for part in range(0, journeys, AT_ONCE):
        with transaction.atomic():  # each part plays in a world of its own
            play = Play(cast, seed + part, min(AT_ONCE, journeys - part))
            found = play.run()
            transaction.set_rollback(True)
        expected = reference.Reading(play.past, play.definitions, {"customer"}).ledger()
        expected = {key: told for key, told in expected.items() if told}
        for key in sorted({*found, *expected}):
            if found.get(key) != expected.get(key):
                wrong.append(f"{key}: {play.definitions[key[0]]}\n  engine    {found.get(key)}\n  reference {expected.get(key)}")
        steps, runs = steps + sum(map(len, expected.values())), runs + len(expected)
    return wrong, steps, runs


@pytest.mark.proof("journeys")
def test_generated_journeys_equal_the_slow_reference(cast: Any, figures: Any, prove_full: bool) -> None:
    number = FULL if prove_full else SMALL
    wrong, steps, runs = disagreements(cast, number)
    print(*wrong[:5], sep="\n")
    figures.record("generated journeys over generated histories", number, "journeys", goal="300 in full, 60 in the suite")
    figures.record("steps taken in them", steps, f"steps of {runs} runs", goal="> 5 a journey", holds=steps > 5 * number)
    figures.record("runs that differ from the slow reference", len(wrong), "runs", goal="0", holds=not wrong)


@pytest.mark.proof("journeys")
@pytest.mark.parametrize("mutant", ["a wait a day short", "branches end", "consent is not asked", "silence a day early", "answers from before count"])
def test_mutants_are_seen(cast: Any, figures: Any, monkeypatch: pytest.MonkeyPatch, mutant: str) -> None:
    if mutant == "a wait a day short":
        plain = engine.until
        monkeypatch.setattr(engine, "until", lambda step, at: plain({**step, "days": max(0, step["days"] - 1)}, at))
    elif mutant == "branches end":
        whole = shape.links
        monkeypatch.setattr(shape, "links", lambda steps, after="": whole(steps))
    elif mutant == "consent is not asked":
        ask = mails.examine
        monkeypatch.setattr(mails, "examine", lambda version, ids: {pk: replace(way, address=way.address or "x@kunde.example", reason="") for pk, way in ask(version, ids).items()})
    elif mutant == "silence a day early":
        silence = triggers.of_silence
        monkeypatch.setattr(triggers, "of_silence", lambda trigger, *rest: silence({**trigger, "days": trigger["days"] - 1}, *rest))
    else:
        answer = asking.answer
        monkeypatch.setattr("campaigns.journeys.actions.answer", lambda step, party, owner, began, now: answer(step, party, owner, began - timedelta(days=60), now))
    wrong, _steps, _runs = disagreements(cast, 12, seed=9)
    figures.record(f"red control “{mutant}”", "seen" if wrong else "survived", goal="seen", holds=bool(wrong))


def test_waits_on_days_on_which_clocks_change() -> None:
    """A time that is jumped over is the moment after the jump; one shown twice is the first."""

    def at(*parts: int) -> datetime:
        return datetime(*parts, tzinfo=reference.ZONE)

    assert shape.until({"days": 1}, at(2026, 3, 28, 2, 30)).astimezone(UTC) == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    assert shape.until({"days": 1}, at(2026, 10, 24, 2, 30)).astimezone(UTC) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert shape.until({"days": 1, "from": 2, "to": 3}, at(2026, 3, 28, 2, 30)) == at(2026, 3, 30, 2, 0)
    assert shape.until({"days": 0, "from": 8, "to": 17}, at(2026, 5, 4, 18, 30)) == at(2026, 5, 5, 8, 0)
    assert shape.until({"days": 2}, at(2026, 5, 4, 18, 30)) == at(2026, 5, 6, 18, 30)


