"""What a monitoring system reads at /metrics: requests by route, and whether work is left lying. Figures about the house itself stay inside.

The address does not exist without the token of `LOTSE_METRICS_TOKEN`. gunicorn's processes count into files of their own, which are
added up here (`crm.gunicorn`). What waits is counted from partial indexes and no further than 10,000. What nobody knows is left out.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import Error, connection
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest, values
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector

from crm.core import backups
from crm.core.events import PARKED_AFTER
from crm.core.mail.kinds import kinds
from crm.core.memory import keep, recall

REQUESTS = Counter("lotse_requests", "Answers by route, method and class of status", ["route", "method", "status"])
SECONDS = Histogram("lotse_request_seconds", "How long an answer took, by route", ["route"], buckets=(0.05, 0.2, 0.5, 2, 10))
METHODS = {"GET", "POST", "HEAD"}
TICK = "lotse-tick"  # when the last tick came to its end, in Valkey: it can only come from there

# Each as (state, how many, seconds the oldest has waited); mails in the order in which they would leave. A mail that is put off is due later
# each time: it has waited since it was put off first, which is its kind's patience before it is given up.
_MAILS = """
SELECT state, count(*), extract(epoch FROM max(statement_timestamp() - first_due) FILTER (WHERE state IN ('planned', 'deferred')))
FROM (
    (SELECT state, least(due_at, give_up_at - make_interval(secs => (%(patience)s::jsonb ->> kind)::float)) AS first_due
        FROM core_outgoingmail WHERE state IN ('planned', 'deferred') ORDER BY priority, due_at, id LIMIT 10000)
    UNION ALL (SELECT state, NULL FROM core_outgoingmail WHERE state IN ('claimed', 'handing') LIMIT 10000)
    UNION ALL (SELECT state, NULL FROM core_outgoingmail WHERE state IN ('refused', 'unclear', 'withdrawn') LIMIT 10000)
) counted GROUP BY state
"""
_JOBS = "SELECT state, count(*), NULL FROM (SELECT state FROM core_job WHERE state IN ('queued', 'running') LIMIT 10000) counted GROUP BY state"
_EVENTS = f"""
SELECT CASE WHEN attempts < {PARKED_AFTER} THEN 'waiting' ELSE 'parked' END, count(*), extract(epoch FROM max(statement_timestamp() - at))
FROM (SELECT attempts, at FROM core_event WHERE done_at IS NULL ORDER BY attempts, id LIMIT 10000) counted GROUP BY 1
"""  # noqa: S608 - a constant
# Each as (name, 1, seconds). A mailbox is in trouble since it was last read; one that never was, since the day it was named.
_AGES = """
SELECT 'inbox_trouble', 1, extract(epoch FROM statement_timestamp() - coalesce(greatest(looked_at, since::timestamptz), trouble_at))
FROM core_mailboxsetup WHERE active AND trouble <> ''
UNION ALL SELECT 'drill_age', 1, extract(epoch FROM statement_timestamp() - max(started_at)) FROM core_drill WHERE held
"""
_QUEUES = {
    "mails": (_MAILS, ("planned", "deferred", "claimed", "handing", "refused", "unclear", "withdrawn")),
    "jobs": (_JOBS, ("queued", "running")),
    "events": (_EVENTS, ("waiting", "parked")),
}


def observe(request: HttpRequest, status: int, seconds: float) -> None:
    """Count an answer."""
    if not settings.METRICS_TOKEN:
        return
    match = request.resolver_match
    route = match.view_name if match else "static" if request.path.startswith(settings.STATIC_URL) else "none"
    REQUESTS.labels(route, request.method if request.method in METHODS else "other", f"{status // 100}xx").inc()
    SECONDS.labels(route).observe(seconds)


def note_tick() -> None:
    """The tick has done its work."""
    keep(TICK, time.time(), None)


class State:
    """What the database and Valkey say now."""

    def collect(self) -> Iterator[Metric]:
        yield from _tick()
        yield from _backup()
        patience = json.dumps({kind.key: kind.patience.total_seconds() for kind in kinds()})
        try:
            found = {name: _rows(sql, patience=patience) for name, (sql, _states) in _QUEUES.items()}
            ages = {name: age for name, (_one, age) in _rows(_AGES).items()}
        except Error:
            yield GaugeMetricFamily("lotse_database_up", "1 if the database answers", 0)
            return
        yield GaugeMetricFamily("lotse_database_up", "1 if the database answers", 1)
        for name, (_sql, states) in _QUEUES.items():
            counts = GaugeMetricFamily(f"lotse_{name}", f"{name} by state, up to 10,000", labels=["state"])
            waited = [float(age) for _count, age in found[name].values() if age is not None]
            for state in states:
                counts.add_metric([state], found[name].get(state, (0, None))[0])
            yield counts
            if name != "jobs":
                yield GaugeMetricFamily(f"lotse_{name}_oldest_seconds", f"how long the oldest of the waiting {name} has been due", max(0.0, *waited, 0.0))
        yield GaugeMetricFamily("lotse_inbox_trouble_seconds", "how long the mailbox could not be read; 0 if it can", max(0.0, float(ages.get("inbox_trouble") or 0)))
        if ages.get("drill_age") is not None:
            yield GaugeMetricFamily("lotse_drill_age_seconds", "since the last restore drill that held", float(ages["drill_age"]))


def _rows(sql: str, **values: str) -> dict[str, tuple[int, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return {state: (count, age) for state, count, age in cursor.fetchall()}


def _tick() -> Iterator[Metric]:
    """Left out where Valkey is gone or has forgotten: unknown is not zero."""
    last = recall(TICK)
    if last is not None:
        yield GaugeMetricFamily("lotse_tick_age_seconds", "since the last tick of the clock came to its end", time.time() - last)


def _backup() -> Iterator[Metric]:
    """Left out where none lies in this house's folder: it may be kept elsewhere."""
    made = backups.newest()
    if made is not None:
        yield GaugeMetricFamily("lotse_backup_age_seconds", "since the newest whole backup was begun", time.time() - made.timestamp())


@login_not_required
def metrics(request: HttpRequest) -> HttpResponse:
    """The figures in Prometheus' text form, for whoever brings the token."""
    given = request.headers.get("Authorization", "")
    if not settings.METRICS_TOKEN or not constant_time_compare(given, f"Bearer {settings.METRICS_TOKEN}"):
        raise Http404
    registry = CollectorRegistry()
    for collector in (MultiProcessCollector(None),) if values.ValueClass._multiprocess else (REQUESTS, SECONDS):  # type: ignore[no-untyped-call]
        registry.register(collector)
    registry.register(State())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


metrics.public = True  # type: ignore[attr-defined]
