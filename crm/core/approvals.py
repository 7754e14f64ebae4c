"""Approvals exist once: somebody asks, somebody else decides, and both stand in one row (D16). What follows is the asking app's business."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.core.errors import RuleBroken
from crm.core.models import Approval
from crm.core.subjects import name_subject, of_subject
from crm.core.work import work


def ask_approval(record: models.Model, kind: str, *, by: Any, amount: Decimal | None = None, at: datetime | None = None, **payload: Any) -> Approval:
    """Ask for `record`. One question of a kind is open at a time: asking anew takes the place of the earlier one."""
    with work(by=by):
        withdraw_approval(record, kind, by=by)
        return Approval.objects.create(kind=kind, amount=amount, payload=payload, asked_by=by, asked_at=at or timezone.now(), **name_subject(record))


def withdraw_approval(record: models.Model, kind: str, *, by: Any) -> None:
    """The question is no longer asked."""
    with work(by=by):
        Approval.objects.filter(of_subject(record), kind=kind, decided_at__isnull=True).delete()


def open_approval(record: models.Model, kind: str) -> Approval | None:
    """The question nobody has decided yet."""
    return Approval.objects.select_related("asked_by").filter(of_subject(record), kind=kind, decided_at__isnull=True).first()


def decide_approval(approval: Approval, *, by: Any, granted: bool, note: str = "", at: datetime | None = None) -> Approval:
    """Say yes or no, once. Raises RuleBroken if it was decided or withdrawn meanwhile, and for whoever asked."""
    with work(by=by):
        held = Approval.objects.select_for_update().filter(pk=approval.pk, decided_at__isnull=True).first()
        if held is None:
            raise RuleBroken(_("Somebody has decided this meanwhile, or it is no longer asked."))
        if held.asked_by_id == by.pk:
            raise RuleBroken(_("Nobody approves what they asked for themselves: a second person decides."))
        held.decided_by, held.decided_at, held.granted, held.note = by, at or timezone.now(), granted, note.strip()[:300]
        held.save(update_fields=["decided_by", "decided_at", "granted", "note"])
        return held
