"""Deadlines in business time, over plain values: what was promised in hours, what a clock has used, when it runs out.

All moments are aware; inside, everything is UTC. Business hours are spans of minutes on the wall of one time zone, so a night shift has an
hour less in March and one more in October. A case that waits or is solved rests its clock; what it used stays used when it goes on.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

Span = tuple[int, int]  # minutes of a day on the wall: 8:00 to 17:00 is (480, 1020), midnight at its end is 1440
Pause = tuple[datetime, datetime | None]  # from, until; None: still
State = Literal["running", "paused", "met", "broken"]

NOTHING = timedelta(0)
MIDNIGHT = 1440
FURTHEST = 3_660  # days looked ahead: a calendar that never opens has no deadline


@dataclass(frozen=True)
class Calendar:
    """When somebody is there. `week` begins on Monday; `closed` knows holidays and days of the house; on a day in `short` only
    what lies within its span stays open, so a half day on a Sunday opens nothing."""

    zone: ZoneInfo
    week: tuple[tuple[Span, ...], ...]
    closed: Container[date] = frozenset()
    short: Mapping[date, Span] = field(default_factory=dict)


@dataclass(frozen=True)
class Clock:
    """Where a deadline stands. `due` is None while it rests before it was missed; `remaining` is negative by what it is over, in business time.

    running: still to be kept · paused: rests · met: done by then · broken: passed, or done too late.
    """

    due: datetime | None
    consumed: timedelta
    remaining: timedelta
    state: State


def clock(calendar: Calendar, target: timedelta, *, opened: datetime, now: datetime, pauses: Sequence[Pause] = (), stopped: datetime | None = None) -> Clock:
    """The clock of one promise: `target` of business time from `opened` on.

    `pauses` are in order and do not overlap; only the last may be open. `stopped` is when what was promised was done. Solved and reopened
    is a pause. The very moment of the deadline still counts as kept.
    """
    until = now if stopped is None else min(stopped, now)
    consumed, due, left = NOTHING, None, target
    running = list(_running(opened, pauses))
    for start, end in running:
        consumed += elapsed(calendar, start, until if end is None else min(end, until))
        if due is None:
            found = after(calendar, start, left)
            if found is not None and (end is None or found <= end):
                due = found
            elif end is not None:
                left -= elapsed(calendar, start, end)
    resting = bool(pauses) and pauses[-1][1] is None
    state: State = "broken" if due is not None and until > due else "met" if stopped is not None else "paused" if resting else "running"
    return Clock(due, consumed, target - consumed, state)


def elapsed(calendar: Calendar, start: datetime, end: datetime) -> timedelta:
    """Business time between two moments; nothing if `end` is not after `start`."""
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    total = NOTHING
    for opens, closes in _open(calendar, start):
        if opens >= end:
            break
        total += min(closes, end) - opens
    return total


def after(calendar: Calendar, start: datetime, span: timedelta) -> datetime | None:
    """The earliest moment at which `span` of business time has passed since `start`; None if the calendar never opens long enough."""
    if span <= NOTHING:
        return start.astimezone(UTC)
    for opens, closes in _open(calendar, start.astimezone(UTC)):
        if closes - opens >= span:
            return opens + span
        span -= closes - opens
    return None


def _running(opened: datetime, pauses: Sequence[Pause]) -> Iterator[tuple[datetime, datetime | None]]:
    """The stretches between the pauses; the last is open unless the clock rests."""
    at: datetime | None = opened
    for start, end in pauses:
        if at is not None:
            yield at, start
        at = end
    if at is not None:
        yield at, None


def _open(calendar: Calendar, start: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The stretches (UTC) in which somebody is there, from `start` on, in order."""
    day = start.astimezone(calendar.zone).date()
    for _day in range(FURTHEST):
        for opens, closes in _stretches(calendar, day):
            if closes > start:
                yield max(opens, start), closes
        day += timedelta(days=1)


def _stretches(calendar: Calendar, day: date) -> list[tuple[datetime, datetime]]:
    """One day's open stretches as moments. On a day on which the clock changes each part of it is read with its own offset."""
    spans = calendar.week[day.weekday()]
    if not spans or day in calendar.closed:
        return []
    if day in calendar.short:
        low, high = calendar.short[day]
        spans = tuple((max(start, low), min(end, high)) for start, end in spans if max(start, low) < min(end, high))
    found = []
    for begin, end, offset in _parts(calendar.zone, day):
        wall = datetime.combine(day, time(), tzinfo=UTC) - offset  # midnight on this part's wall, as a moment
        for opens, closes in spans:
            first, last = max(begin, wall + timedelta(minutes=opens)), min(end, wall + timedelta(minutes=closes))
            if first < last:
                found.append((first, last))
    return found


def _parts(zone: ZoneInfo, day: date) -> list[tuple[datetime, datetime, timedelta]]:
    """A day as (begin, end, offset from UTC): one part, or two where the clock changes."""
    begin, end = (datetime.combine(when, time(), tzinfo=zone).astimezone(UTC) for when in (day, day + timedelta(days=1)))
    first, last = _offset(zone, begin), _offset(zone, end - timedelta(minutes=1))
    if first == last:
        return [(begin, end, first)]
    low, high = 0, int((end - begin) / timedelta(minutes=1))  # the minute at which the offset changes lies in (low, high]
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(zone, begin + timedelta(minutes=middle)) == first:
            low = middle
        else:
            high = middle
    change = begin + timedelta(minutes=high)
    return [(begin, change, first), (change, end, last)]


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(zone).utcoffset() or NOTHING
