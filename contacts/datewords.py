"""Due dates in words, before or after a task: "Mo 9 Anruf", "übermorgen 14:30 Angebot", "call Tom on Friday at 9am".

German and English are understood side by side, whatever language the reader has set. A day without a time means nine o'clock, today
without a time means now; a weekday is the next one, today only with a time still to come; a day and month without a year is the next one.
A bare number counts as an hour from 6 to 21 and only right after a day ("Mo 9"). What could be two things (5/6) is left alone.
"""

import re
from calendar import monthrange
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple


class Due(NamedTuple):
    """The moment, in the time zone of `now`, and what is left of the text."""

    at: datetime
    rest: str


MORNING = time(9)
_LONGEST = 1000  # characters; a longer text is no task with a date


def read_due(text: str, now: datetime) -> Due | None:
    """The due date at the beginning of `text`, else at its end; None if there is none. `now` is aware and in the reader's time zone."""
    if now.tzinfo is None:
        raise ValueError("now must be aware")
    text = text.strip()
    if len(text) > _LONGEST:
        return None
    for found, resolve in _candidates(text):
        try:
            at = resolve(found, now.replace(second=0, microsecond=0))
            if at is not None:
                # Through UTC: a time the clocks skip in spring becomes the one they show then.
                at = at.astimezone(UTC).astimezone(now.tzinfo)
        except (ValueError, OverflowError, KeyError):  # no such day, beyond the calendar, or a letter that only looks like ours (ſo)
            continue
        if at is not None:
            rest = text[found.end() :] if found.start() == 0 else text[: found.start()]
            return Due(at, rest.strip(_SEPARATORS).strip())
    return None


# --- pieces ---------------------------------------------------------------------------------------------------------------------------

_SEPARATORS = " \t\n,:;–-"
_WEEKDAYS = {
    word: number
    for number, words in enumerate(
        ("montag monday mo mon", "dienstag tuesday di tue tues", "mittwoch wednesday mi wed", "donnerstag thursday do thu thurs",
         "freitag friday fr fri", "samstag sonnabend saturday sa sat", "sonntag sunday so sun")
    )
    for word in words.split()
}  # fmt: skip
# Words of their own, names, or "Frau": days only where a time follows.
_ALSO_WORDS = ("di", "do", "so", "sun", "sat", "wed", r"fr\.")
_MONTHS = {
    word: number
    for number, words in enumerate(
        ("januar january jan jänner", "februar february feb", "märz maerz march mär mrz mar", "april apr", "mai may", "juni june jun", "juli july jul",
         "august aug", "september sept sep", "oktober october okt oct", "november nov", "dezember december dez dec"), 1)
    for word in words.split()
}  # fmt: skip
_NUMBERS = {
    word: number
    for number, words in enumerate(
        ("ein eine einem einen einer a an one", "zwei two", "drei three", "vier four", "fünf fuenf five", "sechs six", "sieben seven", "acht eight",
         "neun nine", "zehn ten", "elf eleven", "zwölf zwoelf twelve"), 1)
    for word in words.split()
}  # fmt: skip
_PARTS = {
    "früh": 8, "frueh": 8, "morning": 9, "vormittag": 9, "vormittags": 9, "mittag": 12, "mittags": 12, "noon": 12, "midday": 12,
    "nachmittag": 14, "nachmittags": 14, "afternoon": 14, "abend": 18, "abends": 18, "evening": 18,
}  # fmt: skip


def _any(words: dict[str, int]) -> str:
    return "|".join(sorted(words, key=len, reverse=True))


_DAY = rf"(?P<weekday>{_any({word: n for word, n in _WEEKDAYS.items() if word not in _ALSO_WORDS})})"
_CLEAR_TIME = (
    r"(?:(?P<hour>\d{1,2}):(?P<minute>\d{2})(?:\s?(?P<half>[ap]m)\b)?(?:\s?Uhr\b)?"
    r"|(?P<hour2>\d{1,2})\s?(?:(?P<half2>[ap]m)|Uhr(?:\s(?P<minute2>\d{2})\b)?)"
    r"|halb\s(?P<before>\d{1,2}))"
)
_TIME = rf"(?:(?:um|at|gegen|ab|@)\s+)?(?:{_CLEAR_TIME}|(?P<part>{_any(_PARTS)})|(?P<hour3>\d{{1,2}})\.(?P<minute3>\d{{2}})|(?P<bare>[6-9]|1\d|2[01]))"
_LEAD = r"(?:(?:am|bis|zum|ab|on|by|until|due|the|fällig)\s+){0,2}"
_THEN = r"(?:,?\s+"
_STOP = r"(?=[\s,:;!]|$)"
_NEXT = r"(?:nächste|naechste|kommende|diese|next|this|coming)[rnms]?\s+"
_NEXT_WEEK = r"(?:nächster?|naechster?|kommender?|next)\s+(?:woche|week)"
_YEAR = r"(?:,?\s+(?P<year>20\d\d))?"


