"""Who is in a segment: asked anew each time, by the reader's own eyes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Count, Exists, OuterRef

from campaigns.models import SegmentMember, SegmentSnapshot
from campaigns.segments.words import vocabulary_for
from contacts.models import EmailAddress, Party
from crm.core import paging
from crm.core.conditions import Tree, to_query
from crm.core.records import RecordQuerySet

SAMPLE = 20


def members(tree: Tree, reader: Any, today: date | None = None, *, only: int | None = None) -> RecordQuerySet[Party]:
    """The contacts the reader may see and for whom the tree holds, each once; `only`: this contact, if it is one of them. Raises ValidationError,
    in words, for a tree that cannot be asked."""
    rows = Party.objects.visible_to(reader)
    if only is not None:
        rows = rows.filter(pk=only)
    few = only is not None or (bool(rows.query.where) and not paging.capped_count(rows)[1])
    return rows.filter(to_query(tree, vocabulary_for(reader, today, few=few)))


@dataclass(frozen=True)
class Standing:
    """A segment now: how many contacts, how many of them with an e-mail address, and a few by name."""

    count: int
    with_email: int
    sample: list[Party]


def standing(tree: Tree, reader: Any, size: int = SAMPLE) -> Standing:
    """Count and sample. Raises ValidationError, in words, for a tree that cannot be asked."""
    rows = members(tree, reader)
    mailed = EmailAddress.objects.unrestricted().filter(party=OuterRef("pk"))
    found = rows.order_by().aggregate(count=Count("pk"), with_email=Count("pk", filter=Exists(mailed)))
    return Standing(found["count"], found["with_email"], list(rows.order_by("sort_name", "pk")[:size]))


def moved(kept: SegmentSnapshot, reader: Any) -> tuple[int, int]:
    """(joined, left) since a kept state, as far as the reader sees: who is in now and was not, who was in and is not now."""
    then = SegmentMember.objects.visible_to(reader).filter(snapshot=kept)
    now = members(kept.segment.tree, reader)
    joined = now.filter(~Exists(then.filter(party=OuterRef("pk")))).count()
    left = then.exclude(party__in=now.values("pk")).count()
    return joined, left
