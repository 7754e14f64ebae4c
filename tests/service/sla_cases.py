"""Sixty deadlines worked out by hand with a calendar on the table: the measure of `service.sla`.

A line reads: opened, target, what stopped the clock (pauses; a solved case that was reopened is a pause, too), looked at → due,
minutes used, state. Times are those of the wall in Berlin; where the wall shows a time twice the offset is written out. Business
hours are Monday to Friday 8 to 17 without a lunch break unless the calendar says otherwise; `None` as due: the clock rests.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

BERLIN = ZoneInfo("Europe/Berlin")
Spans = tuple[tuple[str, str], ...]

OFFICE: tuple[Spans, ...] = ((("08:00", "17:00"),),) * 5 + ((), ())
LUNCH: tuple[Spans, ...] = ((("08:00", "12:00"), ("13:00", "17:00")),) * 5 + ((), ())
ALWAYS: tuple[Spans, ...] = ((("00:00", "24:00"),),) * 7
NIGHTS: tuple[Spans, ...] = ((("00:00", "06:00"), ("22:00", "24:00")),) * 7


@dataclass(frozen=True)
class Hours:
    """A calendar: the region whose holidays close it ("" for none), its week, days closed ("05.06.2026") and days cut short every year ("24.12.")."""

    region: str
    week: tuple[Spans, ...] = OFFICE
    closed: tuple[str, ...] = ()
    short: tuple[tuple[str, tuple[str, str]], ...] = ()


XMAS = (("24.12.", ("08:00", "12:00")), ("31.12.", ("08:00", "12:00")))
CALENDARS: dict[str, Hours] = {
    **{
        region: Hours(region)
        for region in ("BB", "BE", "BW", "BY", "BY-K", "Augsburg", "HB", "HE", "HH", "MV", "NI", "NW", "RP", "SH", "SL", "SN", "SN-K", "ST", "TH", "TH-K")
    },
    "NW bridge": Hours("NW", closed=("05.06.2026",)),
    "NW lunch": Hours("NW", LUNCH),
    "NW xmas": Hours("NW", short=XMAS),
    "24/7": Hours("", ALWAYS),
    "nights": Hours("", NIGHTS),
}


@dataclass(frozen=True)
class Worked:
    """One line of the table, its times as instants."""

    name: str
    calendar: str
    opened: datetime
    target: int  # minutes
    pauses: tuple[tuple[datetime, datetime | None], ...]
    stopped: datetime | None
    now: datetime
    due: datetime | None
    used: int  # minutes
    state: str  # running | paused | met | broken
    hours: Hours = field(default_factory=lambda: Hours(""))


def moment(text: str) -> datetime:
    """"14.09.2026 09:00" on the wall in Berlin; "… 02:30+02:00" where the wall shows it twice."""
    if "+" in text:
        return datetime.strptime(text, "%d.%m.%Y %H:%M%z").astimezone(UTC)
    return datetime.strptime(text, "%d.%m.%Y %H:%M").replace(tzinfo=BERLIN).astimezone(UTC)


def _line(text: str) -> Worked:
    name, calendar, opened, target, pauses, stopped, now, due, used, state = (part.strip() for part in text.split("|"))
    gaps = [part.split(" to ") for part in pauses.split(";") if part.strip()]
    return Worked(
        name,
        calendar,
        moment(opened),
        round(float(target.removesuffix(" h")) * 60),
        tuple((moment(start.strip()), None if end.strip() == "…" else moment(end.strip())) for start, end in gaps),
        moment(stopped) if stopped else None,
        moment(now),
        None if due == "rests" else moment(due),
        int(used),
        state,
        CALENDARS[calendar],
    )


_TABLE = """
within one day | NW | 15.09.2026 09:00 | 4 h | | | 15.09.2026 10:00 | 15.09.2026 13:00 | 60 | running
due exactly at closing time | NW | 15.09.2026 08:00 | 9 h | | | 15.09.2026 16:59 | 15.09.2026 17:00 | 539 | running
one minute later it is the next morning | NW | 15.09.2026 08:01 | 9 h | | | 16.09.2026 08:00 | 16.09.2026 08:01 | 539 | running
closing time passed and nothing was done | NW | 15.09.2026 08:00 | 9 h | | | 15.09.2026 20:00 | 15.09.2026 17:00 | 540 | broken
opened before anybody is there | NW | 15.09.2026 06:30 | 1 h | | | 15.09.2026 08:00 | 15.09.2026 09:00 | 0 | running
opened in the evening | NW | 15.09.2026 18:00 | 1 h | | | 16.09.2026 08:30 | 16.09.2026 09:00 | 30 | running
opened at closing time | NW | 15.09.2026 17:00 | 1 h | | | 15.09.2026 23:00 | 16.09.2026 09:00 | 0 | running
over the weekend | NW | 18.09.2026 16:00 | 2 h | | | 19.09.2026 12:00 | 21.09.2026 09:00 | 60 | running
opened on a Sunday, looked at when due | NW | 20.09.2026 11:00 | 4 h | | | 21.09.2026 12:00 | 21.09.2026 12:00 | 240 | running
opened on a Sunday, a minute late | NW | 20.09.2026 11:00 | 4 h | | | 21.09.2026 12:01 | 21.09.2026 12:00 | 241 | broken
five days of nine hours are a week | NW | 14.09.2026 10:00 | 45 h | | | 18.09.2026 17:00 | 21.09.2026 10:00 | 2580 | running
solved a minute early | NW | 14.09.2026 10:00 | 8 h | | 15.09.2026 08:59 | 16.09.2026 12:00 | 15.09.2026 09:00 | 479 | met
solved at the very moment | NW | 14.09.2026 10:00 | 8 h | | 15.09.2026 09:00 | 16.09.2026 12:00 | 15.09.2026 09:00 | 480 | met
solved a minute late | NW | 14.09.2026 10:00 | 8 h | | 15.09.2026 09:01 | 16.09.2026 12:00 | 15.09.2026 09:00 | 481 | broken
due at the beginning of lunch | NW lunch | 14.09.2026 08:00 | 4 h | | | 14.09.2026 12:30 | 14.09.2026 12:00 | 240 | broken
over lunch | NW lunch | 14.09.2026 11:00 | 2 h | | | 14.09.2026 12:30 | 14.09.2026 14:00 | 60 | running
Corpus Christi in North Rhine-Westphalia | NW | 03.06.2026 16:00 | 2 h | | | 04.06.2026 12:00 | 05.06.2026 09:00 | 60 | running
Corpus Christi is a working day in Hamburg | HH | 03.06.2026 16:00 | 2 h | | | 04.06.2026 09:30 | 04.06.2026 09:00 | 150 | broken
Corpus Christi is a working day in most of Saxony | SN | 03.06.2026 16:00 | 2 h | | | 04.06.2026 08:30 | 04.06.2026 09:00 | 90 | running
Corpus Christi in Catholic parishes of Saxony | SN-K | 03.06.2026 16:00 | 2 h | | | 04.06.2026 08:30 | 05.06.2026 09:00 | 60 | running
Corpus Christi and the bridge day the house closes | NW bridge | 03.06.2026 16:00 | 2 h | | | 05.06.2026 12:00 | 08.06.2026 09:00 | 60 | running
Reformation Day in Saxony | SN | 30.10.2025 15:00 | 4 h | | | 31.10.2025 12:00 | 03.11.2025 10:00 | 120 | running
Reformation Day is a working day in North Rhine-Westphalia | NW | 30.10.2025 15:00 | 4 h | | | 31.10.2025 10:00 | 31.10.2025 10:00 | 240 | running
Reformation Day in Hamburg | HH | 30.10.2025 15:00 | 4 h | | | 03.11.2025 10:30 | 03.11.2025 10:00 | 270 | broken
All Saints in North Rhine-Westphalia, the clocks change before it | NW | 29.10.2027 16:00 | 2 h | | | 01.11.2027 12:00 | 02.11.2027 09:00 | 60 | running
All Saints is a working day in Saxony | SN | 29.10.2027 16:00 | 2 h | | | 01.11.2027 08:00 | 01.11.2027 09:00 | 60 | running
Day of Prayer in Saxony 2026 | SN | 17.11.2026 14:00 | 5 h | | | 18.11.2026 12:00 | 19.11.2026 10:00 | 180 | running
Day of Prayer in Saxony 2025, due at closing time | SN | 18.11.2025 16:00 | 10 h | | | 20.11.2025 17:00 | 20.11.2025 17:00 | 600 | running
Day of Prayer is a working day in Thuringia | TH | 17.11.2026 14:00 | 5 h | | | 18.11.2026 12:00 | 18.11.2026 10:00 | 420 | broken
Peace Festival in Augsburg | Augsburg | 07.08.2025 16:30 | 1 h | | | 08.08.2025 09:00 | 11.08.2025 08:30 | 30 | running
Peace Festival is a working day in the rest of Bavaria | BY | 07.08.2025 16:30 | 1 h | | | 08.08.2025 09:00 | 08.08.2025 08:30 | 90 | broken
Assumption Day in Catholic parishes of Bavaria | BY-K | 14.08.2025 12:00 | 9 h | | | 17.08.2025 10:00 | 18.08.2025 12:00 | 300 | running
Assumption Day is a working day in the other ones | BY | 14.08.2025 12:00 | 9 h | | | 15.08.2025 09:00 | 15.08.2025 12:00 | 360 | running
Assumption Day in the Saarland | SL | 14.08.2025 12:00 | 9 h | | | 18.08.2025 12:30 | 18.08.2025 12:00 | 570 | broken
Women's Day in Berlin | BE | 05.03.2027 16:00 | 2 h | | | 08.03.2027 12:00 | 09.03.2027 09:00 | 60 | running
Liberation Day in Berlin, once in 2025 | BE | 07.05.2025 16:00 | 2 h | | | 08.05.2025 12:00 | 09.05.2025 09:00 | 60 | running
Children's Day in Thuringia | TH | 17.09.2027 15:00 | 3 h | | | 21.09.2027 08:30 | 21.09.2027 09:00 | 150 | running
Epiphany in Saxony-Anhalt | ST | 05.01.2026 16:00 | 2 h | | | 06.01.2026 12:00 | 07.01.2026 09:00 | 60 | running
Good Friday to Easter Monday | MV | 02.04.2026 12:00 | 9 h | | | 04.04.2026 12:00 | 07.04.2026 12:00 | 300 | running
Ascension Day and a full Friday | RP | 13.05.2026 16:00 | 10 h | | | 15.05.2026 17:00 | 15.05.2026 17:00 | 600 | running
Unity Day, solved in time | NI | 02.10.2025 16:00 | 2 h | | 06.10.2025 08:45 | 07.10.2025 12:00 | 06.10.2025 09:00 | 105 | met
Christmas Eve is a half day | NW xmas | 23.12.2026 16:00 | 8 h | | | 24.12.2026 13:00 | 28.12.2026 11:00 | 300 | running
Christmas Eve where it is a day like any other | NW | 23.12.2026 16:00 | 8 h | | | 24.12.2026 13:00 | 24.12.2026 15:00 | 360 | running
due at the end of the half day, looked at in the afternoon | NW xmas | 23.12.2026 16:00 | 5 h | | | 24.12.2026 15:00 | 24.12.2026 12:00 | 300 | broken
New Year's Eve and New Year | NW xmas | 30.12.2026 15:00 | 7 h | | | 31.12.2026 14:00 | 04.01.2027 09:00 | 360 | running
a half day on a Sunday opens nothing | NW xmas | 22.12.2028 16:00 | 2 h | | | 24.12.2028 10:00 | 27.12.2028 09:00 | 60 | running
round the clock on a Sunday | 24/7 | 20.09.2026 11:00 | 24 h | | | 20.09.2026 23:00 | 21.09.2026 11:00 | 720 | running
round the clock, the day of 23 hours | 24/7 | 28.03.2026 12:00 | 24 h | | | 29.03.2026 12:00 | 29.03.2026 13:00 | 1380 | running
round the clock, the day of 25 hours | 24/7 | 24.10.2026 12:00 | 24 h | | | 25.10.2026 12:00 | 25.10.2026 11:00 | 1500 | broken
within the hour that comes twice | 24/7 | 25.10.2026 02:30+02:00 | 1 h | | | 25.10.2026 03:00+01:00 | 25.10.2026 02:30+01:00 | 90 | broken
a night shift in which an hour is missing | nights | 28.03.2026 22:00 | 7 h | | | 29.03.2026 04:00 | 29.03.2026 06:00 | 300 | running
a night shift with an hour twice | nights | 24.10.2026 22:00 | 8 h | | | 25.10.2026 02:30+01:00 | 25.10.2026 05:00 | 330 | running
office hours do not notice when clocks change | NW | 27.03.2026 16:00 | 3 h | | | 29.03.2026 12:00 | 30.03.2026 10:00 | 60 | running
waits for the customer | NW | 14.09.2026 09:00 | 8 h | 14.09.2026 12:00 to … | | 15.09.2026 12:00 | rests | 180 | paused
the customer answered | NW | 14.09.2026 09:00 | 8 h | 14.09.2026 12:00 to 15.09.2026 10:00 | | 15.09.2026 12:00 | 15.09.2026 15:00 | 300 | running
waited while nobody was there anyway | NW | 14.09.2026 09:00 | 10 h | 14.09.2026 18:00 to 15.09.2026 07:00 | | 15.09.2026 09:00 | 15.09.2026 10:00 | 540 | running
too late before it was made to wait | NW | 14.09.2026 09:00 | 2 h | 14.09.2026 12:00 to … | | 14.09.2026 16:00 | 14.09.2026 11:00 | 180 | broken
solved, reopened on a holiday, goes on with what is left | NW | 02.06.2026 15:00 | 6 h | 03.06.2026 09:00 to 04.06.2026 11:00 | | 04.06.2026 18:00 | 05.06.2026 11:00 | 180 | running
reopened twice and solved in time | NW | 14.09.2026 09:00 | 8 h | 14.09.2026 11:00 to 15.09.2026 09:00; 15.09.2026 10:00 to 17.09.2026 16:00 | 18.09.2026 11:59 | 21.09.2026 08:00 | 18.09.2026 12:00 | 479 | met
waited over the change of clocks, round the clock | 24/7 | 28.03.2026 20:00 | 10 h | 28.03.2026 22:00 to 29.03.2026 08:00 | | 29.03.2026 12:00 | 29.03.2026 16:00 | 360 | running
"""

CASES = [_line(text) for text in _TABLE.strip().splitlines()]
assert len(CASES) == 60, len(CASES)
