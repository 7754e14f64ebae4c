"""Open cases get the deadlines that follow from promises and calendars as they are set up now: few at once, many as a job."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.core.conditions import to_query
from crm.core.jobs import start_job
from crm.core.models import Job
from crm.core.work import work
from service.deadlines import calendars, promise, steps_of
from service.models import Case, SlaRule

JOB = "service.reckon"
AT_ONCE = 500  # cases while somebody waits, and with one step of the job


def reckon_again(*, by: Any) -> int | Job:
    """After promises or calendars changed: how many open cases have another deadline now, or the job that goes through them all."""
    count = _open().count()
    if count > AT_ONCE:
        return start_job(JOB, by=by, label=_("New deadlines for open cases"), url=reverse("admin:service_slarule_changelist"), total=count)
    with work():
        return _reckon(_next(0))


def reckon_step(job: Job) -> bool:
    """Reckon the next cases anew; True after the last. The result counts those with another deadline."""
    cases = _next(job.cursor.get("after", 0))
    job.result = {"changed": job.result.get("changed", 0) + _reckon(cases)}
    job.done = min(job.done + len(cases), job.total)
    if cases:
        job.cursor = {"after": cases[-1].pk}
    return len(cases) < AT_ONCE


def _open() -> Any:
    return Case.objects.unrestricted().exclude(state__in=[Case.State.SOLVED, Case.State.CLOSED])


def _next(after: int) -> list[Case]:
    return list(_open().filter(pk__gt=after).select_for_update(of=("self",)).order_by("pk")[:AT_ONCE])


def _reckon(cases: list[Case]) -> int:
    """What `apply_promise` does to one case, asked for all of them together."""
    known, steps, changed = calendars(), steps_of(cases), 0
    fitting: dict[int, SlaRule] = {}
    for rule in SlaRule.objects.filter(active=True):
        waiting = [case.pk for case in cases if case.pk not in fitting]
        fitting |= dict.fromkeys(Case.objects.unrestricted().filter(to_query(rule.condition, Case), pk__in=waiting).values_list("pk", flat=True), rule)
    for case in cases:
        fits = fitting.get(case.pk)
        columns = promise(case, fits, now=timezone.now(), steps=steps[case.pk], calendar=known[fits.pk] if fits else None)
        if columns:
            case.save(update_fields=columns)
            changed += 1
    return changed
