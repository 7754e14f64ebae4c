"""`work(by=…)`: one transaction with its actor, request and label written where the audit triggers read them (D8)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

request_id: ContextVar[str] = ContextVar("request_id", default="")


@dataclass(frozen=True)
class Work:
    """One labelled piece of work. `id` names all changes it makes: history groups by it and undo reverses by it."""

    id: str
    by_id: int | None
    job_id: int | None


_current: ContextVar[Work | None] = ContextVar("work", default=None)


def current_work() -> Work | None:
    """The work this code runs in, if any."""
    return _current.get()


@contextmanager
def work(*, by: Any = None, job: int | None = None) -> Iterator[Work]:
    """A transaction whose changes carry who made them. Inside another work it joins that one (same id).

    `by` is a user or None for the house (nightly jobs). The settings are local to the transaction, so a pooled connection
    never carries them further.
    """
    outer = _current.get()
    if outer is not None and connection.in_atomic_block:
        with transaction.atomic():
            yield outer
        return
    current = Work(str(uuid.uuid4()), getattr(by, "pk", None), job)
    with transaction.atomic():
        _label(current)
        token = _current.set(current)
        try:
            yield current
            if not connection.needs_rollback:
                _label(None)  # a transaction around this one goes on unlabelled
        finally:
            _current.reset(token)


def _label(current: Work | None) -> None:
    values = [str(current.by_id or "house"), request_id.get(), current.id, str(current.job_id or "")] if current else [""] * 4
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('lotse.actor', %s, true), set_config('lotse.request', %s, true),"
            " set_config('lotse.work', %s, true), set_config('lotse.job', %s, true)",
            values,
        )
