"""Writing delimited files that no spreadsheet can be tricked with, and taking the protection off again."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal

_CHUNK = 65_536  # characters

# Excel, LibreOffice and Google run a cell whose first visible character is one of these (OWASP, "CSV Injection").
_FORMULA = re.compile(r"'*(?:[\s\x00-\x1f\ufeff]*[=+\-@＝＋－＠]|[\t\r\n])")
# One number with its sign, or a telephone number of digits, blanks and brackets: nothing in it can be computed, so it stays as it is.
_HARMLESS = re.compile(r"-[0-9][0-9.,]*|\+[0-9][0-9 ()]*")


def escape(cell: str) -> str:
    """The text as it may stand in a file: what a spreadsheet would run gets an apostrophe in front. `unescape` gives it back exactly.

    "+49 221 123456" and "-1.234,50" stay bare; "+49-221-1234" does not, as Excel would compute it.
    """
    return f"'{cell}" if _FORMULA.match(cell) and not _HARMLESS.fullmatch(cell) else cell


def unescape(cell: str) -> str:
    """The text without the apostrophe of `escape`; also takes the one away that other programs put before "+49 …" or "-5"."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def write_csv(header: Sequence[str], rows: Iterable[Sequence[object]], *, language: str) -> Iterator[bytes]:
    """The file in chunks: UTF-8 with byte-order mark, so that Excel reads umlauts.

    German: `;` and decimal comma, else `,` and point, as Excel of that language expects. Text is escaped, numbers are not; dates are ISO.
    """
    delimiter, decimal = (";", ",") if language.startswith("de") else (",", ".")
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=delimiter)

    def taken() -> bytes:
        text = buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
        return text.encode("utf-8", "replace")

    writer.writerow([escape(label) for label in header])
    yield b"\xef\xbb\xbf" + taken()
    for row in rows:
        writer.writerow([_cell(value, decimal) for value in row])
        if buffer.tell() > _CHUNK:
            yield taken()
    if buffer.tell():
        yield taken()


def _cell(value: object, decimal: str) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(int(value))
        case float() | Decimal():
            return f"{Decimal(str(value)):f}".replace(".", decimal)
        case int():
            return str(value)
        case datetime():
            return f"{value:%Y-%m-%d %H:%M}"
        case date():
            return value.isoformat()
        case _:
            return escape(str(value))
