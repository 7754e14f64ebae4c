"""Records that somebody else deletes at the same moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import BadRequest, PermissionDenied
from django.db import DatabaseError, connection
from django.http import Http404, HttpRequest
from redis import RedisError

from crm.core.errors import RuleBroken


@contextmanager
def while_there(crud: Any, request: HttpRequest, verb: str, pk: int | None) -> Iterator[None]:
    """A record that somebody deletes while its page is made, or while something is done with it, is a missing one (404), whatever fell over that."""
    try:
        yield
    except (Http404, PermissionDenied, BadRequest, RuleBroken, DatabaseError, RedisError, OSError):
        raise  # has its own words
    except Exception as error:
        if pk is None or connection.needs_rollback or crud.rows(request, verb).filter(pk=pk).exists():
            raise
        raise Http404(str(error)) from error
