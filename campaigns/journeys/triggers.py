"""What sets a journey off: an event, the day of a date, coming into a segment, silence. Each gives occurrences: (contact, its name, moment).

The house looks for days once a day, at eight or later, so that nobody is written to at midnight. Everything is asked with the eyes of the
journey's owner: what the owner may not see sets nothing off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from campaigns.models import Campaign, Journey, JourneyMember, JourneyVersion, RunStep, Segment
from campaigns.segments import members
from contacts.models import Party, PartyActivity
from crm.core.access import may, scope_of
from crm.core.days import midnight
from crm.core.models import Event
from sales.models import Opportunity
from service.models import Case

LOOK = 8  # o'clock
LATE = 3  # days for which a date that nobody looked at still counts


@dataclass(frozen=True)
class Happening:
    """An event that may set journeys off: its name in words, the records it is about, and how the contact is read off one."""

    label: Any
    name: str  # of the event (`emit`)
    model: Any
    party: Callable[[Event, Any], int | None]


@dataclass(frozen=True)
class Dated:
    """A date that may set journeys off: the records that have one (`rows` as a reader sees them), and its column."""

    label: Any
    model: Any
    rows: Callable[[Any], Any]
    column: str


def _its_party(_event: Event, record: Any) -> int | None:
    found: int | None = record.party_id
    return found


def _by_people(rows: Any) -> Any:
    """Without what journeys made: else one that opens opportunities would answer its own for ever."""
    made = RunStep.objects.unrestricted().filter(subject_type=ContentType.objects.get_for_model(rows.model), subject_id=OuterRef("pk"))
    return rows.exclude(Exists(made))


EVENTS: dict[str, Happening] = {
    "won": Happening(_("An opportunity is won"), "sales.opportunity_won", Opportunity, _its_party),
    "lost": Happening(_("An opportunity is lost"), "sales.opportunity_lost", Opportunity, _its_party),
    "case_opened": Happening(_("A case is opened"), "service.case_opened", Case, _its_party),
    "case_closed": Happening(_("A case is closed"), "service.case_closed", Case, _its_party),
    "form": Happening(_("Somebody confirms the sign-up form"), "contacts.signed_up", Party, lambda _event, record: record.pk),
    "answered": Happening(_("Somebody answers a campaign"), "campaigns.answered", Campaign, lambda event, _record: event.payload.get("party")),
}
DATES: dict[str, Dated] = {
    "closing": Dated(
        pgettext_lazy("date", "expected close of an opportunity"), Opportunity,
        lambda reader: _by_people(Opportunity.objects.visible_to(reader).filter(state=Opportunity.State.OPEN, party__isnull=False)), "expected_close",
    ),
    "purchase": Dated(
        pgettext_lazy("date", "purchase"), Opportunity,
        lambda reader: Opportunity.objects.visible_to(reader).filter(state=Opportunity.State.WON, party__isnull=False), "closed_on",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Occurrence:
    """Something happened to a contact: `name` is the same whoever notices it, and however often."""

    party: int
    name: str
    at: datetime


def offered(reader: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """(events, dates) this reader may choose: key → label."""
    events = {key: one.label for key, one in EVENTS.items() if may(reader, "view", one.model)}
    return events, {key: one.label for key, one in DATES.items() if may(reader, "view", one.model)}


def closed(trigger: dict[str, Any], reader: Any) -> bool:
    """May this reader not see what sets it off?"""
    kind = trigger.get("kind")
    if kind == "segment":
        return bool(trigger.get("segment")) and not Segment.objects.visible_to(reader).filter(pk=trigger["segment"]).exists()
    source = EVENTS.get(trigger.get("event", "")) if kind == "event" else DATES.get(trigger.get("date", "")) if kind == "date" else None
    return source is not None and not may(reader, "view", source.model)


def of_events(events: Sequence[Event], owner: Any) -> Iterator[Occurrence]:
    """The occurrences events of one name are for a journey of this owner; what concerns nobody the owner sees is none."""
    one = next((one for one in EVENTS.values() if events and one.name == events[0].name), None)
    if one is None:
        return
    records = one.model.objects.visible_to(owner).in_bulk([event.subject_id for event in events if event.subject_id])
    whose = [(event, one.party(event, records[event.subject_id])) for event in events if event.subject_id in records]
    seen = set(Party.objects.visible_to(owner).filter(pk__in=[party for _event, party in whose if party]).values_list("pk", flat=True))
    for event, party in whose:
        if party in seen:
            yield Occurrence(party, f"event:{event.pk}", event.at)


def of_date(trigger: dict[str, Any], owner: Any, first: date, last: date, at: Callable[[date], datetime]) -> Iterator[Occurrence]:
    """The occurrences of a date trigger that fall due from `first` to `last`, both included. `at` says when somebody begins on such a day."""
    one, shift = DATES[trigger["date"]], timedelta(days=trigger["days"])
    rows = one.rows(owner).filter(**{f"{one.column}__range": (first - shift, last - shift)}, party__in=Party.objects.visible_to(owner))
    for pk, party, day in rows.order_by("pk").values_list("pk", "party", one.column):
        yield Occurrence(party, f"{trigger['date']}:{pk}:{day}", at(day + shift))


def of_silence(trigger: dict[str, Any], owner: Any, published: date, today: date, at: datetime) -> Iterator[Occurrence]:
    """Who has been silent for so many days today; those for whom that was so before the publication only where the journey says so."""
    silent = Q(last_at__lt=midnight(today - timedelta(days=trigger["days"] - 1)))
    if not trigger["longer"]:
        silent &= Q(last_at__gte=midnight(published - timedelta(days=trigger["days"])))
    rows = PartyActivity.objects.filter(silent, party__in=Party.objects.visible_to(owner))
    for party, last in rows.order_by("party").values_list("party", "last_at"):
        yield Occurrence(party, f"inactive:{timezone.localtime(last).date()}", at)


def of_entry(journey: Journey, segment: Segment, owner: Any, at: datetime) -> list[Occurrence]:
    """Who came into the segment since the last look; writes down who is in it now. The caller holds the journey."""
    inside = set(members(segment.tree, owner, timezone.localdate(at)).values_list("pk", flat=True))
    rows = JourneyMember.objects.filter(journey=journey, segment=segment)
    before = set(rows.values_list("party", flat=True))
    rows.filter(party__in=before - inside).delete()
    JourneyMember.objects.bulk_create([JourneyMember(journey=journey, segment=segment, party_id=pk) for pk in sorted(inside - before)], ignore_conflicts=True)
    return [Occurrence(pk, f"segment:{timezone.localdate(at)}", at) for pk in sorted(inside - before)]


def begin_watching(journey: Journey, version: JourneyVersion, at: datetime) -> None:
    """Published, or seen with other eyes than before: who is in the segment already has not entered it."""
    Journey.objects.filter(pk=journey.pk).update(eyes=scope_of(journey.owner).eyes())
    trigger = version.definition["trigger"]
    JourneyMember.objects.filter(journey=journey).delete()
    segment = Segment.objects.unrestricted().filter(pk=trigger.get("segment") or 0).first() if trigger["kind"] == "segment" else None
    if segment is not None:
        of_entry(journey, segment, journey.owner, at)


def of_day(journey: Journey, version: JourneyVersion, now: datetime) -> Iterable[Occurrence]:
    """All occurrences a look finds for a journey now. Raises ValidationError, in words, for a segment that cannot be asked."""
    trigger, today, since = version.definition["trigger"], timezone.localdate(now), timezone.localdate(journey.since)
    if trigger["kind"] == "date":
        return of_date(trigger, journey.owner, max(since, today - timedelta(days=LATE)), today, lambda _day: now)
    if trigger["kind"] == "inactive":
        return of_silence(trigger, journey.owner, since, today, now)
    if trigger["kind"] == "segment":
        segment = Segment.objects.visible_to(journey.owner).filter(pk=trigger["segment"]).first()
        if journey.eyes != scope_of(journey.owner).eyes():  # who comes in by a change of rights has not entered: the members are only written down anew
            begin_watching(journey, version, now)
        elif segment is not None:
            return of_entry(journey, segment, journey.owner, now)
    return []

