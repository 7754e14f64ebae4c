"""Rows of a delimited file, one at a time, in constant memory whatever the file holds."""

import csv
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO, TextIO

from django.utils.translation import gettext_lazy as _

from .dialect import Dialect
from .errors import TableError
from .writing import unescape

_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Limits:
    """What a row may hold. `line`: characters of one row, even over several lines; `field`: characters of one cell, at most 131,072."""

    line: int = 1_000_000
    columns: int = 500
    field: int = 131_072


Place = list[int]  # the last line read, and where the next one begins; kept between two readings of a file


def rows(file: BinaryIO, dialect: Dialect, limits: Limits | None = None) -> Iterator[tuple[int, list[str]]]:
    """(line the row begins on, cells) from the header on — or from the first line where the dialect says there is none.

    Empty rows are skipped; the apostrophe of `escape` is taken off; a row may be shorter or longer than the header. Raises `TableError`
    at the first line that cannot be read, after the rows before it. The file is left open.
    """
    with _opened(file, dialect) as text:
        lines = _Lines(text, dialect, limits or Limits())
        _skip(lines, dialect.header_row - 1)
        yield from _cells(lines)


def next_rows(file: BinaryIO, dialect: Dialect, limits: Limits, place: Place | None, count: int) -> tuple[list[tuple[int, list[str]]], Place | None]:
    """As `rows`, of the file behind its header at most `count` from `place` on; and the place after them, None at the end."""
    with _opened(file, dialect) as text:
        lines = _Lines(text, dialect, limits)
        if place is None:
            _skip(lines, dialect.header_row - 1)
            found = _cells(lines)
            list(islice(found, 1 if dialect.header_row else 0))
        else:
            lines.number = place[0]
            text.seek(place[1])
            found = _cells(lines)
        taken = list(islice(found, count))
        return taken, [lines.number, text.tell()] if len(taken) == count else None


@contextmanager
def _opened(file: BinaryIO, dialect: Dialect) -> Iterator[io.TextIOWrapper]:
    # Undecodable bytes become lone surrogates here, so that the error names its line and not a block of 8 kB.
    errors = "surrogatepass" if dialect.encoding.startswith(("utf-16", "utf-32")) else "surrogateescape"
    text = io.TextIOWrapper(file, encoding=dialect.encoding, errors=errors, newline="")
    try:
        yield text
    finally:
        text.detach()


def _skip(lines: "_Lines", count: int) -> None:
    while lines.number < count:
        next(lines)
        lines.begin()


def _cells(lines: "_Lines") -> Iterator[tuple[int, list[str]]]:
    limits = lines.limits
    reader = csv.reader(lines, delimiter=lines.dialect.delimiter, quotechar=lines.dialect.quotechar, strict=True)
    while True:
        lines.begin()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _explained(error, lines.begun) from error
        if len(cells) > limits.columns:
            raise TableError(_("This row has more than {limit} columns."), lines.begun, limit=limits.columns)
        if any(len(cell) > limits.field for cell in cells):
            raise TableError(_("A cell in this row is longer than {limit} characters."), lines.begun, limit=limits.field)
        if any(map(str.strip, cells)):
            yield lines.begun, [unescape(cell) for cell in cells]


class _Lines(Iterator[str]):
    """The lines of a text, checked; `number` is the last line read, `begun` the first of the present row."""

    def __init__(self, text: TextIO, dialect: Dialect, limits: Limits) -> None:
        self.text, self.dialect, self.limits = text, dialect, limits
        self.number = 0
        self.begin()

    def begin(self) -> None:
        self.begun, self.size = self.number + 1, 0

    def __next__(self) -> str:
        try:
            line = self.text.readline(self.limits.line - self.size + 1)
        except UnicodeDecodeError as error:
            raise self._undecodable(self.number + 1) from error
        if not line:
            raise StopIteration
        self.number += 1
        self.size += len(line)
        if self.size > self.limits.line:
            raise TableError(
                _("This row is longer than {limit} characters; perhaps a quote is not closed."), self.begun, limit=self.limits.line
            )
        if not line.isascii() and _SURROGATE.search(line):
            raise self._undecodable(self.number)
        if "\0" in line:
            raise TableError(_("This line holds a NUL character; the file is damaged or is not text."), self.number)
        return line

    def _undecodable(self, line: int) -> TableError:
        return TableError(_("This line holds characters that cannot be read as {encoding}."), line, encoding=self.dialect.encoding)


def _explained(error: csv.Error, line: int) -> TableError:
    reason = str(error)
    if "field larger" in reason:
        return TableError(_("A cell in this row is longer than {limit} characters."), line, limit=csv.field_size_limit())
    if "unexpected end" in reason:
        return TableError(_("A quote is opened in this row and never closed."), line)
    return TableError(_("Text follows a closing quote in this row; a quote inside a cell must be doubled."), line)
