"""Each effect of a journey once: several beats and many workers side by side under kill -9, events handed out again, clocks that jump (C11 of reliability)."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import Count
from django.utils import timezone

from campaigns.journeys.services import publish_journey
from campaigns.models import FrequencyCap, Journey, Run, RunStep
from contacts.models import PartyActivity, Task
from crm.core.models import Event, OutgoingMail
from crm.core.subjects import name_subject
from crm.core.work import work
from tests.campaigns.conftest import agree, purpose
from tests.campaigns.journey_crowd import BEATS, WORKERS
from tests.factories import EmailFactory, OpportunityFactory, PersonFactory
from tests.mail.sink import ROOT

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.proof("journeys")]
MAIL = {"kind": "mail", "subject": "Wartung", "preheader": "", "blocks": [{"kind": "text", "text": "Es ist Zeit."}]}
FLOW = [
    {"key": "s1", "kind": "task", "text": "Nachfassen", "days": 0},
    {"key": "s2", "kind": "wait", "days": 1},
    {"key": "s3", "kind": "ask", "about": "answered", "yes": [], "no": [{"key": "s4", "kind": "task", "text": "Anrufen", "days": 1}]},
    {"key": "s5", **MAIL},
]
SILENT = [{"key": "s1", "kind": "task", "text": "Melden", "days": 1}]


def prepared(cast: Any, people: int, events: int) -> None:
    """Two journeys that run, people who agreed, and events nobody has handed out yet."""
    FrequencyCap.objects.filter(pk=1).update(mails=100, days=1)
    emil = cast.emil
    with work(by=emil):
        opportunities = []
        for n in range(people):
            person = PersonFactory(owner=emil, team=emil.team, last_name=f"Öz{n}")
            EmailFactory(party=person, address=f"p{n}@kunde.example")
            agree(f"p{n}@kunde.example", by=emil)
            PartyActivity.objects.update_or_create(party=person, defaults={"last_at": timezone.now() - timedelta(days=60)})
            opportunities.append(OpportunityFactory(party=person, owner=emil, team=emil.team))
        facts = {"owner": emil, "team": emil.team, "purpose": purpose(), "language": "de"}
        made = [
            Journey.objects.create(name="Nach dem Kauf", draft={"trigger": {"kind": "event", "event": "won"}, "steps": FLOW}, **facts),
            Journey.objects.create(name="Stille", draft={"trigger": {"kind": "inactive", "days": 30, "longer": True}, "steps": SILENT}, **facts),
        ]
        for row in made:
            publish_journey(row, by=emil, at=timezone.now() - timedelta(hours=1))
        Event.objects.all().delete()
        Event.objects.bulk_create(Event(name="sales.opportunity_won", **name_subject(opportunities[n % people])) for n in range(events))


def played(cast: Any, people: int, events: int, kills: int, seconds: float, *, how: str = "") -> tuple[int, bool]:
    """The crowd works until all is done and enough are killed, in a process of its own: (how many were killed, whether all is done)."""
    prepared(cast, people, events)
    facts = [str(connection.settings_dict["NAME"]), str(events), str(people), str(kills), str(seconds), how]
    told = subprocess.run([sys.executable, "-m", "tests.campaigns.journey_crowd", *facts], cwd=ROOT, env=dict(os.environ), stdout=subprocess.PIPE, check=True)
    killed, done = told.stdout.decode().split()[-2:]
    return int(killed), done == "done"


def test_each_effect_once(cast: Any, figures: Any, prove_full: bool) -> None:
    people, events, kills = (400, 20_000, 500) if prove_full else (10, 60, 20)
    killed, done = played(cast, people, events, kills, 7200 if prove_full else 120)
    states = dict(Run.objects.values_list("state").annotate(n=Count("pk")))
    assert done, (states, Run.objects.exclude(trouble="").values_list("trouble", flat=True)[:3])
    figures.record("events", events, f"with {WORKERS} workers, {BEATS} beats, events handed out again, clocks jumping by days")
    figures.record("kill -9", killed, "", f"≥ {kills}", killed >= kills)
    mails = Counter(OutgoingMail.objects.filter(kind="journey").values_list("subject_id", flat=True))
    texts = Counter(Task.objects.values_list("text", flat=True))
    expected = {"Nachfassen": events, "Anrufen": events, "Melden": people}
    figures.record("tasks too many or too few", sum(abs(texts[text] - count) for text, count in expected.items()), "of " + str(sum(expected.values())), "0", texts == expected)
    figures.record("mails too many or too few", abs(sum(mails.values()) - events) + sum(n - 1 for n in mails.values()), f"of {events}", "0", sum(mails.values()) == len(mails) == events)
    told = set(RunStep.objects.filter(kind="task").values_list("subject_id", flat=True))
    figures.record("tasks without their line in the ledger", Task.objects.exclude(pk__in=told).count(), "", "0", not Task.objects.exclude(pk__in=told).exists())


def test_without_lock_and_one_transaction_effects_double(cast: Any, figures: Any) -> None:
    played(cast, 5, 30, 6, 12, how="careless")
    texts = Counter(Task.objects.values_list("text", flat=True))
    more = sum(max(0, texts[text] - 30) for text in ("Nachfassen", "Anrufen"))
    figures.record("red control, without lock and one transaction: tasks too many", more, "of 60", "> 0", more > 0)
