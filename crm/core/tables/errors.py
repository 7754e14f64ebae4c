"""What is wrong with a file, in words for the person who brought it."""

from collections.abc import Callable
from typing import Any

from django.utils.functional import Promise
from django.utils.text import format_lazy

_format: Callable[..., Promise] = format_lazy


class TableError(Exception):
    """The file cannot be read further. `message` is lazily translated; `line` is the first line concerned, 1-based, 0 = the whole file."""

    def __init__(self, message: str | Promise, line: int = 0, **values: Any) -> None:
        self.message = _format(message, **values) if values else message
        self.line = line
        super().__init__(self.message)
