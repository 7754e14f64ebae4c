"""The machine's side of journeys: who begins, and the next step of whoever is due. Safe to kill at any point, to run twice and side by side.

The truth is in Postgres. A run is a row, once for each (journey, contact, occurrence). A step is one transaction that locks its run, does
what the step says, writes it into the ledger and moves the run on: all of it happened or none. A worker that dies leaves the run as it was;
a second worker passes by what is locked; a bell rung twice finds nothing due. A clock that goes back makes the house wait, one that runs
ahead makes it hurry, neither does anything twice.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone, translation

from campaigns.journeys import actions, mails, triggers
from campaigns.journeys.shape import Definition, first, following, step_of, until
from campaigns.journeys.triggers import EVENTS, LOOK, Occurrence
from campaigns.models import Journey, JourneyVersion, Run, RunStep
from contacts.models import Party
from crm.core.access import one_request
from crm.core.errors import RuleBroken
from crm.core.models import Event, Installation
from crm.core.pace import Pace
from crm.core.subjects import name_subject
from crm.core.tasks import ring
from crm.core.work import work

log = logging.getLogger("lotse.journeys")
TASK = "campaigns.tasks.advance_journeys"
SLICE = 15.0  # seconds one task works before it rings for the next
BEGINNINGS = {"service.case_opened"}  # events that say a record is new
AGAIN = [timedelta(minutes=m) for m in (1, 10, 60)]  # waits before a step that failed is tried again; then a person decides


def begin_journeys(event: Event) -> None:
    """Hear an event: a contact begins each journey that waits for it. Called by `crm/subscriptions.py` in the transaction that marks the event done.

    That a journey made a record sets off no journey: two that answer each other's cases would never end. What people then make of the record does.
    """
    if event.name in BEGINNINGS and RunStep.objects.unrestricted().filter(subject_type=event.subject_type_id, subject_id=event.subject_id).exists():
        return
    keys = [key for key, one in EVENTS.items() if one.name == event.name]
    rows = Journey.objects.unrestricted().filter(state=Journey.State.RUNNING, live__definition__trigger__kind="event", live__definition__trigger__event__in=keys, since__lte=event.at)
    for journey in rows.select_related("owner", "live").order_by("pk"):
        assert journey.live is not None
        if found := list(triggers.of_events([event], journey.owner)):
            begin(journey, journey.live, found)
            ring(TASK)


def begin(journey: Journey, version: JourneyVersion, occurrences: Iterable[Occurrence]) -> None:
    """Write down who begins. Whoever began for this occurrence already does not begin again."""
    key = first(version.definition["steps"])
    rows = [
        Run(journey=journey, version=version, party_id=one.party, occurrence=one.name, began_at=one.at, step=key, due_at=due(version.definition, key, one.at))
        for one in occurrences
    ]  # fmt: skip
    Run.objects.bulk_create(rows, ignore_conflicts=True, batch_size=1000)


def due(definition: Definition, key: str, arrived: datetime) -> datetime:
    """When the step of this key is to be done by somebody who arrives there now."""
    step = step_of(definition, key)
    return until(step, timezone.localtime(arrived)) if step is not None and step["kind"] == "wait" else arrived


def tend_journeys(now: datetime | None = None) -> None:
    """Run by each tick: look whom it concerns today, move everybody on who is due, tell the history."""
    now = now or timezone.now()
    look(now)
    mails.plan_again(now)
    work_off(now)
    mails.tell_history()


def look(now: datetime) -> None:
    """Once a day, at eight or later, look for dates, entries and silence."""
    if timezone.localtime(now).hour < LOOK:
        return
    today = timezone.localdate(now)
    waiting = Journey.objects.unrestricted().filter(Q(looked_on__isnull=True) | ~Q(looked_on=today), state=Journey.State.RUNNING)
    with one_request():  # rights are read once for each look
        for pk in waiting.order_by("pk").values_list("pk", flat=True):
            try:
                look_for(pk, now)
            except Exception:  # one journey in trouble keeps no other from going on
                log.exception("nobody could look for journey %s", pk)


def look_for(pk: int, now: datetime) -> None:
    """Today's look of one journey; two ticks at once look once."""
    today = timezone.localdate(now)
    with work():
        rows = Journey.objects.unrestricted().select_for_update(skip_locked=True, of=("self",)).select_related("owner", "live")
        held = rows.filter(Q(looked_on__isnull=True) | ~Q(looked_on=today), pk=pk, state=Journey.State.RUNNING).first()
        if held is None or held.live is None:
            return
        try:
            begin(held, held.live, triggers.of_day(held, held.live, now))
        except ValidationError as problem:  # its owner may not ask this any more: the page says so, tomorrow is another day
            log.warning("journey %s cannot be looked for: %s", pk, " ".join(problem.messages))
        Journey.objects.filter(pk=pk).update(looked_on=today)


def work_off(now: datetime | None = None, seconds: float = SLICE) -> int:
    """Move on whoever is due, one step after the other, for a while. Returns how many steps were done; what is left is rung for."""
    done, end, pace = 0, time.monotonic() + seconds, Pace()
    with translation.override(Installation.current().language):
        while advance(now or timezone.now()):
            done += 1
            if time.monotonic() > end:
                ring(TASK)
                break
            pace.step()
    return done


def advance(now: datetime) -> bool:
    """Do the next step that is due, whosever it is. False if nothing is due that nobody else has in hand."""
    with work(), one_request():
        rows = Run.objects.unrestricted().select_for_update(skip_locked=True, of=("self",)).select_related("journey__owner", "version__purpose")
        run = rows.filter(state=Run.State.WAITING, due_at__lte=now, journey__state=Journey.State.RUNNING, journey__owner__is_active=True).order_by("due_at", "pk").first()
        if run is None:
            return False
        try:
            with transaction.atomic():
                _perform(run, now)
        except Exception as error:  # the run keeps what went wrong; the others go on
            _stumble(run, now, error)
        return True


def _perform(run: Run, now: datetime) -> None:
    definition = run.version.definition
    step = step_of(definition, run.step)
    party = Party.objects.unrestricted().select_related("owner__team").filter(pk=run.party_id).first()
    if step is None or party is None:
        _save(run, state=Run.State.LEFT, ended_at=now)
        return
    outcome, made = actions.do(step, run, party, now)
    RunStep.objects.create(run=run, step=step["key"], kind=step["kind"], outcome=outcome, at=now, **(name_subject(made) if made is not None else {}))
    key = following(definition, step["key"], outcome)
    if key:
        _save(run, step=key, due_at=due(definition, key, now), tries=0, trouble="")
    else:
        _save(run, step="", state=Run.State.DONE, ended_at=now, tries=0, trouble="")


def _stumble(run: Run, now: datetime, error: Exception) -> None:
    if not isinstance(error, RuleBroken):
        log.exception("a step of run %s failed", run.pk)
    words = str(error.message) if isinstance(error, RuleBroken) else type(error).__name__  # what a database says may hold somebody's address
    tries = run.tries + 1
    if tries > len(AGAIN):
        _save(run, state=Run.State.FAILED, tries=tries, trouble=words[:500])
    else:
        _save(run, due_at=now + AGAIN[tries - 1], tries=tries, trouble=words[:500])


def _save(run: Run, **values: Any) -> None:
    for name, value in values.items():
        setattr(run, name, value)
    run.save(update_fields=list(values))
