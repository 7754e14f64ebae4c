"""What can happen to a segment besides its facts: it is made, and its state is kept."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from campaigns.models import Segment, SegmentMember, SegmentSnapshot
from campaigns.segments.who import members
from crm.core.access import may
from crm.core.conditions import Tree
from crm.core.errors import RuleBroken
from crm.core.work import work

AT_ONCE = 5_000


def create_segment(*, by: Any, name: str, tree: Tree, note: str = "", at: datetime | None = None) -> Segment:
    """A new segment of whoever makes it. Raises RuleBroken, in words, for a tree that cannot be asked."""
    if not may(by, "add", Segment):
        raise PermissionDenied
    _asked(tree, by)
    with work(by=by):
        segment = Segment.objects.create(name=name, note=note, tree=tree, owner=by, team=by.team, created_by=by, updated_by=by)
        if at is not None:
            Segment.objects.unrestricted().filter(pk=segment.pk).update(created_at=at, updated_at=at)
        return segment


def keep_segment(segment: Segment, *, by: Any, at: datetime | None = None) -> SegmentSnapshot:
    """Write down who is in the segment now, as far as `by` sees. Raises RuleBroken, in words, for a tree that cannot be asked."""
    found = _asked(segment.tree, by)
    with work(by=by):
        ids = list(found.order_by("pk").values_list("pk", flat=True))
        kept = SegmentSnapshot.objects.create(segment=segment, name=segment.name, tree=segment.tree, by=by, size=len(ids), taken_at=at or timezone.now())
        SegmentMember.objects.bulk_create([SegmentMember(snapshot=kept, party_id=pk) for pk in ids], batch_size=AT_ONCE)
        return kept


def _asked(tree: Tree, by: Any) -> Any:
    try:
        return members(tree, by)
    except ValidationError as problem:
        raise RuleBroken(" ".join(problem.messages)) from problem
