"""The one exception a user may read, and what is told in words of its own: no room, no database."""

import errno
from typing import Any

import psycopg2
from django.db import DatabaseError, InterfaceError, OperationalError

# Django leaves psycopg2's words as they are where a cursor is closed.
_UNREACHABLE = (OperationalError, InterfaceError, psycopg2.OperationalError, psycopg2.InterfaceError)


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


def is_unreachable(error: BaseException | None) -> bool:
    """Whether the database did not answer as it should: it is gone, or it gave the statement up."""
    # psycopg2 has no finer word than its least for a server that dies while it answers
    return isinstance(error, _UNREACHABLE) or (type(error) is DatabaseError and error.__cause__ is not None)


def is_clash(error: BaseException | None) -> bool:
    """Whether two waited for each other and this one was ended for it (deadlock_detected): nothing of it was done, and it may be done again."""
    return isinstance(error, OperationalError) and getattr(error.__cause__, "pgcode", "") == "40P01"


def is_gone(error: BaseException) -> bool:
    """Whether the connection is lost, so that nothing of the transaction was kept: no word of the server, or one that it shuts down (class 57P, 08)."""
    code = getattr(error.__cause__ or error, "pgcode", None)
    return is_unreachable(error) and (code is None or code.startswith(("57P", "08")))
