"""Deadlines that pass are told, each exactly once: a ledger row with a unique key, written in the transaction that says so (D10, C11)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from crm.core.events import emit
from crm.core.work import work
from service.models import Case, Escalation

CLOCKS = {Escalation.Clock.ACKNOWLEDGEMENT: "due_ack", Escalation.Clock.SOLUTION: "due_solution"}
_OPEN = ~Q(state__in=[Case.State.SOLVED, Case.State.CLOSED])


def missed(clock: str, now: datetime) -> QuerySet[Case]:
    """Open cases whose deadline of this clock has passed and was not told yet."""
    column = CLOCKS[Escalation.Clock(clock)]
    told = Escalation.objects.unrestricted().filter(case=OuterRef("pk"), clock=clock, due_at=OuterRef(column))
    rows = Case.objects.unrestricted().filter(_OPEN, ~Exists(told), **{f"{column}__lte": now})
    return rows.filter(ack_at__isnull=True) if column == "due_ack" else rows


def escalate_due(now: datetime | None = None, limit: int = 200) -> int:
    """Tell every deadline that has passed. Run by each tick: two ticks at once pass each other by, a killed one leaves all or nothing.

    Returns how many were told. What follows from it is in `crm/subscriptions.py`.
    """
    now = now or timezone.now()
    told = 0
    for clock, column in CLOCKS.items():
        for pk in missed(clock, now).order_by(F(column), "pk").values_list("pk", flat=True)[:limit]:
            told += _tell(pk, clock, now)
    return told


def _tell(pk: int, clock: str, now: datetime) -> int:
    with transaction.atomic():
        case = missed(clock, now).select_for_update(skip_locked=True, of=("self",)).filter(pk=pk).first()
        if case is None:
            return 0  # another tick has it, or it was done meanwhile
        due: Any = case.due_ack if clock == Escalation.Clock.ACKNOWLEDGEMENT else case.due_solution
        with work():
            _row, fresh = Escalation.objects.get_or_create(case=case, clock=clock, due_at=due, defaults={"rule_id": case.rule_id, "at": now})
            if fresh:
                emit("service.case_escalated", case, clock=clock)
        return int(fresh)
