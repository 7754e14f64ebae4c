"""Delimited files as real exports are: found out, read within limits, written without harm."""

import csv
import io
import resource
import time
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal

import pytest
from django.utils.functional import Promise
from hypothesis import example, given
from hypothesis import strategies as st

from crm.core.tables import (
    Dialect,
    Limits,
    Money,
    TableError,
    escape,
    guess_kind,
    read_date,
    read_money,
    read_number,
    rows,
    sniff,
    unescape,
    write_csv,
)

PLAIN = "name,city,amount\nMüller,Köln,5\nMeier,Bonn,7\n"
GERMAN = "Kunde;Ort;Umsatz\nMüller & Söhne;Köln;1.234,50\nGrößer GmbH;Düren;7,00\n"
EURO = "Kunde;Preis\nMüller;5 €\nÖzdemir – Bau;7 €\n"

# what it is, bytes, encoding, delimiter, quotechar, line of the header (0 = none)
FILES: list[tuple[str, bytes, str, str, str, int]] = [
    ("plain", PLAIN.encode(), "utf-8", ",", '"', 1),
    ("ascii", b"a,b\nx,y\n", "utf-8", ",", '"', 1),
    ("with BOM", PLAIN.encode("utf-8-sig"), "utf-8-sig", ",", '"', 1),
    ("no newline at the end", b"name,city\nA,B", "utf-8", ",", '"', 1),
    ("old Mac line ends", b"name,city\rA,B\rC,D\r", "utf-8", ",", '"', 1),
    ("Windows line ends", b"name;city\r\nA;B\r\nC;D\r\n", "utf-8", ";", '"', 1),
    ("German Excel", GERMAN.encode("cp1252"), "cp1252", ";", '"', 1),
    ("euro and dash", EURO.encode("cp1252"), "cp1252", ";", '"', 1),
    ("DOS", GERMAN.encode("cp850"), "cp850", ";", '"', 1),
    ("DOS with few umlauts", "Name;Ort\nMärz;Köln\nJäger;Bönen\n".encode("cp850"), "cp850", ";", '"', 1),
    ("old Mac letters", GERMAN.replace("\n", "\r").encode("mac_roman"), "mac_roman", ";", '"', 1),
    ("Polish", "Imię;Miasto\nŁukasz Żółć;Łódź\nStanisław Święty;Kraków\n".encode("cp1250"), "cp1250", ";", '"', 1),
    ("Unicode text of Excel", GERMAN.replace(";", "\t").encode("utf-16"), "utf-16", "\t", '"', 1),
    ("UTF-16 big endian with BOM", b"\xfe\xff" + GERMAN.encode("utf-16-be"), "utf-16", ";", '"', 1),
    ("UTF-16 without BOM", GERMAN.encode("utf-16-le"), "utf-16-le", ";", '"', 1),
    ("UTF-16 big endian without BOM", GERMAN.encode("utf-16-be"), "utf-16-be", ";", '"', 1),
    ("tab", b"name\tcity\nA, B\tC\n", "utf-8", "\t", '"', 1),
    ("pipe", b"name|city|x\nA|B, C|D\n", "utf-8", "|", '"', 1),
    ("decimal comma in every row", b"Artikel;Netto;Brutto\nA;1,50;1,79\nB;2,50;2,98\n", "utf-8", ";", '"', 1),
    ("commas in the header, too", "Name;Preis, netto;Menge, Stück\nA;1,50;2,00\nB;2,50;3,00\n".encode(), "utf-8", ";", '"', 1),
    ("more commas than semicolons", "Preis, netto;Menge, Stück\n1,50;2,00\n2,50;3,00\n".encode(), "utf-8", ";", '"', 1),
    ("lists inside cells", b"name,tags\nA,x;y;z\nB,u;v;w\n", "utf-8", ",", '"', 1),
    ("quoted delimiters", b'name,address\n"Meier, Hans","Am Markt 1, Bonn"\n"Kurz, Eva","Weg 2, Ulm"\n', "utf-8", ",", '"', 1),
    ("newline in quotes", b'name,note\nA,"one\ntwo, three\nfour"\nB,x\n', "utf-8", ",", '"', 1),
    ("single quotes", b"name,city\n'Meier, Hans','Bonn'\n'Kurz, Eva','Ulm'\n", "utf-8", ",", "'", 1),
    ("an apostrophe is no quote", b"name,city\nO'Neill,'s-Hertogenbosch\nD'Arc,Rouen\n", "utf-8", ",", '"', 1),
    ("Excel's separator line", b"sep=;\nname;city\nA;B\n", "utf-8", ";", '"', 2),
    ("title and blank line", b"Kundenliste\n\nname;city;mail\nA;B;a@b.de\nC;D;c@d.de\n", "utf-8", ";", '"', 3),
    ("titles padded by delimiters", b"Report;;;\nErstellt am;01.02.2026;;\n;;;\nname;city;mail;tel\nA;B;a@b.de;1\nC;D;c@d.de;2\n", "utf-8", ";", '"', 4),
    ("blank lines first", b"\n\n\nname,city\nA,B\n", "utf-8", ",", '"', 4),
    ("no header", b"1,Meier,2026-01-02\n2,Kurz,2026-01-03\n3,Lang,2026-01-04\n", "utf-8", ",", '"', 0),
    ("only names is a header and names", b"Vorname,Nachname\nEva,Kurz\n", "utf-8", ",", '"', 1),
    ("years as labels", b"Kunde;2024;2025\nA;100,50;200,30\nB;3,00;4,00\n", "utf-8", ";", '"', 1),
    ("one column", b"email\na@example.org\nb@example.org\n", "utf-8", ",", '"', 1),
    ("one column without header", b"a@example.org\nb@example.org\n", "utf-8", ",", '"', 0),
    ("header only", b"name;city;mail\n", "utf-8", ";", '"', 1),
    ("empty columns at the end", b"name;city;;\nA;B;;\nC;D;;\n", "utf-8", ";", '"', 1),
    ("sales export", b"opportunity_id,sales_agent,product,account,deal_stage,engage_date,close_date,close_value\n"
     b"1C1I7A6R,Mia Moor,GTXPro,,Engaging,2016-11-03,,\nZ063OYW0,Tom Tal,MG 1,Isd,Won,2016-10-25,2017-03-11,4514\n", "utf-8", ",", '"', 1),
]  # fmt: skip


