"""How a delimited file is written down, found out from its beginning."""

import codecs
import csv
import io
import math
import re
import statistics
from collections import Counter
from dataclasses import dataclass

from charset_normalizer import from_bytes
from django.utils.translation import gettext_lazy as _

from .errors import TableError
from .values import guess_kind

HEAD = 65_536  # bytes; what `sniff` should be given of a longer file

_BOMS = [(codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")]
_BINARY = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"%PDF", b"\x1f\x8b", b"\x89PNG", b"\xff\xd8\xff")
_WESTERN, _EASTERN = "äöüßéèêëàáâãçñóòíúùôîïåøæõ", "ąćęłńóśźżáčďéěíňřšťúůýžőűöüäăâîșțđ"
_ENCODINGS = [("cp1252", _WESTERN), ("cp850", _WESTERN), ("mac_roman", _WESTERN), ("cp1250", _EASTERN)]
_SIGNS = "€–—„“”‚‘’…§°«»²³®©·´\u00a0"
_DELIMITERS = "\t;|,"
_SINGLE_QUOTED = re.compile(r"(?:^|[,;|\t])'[^'\n]*'(?=[,;|\t\r\n]|$)", re.MULTILINE)
_YEAR = re.compile(r"(?:19|20)[0-9]{2}")
_SURE = 0.8  # share of non-ASCII characters that must look at home
_SAMPLE = 200  # rows looked at


@dataclass(frozen=True)
class Dialect:
    """`header_row`: the line the header stands on, 1-based, 0 = there is none. `confidence`: 0 to 1, of all of it together."""

    encoding: str
    delimiter: str
    quotechar: str
    header_row: int
    confidence: float


@dataclass(frozen=True)
class _Layout:
    """One way to cut the text: the rows with their lines, and how well the cuts agree (0 to 1)."""

    delimiter: str
    quotechar: str
    rows: list[tuple[int, list[str]]]
    columns: int
    score: float


def sniff(head: bytes) -> Dialect:
    """The dialect of a file that begins with `head` (its first `HEAD` bytes, or all). `TableError` if it is no text or empty."""
    if head.startswith(_BINARY):
        raise TableError(_("This is not a text file. Save the table as CSV and choose that file."))
    encoding, sure = _encoding(head)
    text = codecs.getincrementaldecoder(encoding)("replace").decode(head)
    if "\0" in text:
        raise TableError(_("This is not a text file. Save the table as CSV and choose that file."))
    if not text.strip():
        raise TableError(_("The file is empty."))
    if len(head) >= HEAD:  # the last line is probably cut
        text = text[: max(text.rfind("\n"), text.rfind("\r")) + 1] or text
    layout = _layout(text)
    return Dialect(encoding, layout.delimiter, layout.quotechar, _header(layout), round(sure * layout.score, 2))


def _encoding(head: bytes) -> tuple[str, float]:
    for bom, name in _BOMS:
        if head.startswith(bom):
            return name, 1.0
    zeros = [head[parity::2].count(0) / max(len(head) // 2, 1) for parity in (0, 1)]
    for parity, name in ((0, "utf-16-be"), (1, "utf-16-le")):
        if zeros[parity] > 0.3 and zeros[1 - parity] < 0.05:
            return name, 0.9
    try:
        codecs.getincrementaldecoder("utf-8")("strict").decode(head, final=len(head) < HEAD)
    except UnicodeDecodeError:
        pass
    else:
        return "utf-8", 1.0
    score, encoding = max(((_at_home(head, name, letters), name) for name, letters in _ENCODINGS), key=lambda found: found[0])
    if score >= _SURE:
        return encoding, score
    guess = from_bytes(head).best()
    if guess and not guess.encoding.startswith(("utf", "ascii")):
        return guess.encoding, 0.6
    return ("cp1252" if score >= 0 and encoding == "cp1252" else "latin-1"), 0.3


def _at_home(head: bytes, encoding: str, letters: str) -> float:
    """Share of the non-ASCII characters one would expect in this encoding; -1 where it cannot decode. Signs between letters are not expected."""
    try:
        text = head.decode(encoding)
    except UnicodeDecodeError:
        return -1.0
    expected = total = 0
    for place, char in enumerate(text):
        if char.isascii():
            continue
        total += 1
        inside = text[place - 1 : place].isalpha() and text[place + 1 : place + 2].isalpha()
        expected += char.lower() in letters or (char in _SIGNS and (char == "’" or not inside))
    return expected / max(total, 1)


def _layout(text: str) -> _Layout:
    told = re.match(r"sep=(\t|[^\w\s\"'])\r?\n", text, re.IGNORECASE)  # a line for Excel
    quotes = ['"', "'"] if len(_SINGLE_QUOTED.findall(text)) >= 2 else ['"']
    layouts = [_cut(text, delimiter, quote, int(bool(told))) for quote in quotes for delimiter in (told[1] if told else _DELIMITERS)]
    best = max(
        layouts, key=lambda layout: (layout.score, layout.columns)
    )  # the first of equals: quotes before apostrophes, tab before comma
    return best if best.columns > 1 else _cut(text, ",", '"', int(bool(told)))


def _cut(text: str, delimiter: str, quote: str, skip: int) -> _Layout:
    lines = io.StringIO(text, newline="")
    for _skipped in range(skip):
        lines.readline()
    reader = csv.reader(lines, delimiter=delimiter, quotechar=quote)
    found: list[tuple[int, list[str]]] = []
    begun = 1
    try:
        for cells in reader:
            if any(map(str.strip, cells)):
                found.append((begun + skip, cells))
            begun = reader.line_num + 1
            if len(found) == _SAMPLE:
                break
    except csv.Error:  # a cell beyond all limits; `rows` will name its line
        pass
    if not found:
        return _Layout(delimiter, quote, [(1, [])], 1, 0.0)
    widths = Counter(len(cells) for _line, cells in found)
    columns = max(widths, key=lambda width: (widths[width], width))
    if columns == 1:
        return _Layout(delimiter, quote, found, 1, 0.6 if len(widths) == 1 else 0.0)
    cells = [cell for _line, row in found for cell in row]
    others = re.compile(
        rf"[{re.escape(_DELIMITERS.replace(delimiter, '').replace(',', ''))}]|(?<=\S),(?=[^\s\d])" if delimiter != "," else r"[;\t|]"
    )
    strange = sum(bool(others.search(cell)) for cell in cells) / len(cells)
    return _Layout(delimiter, quote, found, columns, widths[columns] / len(found) * (1 - strange / 2))


def _header(layout: _Layout) -> int:
    """The first row as full as the others; titles above it are emptier. None if its cells are of the same kind as those below."""
    filled = [sum(bool(cell.strip()) for cell in cells) for _line, cells in layout.rows]
    enough = math.ceil(0.7 * statistics.median_high(filled))
    place = next(place for place, count in enumerate(filled) if count >= enough)
    line, labels = layout.rows[place]
    below = [cells for _line, cells in layout.rows[place + 1 :]]
    for column, label in enumerate(labels):
        values = [cells[column] for cells in below if column < len(cells)]
        kind = guess_kind(values).kind
        if kind in ("text", "empty") or guess_kind([label]).kind != kind:
            continue
        if not _YEAR.fullmatch(label) or all(_YEAR.fullmatch(value) for value in values):
            return 0
    return line
