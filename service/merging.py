"""Cases that belong together: one swallows the other, or they are linked."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from crm.core.approvals import withdraw_approval
from crm.core.errors import RuleBroken
from crm.core.events import emit
from crm.core.models import Undo
from crm.core.work import work
from service.models import Case, CaseLink, CaseStep
from service.services import GOODWILL, hold, step, still_open, tell_history


def merge_case(case: Case, into: Case, *, by: Any, at: datetime | None = None) -> Undo | None:
    """The same thing reported twice: `case` is closed and its conversation is read in `into` from now on. Both are locked in one order."""
    at = at or timezone.now()
    with work(by=by):
        if case.pk == into.pk:
            raise RuleBroken(_("A case cannot be merged into itself."), field="into")
        held = {row.pk: row for row in (hold(one) for one in sorted((case, into), key=lambda one: one.pk))}
        gone, stays = held[case.pk], held[into.pk]
        still_open(gone)
        if stays.merged_into_id is not None:
            raise RuleBroken(_("%(number)s was merged into another case itself. Choose that one.") % {"number": stays.number}, field="into")
        withdraw_approval(gone, GOODWILL, by=by)
        words = _("%(gone)s merged into %(stays)s") % {"gone": gone.number, "stays": stays.number}
        facts = {"state": Case.State.CLOSED, "closed_at": at, "paused_since": None, "merged_into": stays}
        undo = step(case, gone, CaseStep.Kind.MERGE, words, by=by, at=at, **facts)
        tell_history(stays, words, by=by, at=at)
        emit("service.case_merged", gone, by=by, into=stays.pk)
        return undo


def family_of(case: Case) -> list[int]:
    """The ids of a case and of all that were merged into it, by whatever way."""
    found, waiting = [case.pk], [case.pk]
    while waiting:
        waiting = list(Case.objects.unrestricted().filter(merged_into__in=waiting).exclude(pk__in=found).values_list("pk", flat=True))
        found += waiting
    return found


def link_cases(case: Case, other: Case, *, by: Any) -> CaseLink:
    """Two cases have to do with each other; both go on."""
    if case.pk == other.pk:
        raise RuleBroken(_("A case cannot be linked with itself."), field="other")
    first, second = sorted((case, other), key=lambda one: one.pk)
    with work(by=by):
        link, fresh = CaseLink.objects.get_or_create(case=first, other=second, defaults={"created_by": by, "updated_by": by})
        if not fresh:
            raise RuleBroken(_("These cases are linked already."), field="other")
        return link


def unlink_cases(case: Case, other: Case, *, by: Any) -> None:
    """They have nothing to do with each other after all."""
    first, second = sorted((case, other), key=lambda one: one.pk)
    with work(by=by):
        if not CaseLink.objects.filter(case=first, other=second).delete()[0]:
            raise RuleBroken(_("This link does not exist any more."))
