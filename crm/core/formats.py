"""Numbers, money and times as people read them, by the active language (Babel's CLDR data).

Pure functions for pages, PDFs and mails alike; the template filters in `templatetags/lotse.py` only call these. Nothing is
rounded silently except where a digit count is asked for (half up, as people do). A missing value is an en dash, a negative
number carries the true minus sign, and no unit is torn from its number (non-breaking spaces as CLDR sets them).
"""

from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Literal

from babel import Locale
from babel.dates import format_date, format_skeleton, format_time, format_timedelta
from babel.numbers import format_currency, format_decimal, format_percent
from django.conf import settings
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

DASH = "–"
Number = Decimal | int | float

_DAYS_UNTIL_MONTHS = 90  # "58 days ago" says more than "2 months ago"
_DAYS_UNTIL_YEARS = 700  # as does "13 months ago" than "1 year ago"
_NO_COUNTRIES = {"EU", "EZ", "UN", "XA", "XB", "ZZ", "QO"}  # CLDR names them all the same
_LEGAL_FORMS = {"gmbh", "ggmbh", "mbh", "ag", "kg", "ohg", "gbr", "eg", "se", "ltd", "inc", "llc", "plc"}


@lru_cache(maxsize=16)
def _parsed(language: str) -> Locale:
    return Locale.parse(language, sep="-")


def current_locale() -> Locale:
    """The Babel locale of the active language; the installation's language where none is active."""
    return _parsed(get_language() or settings.LANGUAGE_CODE)


def _round(value: Number, decimals: int) -> Decimal:
    return Decimal(str(value)).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)


def _digits(decimals: int) -> str:
    return "#,##0" + ("." + "0" * decimals if decimals else "")


def _minus(text: str) -> str:
    return text.replace("-", "−")


def money(amount: Number | None, currency: str, *, decimals: int | None = None, locale: Locale | None = None) -> str:
    """1234.5 EUR → '1.234,50 €' (de), '€1,234.50' (en). `currency` is the ISO 4217 code; `decimals` None means the
    currency's own number of minor digits (JPY 0)."""
    return DASH if amount is None else _money(amount or 0, currency, decimals, locale or current_locale())


@lru_cache(maxsize=1024)  # lists write the same sums again and again, and CLDR's patterns are slow; minus nothing is nothing before it comes here
def _money(amount: Number, currency: str, decimals: int | None, locale: Locale) -> str:
    if decimals is None:
        return _minus(format_currency(amount, currency, locale=locale))
    pattern = locale.currency_formats["standard"].pattern.replace("#,##0.00", _digits(decimals))
    return _minus(format_currency(_round(amount, decimals), currency, format=pattern, locale=locale, currency_digits=False))


def number(value: Number | None, decimals: int | None = None, *, locale: Locale | None = None) -> str:
    """1234567.5 → '1.234.567,5' (de), '1,234,567.5' (en); with `decimals` exactly so many digits, else up to three."""
    return DASH if value is None else _number(value or 0, decimals, locale or current_locale())


@lru_cache(maxsize=1024)
def _number(value: Number, decimals: int | None, locale: Locale) -> str:
    if decimals is None:
        return _minus(format_decimal(value, locale=locale))
    return _minus(format_decimal(_round(value, decimals), format=_digits(decimals), locale=locale))


def percent(share: Number | None, decimals: int = 0) -> str:
    """A share of 1: 0.6315 → '63 %' (de), '63%' (en); with 2 decimals '63,15 %'."""
    if share is None:
        return DASH
    locale = current_locale()
    unit = locale.percent_formats[None].pattern.split("0")[-1]
    return _minus(format_percent(_round(share, decimals + 2), format=_digits(decimals) + unit, locale=locale))


def day(value: date | datetime | None, locale: Locale | None = None) -> str:
    """24.12.2026 (de), Dec 24, 2026 (en); a datetime counts in the active time zone."""
    return DASH if value is None else _medium(_local_day(value), locale or current_locale())


@lru_cache(maxsize=1024)  # a page writes hundreds of days, most of them near today
def _medium(value: date, locale: Locale) -> str:
    return format_date(value, format="medium", locale=locale)


def long_day(value: date | datetime) -> str:
    """Donnerstag, 24. Dezember 2026 (de), Thursday, December 24, 2026 (en)."""
    return format_date(_local_day(value), format="full", locale=current_locale())


def short_day(value: date | datetime | None, locale: Locale | None = None) -> str:
    """24. Dez. (de), Dec 24 (en): where the year is clear from the place."""
    if value is None:
        return DASH
    return _short(_local_day(value), locale or current_locale())


@lru_cache(maxsize=1024)
def _short(value: date, locale: Locale) -> str:
    return format_skeleton("MMMd", datetime.combine(value, datetime.min.time()), tzinfo=UTC, locale=locale)


