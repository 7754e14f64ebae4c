"""Who is in a segment: asked anew each time, by the reader's own eyes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db.models import Count

from campaigns.models import SegmentMember, SegmentSnapshot
from campaigns.segments.words import vocabulary_for
from campaigns.waterfall import Waterfall, places
from contacts.models import Party
from crm.core import paging
from crm.core.conditions import Tree, to_query
from crm.core.once import KEYS, ask_once
from crm.core.records import RecordQuerySet

SAMPLE = 20
PATIENCE = 8.0  # seconds the database may count for a page
SOON = 0.25  # seconds a page waits for the count; one that takes longer comes behind it


def members(tree: Tree, reader: Any, today: date | None = None, *, only: int | None = None) -> RecordQuerySet[Party]:
    """The contacts the reader may see and for whom the tree holds, each once; `only`: this contact, if it is one of them. Raises ValidationError,
    in words, for a tree that cannot be asked."""
    rows = Party.objects.visible_to(reader)
    if only is not None:
        rows = rows.filter(pk=only)
    asked = "one" if only is not None else "few" if rows.query.where and not paging.capped_count(rows)[1] else "all"
    return rows.filter(to_query(tree, vocabulary_for(reader, today, asked=asked)))


@dataclass(frozen=True)
class Standing:
    """A segment now: how many contacts, how many of them with an e-mail address, a few by name; and as far as it was asked, how many (joined, left)
    since kept states, by the state's id, and whom a mail would reach."""

    count: int
    with_email: int
    sample: list[Party]
    moved: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    waterfall: Waterfall | None = None


def standing(tree: Tree, reader: Any, size: int = SAMPLE, *, since: Sequence[SegmentSnapshot] = (), purpose: Any = None) -> Standing:
    """All of it, with the members worked out once. Raises ValidationError, in words, for a tree that cannot be asked."""
    then = SegmentMember.objects.visible_to(reader).filter(snapshot__in=since)
    found = ask_once(members(tree, reader).values("id", "sort_name"), {
        "count": ("SELECT '', count(*) FROM once", ()),
        "with_email": ("SELECT '', count(*) FROM once WHERE EXISTS (SELECT FROM contacts_emailaddress AS mail WHERE mail.party_id = once.id)", ()),
        "sample": ("SELECT '', id FROM (SELECT id FROM once ORDER BY sort_name, id LIMIT %s) AS beginning", [size]),
        **({"stayed": SegmentMember.objects.filter(snapshot__in=since, party__in=KEYS).values_list("snapshot").annotate(n=Count("pk"))} if since else {}),
        **({"ends": places(Party.objects.filter(pk__in=KEYS), purpose)} if purpose is not None else {}),
    })  # fmt: skip
    count, with_email = (sum(number for _word, number in found[name]) for name in ("count", "with_email"))
    sample = Party.objects.visible_to(reader).filter(pk__in=[pk for _word, pk in found["sample"]]).order_by("sort_name", "pk") if count else ()
    stayed = {int(word): number for word, number in found.get("stayed", ())}
    seen = dict(then.values_list("snapshot").annotate(n=Count("pk")).order_by()) if since else {}
    moved = {one.pk: (count - stayed.get(one.pk, 0), seen.get(one.pk, 0) - stayed.get(one.pk, 0)) for one in since}
    return Standing(count, with_email, list(sample), moved, Waterfall.of(dict(found["ends"])) if purpose is not None else None)
