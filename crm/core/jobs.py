"""Long work as a row: started by a person, advanced in short steps, watched, cancelled, resumed after a killed worker (D10)."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from crm.core.errors import RuleBroken
from crm.core.models import Installation, Job, Notification
from crm.core.tasks import ring
from crm.core.wiring import table
from crm.core.work import work

log = logging.getLogger("lotse.jobs")
LEASE = timedelta(seconds=90)
SLICE = 25.0  # seconds one Celery task works before it rings for the next; well under the lease

Step = Callable[[Job], bool]  # does a bounded piece, moves job.cursor/done/total/result, answers "finished?"


@dataclass(frozen=True)
class JobKind:
    """One kind of background work: its name in words, without anything about the records it works on, and its step."""

    label: Any
    step: Step


def start_job(kind: str, *, by: Any, label: str, url: str = "", total: int = 0, **params: Any) -> Job:
    """Queue a job of a kind named in `crm/jobs.py`. Runs after commit. Without `by` the house does it, and nobody is told."""
    assert kind in table("LOTSE_JOBS"), kind
    job = Job.objects.create(kind=kind, by=by, label=label[:200], url=url, total=total, params=params)
    ring("crm.core.tasks.run_job", job.pk)
    return job


def cancel_job(job: Job, *, by: Any) -> None:
    """Ask a job to stop. It stops between two steps; what it did stays and can be resumed or reverted."""
    Job.objects.filter(pk=job.pk, by=by, state__in=[Job.State.QUEUED, Job.State.RUNNING]).update(cancel_asked=True)
    ring("crm.core.tasks.run_job", job.pk)


def resume_job(job: Job, *, by: Any) -> None:
    """Go on where a cancelled or failed job stopped."""
    changed = Job.objects.filter(pk=job.pk, by=by, state__in=[Job.State.CANCELLED, Job.State.FAILED]).update(
        state=Job.State.QUEUED, cancel_asked=False, error="", lease_until=None, finished_at=None
    )
    if not changed:
        raise RuleBroken(_("This job is not waiting to be resumed."))
    ring("crm.core.tasks.run_job", job.pk)


def advance(job_id: int) -> None:
    """Run steps of one job for a while. Safe to call twice at once: the lease lets one in, the other leaves quietly."""
    now = timezone.now()
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=now)
    if not Job.objects.filter(free, pk=job_id, state__in=[Job.State.QUEUED, Job.State.RUNNING]).update(lease_until=now + LEASE, state=Job.State.RUNNING):
        return
    job = Job.objects.select_related("by").get(pk=job_id)
    step: Step = table("LOTSE_JOBS")[job.kind].step
    until = time.monotonic() + SLICE
    with translation.override(job.by.language if job.by else Installation.current().language):
        while time.monotonic() < until:
            if Job.objects.filter(pk=job_id, cancel_asked=True).exists():
                return _end(job, Job.State.CANCELLED)
            try:
                with work(by=job.by, job=job.pk):
                    Job.objects.select_for_update().get(pk=job_id)
                    finished = step(job)
                    job.lease_until = timezone.now() + LEASE
                    job.save(update_fields=["cursor", "done", "total", "result", "url", "lease_until"])
            except RuleBroken as broken:
                job.error = str(broken.message)
                return _end(job, Job.State.FAILED)
            except Exception:
                log.exception("job %s failed", job_id)
                job.error = _("Something went wrong here. The administrators find the details in the log under job %(id)s.") % {"id": job_id}
                return _end(job, Job.State.FAILED)
            if finished:
                return _end(job, Job.State.DONE)
    Job.objects.filter(pk=job_id).update(lease_until=None)
    ring("crm.core.tasks.run_job", job_id)
    return None


def _end(job: Job, state: str) -> None:
    Job.objects.filter(pk=job.pk).update(state=state, error=job.error, lease_until=None, finished_at=timezone.now())
    if job.by is None:
        return  # what the house does by itself is told to nobody
    words = {
        Job.State.DONE: _("%(job)s: done."),
        Job.State.FAILED: _("%(job)s: stopped by an error."),
        Job.State.CANCELLED: _("%(job)s: cancelled."),
    }
    Notification.objects.create(user=job.by, text=(words[Job.State(state)] % {"job": job.label})[:300], url=job.url)


def pick_up_left() -> None:
    """Ring again for jobs whose worker died (lease over) or whose bell may have been lost: a second ring is heard by nobody."""
    left = Job.objects.filter(Q(lease_until__isnull=True) | Q(lease_until__lt=timezone.now()), state__in=[Job.State.QUEUED, Job.State.RUNNING])
    for pk in left.values_list("pk", flat=True)[:100]:
        ring("crm.core.tasks.run_job", pk)
