"""One check of the audit from its guards to the last table, in pieces that a killed worker loses nothing of; administrators hear of what is new."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext

from crm.core.access import scope_of
from crm.core.audit import chain, replay
from crm.core.audit.guards import audited, look_at_guards
from crm.core.audit.sealing import seal
from crm.core.models import AuditCheck, Notification, Seal
from crm.core.tasks import ring

MANY_SEALS = 200  # looked at in one piece
MOST = 100  # findings that are kept: who reads the first hundred knows enough
GIVEN_UP = timedelta(days=1)  # after which a check that does not end is nobody's any more


def begin_check(due_at: datetime) -> None:
    """The night's check is due. Safe twice: there is one open check at most. A house that has sealed nothing yet does so first: what its migrations
    wrote before there were triggers is written down by that."""
    if not Seal.objects.exists():
        seal()
    if not AuditCheck.objects.filter(held__isnull=True, started_at__gt=timezone.now() - GIVEN_UP).exists():
        AuditCheck.objects.create()
    tend_checks()


def tend_checks() -> None:
    """Every tick: ring for the check that is not done."""
    if AuditCheck.objects.filter(held__isnull=True, started_at__gt=timezone.now() - GIVEN_UP).exists():
        ring("crm.core.tasks.check_audit")


def go_on(patience: float = 40.0) -> None:
    """Work on the open check for a while; nobody else does meanwhile."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        with transaction.atomic():
            row = AuditCheck.objects.select_for_update(skip_locked=True).filter(held__isnull=True, started_at__gt=timezone.now() - GIVEN_UP).order_by("id").first()
            if row is None:
                return
            _step(row)


def check_now() -> AuditCheck:
    """Check everything in one go."""
    row = AuditCheck.objects.create()
    while row.held is None:
        with transaction.atomic():
            _step(AuditCheck.objects.select_for_update().get(pk=row.pk))
        row.refresh_from_db()
    return row


def _step(row: AuditCheck) -> None:
    """The next piece: guards, then seals until there are no more, then what lies beside them, then table by table."""
    tables = audited()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        if row.step == 0:
            _note(row, look_at_guards(cursor))
            row.step = 1
        elif row.step == 1:
            last = Seal.objects.filter(number=row.seals).first()
            looked, _mac = chain.look_at_seals(cursor, row.seals, last.mac if last else "", MANY_SEALS)
            row.seals, row.entries = looked.last, row.entries + looked.entries
            _note(row, looked.found)
            row.step = 1 if looked.seals else 2
        elif row.step == 2:
            _note(row, chain.look_at_end())
            if not any(finding["what"] in {"seal-gone", "seal-other"} for finding in row.found):
                _note(row, chain.look_beside(cursor))
            row.step = 3
        elif row.tables < len(tables):
            compared = replay.compare(tables[row.tables])
            row.rows, row.tables = row.rows + compared.rows, row.tables + 1
            _note(row, compared.found)
        else:
            row.held, row.finished_at = not row.found, timezone.now()
    row.save()
    if row.held is False:
        _tell(row)


def _note(row: AuditCheck, found: list[dict[str, Any]]) -> None:
    row.found = [*row.found, *found][:MOST]


def _tell(row: AuditCheck) -> None:
    """Administrators get a sentence, unless the check before found the very same."""
    before = AuditCheck.objects.filter(held__isnull=False, pk__lt=row.pk).first()
    if before is not None and before.found == row.found:
        return
    url = reverse("admin:core_auditcheck_change", args=[row.pk])
    for person in get_user_model().objects.filter(is_active=True):
        if scope_of(person).may("view", "setup"):
            with translation.override(person.language):
                text = gettext("The check of the audit found something: please look at it.")
            Notification.objects.create(user=person, text=text, url=url)

