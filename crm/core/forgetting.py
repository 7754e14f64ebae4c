"""What is kept for a time and no longer goes by night: in pieces, each a transaction of its own. A run that dies has lost nothing, two at once do no harm.

The periods are told in the register (`crm/fields.py`) and in docs/operations.md. What letters, proofs, results or histories hang on stays: of a
mail that may be forgotten only the text goes.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from crm.core.mail.kinds import kinds
from crm.core.models import Event, Notification, OutgoingMail, Undo
from crm.core.pace import Pace

PIECE = 2_000
UNDOS = timedelta(days=30)
NOTIFICATIONS = timedelta(days=365)
EVENTS = timedelta(days=120)  # those that are done; the dry run of a journey reads the last 90 days
State = OutgoingMail.State
OVER = (State.ACCEPTED, State.RETURNED, State.REFUSED, State.WITHDRAWN)  # what is unclear waits for a person


def forget_old(_due: datetime | None = None) -> None:
    """Let go of what is older than its time."""
    now = timezone.now()
    old: list[QuerySet[Any]] = [
        Undo.objects.unrestricted().filter(at__lt=now - UNDOS),  # the gate: the house clears away, whoever it belongs to
        Notification.objects.unrestricted().filter(at__lt=now - NOTIFICATIONS),  # the gate: likewise
        Session.objects.filter(expire_date__lt=now),
        Event.objects.filter(done_at__lt=now - EVENTS),
    ]
    for rows in old:
        _piece_by_piece(rows, lambda piece: piece.delete())
    for kind in kinds():
        if kind.kept is not None:
            mails = OutgoingMail.objects.alias(left=Coalesce("handed_at", "planned_at")).filter(kind=kind.key, state__in=OVER, left__lt=now - kind.kept)
            _piece_by_piece(mails.exclude(body="", html=""), lambda piece: piece.update(body="", html="", headers={}))


def _piece_by_piece(rows: QuerySet[Any], forget: Callable[[QuerySet[Any]], object]) -> None:
    """Forget these rows, some at a time in the order of their keys, so that none is looked at twice."""
    pace, rest = Pace(), rows
    while keys := list(rest.order_by("pk").values_list("pk", flat=True)[:PIECE]):
        with transaction.atomic():
            forget(rows.filter(pk__in=keys))
        rest = rows.filter(pk__gt=keys[-1])
        pace.step()
