"""What is written into a delimited file is read again, and opens as no formula."""

import io
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.core.tables import (
    Dialect,
    escape,
    rows,
    sniff,
    unescape,
    write_csv,
)

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
