"""A contact that went into another one: its row is gone, its address leads on, and what ledgers say of it is read for the survivor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from contacts.models import MergeRecord, Party
from crm.core.models import Erasure

_STANDS = "m.voids_id IS NULL AND NOT EXISTS (SELECT 1 FROM contacts_mergerecord v WHERE v.voids_id = m.id)"
_DOWN = f"""
WITH RECURSIVE family (id) AS (
    SELECT unnest(%s::bigint[]) UNION SELECT m.absorbed FROM family f JOIN contacts_mergerecord m ON m.survivor_id = f.id WHERE {_STANDS}
) SELECT id FROM family
"""  # noqa: S608 - a constant
_PLACES = ("party-", "person-", "organisation-")  # the addresses whose `pk` is a contact


def standing_merge(pk: int) -> MergeRecord | None:
    """The merge by which this contact went into another one, if it was not taken back."""
    return MergeRecord.objects.unrestricted().filter(absorbed=pk, voids__isnull=True, voided_by__isnull=True).select_related("by").order_by("-pk").first()


def survivor_of(pk: int) -> int | None:
    """Where a contact that is gone has ended up, by however many merges."""
    record = standing_merge(pk)
    while record is not None:
        if Party.objects.unrestricted().filter(pk=record.survivor_id).exists():
            return record.survivor_id
        record = standing_merge(record.survivor_id)
    return None


def family_of(ids: Sequence[int]) -> list[int]:
    """These contacts and all that went into them: whom a ledger may name where it tells of them."""
    with connection.cursor() as cursor:
        cursor.execute(_DOWN, [list(ids)])
        return sorted(pk for (pk,) in cursor.fetchall())


def moved_on(request: HttpRequest) -> tuple[str, str] | None:
    """For an address of a contact that went into another one: where to go, and what happened, in words. Only for who sees the survivor."""
    match = request.resolver_match
    if match is None or not (match.url_name or "").startswith(_PLACES) or not request.user.is_authenticated:
        return None
    pk = match.kwargs.get("pk")
    if not isinstance(pk, int) or (record := standing_merge(pk)) is None:
        return None
    goal = Party.objects.visible_to(request.user).filter(pk=survivor_of(pk)).first()
    if goal is None:
        return None
    words = _("This contact was merged into %(number)s %(name)s by %(who)s. Nothing was saved here; please go on there.")
    return reverse("party-detail", args=[goal.pk]), words % {"number": goal.number, "name": goal, "who": record.by}


def forget_merges(party: Party) -> None:
    """The contact is erased, in the caller's transaction: of what went into it nothing is kept but that it did. After a restore those are erased, too."""
    family = family_of([party.pk])
    records = MergeRecord.objects.unrestricted().filter(survivor__in=family)
    here, now = ContentType.objects.get_for_model(Party), timezone.now()
    born = [(record.absorbed, record.before.get("party", {}).get("created_at")) for record in records if record.voids_id is None]
    Erasure.objects.bulk_create(
        Erasure(subject_type=here, subject_id=pk, born=parse_datetime(at), at=now, back=False) for pk, at in born if at and pk in family and pk != party.pk
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lotse.maintenance', 'on', true)")
        records.update(before={}, after={}, moved={})
        cursor.execute("SELECT set_config('lotse.maintenance', '', true)")


def history_of(party: Party) -> Any:
    """The merges that made this contact what it is, the newest first."""
    return MergeRecord.objects.unrestricted().filter(survivor=party.pk, voids__isnull=True).select_related("by", "voided_by").order_by("-pk")
