"""Errors told to a collector that speaks Sentry's language (GlitchTip, Sentry), if `LOTSE_ERRORS_DSN` names one; else nothing is imported.

An event is made anew from the little that helps to find the mistake: what is not named here never leaves, whatever the library learns to
collect. No values of variables, no words a person typed, no query, no body, no header; the person is a number.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from crm.core.logs import first_line, person, plain_path, task_id
from crm.core.work import request_id

KEPT = ("event_id", "timestamp", "level", "logger", "platform", "release", "environment", "server_name", "sdk", "transaction")
FRAME = ("filename", "abs_path", "module", "function", "lineno", "pre_context", "context_line", "post_context", "in_app")


def begin() -> None:
    """Called once by each process as it starts."""
    try:
        import sentry_sdk
    except ImportError:
        raise ImproperlyConfigured("LOTSE_ERRORS_DSN is set, but the package sentry-sdk is missing: install lotse[errors], or build the image with LOTSE_EXTRAS=1 in .env") from None
    sentry_sdk.init(
        dsn=settings.ERRORS_DSN,
        send_default_pii=False,
        max_request_body_size="never",
        include_local_variables=False,
        max_breadcrumbs=0,
        auto_session_tracking=False,
        before_send=event_of,
    )


def event_of(found: Any, _hint: Any) -> Any:
    """The event as it leaves."""
    event = {name: found[name] for name in KEPT if name in found}
    event["tags"] = {name: value for name, value in (("request", request_id.get()), ("task", task_id.get())) if value}
    if person.get():
        event["user"] = {"id": str(person.get())}
    if request := found.get("request"):
        event["request"] = {"method": request.get("method", ""), "url": plain_path("/" + request.get("url", "").split("?")[0].split("/", 3)[-1])}
    if entry := found.get("logentry"):
        event["logentry"] = {"message": entry.get("message", "")}  # the words without what was put into them
    if errors := found.get("exception"):
        event["exception"] = {"values": [_error(one) for one in errors.get("values", ())]}
    return event


def _error(found: dict[str, Any]) -> dict[str, Any]:
    frames = (found.get("stacktrace") or {}).get("frames", ())
    return {
        "type": found.get("type"),
        "module": found.get("module"),
        "value": first_line(str(found.get("value") or "")),
        "stacktrace": {"frames": [{name: frame[name] for name in FRAME if name in frame} for frame in frames]},
    }
