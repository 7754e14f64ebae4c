"""Numbers, amounts and days as people type them into tables, and what kind a column is."""

from datetime import date
from decimal import Decimal

import pytest

from crm.core.tables import (
    Money,
    guess_kind,
    read_date,
    read_money,
    read_number,
)

# text, decimal mark (or not known), number
NUMBERS = [
    ("1.234,56", "", "1234.56"),
    ("1,234.56", "", "1234.56"),
    ("1234.56", "", "1234.56"),
    ("1234,56", "", "1234.56"),
    ("1.234.567", "", "1234567"),
    ("1,234,567", "", "1234567"),
    ("1.234", "", None),
    ("0.125", "", "0.125"),
    ("1.234", ",", "1234"),
    ("1.234", ".", "1.234"),
    ("1,234", ".", "1234"),
    ("1,234", ",", "1.234"),
    ("1.5", ",", None),
    ("12.34.567", "", None),
    ("1,23.4", "", None),
    ("1.1000", ",", None),
    ("5", "", "5"),
    ("007", "", "7"),
    ("-5", "", "-5"),
    ("5-", "", "-5"),
    ("−5,5", "", "-5.5"),
    ("(5,50)", "", "-5.50"),
    ("+5", "", "5"),
    (" 1 234,5 ", "", "1234.5"),
    ("1\u00a0234,5", "", "1234.5"),
    ("1\u202f234,5", "", "1234.5"),
    ("1'234.50", "", "1234.50"),
    ("1’234.50", "", "1234.50"),
    (",5", "", "0.5"),
    ("5,", "", None),
    ("", "", None),
    ("-", "", None),
    ("1 2", "", None),
    ("abc", "", None),
    ("NaN", "", None),
    ("Infinity", "", None),
    ("1e5", "", None),
    ("0x10", "", None),
    ("1_000", "", None),
    ("--5", "", None),
    ("(-5)", "", None),
    ("١٢", "", None),
    ("9" * 5000, "", None),
    ("1.2.2026", "", None),
    ("12:30", "", None),
]


@pytest.mark.parametrize(("text", "decimal", "number"), NUMBERS)
def test_read_number(text: str, decimal: str, number: str | None) -> None:
    assert read_number(text, decimal) == (None if number is None else Decimal(number))


MONEY = [
    ("1.234,50 €", "1234.50", "EUR"),
    ("€ 5", "5", "EUR"),
    ("EUR 1,234.50", "1234.50", "EUR"),
    ("1.234,50 EUR", "1234.50", "EUR"),
    ("1.234,50 eur", "1234.50", "EUR"),
    ("$1,000.00", "1000.00", "USD"),
    ("-$5.00", "-5.00", "USD"),
    ("£5", "5", "GBP"),
    ("CHF 1'234.–", "1234", "CHF"),
    ("1.234,- €", "1234", "EUR"),
    ("1.234,-- €", "1234", "EUR"),
    ("1234", "1234", ""),
    ("Euro 5", "5", "EUR"),
    ("", None, ""),
    ("€", None, ""),
    ("5 Stück", None, ""),
    ("ABC 5", None, ""),
    ("EUR 5 USD", None, ""),
]


@pytest.mark.parametrize(("text", "amount", "currency"), MONEY)
def test_read_money(text: str, amount: str | None, currency: str) -> None:
    assert read_money(text) == (None if amount is None else Money(Decimal(amount), currency))


