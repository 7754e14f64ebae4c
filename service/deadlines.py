"""The deadlines of a case: which promise holds, what the ledger says its clock has used, and when it runs out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Q, prefetch_related_objects

from crm.core.conditions import which_hold
from service import sla
from service.calendars import calendar_of
from service.models import Case, CaseStep, SlaRule

RUNS = {Case.State.NEW, Case.State.OPEN}  # in these states the clock of the solution runs


@dataclass(frozen=True)
class Clocks:
    """Both clocks of a case; None where nothing was promised."""

    acknowledgement: sla.Clock | None = None
    solution: sla.Clock | None = None


def fitting_rule(case: Case) -> SlaRule | None:
    """The first active promise whose condition the saved case meets."""
    rules = list(SlaRule.objects.filter(active=True).select_related("calendar"))
    return next((rule for rule, met in zip(rules, which_hold(case, [rule.condition for rule in rules]), strict=False) if met), None)


def live_steps(case: Case) -> list[CaseStep]:
    """The steps that count, in order: not taken back."""
    return steps_of([case])[case.pk]


def steps_of(cases: Iterable[Case]) -> dict[int, list[CaseStep]]:
    """The same for several cases, by their ids."""
    found: dict[int, list[CaseStep]] = {case.pk: [] for case in cases}
    for step in CaseStep.objects.unrestricted().filter(case__in=list(found), voided_by__isnull=True).exclude(kind=CaseStep.Kind.VOID).order_by("at", "pk"):
        found[step.case_id].append(step)
    return found


def pauses_of(steps: Iterable[CaseStep]) -> tuple[sla.Pause, ...]:
    """When the clock of the solution rested: while the case waited, and from being solved until it was reopened."""
    found: list[sla.Pause] = []
    since: datetime | None = None
    for step in steps:
        runs = step.to_state in RUNS
        if since is None and not runs:
            since = step.at
        elif since is not None and runs:
            found.append((since, step.at))
            since = None
    return (*found, (since, None)) if since is not None else tuple(found)


def clocks_of(case: Case, *, now: datetime, steps: Iterable[CaseStep] | None = None, calendar: sla.Calendar | None = None) -> Clocks:
    """Both clocks as they stand at `now`. `steps` and `calendar` (of its promise) are read where they are not given."""
    rule = case.rule
    if rule is None:
        return Clocks()
    calendar = calendar or calendar_of(rule.calendar)
    acknowledgement = solution = None
    if rule.ack_hours is not None:
        acknowledgement = sla.clock(calendar, _hours(rule.ack_hours), opened=case.opened_at, now=now, stopped=case.ack_at)
    if rule.solution_hours is not None:
        rests = pauses_of(live_steps(case) if steps is None else steps)
        if case.solved_at is not None and rests and rests[-1][1] is None:
            rests = _until_solved(rests, case.solved_at)
        solution = sla.clock(calendar, _hours(rule.solution_hours), opened=case.opened_at, now=now, pauses=rests, stopped=case.solved_at)
    return Clocks(acknowledgement, solution)


def _until_solved(rests: tuple[sla.Pause, ...], solved_at: datetime) -> tuple[sla.Pause, ...]:
    """What began with the solution is no pause of a clock that stops there; a case solved while it waited rested until then."""
    start, _end = rests[-1]
    return rests[:-1] if start >= solved_at else rests


def apply_promise(case: Case, *, now: datetime) -> list[str]:
    """Set rule and deadlines of a saved case as its facts and its ledger say. Returns the columns that are another value now."""
    return promise(case, fitting_rule(case), now=now)


def promise(case: Case, rule: SlaRule | None, **known: Any) -> list[str]:
    """Set this rule and the deadlines that follow from it; `known` as in `clocks_of`. Returns the columns that are another value now."""
    before = (case.rule_id, case.due_ack, case.due_solution)
    case.rule = rule
    found = clocks_of(case, **known)
    case.due_ack = found.acknowledgement.due if found.acknowledgement else None
    case.due_solution = found.solution.due if found.solution else None
    after = (case.rule_id, case.due_ack, case.due_solution)
    return [name for name, was, is_ in zip(("rule", "due_ack", "due_solution"), before, after, strict=True) if was != is_]


def calendars() -> dict[int, sla.Calendar]:
    """Every calendar that a promise uses, by the promise's id: for pages that draw many clocks."""
    rules = list(SlaRule.objects.select_related("calendar"))
    shared = {rule.calendar_id: rule.calendar for rule in rules}
    prefetch_related_objects(list(shared.values()), "hours", "special_days")
    reckoned = {pk: calendar_of(row) for pk, row in shared.items()}
    return {rule.pk: reckoned[rule.calendar_id] for rule in rules}


def due_within(hours: int, now: datetime, known: dict[int, sla.Calendar]) -> Q:
    """Cases whose next deadline is at most so many business hours away, by the calendar of their promise."""
    found = Q(pk__in=[])
    by_moment: dict[datetime, list[int]] = {}
    for rule, calendar in known.items():
        limit = sla.after(calendar, now, timedelta(hours=hours))
        if limit is not None:
            by_moment.setdefault(limit, []).append(rule)
    for limit, rules in by_moment.items():
        found |= Q(rule__in=rules, due_next__lte=limit)
    return found


def _hours(hours: Any) -> timedelta:
    return timedelta(minutes=int((Decimal(hours) * 60).to_integral_value()))
