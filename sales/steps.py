"""The next step of an opportunity: a task that hangs on it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from contacts.models import Task
from crm.core.errors import RuleBroken
from crm.core.models import Undo
from crm.core.subjects import name_subject, of_subject
from crm.core.undo import offer_undo
from crm.core.work import work
from sales.models import Opportunity


def plan_step(opportunity: Opportunity, *, text: str, due_at: datetime, by: Any) -> Task:
    """A next step for whoever plans it, due at a moment."""
    with work(by=by):
        return Task.objects.create(
            party_id=opportunity.party_id, owner=by, text=text[:200], due_at=due_at, created_by=by, updated_by=by, **name_subject(opportunity)
        )


def finish_step(task: Task, *, by: Any, at: datetime | None = None) -> Undo:
    """Tick a step off. Returns the way back."""
    with work(by=by):
        held = Task.objects.unrestricted().select_for_update(of=("self",)).get(pk=task.pk)
        if held.done_at is not None:
            raise RuleBroken(_("This step is done already."))
        held.done_at, held.updated_by, held.version = at or timezone.now(), by, held.version + 1
        held.save(update_fields=["done_at", "updated_by", "version", "updated_at"])
        return offer_undo(by, _("Done: %(step)s") % {"step": held.text})


def steps_of(opportunity: Opportunity, user: Any) -> QuerySet[Task]:
    """Its open steps that the reader may see, the next one first."""
    return Task.objects.visible_to(user).filter(of_subject(opportunity), done_at__isnull=True).select_related("owner").order_by("due_at", "pk")
