"""Long work as a row: started by a person, advanced in short steps, watched, cancelled, resumed after a killed worker (D10)."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from crm.core.errors import RuleBroken, is_gone
from crm.core.models import Installation, Job, JobPart, Notification
from crm.core.pace import Pace
from crm.core.tasks import ring
from crm.core.wiring import table
from crm.core.work import work

log = logging.getLogger("lotse.jobs")
LEASE = timedelta(seconds=15)  # from one step to the next; while a step is at work, the lock of the job's row says so
SLICE = 25.0  # seconds one Celery task works before it rings for the next
RECOVERY = 60.0  # seconds a worker waits for a database that is gone
HANDS = 2  # workers one job calls for where it is divided: as many as a worker has processes
SLICE_OF_PARTS = 5.0  # shorter, as nobody else gets at a process meanwhile
OPEN = [Job.State.QUEUED, Job.State.RUNNING]
STOPPED = [Job.State.CANCELLED, Job.State.FAILED]  # may go on
_CLASHES = {"40P01", "23505"}  # deadlock, unique key: two parts met in the same record; done again, the second finds what the first did
_MOVED = ["cursor", "done", "total", "result", "url"]  # what a step may move

Step = Callable[[Job], bool]  # does a bounded piece, moves job.cursor/done/total/result, answers "finished?"
Part = Callable[[Job, Mapping[str, Any]], int]  # does one part by its parameters alone, answers by how much `done` grows
Outdated = Callable[[Job], str]  # why a job that stopped does not go on any more, in words; "" where it may


@dataclass(frozen=True)
class JobKind:
    """One kind of background work: its name in words, without anything about the records it works on, its step, how a part of it is done
    where steps divide it, and what may have become of its matter while it stood still."""

    label: Any
    step: Step
    part: Part | None = None
    outdated: Outdated | None = None


def start_job(kind: str, *, by: Any, label: str, url: str = "", total: int = 0, **params: Any) -> Job:
    """Queue a job of a kind named in `crm/jobs.py`. Runs after commit. Without `by` the house does it, and nobody is told."""
    assert kind in table("LOTSE_JOBS"), kind
    job = Job.objects.create(kind=kind, by=by, label=label[:200], url=url, total=total, params=params)
    ring("crm.core.tasks.run_job", job.pk)
    return job


def divide(job: Job, parts: Iterable[Mapping[str, Any]]) -> None:
    """Leave what comes next to several workers at once, in parts that have nothing to do with each other, each done once by `JobKind.part`.
    Called by a step; the next step comes when all of them are done."""
    JobPart.objects.bulk_create([JobPart(job=job, params=dict(params)) for params in parts], batch_size=1_000)
    for _hand in range(HANDS - 1):
        ring("crm.core.tasks.run_job", job.pk)


def cancel_job(job: Job, *, by: Any) -> None:
    """Ask a job to stop. It stops between two steps; what it did stays and can be resumed or reverted."""
    Job.objects.filter(pk=job.pk, by=by, state__in=OPEN).update(cancel_asked=True)
    ring("crm.core.tasks.run_job", job.pk)


def resume_job(job: Job, *, by: Any) -> None:
    """Go on where a cancelled or failed job stopped, unless what it worked on has gone another way since."""
    with transaction.atomic():
        changed = Job.objects.filter(pk=job.pk, by=by, state__in=STOPPED).update(
            state=Job.State.QUEUED, cancel_asked=False, error="", lease_until=None, finished_at=None
        )
        if not changed:
            raise RuleBroken(_("This job is not waiting to be resumed."))
        if why := outdated(job):  # asked with the job in hand: see `stays_ended`
            raise RuleBroken(why)
        for _hand in range(HANDS if job.parts.exists() else 1):
            ring("crm.core.tasks.run_job", job.pk)


def outdated(job: Job) -> str:
    """Why a job that stopped does not go on any more, in words; "" where it may."""
    why = table("LOTSE_JOBS")[job.kind].outdated
    return why(job) if why else ""


def stays_ended(pk: int | None) -> bool:
    """Whether a job has ended, and nobody goes on with it before this transaction ends. One that is open is not waited for."""
    return Job.objects.select_for_update().filter(pk=pk or 0).exclude(state__in=OPEN).first() is not None


def advance(job_id: int) -> None:
    """Work on one job for a while. Safe to call twice at once: of its parts each worker takes another one; between them the lease lets one in,
    and the other leaves quietly. Where the database goes away, what was not committed did not happen, and the job goes on when it is back."""
    try:
        _work_on(job_id)
    except Exception as error:
        if not is_gone(error):
            raise
        log.warning("the database went away while job %s was worked on", job_id, exc_info=True)
        _give_back(job_id)


def _give_back(job_id: int) -> None:
    """Let any worker go on with it, as soon as the database can be told."""
    until = time.monotonic() + RECOVERY
    while True:
        connection.close()
        try:
            Job.objects.filter(pk=job_id, state__in=OPEN).update(lease_until=None)
            break
        except Exception as error:
            if not is_gone(error) or time.monotonic() > until:
                raise
            time.sleep(0.5)
    ring("crm.core.tasks.run_job", job_id)


def _work_on(job_id: int) -> None:
    job = Job.objects.select_related("by").filter(pk=job_id, state__in=OPEN).first()
    if job is None:
        return None
    begun, pace, mine, clashes, divided = time.monotonic(), Pace(begun=job.state == Job.State.RUNNING), False, 0, False
    with translation.override(job.by.language if job.by else Installation.current().language):
        while time.monotonic() - begun < (SLICE_OF_PARTS if divided else SLICE):
            pace.step()
            divided = not mine and JobPart.objects.filter(job=job_id).exists()
            if not divided and not mine:
                mine = _take(job)
                if not mine:
                    return None
            if Job.objects.filter(pk=job_id, cancel_asked=True).exists():
                return _end(job, Job.State.CANCELLED)
            try:
                if divided:
                    if not _do_part(job):
                        return None
                    clashes = 0
                    continue
                finished, mine = _do_step(job)
            except RuleBroken as broken:
                return _fail(job, str(broken.message))
            except Exception as error:
                if is_gone(error):
                    raise
                clashes += 1
                if divided and clashes < 4 and getattr(error.__cause__ or error, "pgcode", "") in _CLASHES:
                    continue
                log.exception("job %s failed", job_id)
                return _fail(job, _("Something went wrong here. The administrators find the details in the log under job %(id)s.") % {"id": job_id})
            if finished:
                return None
    Job.objects.filter(pk=job_id).update(lease_until=None)
    ring("crm.core.tasks.run_job", job_id)
    return None


def _take(job: Job) -> bool:
    """The lease for the next steps, unless another worker has it or is in the midst of a step."""
    with transaction.atomic():
        found = _free().filter(pk=job.pk).first()
        return found is not None and bool(Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() + LEASE, state=Job.State.RUNNING))


def _free() -> QuerySet[Job]:
    """Jobs nobody works on: the lease is over, and no step holds the row. Within a transaction."""
    return Job.objects.select_for_update(skip_locked=True).filter(Q(lease_until__isnull=True) | Q(lease_until__lt=timezone.now()), state__in=OPEN)


def _do_step(job: Job) -> tuple[bool, bool]:
    """(finished?, is the next step ours, too?): what a step divided is open to every worker."""
    with work(by=job.by, job=job.pk):
        job.refresh_from_db(fields=["state", *_MOVED], from_queryset=Job.objects.select_for_update())
        if not job.is_open:
            return False, False  # ended by another worker while we came too late with ours
        if JobPart.objects.filter(job=job.pk).exists():
            return False, False  # divided by another worker just before we took the lease
        finished = table("LOTSE_JOBS")[job.kind].step(job)
        divided = JobPart.objects.filter(job=job.pk).exists()
        job.lease_until = None if divided else timezone.now() + LEASE
        job.save(update_fields=[*_MOVED, "lease_until"])
        if finished:
            _end(job, Job.State.DONE)  # with the step: a last step that is done again would meet what others have made of its result
    return finished, not divided


def _do_part(job: Job) -> bool:
    """Do a part that nobody has in hand: the lock of its row is the lease, and a killed worker's lock is gone with it. False: there is none."""
    with work(by=job.by, job=job.pk):
        part = JobPart.objects.select_for_update(skip_locked=True).filter(job=job.pk).order_by("pk").first()
        if part is None or not Job.objects.filter(pk=job.pk, state__in=OPEN).exists():
            return False
        did = table("LOTSE_JOBS")[job.kind].part(job, part.params)
        part.delete()
        Job.objects.select_for_update(no_key=True).get(pk=job.pk)  # of the last two one sees that none is left
        left = JobPart.objects.filter(job=job.pk).exists()
        lease = timezone.now() + LEASE if left else None  # the tick need not ring while somebody works
        Job.objects.filter(pk=job.pk).update(state=Job.State.RUNNING, done=F("done") + did, lease_until=lease)
    return True


def _fail(job: Job, words: str) -> None:
    """Stop with these words; whoever has another part in hand takes no further one."""
    job.error = words
    Job.objects.filter(pk=job.pk, state__in=OPEN).update(cancel_asked=True, error=words)
    _end(job, Job.State.FAILED)


def _end(job: Job, state: str) -> None:
    with transaction.atomic():
        list(JobPart.objects.select_for_update().filter(job=job.pk).order_by("pk").values_list("pk"))  # waits for parts in hand
        job.error = Job.objects.select_for_update(no_key=True).values_list("error", flat=True).get(pk=job.pk)
        if job.error:
            state = Job.State.FAILED
        if not Job.objects.filter(pk=job.pk, state__in=OPEN).update(state=state, lease_until=None, finished_at=timezone.now()):
            return  # another worker ended it
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
    with transaction.atomic():
        for pk in _free().values_list("pk", flat=True)[:100]:
            ring("crm.core.tasks.run_job", pk)
