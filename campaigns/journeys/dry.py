"""A dry run: whom a definition would have reached in the last days, by the same walk the engine takes; nothing is written.

What happened is read off the past: events, dates, gaps in the history. Questions "since the beginning" are answered as of each moment;
conditions and consents as they are today, and who came into a segment is not known for the past: there it is whoever is in it now.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from itertools import islice, pairwise
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.gate import examine
from campaigns.journeys.actions import DONE, UNCHANGEABLE, changeable
from campaigns.journeys.asking import answer, refusal
from campaigns.journeys.shape import Definition, Passed, Step, every, walk
from campaigns.journeys.triggers import EVENTS, LOOK, Occurrence, closed, of_date, of_events
from campaigns.models import Journey, Segment
from campaigns.segments import members
from contacts.models import Interaction, Party, PartyActivity
from crm.core.access import one_request
from crm.core.models import Event

DAYS = 90
MOST = 500  # beginnings that are walked through
READ = 200_000  # entries of the history that are read, the latest first
SLICE, EVENTS_READ = 500, 10_000  # events that are resolved at once, and in all, the latest first


@dataclass
class Trial:
    """One contact that would have begun, and its way."""

    party: Party
    began: datetime
    way: list[Passed]


@dataclass
class DryRun:
    """What would have happened: `people` different contacts; `cut` if there was more than is read or walked through."""

    trials: list[Trial] = field(default_factory=list)
    cut: bool = False
    refused: str = ""  # why it cannot be answered

    @property
    def people(self) -> int:
        """How many different contacts."""
        return len({trial.party.pk for trial in self.trials})


def dry_run(journey: Journey, definition: Definition, reader: Any, now: datetime | None = None) -> DryRun:
    """Walk through the last days, as the reader sees them: whoever publishes it owns it."""
    now, found = now or timezone.now(), DryRun()
    with one_request():
        unasked = [words for step in every(definition["steps"]) if step["kind"] == "ask" for words in refusal(step, reader)]
        if closed(definition.get("trigger") or {}, reader) or unasked:
            return DryRun(refused=" ".join(dict.fromkeys(unasked)) or _("You may not see what sets it off."))
        try:
            began = list(islice(_once(occurrences(definition, reader, now - timedelta(days=DAYS), now, found)), MOST + 1))
        except ValidationError as problem:
            return DryRun(refused=" ".join(problem.messages))
        found.cut = found.cut or len(began) > MOST
        began = began[:MOST]
        parties = Party.objects.visible_to(reader).in_bulk([one.party for one in began])
        writes = any(step["kind"] == "mail" for step in every(definition["steps"])) and journey.purpose_id is not None
        ways = examine(journey.purpose, parties) if writes else {}
        tagged = changeable(reader, parties) if any(step["kind"] == "tag" for step in every(definition["steps"])) else set[int]()

        for one in sorted(began, key=lambda one: one.at, reverse=True):
            if one.party not in parties:
                continue

            def outcome(step: Step, at: datetime, who: Occurrence = one) -> str:
                if step["kind"] == "ask":
                    return answer(step, who.party, reader, who.at, at)
                if step["kind"] == "tag":
                    return DONE if who.party in tagged else UNCHANGEABLE
                return (ways[who.party].reason or "sent" if who.party in ways else "no_consent") if step["kind"] == "mail" else DONE

            found.trials.append(Trial(parties[one.party], one.at, walk(definition, timezone.localtime(one.at), outcome, now)))
    return found


def occurrences(definition: Definition, owner: Any, since: datetime, now: datetime, run: DryRun) -> Iterator[Occurrence]:
    """What would have set it off since then. Where there is more than is read, `run` says so."""
    trigger = definition.get("trigger") or {}
    first, today = timezone.localdate(since), timezone.localdate(now)
    if trigger.get("kind") == "event":
        events = list(Event.objects.filter(name=EVENTS[trigger["event"]].name, at__range=(since, now)).order_by("-at", "-pk")[: EVENTS_READ + 1])
        run.cut = len(events) > EVENTS_READ
        for start in range(0, min(len(events), EVENTS_READ), SLICE):
            yield from of_events(events[start : start + SLICE], owner)
    elif trigger.get("kind") == "date":
        yield from of_date(trigger, owner, first, today, _looked)
    elif trigger.get("kind") == "inactive":
        yield from _silences(trigger, owner, since, now, run)
    elif trigger.get("kind") == "segment":
        segment = Segment.objects.visible_to(owner).filter(pk=trigger.get("segment") or 0).first()
        for pk in members(segment.tree, owner, today).order_by("pk").values_list("pk", flat=True) if segment is not None else ():
            yield Occurrence(pk, f"segment:{today}", now)


def _looked(day: Any) -> datetime:
    """When somebody looked on a day."""
    return timezone.make_aware(datetime.combine(day, time(LOOK)))


def _silences(trigger: dict[str, Any], owner: Any, since: datetime, now: datetime, run: DryRun) -> Iterator[Occurrence]:
    """Gaps of so many days in the history of each contact that ended, or go on, within the time; those older than that where the journey says so."""
    days, parties = timedelta(days=trigger["days"]), Party.objects.visible_to(owner)
    moments: dict[int, list[datetime]] = {}
    old = PartyActivity.objects.filter(party__in=parties) if trigger["longer"] else PartyActivity.objects.filter(party__in=parties, last_at__gte=since - days)
    for party, last in old.values_list("party", "last_at"):
        moments[party] = [last]
    entries = Interaction.objects.visible_to(owner).filter(Q(party__in=parties), occurred_at__range=(since - days - days, now))
    read = list(entries.order_by("-occurred_at").values_list("party", "occurred_at")[: READ + 1])
    run.cut = len(read) > READ
    for party, at in read[:READ]:
        moments.setdefault(party, []).append(at)
    for party, known in sorted(moments.items()):
        for last, upcoming in pairwise([*sorted(set(known)), now]):
            due = _looked(timezone.localdate(last + days))
            begins = max(due, since) if trigger["longer"] else due
            if since <= begins <= now and due <= upcoming:
                yield Occurrence(party, f"inactive:{timezone.localdate(last)}", begins)


def _once(found: Iterable[Occurrence]) -> Iterator[Occurrence]:
    seen: set[tuple[int, str]] = set()
    for one in found:
        if (one.party, one.name) not in seen:
            seen.add((one.party, one.name))
            yield one