def _time(found: re.Match[str]) -> time | None:
    """The time named, None without one; ValueError if there is no such time."""
    groups = found.groupdict()
    if groups.get("part"):
        return time(_PARTS[groups["part"].lower()])
    if groups.get("before"):
        return time(int(groups["before"]) - 1, 30)
    hour = next((groups[name] for name in ("hour", "hour2", "hour3", "bare") if groups.get(name)), None)
    if hour is None:
        return None
    minute = next((groups[name] for name in ("minute", "minute2", "minute3") if groups.get(name)), "0")
    half = groups.get("half") or groups.get("half2")
    if half and not 1 <= int(hour) <= 12:
        raise ValueError(hour)
    return time(int(hour) % 12 + 12 * (half.lower() == "pm") if half else int(hour), int(minute))


def _on(day: date, found: re.Match[str], now: datetime, default: time = MORNING) -> datetime:
    said = _time(found)
    at = datetime.combine(day, said or default, now.tzinfo)
    return max(at, now) if said is None and day == now.date() else at


# --- forms ----------------------------------------------------------------------------------------------------------------------------

Resolve = Callable[[re.Match[str], datetime], datetime | None]


def _relative_day(found: re.Match[str], now: datetime) -> datetime:
    word = " ".join(found["relative"].lower().split())
    days = 2 if word in ("übermorgen", "uebermorgen", "day after tomorrow") else 1 if word in ("morgen", "tomorrow") else 0
    return _on(now.date() + timedelta(days=days), found, now, time(18) if word == "tonight" else MORNING)


def _weekday(found: re.Match[str], now: datetime) -> datetime:
    ahead = (_WEEKDAYS[found["weekday"].lower().rstrip(".")] - now.weekday()) % 7
    at = _on(now.date() + timedelta(days=ahead), found, now)
    return at if ahead or (_time(found) and at > now) else _on(now.date() + timedelta(days=7), found, now)


def _next_week(found: re.Match[str], now: datetime) -> datetime:
    monday = now.date() + timedelta(days=7 - now.weekday())
    return _on(monday + timedelta(days=_WEEKDAYS[found["weekday"].lower()] if found["weekday"] else 0), found, now)


def _next_month(found: re.Match[str], now: datetime) -> datetime:
    return _on(_months_later(now.date().replace(day=1), 1), found, now)


def _end_of(found: re.Match[str], now: datetime) -> datetime:
    today = now.date()
    if found["span"] and found["span"].lower() in ("woche", "week"):
        return _on(today + timedelta(days=(4 - today.weekday()) % 7), found, now)
    return _on(today.replace(day=monthrange(today.year, today.month)[1]), found, now)


def _in_days(found: re.Match[str], now: datetime) -> datetime:
    count, unit, today = _count(found), found["unit"].lower(), now.date()
    if unit.startswith(("tag", "day")):
        return _on(today + timedelta(days=count), found, now)
    if unit.startswith(("woche", "week")):
        return _on(today + timedelta(weeks=count), found, now)
    return _on(_months_later(today, count * (12 if unit.startswith(("jahr", "year")) else 1)), found, now)


def _in_hours(found: re.Match[str], now: datetime) -> datetime:
    count = _count(found)
    step = timedelta(minutes=count) if found["unit"].lower().startswith("min") else timedelta(hours=count)
    return now.astimezone(UTC) + step


def _count(found: re.Match[str]) -> int:
    return _NUMBERS.get(found["count"].lower()) or int(found["count"])