def clock(value: datetime | None, length: Literal["short", "medium"] = "short") -> str:
    """14:30 (de), 2:30 PM (en), medium with seconds, in the active time zone. CLDR's narrow space before PM is too thin to be seen in a small text."""
    if value is None:
        return DASH
    local = timezone.localtime(value)
    return _clock(time(local.hour, local.minute, local.second if length == "medium" else 0), length, current_locale())


@lru_cache(maxsize=1024)
def _clock(value: time, length: Literal["short", "medium"], locale: Locale) -> str:
    return format_time(value, format=length, locale=locale).replace("\u202f", "\u00a0")


def moment(value: datetime | None) -> str:
    """24.12.2026, 14:30 (de), Dec 24, 2026, 2:30 PM (en), in the active time zone."""
    return DASH if value is None else f"{day(value)}, {clock(value)}"


def second(value: datetime | None) -> str:
    """24.12.2026, 14:30:05 (de), Dec 24, 2026, 2:30:05 PM (en): where the order of steps is evidence."""
    return DASH if value is None else f"{day(value)}, {clock(value, 'medium')}"


class Moments:
    """Times as one page says them: now, time zone and language are asked once, and what was said of one day is said again."""

    def __init__(self, now: datetime | None = None) -> None:
        self.now, self.zone, self.locale = now or timezone.now(), timezone.get_current_timezone(), current_locale()
        self.today = self._local(self.now).date()
        self._days: dict[int, str] = {}

    def _local(self, value: datetime) -> datetime:
        return value.astimezone(self.zone) if value.tzinfo is not None else value

    def exact(self, value: date | datetime) -> str:
        """What stands in the tooltip of a relative time: a moment, or the day where there is no time of day."""
        if not isinstance(value, datetime):
            return _medium(value, self.locale)
        local = self._local(value)
        return f"{_medium(local.date(), self.locale)}, {_clock(time(local.hour, local.minute), 'short', self.locale)}"

    def relative(self, value: date | datetime) -> str:
        """How long ago or ahead in words: 'just now', '5 minutes ago', 'yesterday', '58 days ago', 'in 2 hours'.

        Calendar days of the time zone decide between today and yesterday; hours and minutes are used within a day only.
        """
        days = ((self._local(value).date() if isinstance(value, datetime) else value) - self.today).days
        if days == 0 and isinstance(value, datetime):
            seconds = (value - self.now).total_seconds()
            if abs(seconds) < 60:
                return _("just now")
            return _span(timedelta(seconds=seconds), "hour" if abs(seconds) >= 3_600 else "minute", self.locale)
        said = self._days.get(days)
        if said is None:
            said = self._days[days] = self._in_days(days)
        return said

    def _in_days(self, days: int) -> str:
        if -1 <= days <= 1:
            return {0: _("today"), -1: _("yesterday"), 1: _("tomorrow")}[days]
        unit: Literal["day", "month", "year"] = "day" if abs(days) < _DAYS_UNTIL_MONTHS else "month" if abs(days) < _DAYS_UNTIL_YEARS else "year"
        return _span(timedelta(days=days), unit, self.locale)


def relative(value: date | datetime | None, now: datetime | None = None) -> str:
    """`Moments.relative` of a single time."""
    return DASH if value is None else Moments(now).relative(value)


def _local_day(value: date | datetime) -> date:
    if isinstance(value, datetime):
        return (timezone.localtime(value) if timezone.is_aware(value) else value).date()
    return value


@lru_cache(maxsize=1024)
def _span(delta: timedelta, unit: Literal["year", "month", "day", "hour", "minute"], locale: Locale) -> str:
    return format_timedelta(delta, granularity=unit, threshold=10**9, add_direction=True, locale=locale)


@lru_cache(maxsize=16)
def countries(language: str) -> dict[str, str]:
    """ISO 3166 code → name of the country in `language` (CLDR)."""
    return {code: name for code, name in _parsed(language).territories.items() if len(code) == 2 and code.isalpha() and code not in _NO_COUNTRIES}


def country(code: str) -> str:
    """DE → Deutschland (de), Germany (en); a code that is none stands for itself."""
    return countries(get_language() or settings.LANGUAGE_CODE).get(code, code)


def initials(name: str) -> str:
    """Up to two letters for an avatar: 'Dr. Anke Schürmann' → 'AS', 'Bäckerei Hölscher GmbH' → 'BH'."""
    words = [word for word in name.split() if word[0].isalnum() and not word.endswith(".")]
    words = [word for word in words if word.lower() not in _LEGAL_FORMS] or words
    return (words[0][0] + words[-1][0] if len(words) > 1 else name.strip()[:1]).upper()
