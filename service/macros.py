"""A macro: several steps with one click, all or none."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.utils import timezone
from django.utils.translation import gettext

from contacts.models import Interaction
from crm.core.access import may
from crm.core.work import work
from service.conversation import log_entry
from service.deadlines import apply_promise
from service.models import Case, Macro
from service.services import acknowledge_case, assign_case, hold, still_open, take_case, wait_case
from service.texts import filled


def run_macro(case: Case, macro: Macro, *, by: Any, typed: str = "", way: str = "", to: str = "", at: datetime | None = None, seen: int | None = None) -> None:
    """Do what the macro says to an open case. What was typed meanwhile (`typed`, as `way`) is written instead of the macro's own text.

    A step that is done already is left out; handing over needs the right to assign, writing that to write entries. `seen` as in `take_case`, `to` as in `log_entry`.
    """
    with work(by=by):
        still_open(hold(case))
        if macro.priority is not None and case.priority != macro.priority:
            held = hold(case)
            held.priority, held.version, held.updated_by = macro.priority, held.version + 1, by
            held.save(update_fields=["priority", "version", "updated_by", "updated_at"])
            held.save(update_fields=apply_promise(held, now=at or timezone.now()))
            case.refresh_from_db()
        if macro.take and case.owner_id != by.pk:
            take_case(case, by=by, at=at, seen=seen)
        if macro.team is not None and (case.team_id != macro.team_id or case.owner_id is not None):
            if not Case.objects.visible_to(by, "assign").filter(pk=case.pk).exists():
                raise PermissionDenied
            assign_case(case, owner=None, team=macro.team, by=by, at=at)
        if macro.acknowledge and case.ack_at is None:
            acknowledge_case(case, by=by, at=at)
        if (typed or macro.text is not None) and not may(by, "add", Interaction):
            raise PermissionDenied(gettext("You do not have the right to write entries."))
        if typed:
            log_entry(case, way=way, body=typed, by=by, at=at, to=to)
        elif macro.text is not None:
            log_entry(case, way=macro.writes, body=filled(macro.text, case, by), by=by, at=at, to=to)
        if macro.wait:
            case.refresh_from_db()
            if case.state != Case.State.WAITING:
                wait_case(case, by=by, at=at)
