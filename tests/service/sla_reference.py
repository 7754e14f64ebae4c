"""The slow reference of `service.sla`: it looks at every minute by itself and knows the holidays from the laws, not from a library.

`judge` walks from the opening on, minute by minute, and asks of each: is somebody there, and does the clock run? `histories` makes
histories of cases from a seed: all states, clocks that change, half days, pauses, reopenings.
"""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from tests.service.sla_cases import ALWAYS, BERLIN, CALENDARS, LUNCH, NIGHTS, OFFICE, XMAS, Hours, Worked

MINUTE = timedelta(minutes=1)
STATES = ["BB", "BE", "BW", "BY", "HB", "HE", "HH", "MV", "NI", "NW", "RP", "SH", "SL", "SN", "ST", "TH"]
REGIONS = [*STATES, "BY-K", "Augsburg", "SN-K", "TH-K"]
LONGEST = 60 * 24 * 60  # minutes after which the walk gives up


def easter(year: int) -> date:
    """Easter Sunday, after Gauss in the form of Lichtenberg."""
    century = year // 100
    shift = 15 + (3 * century + 3) // 4 - (8 * century + 13) // 25
    sun = 2 - (3 * century + 3) // 4
    moon = year % 19
    seed = (19 * moon + shift) % 30
    correction = (seed + moon // 11) // 29
    border = 21 + seed - correction
    sunday = 7 - (year + year // 4 + sun) % 7
    return date(year, 3, 1) + timedelta(days=border + 7 - (border - sunday) % 7 - 1)


@lru_cache
def holidays_by_law(region: str, year: int) -> frozenset[date]:
    """The public holidays of a region, for the years from 2025 on."""
    if not region:
        return frozenset()
    sunday = easter(year)
    state = {"Augsburg": "BY"}.get(region, region[:2])
    days = {sunday + timedelta(days=n) for n in (-2, 1, 39, 50)}  # Good Friday, Easter Monday, Ascension Day, Whit Monday
    days |= {date(year, month, day) for month, day in ((1, 1), (5, 1), (10, 3), (12, 25), (12, 26))}
    if state in {"BW", "BY", "ST"}:
        days.add(date(year, 1, 6))
    if state in {"BE", "MV"}:
        days.add(date(year, 3, 8))
    if state == "BE":
        days |= {day for day in (date(2025, 5, 8), date(2028, 6, 17)) if day.year == year}  # once each
    if state == "BB":
        days |= {sunday, sunday + timedelta(days=49)}  # Easter and Whit Sunday by name, which counts where Sundays are worked
    if state in {"BW", "BY", "HE", "NW", "RP", "SL"} or region in {"SN-K", "TH-K"}:
        days.add(sunday + timedelta(days=60))  # Corpus Christi
    if region == "Augsburg":
        days.add(date(year, 8, 8))
    if region in {"SL", "BY-K", "Augsburg"}:
        days.add(date(year, 8, 15))
    if state == "TH":
        days.add(date(year, 9, 20))
    if state in {"BB", "HB", "HH", "MV", "NI", "SH", "SN", "ST", "TH"}:
        days.add(date(year, 10, 31))
    if state in {"BW", "BY", "NW", "RP", "SL"}:
        days.add(date(year, 11, 1))
    if state == "SN":
        before = date(year, 11, 22)
        days.add(before - timedelta(days=(before.weekday() - 2) % 7))  # the Wednesday before 23 November
    return frozenset(days)


def _clock(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def is_open(hours: Hours, wall: datetime) -> bool:
    """Is somebody there in the minute that begins at this time on the wall?"""
    day = wall.date()
    if day in holidays_by_law(hours.region, day.year) or f"{day:%d.%m.%Y}" in hours.closed:
        return False
    at = wall.hour * 60 + wall.minute
    for yearly, (start, end) in hours.short:
        if f"{day:%d.%m.}" == yearly and not _clock(start) <= at < _clock(end):
            return False
    return any(_clock(start) <= at < _clock(end) for start, end in hours.week[day.weekday()])


def judge(case: Worked) -> tuple[datetime | None, int, str]:
    """(due, minutes used until looked at, state), one minute after the other."""
    at, counted, used, due = case.opened.astimezone(UTC), 0, 0, None
    now, stopped = case.now.astimezone(UTC), case.stopped.astimezone(UTC) if case.stopped else None
    pauses = [(start.astimezone(UTC), end.astimezone(UTC) if end else None) for start, end in case.pauses]
    for _minute in range(LONGEST):
        if at >= now and (due is not None or any(end is None for _start, end in pauses)):
            break
        resting = any(start <= at and (end is None or at < end) for start, end in pauses)
        if not resting and is_open(case.hours, at.astimezone(BERLIN)):
            counted += 1
            if at < now and (stopped is None or at < stopped):
                used += 1
            if counted == case.target:
                due = at + MINUTE
        at += MINUTE
    if due is not None and (stopped or now) > due:
        state = "broken"
    elif stopped is not None:
        state = "met"
    else:
        state = "paused" if any(end is None for _start, end in pauses) else "running"
    return due, used, state


_NEAR = [  # days around which something happens somewhere
    "02.01.2025", "04.03.2025", "29.03.2025", "17.04.2025", "07.05.2025", "28.05.2025", "18.06.2025", "07.08.2025", "13.08.2025", "18.09.2025", "02.10.2025", "24.10.2025",
    "30.10.2025", "18.11.2025", "22.12.2025", "30.12.2025", "05.01.2026", "27.03.2026", "02.04.2026", "29.04.2026", "13.05.2026", "22.05.2026", "03.06.2026", "23.10.2026",
    "17.11.2026", "23.12.2026", "04.01.2027", "05.03.2027", "24.03.2027", "26.05.2027", "16.09.2027", "28.10.2027", "16.11.2027", "23.12.2027",
]  # fmt: skip


def histories(count: int, seed: int = 20260915) -> list[Worked]:
    """`count` histories: each region in turn, one of six calendars, zero to three pauses, perhaps solved, looked at some time later."""
    dice = random.Random(seed)
    return [_history(dice, number) for number in range(count)]


def _history(dice: random.Random, number: int) -> Worked:
    region = REGIONS[number % len(REGIONS)]
    near = datetime.strptime(dice.choice(_NEAR), "%d.%m.%Y").date()
    week = dice.choice([OFFICE, OFFICE, OFFICE, LUNCH, ALWAYS, NIGHTS])
    closed = (f"{near + timedelta(days=dice.randint(0, 4)):%d.%m.%Y}",) if dice.random() < 0.2 else ()
    hours = Hours(region if dice.random() < 0.9 else "", week, closed, XMAS if dice.random() < 0.3 else ())
    opened = datetime.combine(near, time(), tzinfo=UTC) + timedelta(minutes=dice.choice([dice.randint(0, 4320), dice.randint(6 * 60, 17 * 60), 420, 960]))
    target = dice.choice([15, 60, 120, 240, 480, 540, 1080, dice.randint(1, 1500)])
    at, pauses = opened, []
    for _pause in range(dice.choice([0, 0, 1, 1, 2, 3])):
        start = at + timedelta(minutes=dice.randint(1, 900))
        at = start + timedelta(minutes=dice.choice([dice.randint(1, 120), dice.randint(1, 2880)]))
        pauses.append((start, at))
    stopped = None
    if pauses and dice.random() < 0.25:
        at, pauses[-1] = pauses[-1][0], (pauses[-1][0], None)
    elif dice.random() < 0.5:
        stopped = at = at + timedelta(minutes=dice.randint(1, 2400))
    now = at + timedelta(minutes=dice.randint(0, 2000))
    return Worked(f"history {number}", "", opened, target, tuple(pauses), stopped, now, None, 0, "", hours)


def wall_clock(case: Worked) -> tuple[datetime | None, int, str]:
    """The red control: a deadline that counts every hour, as if nobody ever went home."""
    due = case.opened + timedelta(minutes=case.target)
    until = case.stopped or case.now
    return due, int((until - case.opened) / MINUTE), "broken" if until > due else "met" if case.stopped else "running"


assert CALENDARS["24/7"].week == ALWAYS
