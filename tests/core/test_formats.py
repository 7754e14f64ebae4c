"""Numbers, money and times read as people of each language write them."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.template import Context, Template
from django.utils import timezone, translation

from crm.core import formats

NOW = datetime(2026, 9, 15, 9, 40, tzinfo=UTC)
NBSP = "\N{NO-BREAK SPACE}"


@pytest.fixture(params=["de", "en"])
def language(request):
    with translation.override(request.param), timezone.override("Europe/Berlin"):
        yield request.param


def pick(language, de, en):
    return de if language == "de" else en


@pytest.mark.parametrize(
    ("amount", "currency", "decimals", "de", "en"),
    [
        (Decimal("1234.5"), "EUR", None, f"1.234,50{NBSP}€", "€1,234.50"),
        (Decimal("-1234.5"), "EUR", None, f"−1.234,50{NBSP}€", "−€1,234.50"),
        (Decimal("1234.5"), "EUR", 0, f"1.235{NBSP}€", "€1,235"),
        (Decimal("2.5"), "EUR", 0, f"3{NBSP}€", "€3"),
        (1234, "JPY", None, f"1.234{NBSP}¥", "¥1,234"),
        (Decimal("10005534"), "USD", 0, f"10.005.534{NBSP}$", "$10,005,534"),
        (None, "EUR", None, "–", "–"),
    ],
)
def test_money(language, amount, currency, decimals, de, en):
    assert formats.money(amount, currency, decimals=decimals) == pick(language, de, en)


@pytest.mark.parametrize(
    ("value", "decimals", "de", "en"),
    [
        (12345, None, "12.345", "12,345"),
        (Decimal("-1234567.5"), None, "−1.234.567,5", "−1,234,567.5"),
        (3, 2, "3,00", "3.00"),
        (Decimal("0.125"), 2, "0,13", "0.13"),
        (None, None, "–", "–"),
    ],
)
def test_number(language, value, decimals, de, en):
    assert formats.number(value, decimals) == pick(language, de, en)


def test_country(language):
    assert (formats.country("DE"), formats.country("AT")) == pick(language, ("Deutschland", "Österreich"), ("Germany", "Austria"))
    assert (formats.country(""), formats.country("ZZ"), formats.country("EU")) == ("", "ZZ", "EU")
    assert {"DE", "AT", "CH", "GB", "US"} <= set(formats.countries(language))


def test_percent(language):
    assert formats.percent(Decimal("0.63152")) == pick(language, f"63{NBSP}%", "63%")
    assert formats.percent(Decimal("0.63152"), 2) == pick(language, f"63,15{NBSP}%", "63.15%")
    assert formats.percent(12) == pick(language, f"1.200{NBSP}%", "1,200%")
    assert formats.percent(None) == "–"


def test_days_and_moments_count_in_the_active_time_zone(language):
    late = datetime(2026, 12, 23, 23, 30, tzinfo=UTC)
    assert formats.day(late) == pick(language, "24.12.2026", "Dec 24, 2026")
    assert formats.moment(late) == pick(language, "24.12.2026, 00:30", f"Dec 24, 2026, 12:30{NBSP}AM")
    assert formats.second(late) == pick(language, "24.12.2026, 00:30:00", f"Dec 24, 2026, 12:30:00{NBSP}AM")
    assert formats.second(late + timedelta(seconds=7.9)) == pick(language, "24.12.2026, 00:30:07", f"Dec 24, 2026, 12:30:07{NBSP}AM")
    assert formats.clock(late + timedelta(seconds=7.9)) == formats.clock(late)
    assert formats.short_day(late) == pick(language, "24. Dez.", "Dec 24")
    assert formats.long_day(date(2026, 12, 24)) == pick(language, "Donnerstag, 24. Dezember 2026", "Thursday, December 24, 2026")


@pytest.mark.parametrize(
    ("delta", "de", "en"),
    [
        (timedelta(minutes=-5), "vor 5 Minuten", "5 minutes ago"),
        (timedelta(hours=2), "in 2 Stunden", "in 2 hours"),
        (timedelta(days=-58), "vor 58 Tagen", "58 days ago"),
        (timedelta(days=-400), "vor 13 Monaten", "13 months ago"),
        (timedelta(days=-900), "vor 2 Jahren", "2 years ago"),
    ],
)
def test_relative(language, delta, de, en):
    assert formats.relative(NOW + delta, NOW) == pick(language, de, en)


def test_relative_uses_calendar_days():
    with translation.override("en"), timezone.override("Europe/Berlin"):
        assert formats.relative(NOW, NOW) == "just now"
        assert formats.relative(NOW - timedelta(hours=12), NOW) == "yesterday"
        assert formats.relative(date(2026, 9, 15), NOW) == "today"
        assert formats.relative(date(2026, 9, 16), NOW) == "tomorrow"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Prof. Dr. Edda Föhr", "EF"),
        ("Schürmann Möbelwerke GmbH & Co. KG", "SM"),
        ("Weingut von Lützow", "WL"),
        ("Çelik", "Ç"),
        ("GmbH", "G"),
        ("", ""),
        ("…", "…"),
    ],
)
def test_initials(name, expected):
    assert formats.initials(name) == expected


def render(source, **context):
    return Template(source).render(Context(context))


def test_filters_and_tags_escape_and_stay_calm_with_nothing():
    with translation.override("de"), timezone.override("Europe/Berlin"):
        assert render('{{ a|money:"EUR" }} {{ b|number }} {{ c|percent }} {{ d|day }} {{ e|ago }}', a=None) == "– – – – –"
        assert render('{% tag text "good" %}', text="<b>") == '<span class="l-tag good">&lt;b&gt;</span>'
        assert render("{% icon 'sun' %}") == '<i class="ti ti-sun" aria-hidden="true"></i>'
        assert render("{% avatar who %}", who=None) == ""
        assert 'title="15.09.2026, 11:40"' in render("{{ when|ago }}", when=NOW)


def test_each_form_gets_its_own_key():
    assert render("{% form_key %}") != render("{% form_key %}")
