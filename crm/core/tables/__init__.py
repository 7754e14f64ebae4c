"""Delimited files: found out, read in a stream within limits, their cells understood, and written without harm."""

from .dialect import HEAD, Dialect, sniff
from .errors import TableError
from .reading import Limits, Place, next_rows, rows
from .values import Kind, Money, guess_kind, read_date, read_money, read_number
from .writing import escape, unescape, write_csv

__all__ = [
    "HEAD",
    "Dialect",
    "Kind",
    "Limits",
    "Money",
    "Place",
    "TableError",
    "escape",
    "guess_kind",
    "next_rows",
    "read_date",
    "read_money",
    "read_number",
    "rows",
    "sniff",
    "unescape",
    "write_csv",
]
