"""What a customer is granted, and what it costs. Goodwill above the limit of its remedy waits for a second person who assigns cases."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from crm.core.approvals import ask_approval, decide_approval, open_approval, withdraw_approval
from crm.core.errors import RuleBroken
from crm.core.events import emit
from crm.core.models import Approval, Undo
from crm.core.work import work
from service.models import Case, CaseStep, Cause, Remedy
from service.services import GOODWILL, hold, step

NOTHING = Decimal("0.00")


def grant_remedy(
    case: Case, *, cause: Cause | None, remedy: Remedy | None, goodwill: Decimal, own_cost: Decimal, by: Any, at: datetime | None = None
) -> Approval | Undo | None:
    """Write down cause, remedy, goodwill and own cost (house currency). Goodwill above the remedy's limit is asked for instead of granted.

    Returns the question where one was asked, otherwise the way back. A case that is closed keeps what was granted.
    """
    with work(by=by):
        held = hold(case)
        if held.state == Case.State.CLOSED:
            raise RuleBroken(_("This case is closed. Reopen it first."))
        if goodwill > 0 and remedy is None:
            raise RuleBroken(_("Goodwill for what? Please choose what is granted."), field="remedy")
        over = remedy is not None and remedy.limit is not None and goodwill > max(remedy.limit, held.goodwill if held.remedy_id == remedy.pk else NOTHING)
        words = _("Granted: %(name)s") % {"name": held}
        if not over:
            withdraw_approval(held, GOODWILL, by=by)
            return step(case, held, CaseStep.Kind.GRANT, words, by=by, at=at, cause=cause, remedy=remedy, goodwill=goodwill, own_cost=own_cost)
        assert remedy is not None
        step(case, held, CaseStep.Kind.GRANT, words, by=by, at=at, cause=cause, own_cost=own_cost)
        asked = ask_approval(held, GOODWILL, by=by, amount=goodwill, at=at, remedy=remedy.pk)
        emit("service.goodwill_asked", held, by=by, approval=asked.pk)
        return asked


def decide_goodwill(case: Case, *, granted: bool, by: Any, note: str = "", at: datetime | None = None) -> Approval:
    """Say yes or no to the goodwill asked for; whoever asked is told (`crm/subscriptions.py`). The page asks for the right to assign."""
    with work(by=by):
        held = hold(case)
        asked = open_approval(held, GOODWILL)
        if asked is None:
            raise RuleBroken(_("Nobody asks for an approval here any more."))
        decided = decide_approval(asked, by=by, granted=granted, note=note, at=at)
        if granted:
            remedy = Remedy.objects.get(pk=decided.payload["remedy"])
            step(case, held, CaseStep.Kind.GRANT, _("Granted: %(name)s") % {"name": held}, by=by, at=at, remedy=remedy, goodwill=decided.amount)
        emit("service.goodwill_decided", held, by=by, approval=decided.pk)
        return decided
