"""Numbers, money and dates as people write them, in German and English; which of it a column holds."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Literal, NamedTuple

from babel.numbers import list_currencies

KindName = Literal["empty", "number", "money", "date", "email", "phone", "url", "text"]


class Money(NamedTuple):
    """An amount and its ISO 4217 code, '' where none stands beside it."""

    amount: Decimal
    currency: str


@dataclass(frozen=True)
class Kind:
    """What a column holds. `format`: the decimal mark of numbers ('' = no mark seen), the strptime form of dates, else ''.

    `confidence` is the share of filled cells that fit, halved where the cells allow two readings and the language decided.
    """

    kind: KindName
    format: str
    confidence: float


_LONGEST = 40  # characters; a longer cell is none of these
_FITS = 0.9  # share of the filled cells that makes a kind
_BLANKS = " \u00a0\u202f\u2009"
_SIGN = re.compile(r"([+\-−]?)([^+\-−()]+)(-?)")
_MARKED = {
    mark: re.compile(rf"([0-9]{{1,3}}(?:(?P<group>[{group}'’{_BLANKS}])[0-9]{{3}})(?:(?P=group)[0-9]{{3}})*|[0-9]*)(?:[{mark}]([0-9]+))?")
    for mark, group in ((",", "."), (".", ","))
}


def read_number(text: str, decimal: str = "") -> Decimal | None:
    """The number, or None. `decimal` is the mark before the fraction; without it "1.234" could be either and is None."""
    text = text.strip()
    if len(text) > _LONGEST or not text:
        return None
    bracketed = text.startswith("(") and text.endswith(")")  # accountants' minus
    parts = _SIGN.fullmatch(text[1:-1] if bracketed else text)
    if not parts or (bracketed + bool(parts[1]) + bool(parts[3])) > 1:
        return None
    readings = {_unsigned(parts[2].strip(), mark) for mark in (decimal or ",.")} - {None}
    if len(readings) != 1:
        return None
    number = readings.pop()
    assert number is not None
    return -number if bracketed or parts[1] in ("-", "−") or parts[3] else number


def _unsigned(text: str, mark: str) -> Decimal | None:
    found = _MARKED[mark].fullmatch(text)
    if not found or not (found[1] or found[3]) or (found["group"] and text.startswith("0")):
        return None
    whole = re.sub(r"[^0-9]", "", found[1])
    return Decimal(f"{whole or 0}.{found[3]}" if found[3] else whole)


_SYMBOLS = {
    "€": "EUR",
    "EURO": "EUR",
    "$": "USD",
    "US$": "USD",
    "£": "GBP",
    "¥": "JPY",
    "FR.": "CHF",
    "SFR": "CHF",
    "ZŁ": "PLN",
    "KČ": "CZK",
}
_SYMBOLS |= {code: code for code in list_currencies()}
_MONEY = re.compile(
    r"(?P<sign>[-−]?)\s*(?P<before>[^\d\s.,'’()+−–—-]+\.?)?\s*(?P<number>[\d(+−-].*?|[.,]\d+)\s*(?P<after>[^\d\s.,'’()+−–—-]+\.?)?",
    re.ASCII,
)
_NO_CENTS = re.compile(r"([.,])(?:--?|–|—)$")


def read_money(text: str, decimal: str = "") -> Money | None:
    """The amount with its currency, before or after it, as sign, code or word; None where it is neither money nor a number."""
    if (plain := read_number(text, decimal)) is not None:
        return Money(plain, "")  # whatever is a number is an amount, too
    text = text.strip()
    found = _MONEY.fullmatch(text) if len(text) <= _LONGEST else None
    if not found or (found["before"] and found["after"]):
        return None
    unit = found["before"] or found["after"]
    currency = _SYMBOLS.get(unit.upper(), "") if unit else ""
    number = found["number"]
    if dash := _NO_CENTS.search(number):
        number, decimal = number[: dash.start()], decimal or dash[1]
    amount = read_number(found["sign"] + number, decimal)
    return None if amount is None or bool(unit) != bool(currency) else Money(amount, currency)


_MONTHS = {
    name: number
    for number, names in enumerate(
        ("jan januar january jän jänner", "feb februar february", "mär mrz mar märz march maerz", "apr april", "mai may", "jun juni june",
         "jul juli july", "aug august", "sep sept september", "okt oct oktober october", "nov november", "dez dec dezember december"), 1)
    for name in names.split()
}  # fmt: skip
_TIME = r"(?:[T ,]+[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?(?:\s?[AaPp]\.?[Mm]\.?)?(?:\s?Z|\s?[+-][0-9]{2}:?[0-9]{2})?)?"
_NUMERIC = re.compile(rf"([0-9]{{1,4}})([./-])([0-9]{{1,2}})\2([0-9]{{2}}|[0-9]{{4}}){_TIME}")
_DAY_FIRST = re.compile(rf"([0-9]{{1,2}})[. -]+([^\W\d_]+)[. -]+([0-9]{{2}}|[0-9]{{4}}){_TIME}")
_MONTH_FIRST = re.compile(rf"([^\W\d_]+)\.? ([0-9]{{1,2}}),? ([0-9]{{4}}){_TIME}")
_COMPACT = re.compile(r"((?:19|20)[0-9]{2})([0-9]{2})([0-9]{2})")
_IN_WORDS = "%d %B %Y"


def read_date(text: str, form: str = "", *, language: str = "de") -> date | None:
    """The day, a time behind it ignored; None where there is none. `form` as from `guess_kind`; without it a doubtful 03/04 is
    read day first in German, month first in English."""
    readings = _dates(text.strip())
    if form:
        return readings.get(form)
    readings.pop("%Y%m%d", None)  # eight digits are a date only where the whole column says so
    return readings[min(readings, key=lambda form: _rank(form, language))] if readings else None


def _rank(form: str, language: str) -> int:
    first = "%d" if language.startswith("de") else "%m"
    return 0 if form.startswith(first) else 1


def _dates(text: str) -> dict[str, date]:
    """Every form in which the text is a day."""
    if len(text) > _LONGEST:
        return {}
    if found := _NUMERIC.fullmatch(text):
        first, mark, second, third = found[1], found[2], found[3], found[4]
        year = "%Y" if len(third) == 4 else "%y"
        forms = {}
        if len(first) == 4 and mark != "." and len(third) == 2:
            forms[f"%Y{mark}%m{mark}%d"] = _day(first, second, third)
        if len(first) <= 2:
            forms[f"%d{mark}%m{mark}{year}"] = _day(third, second, first)
            if mark != ".":
                forms[f"%m{mark}%d{mark}{year}"] = _day(third, first, second)
        return {form: day for form, day in forms.items() if day}
    if found := _COMPACT.fullmatch(text):
        day, form = _day(found[1], found[2], found[3]), "%Y%m%d"
    elif found := _DAY_FIRST.fullmatch(text):
        day, form = _day(found[3], _MONTHS.get(found[2].lower(), 0), found[1]), _IN_WORDS
    elif found := _MONTH_FIRST.fullmatch(text):
        day, form = _day(found[3], _MONTHS.get(found[1].lower(), 0), found[2]), _IN_WORDS
    else:
        return {}
    return {form: day} if day else {}


def _day(year: str | int, month: str | int, day: str | int) -> date | None:
    number = int(year)
    if len(str(year)) <= 2:
        number += 1900 if number >= 69 else 2000  # as POSIX strptime
    try:
        return date(number, int(month), int(day)) if number >= 1000 else None
    except ValueError:
        return None


_EMAIL = re.compile(r"[^\s@,;<>]+@[^\s@,;<>]+\.[^\s@,;<>.]{2,}")
_URL = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_PHONE = re.compile(r"(?:\+|\(?0)[0-9 ()/.\-\u00a0]{6,}")
_PUNCTUATED = re.compile(r"^\+|[ ()/\-]")
_PADDED = re.compile(r"0[0-9]+")  # postcodes and numbers of things, to be kept as text


def guess_kind(values: Sequence[str], *, language: str = "de") -> Kind:
    """What these cells of one column hold. Where cells allow two readings (1.100, 03/04), `language` decides and confidence is ≤ 0.5."""
    filled = [value.strip() for value in values if value.strip()]
    if not filled:
        return Kind("empty", "", 1.0)
    for guess in (_as_date(filled, language), _as_pattern(filled), _as_number(filled, language)):
        if guess:
            return guess
    return Kind("text", "", 1.0)


def _share(filled: Sequence[str], fits: Callable[[str], object]) -> float:
    return round(sum(bool(fits(value)) for value in filled) / len(filled), 3)


def _as_date(filled: list[str], language: str) -> Kind | None:
    days = [_dates(value) for value in filled]
    shares = {form: sum(form in day for day in days) / len(days) for form in {form for day in days for form in day}}
    if not shares:
        return None
    best = max(shares, key=lambda form: (shares[form], -_rank(form, language), form))
    if shares[best] < (1 if best == "%Y%m%d" else _FITS):
        return None
    rivals = [form for form in shares if shares[form] == shares[best] and any(day.get(form) != day.get(best) for day in days)]
    return Kind("date", best, round(shares[best] / (2 if rivals else 1), 3))


def _as_pattern(filled: list[str]) -> Kind | None:
    patterns: list[tuple[KindName, re.Pattern[str]]] = [("email", _EMAIL), ("url", _URL), ("phone", _PHONE)]
    for kind, pattern in patterns:
        share = _share(filled, pattern.fullmatch)
        if share >= _FITS and (kind != "phone" or _share(filled, _PUNCTUATED.search) >= 0.5):
            return Kind(kind, "", share)
    return None


def _as_number(filled: list[str], language: str) -> Kind | None:
    if any(_PADDED.fullmatch(value) for value in filled):
        return None
    shares = {mark: _share(filled, partial(read_money, decimal=mark)) for mark in ",."}
    share = max(shares.values())
    if share < _FITS:
        return None
    kind: KindName = (
        "money" if any(money.currency for value in filled if (money := read_money(value, ",") or read_money(value, "."))) else "number"
    )
    if not any(mark in value for value in filled for mark in ",."):
        return Kind(kind, "", share)
    if shares[","] != shares["."]:
        return Kind(kind, max(shares, key=lambda mark: shares[mark]), share)
    return Kind(kind, "," if language.startswith("de") else ".", share / 2)