@pytest.mark.parametrize(
    ("data", "encoding", "delimiter", "quotechar", "header"), [file[1:] for file in FILES], ids=[file[0] for file in FILES]
)
def test_sniff(data: bytes, encoding: str, delimiter: str, quotechar: str, header: int) -> None:
    found = sniff(data)
    assert (found.encoding, found.delimiter, found.quotechar, found.header_row) == (encoding, delimiter, quotechar, header)
    assert 0 <= found.confidence <= 1
    assert list(rows(io.BytesIO(data), found))


PARTS = [
    b",",
    b";",
    b"\t",
    b'"',
    b"'",
    b"\n",
    b"\r",
    b"\0",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xfc",
    b"sep=",
    b"a",
    b"\xc3\xbc",
    b"1.2.2026",
    b"=1",
]


@given(st.binary(max_size=200) | st.lists(st.sampled_from(PARTS), max_size=40).map(b"".join))
def test_any_bytes_are_rows_or_a_table_error(data: bytes) -> None:
    try:
        found = sniff(data)
        for _line, cells in rows(io.BytesIO(data), found):
            guess_kind(cells)
    except TableError:
        pass


@example(",0-")
@given(st.text(max_size=50) | st.text(st.sampled_from("0123456789.,-+()'€$ /:EURT"), max_size=14))
def test_any_text_is_a_value_or_none(text: str) -> None:
    number, money, day = read_number(text, ","), read_money(text, ","), read_date(text)
    assert number is None or number.is_finite()
    assert money is None or money.amount.is_finite()
    assert number is None or money == Money(number, "")
    assert day is None or guess_kind([text]).kind == "date"


def test_sniff_is_surer_of_clean_files() -> None:
    assert sniff(PLAIN.encode()).confidence > 0.9
    assert sniff(b"email\na@example.org\n").confidence < 0.9
    assert sniff(b"a,b\nx\ny,z,u\nv,w,q,r\n").confidence < 0.9


def test_sniff_of_a_head_cut_anywhere() -> None:
    data = ("Kunde;Ort\n" + "Müller;Köln\n" * 8000).encode()
    for cut in range(65_536, 65_560):
        assert sniff(data[:cut]).encoding == "utf-8"
        assert sniff(data[:cut]).delimiter == ";"


@pytest.mark.parametrize(
    "data",
    [b"", b"\n\n \r\n", b"PK\x03\x04" + bytes(range(256)), b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 512, b"%PDF-1.7\n%\xe2\xe3", b"\0" * 1000,
     b"a,b\0c\nd,e\n", bytes(range(256)) * 20],
    ids=["empty", "blank", "xlsx", "xls", "pdf", "zeros", "one NUL", "noise"],
)  # fmt: skip
def test_no_table(data: bytes) -> None:
    with pytest.raises(TableError):
        found = sniff(data)
        list(rows(io.BytesIO(data), found))


COMMA = Dialect("utf-8", ",", '"', 1, 1.0)


def read(data: bytes, dialect: Dialect = COMMA, limits: Limits | None = None) -> list[tuple[int, list[str]]]:
    return list(rows(io.BytesIO(data), dialect, limits or Limits()))