def _months_later(day: date, count: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _week_of_year(found: re.Match[str], now: datetime) -> datetime:
    week, year = int(found["week"]), now.isocalendar().year
    monday = date.fromisocalendar(year, week, 1)
    return _on(monday if monday + timedelta(days=6) >= now.date() else date.fromisocalendar(year + 1, week, 1), found, now)


def _calendar_day(found: re.Match[str], now: datetime) -> datetime | None:
    groups = found.groupdict()
    if groups.get("name"):
        day, month = int(groups["day"]), _MONTHS[groups["name"].lower()]
    elif groups.get("slash"):
        day, month = int(groups["day"]), int(groups["month"])
        if day <= 12 < month:
            day, month = month, day
        elif day <= 12 and day != month:
            return None  # 5/6 is in May or in June
    else:
        day, month = int(groups["day"]), int(groups["month"])
    if groups.get("year"):
        year = int(groups["year"])
        return _on(date(year if year > 99 else 2000 + year, month, day), found, now)
    for year in range(now.year, now.year + 9):  # 29.2. may be eight years away
        if day <= monthrange(year, month)[1] and (coming := date(year, month, day)) >= now.date():
            return _on(coming, found, now)
    return None


def _clock(found: re.Match[str], now: datetime) -> datetime:
    at = _on(now.date(), found, now)
    return at if at > now else _on(now.date() + timedelta(days=1), found, now)


_OPTIONAL, _REQUIRED = rf"{_THEN}{_TIME})?", rf"{_THEN}{_TIME})"
_COUNT = rf"in\s+(?P<count>\d{{1,4}}|{_any(_NUMBERS)})\s+"
_SPOKEN_DAY = rf"(?P<day>\d{{1,2}})(?:\.|th|st|nd|rd)?\s+(?P<name>{_any(_MONTHS)})\.?{_YEAR}"
_SPOKEN_MONTH = rf"(?P<name>{_any(_MONTHS)})\.?\s+(?P<day>\d{{1,2}})(?:th|st|nd|rd)?{_YEAR}"
_DAY_BEFORE = rf"(?:(?:{_any(_WEEKDAYS)})\.?,?\s+(?:den\s+|the\s+)?)?"
_FORMS: list[tuple[str, Resolve]] = [
    (rf"(?P<relative>übermorgen|uebermorgen|day\s+after\s+tomorrow|morgen|tomorrow|heute|today|tonight){_OPTIONAL}", _relative_day),
    (rf"(?:{_NEXT})?(?!fr\.){_DAY}\.?{_OPTIONAL}", _weekday),
    (rf"(?:{_NEXT})?(?P<weekday>{'|'.join(_ALSO_WORDS)})\.?{_REQUIRED}", _weekday),
    (rf"{_NEXT_WEEK}(?:\s+(?:on\s+|am\s+)?(?P<weekday>{_any(_WEEKDAYS)}))?{_OPTIONAL}", _next_week),
    (rf"(?P<weekday>{_any(_WEEKDAYS)})\s+{_NEXT_WEEK}{_OPTIONAL}", _next_week),
    (rf"(?:nächste[nrms]?|naechste[nrms]?|kommende[nrms]?|next)\s+(?:monat|month){_OPTIONAL}", _next_month),
    (rf"(?:ende\s+(?:der|des)|end\s+of(?:\s+the)?)\s+(?P<span>woche|week|monats|month){_OPTIONAL}", _end_of),
    (rf"(?P<span>monatsende){_OPTIONAL}", _end_of),
    (rf"{_COUNT}(?P<unit>tag(?:en|e)?|days?|wochen?|weeks?|monat(?:en|e)?|months?|jahr(?:en|e)?|years?){_OPTIONAL}", _in_days),
    (rf"{_COUNT}(?P<unit>stunden?|std\.?|hours?|h|minuten?|minutes?|min\.?)", _in_hours),
    (rf"(?:KW|CW)\s?(?P<week>\d{{1,2}}){_OPTIONAL}", _week_of_year),
    (rf"{_DAY_BEFORE}(?P<day>\d{{1,2}})\.\s?(?P<month>\d{{1,2}})(?:\.(?P<year>\d{{4}}|\d{{2}})?)?{_OPTIONAL}", _calendar_day),
    (rf"{_DAY_BEFORE}(?P<day>\d{{1,2}})(?P<slash>/)(?P<month>\d{{1,2}})(?:/(?P<year>\d{{4}}|\d{{2}}))?{_OPTIONAL}", _calendar_day),
    (rf"{_DAY_BEFORE}(?P<year>\d{{4}})-(?P<month>\d{{1,2}})-(?P<day>\d{{1,2}}){_OPTIONAL}", _calendar_day),
    (rf"{_DAY_BEFORE}{_SPOKEN_DAY}{_OPTIONAL}", _calendar_day),
    (rf"{_DAY_BEFORE}{_SPOKEN_MONTH}{_OPTIONAL}", _calendar_day),
    (rf"(?:(?:um|at)\s+)?(?:{_CLEAR_TIME}|(?P<part>mittags|noon))", _clock),
]
_AT_START = [(re.compile(rf"{_LEAD}(?:{form}){_STOP}", re.IGNORECASE), resolve) for form, resolve in _FORMS]
_AT_END = [(re.compile(rf"(?<!\S){_LEAD}(?:{form})$", re.IGNORECASE), resolve) for form, resolve in _FORMS]


def _candidates(text: str) -> Iterator[tuple[re.Match[str], Resolve]]:
    """Every reading at the beginning, the longest first, then every reading at the end."""
    starts = [(found, resolve) for pattern, resolve in _AT_START if (found := pattern.match(text))]
    yield from sorted(starts, key=lambda pair: -pair[0].end())
    ends = [(found, resolve) for pattern, resolve in _AT_END if (found := pattern.search(text))]
    yield from sorted(ends, key=lambda pair: pair[0].start())
