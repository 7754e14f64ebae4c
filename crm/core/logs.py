"""What a log line tells beside its words: the request or task it belongs to, the person's number — and no personal data.

In production (`LOTSE_LOG=json`) each line is one JSON object; at a terminal it is text. Query strings and bodies are never logged, long
values in an address (links of people without an account) are left out, and of an exception only the first line of its words: the database
names the values it refused in the following ones.
"""

from __future__ import annotations

import json
import logging
import time
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from celery import Task
from django.conf import settings
from django.http import HttpRequest

from crm.core.work import request_id

person: ContextVar[int | None] = ContextVar("person", default=None)
task_id: ContextVar[str] = ContextVar("task_id", default="")
access = logging.getLogger("lotse.access")
SECRET = 20  # letters from which on a part of an address is taken for a link's token


class About(logging.Filter):
    """Every line carries the id of its request, its person and its task. That a request was refused is one line: no trace of ours explains it."""

    def filter(self, record: logging.LogRecord) -> bool:
        left = getattr(record.__dict__.get("request"), "lotse_id", "")
        record.request_id, record.user, record.task = request_id.get() or left or "-", person.get(), task_id.get()
        if record.name.startswith("django.security."):
            record.exc_info = record.exc_text = None
        return True


class Json(logging.Formatter):
    """One object a line: time, level, logger, message, request, and user, task, method, path, status, ms, error where there are any."""

    def format(self, record: logging.LogRecord) -> str:
        facts = record.__dict__
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": _without_tokens(record),
            "request": facts.get("request_id", "-"),
        }
        line |= {name: facts[name] for name in ("user", "task", "method", "path", "status", "ms") if facts.get(name) not in (None, "")}
        if record.exc_info and record.exc_info[1]:
            line["error"] = trace(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False, default=str)


def _without_tokens(record: logging.LogRecord) -> str:
    """The words. Django puts the address into some of its own."""
    request = record.__dict__.get("request")
    words = record.getMessage()
    return words.replace(request.path, plain_path(request.path)) if isinstance(request, HttpRequest) else words


def trace(error: BaseException) -> str:
    """Where it happened, and of the words of each error the first line."""
    parts: list[str] = []
    found: BaseException | None = error
    while found is not None:
        parts.append("".join(traceback.format_tb(found.__traceback__)) + f"{type(found).__name__}: {first_line(str(found))}")
        found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)
    return "\nhence\n".join(reversed(parts))


def first_line(words: str) -> str:
    """What an error says, without the lines in which a database names the values."""
    return words.partition("\n")[0][:200]


def plain_path(path: str) -> str:
    """An address without query, and without the tokens of public links."""
    if path.startswith(settings.STATIC_URL):
        return path
    return "/".join("…" if len(part) > SECRET and not part.replace("-", "").isalpha() else part for part in path.split("/"))


def note_access(request: HttpRequest, status: int, seconds: float) -> None:
    """The access log: one line for each answer."""
    facts = {"method": request.method, "path": plain_path(request.path), "status": status, "ms": round(seconds * 1000, 1)}
    access.info("%s %s %s", request.method, facts["path"], status, extra=facts)


class Traced(Task):  # type: ignore[misc]  # Celery has no types
    """A task whose lines carry its id and the request that asked for it (`crm.core.tasks.ring` sends it along)."""

    abstract = True

    def __call__(self, *args: Any, **options: Any) -> Any:
        asked = request_id.set((self.request.headers or {}).get("request", ""))
        mine = task_id.set(self.request.id or "")
        begin = time.monotonic()
        try:
            return super().__call__(*args, **options)
        finally:
            access.info("task %s", self.name, extra={"ms": round((time.monotonic() - begin) * 1000, 1)})
            task_id.reset(mine)
            request_id.reset(asked)
