"""Delimited files as real exports are: found out and read within limits."""

import csv
import io
import json
import resource
import time
from typing import Any

import pytest
from django.utils.functional import Promise
from hypothesis import example, given
from hypothesis import strategies as st

from crm.core.tables import (
    Dialect,
    Limits,
    Money,
    TableError,
    guess_kind,
    next_rows,
    read_date,
    read_money,
    read_number,
    rows,
    sniff,
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


@pytest.mark.parametrize("count", [1, 2, 7])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-32"])
def test_reading_in_pieces_is_reading(encoding: str, count: int) -> None:
    """A reader goes on where another stopped, whatever the bytes of a letter; the place outlives JSON."""
    text = 'title\nname,note\n' + "".join(f'Müller {n},"zwei\nZeilen – ü{n}"\r\n\n' for n in range(6)) + "Özdemir,x\n"
    data, dialect = text.encode(encoding), Dialect(encoding, ",", '"', 2, 1.0)
    found: list[tuple[int, list[str]]] = []
    place: Any = None
    while True:
        piece, place = next_rows(io.BytesIO(data), dialect, Limits(), json.loads(json.dumps(place)), count)
        found += piece
        if place is None:
            break
    assert found == read(data, dialect)[1:] and len(found) == 7


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
    started = time.process_time()
    if byte == b"\n":
        assert list(rows(io.BufferedReader(file), COMMA)) == []
    else:
        with pytest.raises(TableError):
            list(rows(io.BufferedReader(file), COMMA))
        assert file.served < 8_000_000
        assert time.process_time() - started < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000  # kB


def test_the_csv_module_is_left_as_it_was() -> None:
    before = csv.field_size_limit()
    read(PLAIN.encode())
    sniff(PLAIN.encode())
    assert csv.field_size_limit() == before
