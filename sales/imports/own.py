"""A job works for its import only as long as the import waits for this very job."""

from __future__ import annotations

from django.utils.translation import gettext as _

from crm.core.errors import RuleBroken
from crm.core.models import Job
from sales.imports.models import ImportRun

State = ImportRun.State
# kind of job → (the column that names it, the state in which the import waits for it)
_WAITS = {
    "sales.import_check": ("check_job_id", State.CHECKING),
    "sales.import_apply": ("apply_job_id", State.APPLYING),
    "sales.import_revert": ("revert_job_id", State.REVERTING),
}


def run_of(job: Job, *, held: bool = True) -> ImportRun:
    """The import a job is to work for, held for a step; RuleBroken where it does not wait for this job any more. Parts of a job, of which
    several are done at once, hold nothing: while a job is open nobody gives its import another state."""
    rows = ImportRun.objects.unrestricted()
    run = rows.held(job.params["run"]) if held else rows.get(pk=job.params["run"])
    if why := _moved_on(run, job):
        raise RuleBroken(why)
    return run


def outdated(job: Job) -> str:
    """Why an old job does not go on: what it would check, bring in or take back is no longer what it began with. "" where it may."""
    return _moved_on(ImportRun.objects.unrestricted().get(pk=job.params["run"]), job)


def _moved_on(run: ImportRun, job: Job) -> str:
    column, state = _WAITS[job.kind]
    if getattr(run, column) == job.pk and run.state == state:
        return ""
    words = _("The import has moved on since: %(state)s. This job does not go on any more; please look at the import itself.")
    return words % {"state": run.get_state_display()}