def test_rows_carry_the_line_they_begin_on() -> None:
    data = b'\nname,note\n\nA,"one\ntwo"\r\n,\nB,x\r\n'
    assert read(data, Dialect("utf-8", ",", '"', 2, 1.0)) == [(2, ["name", "note"]), (4, ["A", "one\ntwo"]), (7, ["B", "x"])]


def test_rows_start_at_the_header() -> None:
    data = b'A title, "half open\n\nname,city\nA,B\n'
    assert read(data, Dialect("utf-8", ",", '"', 3, 1.0)) == [(3, ["name", "city"]), (4, ["A", "B"])]


def test_rows_are_as_long_as_they_are() -> None:
    assert read(b"a,b,c\n1,2\n1,2,3,4\n") == [(1, ["a", "b", "c"]), (2, ["1", "2"]), (3, ["1", "2", "3", "4"])]


def test_rows_of_all_encodings() -> None:
    for _name, data, *_rest in [file for file in FILES if file[2] not in ("utf-8", "utf-8-sig")]:
        text = "".join("".join(cells) for _line, cells in rows(io.BytesIO(data), sniff(data)))
        assert any(name in text for name in ("Müller", "Łukasz", "Jäger"))


def test_inner_line_ends_stay_as_they_are() -> None:
    assert read(b'a,b\n"x\ry","x\r\ny"\n')[1][1] == ["x\ry", "x\r\ny"]


# bytes, dialect, line the error names
BROKEN = [
    ("NUL", b"a,b\nx,y\nz\0,u\n", COMMA, 3),
    ("not UTF-8", b"a,b\nx,y\nM\xfcller,u\n", COMMA, 3),
    ("lone surrogate", b"a,b\nx,\xed\xa0\x80\n", COMMA, 2),
    ("lone surrogate in UTF-16", "a,b\nx,y\n".encode("utf-16-le") + b"\x00\xd8,\x00", Dialect("utf-16-le", ",", '"', 1, 1.0), 3),
    ("half a character in UTF-16", "a,b\nx,y".encode("utf-16-le") + b"\x41", Dialect("utf-16-le", ",", '"', 1, 1.0), 2),
    ("not in cp1252", b"a,b\nx,\x81\n", Dialect("cp1252", ",", '"', 1, 1.0), 2),
    ("a quote never closed", b'a,b\nx,y\nz,"open\nstill\nopen\n', COMMA, 3),
    ("text after a quote", b'a,b\n"x"y,z\n', COMMA, 2),
    ("too many columns", b"a,b\n" + b"," * 600 + b"x\n", COMMA, 2),
    ("a long cell", b"a,b\nx," + b"y" * 200_000 + b"\n", COMMA, 2),
    ("a long line", b"a,b\nx,y\n" + b"y" * 1_000_001 + b"\n", COMMA, 3),
    ("a long line of cells", b"a,b\nx,y\n" + b"y," * 600_000 + b"\n", COMMA, 3),
    ("a row without end in many lines", b"a,b\n" + b'"x\n",' * 600_000, COMMA, 2),
]  # fmt: skip