# text, format (or not known), language, day
DATES = [
    ("31.12.2017", "", "de", date(2017, 12, 31)),
    ("1.2.2017", "", "en", date(2017, 2, 1)),
    ("31.12.17", "", "de", date(2017, 12, 31)),
    ("01.02.69", "", "de", date(1969, 2, 1)),
    ("2017-12-31", "", "de", date(2017, 12, 31)),
    ("2017/12/31", "", "de", date(2017, 12, 31)),
    ("20171231", "%Y%m%d", "de", date(2017, 12, 31)),
    ("20171231", "", "de", None),
    ("12/31/2017", "", "de", date(2017, 12, 31)),
    ("31/12/2017", "", "en", date(2017, 12, 31)),
    ("03/04/2017", "", "de", date(2017, 4, 3)),
    ("03/04/2017", "", "en", date(2017, 3, 4)),
    ("03/04/2017", "%d/%m/%Y", "en", date(2017, 4, 3)),
    ("12/31/2017", "%d/%m/%Y", "en", None),
    ("2017-12-31 23:59:59", "", "de", date(2017, 12, 31)),
    ("2017-12-31T23:59:59Z", "", "de", date(2017, 12, 31)),
    ("2017-12-31T23:59:59.123+01:00", "", "de", date(2017, 12, 31)),
    ("31.12.2017 14:30", "", "de", date(2017, 12, 31)),
    ("12/31/2017 2:30 PM", "", "en", date(2017, 12, 31)),
    ("31. Dezember 2017", "", "de", date(2017, 12, 31)),
    ("3. März 2017", "", "en", date(2017, 3, 3)),
    ("31 Dec 2017", "", "de", date(2017, 12, 31)),
    ("December 31, 2017", "", "de", date(2017, 12, 31)),
    ("31-Dec-17", "", "de", date(2017, 12, 31)),
    ("29.02.2017", "", "de", None),
    ("29.02.2016", "", "de", date(2016, 2, 29)),
    ("31.02.2017", "", "de", None),
    ("00.00.0000", "", "de", None),
    ("0000-00-00", "", "de", None),
    ("31.12.99999", "", "de", None),
    ("12.2017", "", "de", None),
    ("heute", "", "de", None),
    ("", "", "de", None),
    ("1.2.3.4", "", "de", None),
    ("١٢/١٢/٢٠١٧", "", "de", None),
    ("1" * 5000, "", "de", None),
]


@pytest.mark.parametrize(("text", "form", "language", "day"), DATES)
def test_read_date(text: str, form: str, language: str, day: date | None) -> None:
    assert read_date(text, form, language=language) == day


KINDS: list[tuple[list[str], str, str, str]] = [
    (["1.234,56", "5,00"], "de", "number", ","),
    (["1.234,56", "1.000"], "en", "number", ","),
    (["1100.04", "4618"], "de", "number", "."),
    (["1.100", "2.250"], "de", "number", ","),
    (["1.100", "2.250"], "en", "number", "."),
    (["12", "7", ""], "de", "number", ""),
    (["5 €", "7,50 €", "3"], "de", "money", ","),
    (["31.12.2017", "01.02.2017"], "de", "date", "%d.%m.%Y"),
    (["31.12.17"], "de", "date", "%d.%m.%y"),
    (["2017-12-31", ""], "de", "date", "%Y-%m-%d"),
    (["2017-12-31 10:00"], "de", "date", "%Y-%m-%d"),
    (["01/02/2017", "12/31/2017"], "de", "date", "%m/%d/%Y"),
    (["01/02/2017", "31/12/2017"], "en", "date", "%d/%m/%Y"),
    (["01/02/2017"], "de", "date", "%d/%m/%Y"),
    (["01/02/2017"], "en", "date", "%m/%d/%Y"),
    (["20171231", "20180101"], "de", "date", "%Y%m%d"),
    (["anna@example.org", "b@example.org"], "de", "email", ""),
    (["+49 221 1234", "0221/123456"], "de", "phone", ""),
    (["https://example.org", "www.example.org"], "de", "url", ""),
    (["Won", "Lost"], "de", "text", ""),
    (["50667", "01067", "04109"], "de", "text", ""),
    (["Köln", "5", "2017-01-01"], "de", "text", ""),
    (["", " "], "de", "empty", ""),
    ([], "de", "empty", ""),
]


@pytest.mark.parametrize(("values", "language", "kind", "form"), KINDS)
def test_guess_kind(values: list[str], language: str, kind: str, form: str) -> None:
    guess = guess_kind(values, language=language)
    assert (guess.kind, guess.format) == (kind, form)
    assert 0 <= guess.confidence <= 1


def test_guess_kind_bears_a_few_bad_cells() -> None:
    guess = guess_kind(["2017-12-31"] * 19 + ["unbekannt"])
    assert (guess.kind, guess.format) == ("date", "%Y-%m-%d")
    assert guess.confidence < 1


def test_guess_kind_says_when_it_cannot_know() -> None:
    assert guess_kind(["01/02/2017", "03/04/2017"]).confidence <= 0.5
    assert guess_kind(["1.100", "2.250"]).confidence <= 0.5
    assert guess_kind(["01/02/2017", "13/04/2017"]).confidence == 1
