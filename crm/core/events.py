"""Events are rows: written in the caller's transaction, handed out afterwards, each handler exactly once (D9)."""

from __future__ import annotations

import logging
from typing import Any

from django.db import models, transaction
from django.utils import timezone

from crm.core.models import Event
from crm.core.subjects import name_subject
from crm.core.tasks import ring
from crm.core.wiring import table

log = logging.getLogger("lotse.events")
PARKED_AFTER = 10  # attempts; a parked event waits for a person in the admin


def emit(name: str, subject: models.Model, *, by: Any = None, **payload: Any) -> Event:
    """Say that something happened, in the transaction in which it did. Payloads carry ids, no personal values."""
    event = Event.objects.create(name=name, by=by, payload=payload, **name_subject(subject))
    ring("crm.core.tasks.dispatch_events")
    return event


def dispatch(limit: int = 100) -> int:
    """Hand out waiting events: the handlers of one event run in the transaction that marks it done. Returns how many were done; rings for
    those beyond the limit. One that fails is tried again by the next call: what stands in its way may have gone by then."""
    done, failed = 0, list[int]()
    for _ in range(limit):
        with transaction.atomic():
            event = (
                Event.objects.select_for_update(skip_locked=True)
                .filter(done_at__isnull=True, attempts__lt=PARKED_AFTER)
                .exclude(pk__in=failed)
                .order_by("attempts", "id")
                .first()
            )
            if event is None:
                return done
            try:
                with transaction.atomic():
                    for handler in table("LOTSE_SUBSCRIPTIONS").get(event.name, ()):
                        handler(event)
            except Exception as error:  # one broken handler must not stop the others; the row keeps what went wrong
                log.exception("event %s failed", event.pk)
                event.attempts += 1
                event.error = repr(error)[:2000]
                failed.append(event.pk)
            else:
                event.done_at = timezone.now()
                done += 1
            event.save(update_fields=["attempts", "error", "done_at"])
    ring("crm.core.tasks.dispatch_events")
    return done