@pytest.mark.parametrize(("data", "dialect", "line"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_broken_files_name_the_line(data: bytes, dialect: Dialect, line: int) -> None:
    with pytest.raises(TableError) as caught:
        read(data, dialect)
    assert caught.value.line == line
    assert isinstance(caught.value.message, Promise)  # translated when it is shown


def test_rows_before_the_broken_one_arrive() -> None:
    stream = rows(io.BytesIO(b"a,b\nx,y\nz\0,u\n"), COMMA)
    assert [next(stream)[0], next(stream)[0]] == [1, 2]
    with pytest.raises(TableError):
        next(stream)


def test_the_file_stays_open() -> None:
    file = io.BytesIO(PLAIN.encode())
    list(rows(file, COMMA))
    file.seek(0)
    assert len(list(rows(file, COMMA))) == 3


class Endless(io.RawIOBase):
    """A file of `size` times the same byte that is never held in memory."""

    def __init__(self, byte: bytes, size: int) -> None:
        self.byte, self.left, self.served = byte, size, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        count = min(len(buffer), self.left)
        buffer[:count] = self.byte * count
        self.left -= count
        self.served += count
        return count


@pytest.mark.parametrize("byte", [b"x", b",", b'"', b"\xc3", b"\0", b"\n", b" "])
def test_a_gigabyte_in_one_line_costs_nothing(byte: bytes) -> None:
    size = 1_000_000_000 if byte != b"\n" else 2_000_000  # blank lines are skipped one by one
    file = Endless(byte, size)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.monotonic()
    if byte == b"\n":
        assert list(rows(io.BufferedReader(file), COMMA)) == []
    else:
        with pytest.raises(TableError):
            list(rows(io.BufferedReader(file), COMMA))
        assert file.served < 8_000_000
        assert time.monotonic() - started < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000  # kB


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


# cell, as it stands in the file
ESCAPED = [
    ("=1+1", "'=1+1"),
    ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
    ("+1+1", "'+1+1"),
    ("-1+1", "'-1+1"),
    ("@SUM(A1)", "'@SUM(A1)"),
    ("\t=1", "'\t=1"),
    ("\r=1", "'\r=1"),
    ("\n=1", "'\n=1"),
    (" =1", "' =1"),
    ("\u00a0=1", "'\u00a0=1"),
    ("＝1+1", "'＝1+1"),
    ("'=1", "''=1"),
    ("''=1", "'''=1"),
    ("+49-221-1234", "'+49-221-1234"),
    ("+49*5", "'+49*5"),
    ("+A1", "'+A1"),
    ("-", "'-"),
    ("- Punkt", "'- Punkt"),
    ("-5-3", "'-5-3"),
    ("+49 221 123456", "+49 221 123456"),
    ("+49 (0)221 123456", "+49 (0)221 123456"),
    ("+49221123456", "+49221123456"),
    ("-5", "-5"),
    ("-1.234,56", "-1.234,56"),
    ("'t Hart", "'t Hart"),
    ("Müller", "Müller"),
    ("a=b", "a=b"),
    ("", ""),
]


@pytest.mark.parametrize(("cell", "written"), ESCAPED)
def test_escape(cell: str, written: str) -> None:
    assert escape(cell) == written
    assert unescape(written) == cell


def test_foreign_apostrophes_go_too() -> None:
    assert unescape("'+49 221 123456") == "+49 221 123456"
    assert unescape("'-5") == "-5"


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
NASTY = st.text(st.sampled_from("'=+-@\t\r\n ;,\"|5(.aü＝\ufeff\u200b"), max_size=8)


@given(CELLS | NASTY)
def test_no_cell_opens_as_a_formula(cell: str) -> None:
    written = escape(cell)
    if written.strip()[:1] in tuple("=+-@＝＋－＠"):
        assert set(written) <= set("0123456789 ()+-.,")
        assert not set(written[1:]) & set("+-")
    assert unescape(written) == cell


def joined(chunks: Iterator[bytes]) -> bytes:
    return b"".join(chunks)


@pytest.mark.parametrize("language", ["de", "en"])
@given(header=st.lists(st.sampled_from(["Name", "Ort", "Betrag", "=x"]), min_size=2, max_size=4), data=st.data())
def test_what_is_written_is_read(language: str, header: list[str], data: st.DataObject) -> None:
    row = st.lists(CELLS | NASTY, min_size=len(header), max_size=len(header)).filter(lambda cells: any(cell.strip() for cell in cells))
    table = data.draw(st.lists(row, max_size=6))
    written = joined(write_csv(header, table, language=language))
    dialect = Dialect("utf-8-sig", ";" if language == "de" else ",", '"', 1, 1.0)
    assert [cells for _line, cells in rows(io.BytesIO(written), dialect)] == [header, *table]


def test_a_written_file_is_found_out() -> None:
    for language, delimiter in (("de", ";"), ("en", ",")):
        found = sniff(joined(write_csv(["Name", "Betrag"], [["Müller", Decimal("1.5")], ["Meier", Decimal("-3")]], language=language)))
        assert (found.encoding, found.delimiter, found.header_row) == ("utf-8-sig", delimiter, 1)


def test_typed_values_are_written_for_the_reader() -> None:
    values = [Decimal("-1234.50"), -5, 2.5, None, date(2026, 12, 24), datetime(2026, 12, 24, 14, 30), True, "=x", Decimal("1E+3")]
    german = joined(write_csv(["a"], [values], language="de")).decode("utf-8-sig").splitlines()[1]
    assert german == "-1234,50;-5;2,5;;2026-12-24;2026-12-24 14:30;1;'=x;1000"
    english = joined(write_csv(["a"], [values], language="en")).decode("utf-8-sig").splitlines()[1]
    assert english == "-1234.50,-5,2.5,,2026-12-24,2026-12-24 14:30,1,'=x,1000"


def test_writing_streams() -> None:
    def endless() -> Iterator[list[object]]:
        while True:
            yield ["x", 1]

    chunks = write_csv(["a", "b"], endless(), language="en")
    assert next(chunks).startswith(b"\xef\xbb\xbfa,b")
    assert max(len(next(chunks)) for _ in range(50)) < 200_000


def test_the_csv_module_is_left_as_it_was() -> None:
    before = csv.field_size_limit()
    read(PLAIN.encode())
    sniff(PLAIN.encode())
    assert csv.field_size_limit() == before
