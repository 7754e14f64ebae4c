"""`service.sla` against the table worked out by hand and against the reference that walks minute by minute."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from service import sla
from tests.service.sla_cases import BERLIN, CASES, Hours, Worked, moment
from tests.service.sla_reference import REGIONS, STATES, histories, holidays_by_law, judge, wall_clock

Answer = tuple[datetime | None, int, str]
Holidays = Callable[[str, int], frozenset[date]]


def _minutes(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def calendar_of(hours: Hours) -> sla.Calendar:
    """The measure's calendar as the engine's; holidays come from the product's library."""
    from service.calendars import holidays_of

    closed = {day for year in range(2024, 2030) for day in holidays_of(hours.region, year)}
    closed |= {datetime.strptime(text, "%d.%m.%Y").date() for text in hours.closed}
    short = {
        datetime.strptime(f"{day}{year}", "%d.%m.%Y").date(): (_minutes(start), _minutes(end)) for year in range(2024, 2030) for day, (start, end) in hours.short
    }
    week = tuple(tuple((_minutes(start), _minutes(end)) for start, end in spans) for spans in hours.week)
    return sla.Calendar(BERLIN, week, closed, short)


def engine(case: Worked) -> Answer:
    found = sla.clock(calendar_of(case.hours), timedelta(minutes=case.target), opened=case.opened, now=case.now, pauses=case.pauses, stopped=case.stopped)
    assert found.consumed + found.remaining == timedelta(minutes=case.target)
    return found.due, int(found.consumed / timedelta(minutes=1)), found.state


def wrong(answer: Callable[[Worked], Answer], cases: list[Worked], truth: Callable[[Worked], Answer]) -> list[str]:
    """The histories in which two ways of judging differ, in words."""
    return [f"{case.name}: {got}, not {want}" for case in cases if (got := answer(case)) != (want := truth(case))]


@pytest.mark.proof("sla")
def test_every_line_of_the_table(figures: Any) -> None:
    lost = wrong(engine, CASES, lambda case: (case.due, case.used, case.state))
    figures.record("deadlines worked out by hand", len(CASES), "cases")
    figures.record("of these judged otherwise", len(lost), "cases", goal="0", holds=not lost)


@pytest.mark.proof("sla")
def test_generated_histories(figures: Any, prove_full: bool) -> None:
    made = histories(2_000 if prove_full else 200)
    lost = wrong(engine, made, judge)
    for line in lost[:20]:
        print(line)
    figures.record("generated histories, minute by minute", len(made), "histories")
    figures.record("of these judged otherwise than by the reference", len(lost), "histories", goal="0", holds=not lost)


@pytest.mark.proof("sla")
def test_red_control_wall_clock_hours(figures: Any) -> None:
    lost = wrong(wall_clock, CASES, lambda case: (case.due, case.used, case.state))
    figures.record("red control: wall-clock hours, lines judged otherwise", len(lost), "cases", goal="> 50", holds=len(lost) > 50)


@pytest.mark.proof("sla")
def test_holidays_of_all_states(figures: Any) -> None:
    from service.calendars import holidays_of

    off = [f"{region} {year}" for region in REGIONS for year in range(2025, 2031) if _working(holidays_of(region, year)) != _working(holidays_by_law(region, year))]
    figures.record("states and parts of states with their holidays", len(REGIONS), "regions", goal="≥ 16", holds=set(STATES) <= set(REGIONS))
    figures.record("regions and years with other holidays than the law", len(off), "years", goal="0", holds=not off)


def _working(days: frozenset[date]) -> set[date]:
    """Holidays that cost a working day: some states name Sundays, too."""
    return {day for day in days if day.weekday() < 6}


def test_solved_while_it_waited_is_kept() -> None:
    start = moment("14.09.2026 09:00")
    pause = (start + timedelta(hours=1), None)
    found = sla.clock(calendar_of(Hours("NW")), timedelta(hours=4), opened=start, now=start + timedelta(days=1), pauses=[pause], stopped=start + timedelta(hours=6))
    assert (found.due, found.state, found.consumed) == (None, "met", timedelta(hours=1))


def test_a_calendar_that_never_opens_has_no_deadline() -> None:
    never = sla.Calendar(BERLIN, ((),) * 7)
    found = sla.clock(never, timedelta(hours=1), opened=datetime(2026, 9, 14, tzinfo=UTC), now=datetime(2026, 9, 20, tzinfo=UTC))
    assert (found.due, found.state, found.consumed) == (None, "running", timedelta(0))


def test_seconds_count() -> None:
    start = moment("14.09.2026 16:59") + timedelta(seconds=30)
    assert sla.after(calendar_of(Hours("NW")), start, timedelta(minutes=1)) == moment("15.09.2026 08:00") + timedelta(seconds=30)
