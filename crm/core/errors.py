"""The one exception a user may read, and one that is told in words of its own: no room."""

import errno
from typing import Any


class RuleBroken(Exception):
    """A business rule forbids the step. `message` is translated, in full words, and says what to do.

    Shown in one place (`crm.core.middleware.Errors`): beside `field` in a form, as a 422 fragment for htmx, or on a page.
    """

    def __init__(self, message: Any, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


def is_full(error: BaseException | None) -> bool:
    """Whether a disk had no room: Postgres's (disk_full) or the one of our files."""
    while error is not None:
        if getattr(error, "pgcode", "") == "53100" or (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)):
            return True
        error = error.__cause__
    return False
