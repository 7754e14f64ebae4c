"""Giving contacts a tag and taking it away again: many at once, or one by a journey."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import F
from django.utils import timezone
from django.utils.translation import ngettext

from contacts.models import Party, PartyTag, Tag
from contacts.services import AT_ONCE, Done, too_many
from crm.core.work import work


def tag_parties(ids: Iterable[int], tag: Tag, *, by: Any, take: bool = False) -> Done:
    """Give these contacts the tag, or `take` it away. What `by` may not change, what is gone and what needs nothing is skipped."""
    chosen = set(ids)
    if len(chosen) > AT_ONCE:
        raise too_many()
    with work(by=by):
        mine = list(Party.objects.visible_to(by, "change").filter(pk__any=chosen).select_for_update(of=("self",)).order_by("pk").values_list("pk", flat=True))
        count, skipped = _write(mine, tag, by, take), []
        if needless := len(mine) - count:
            words = ngettext("%(n)s did not have it", "%(n)s did not have it", needless) if take else ngettext("%(n)s had it already", "%(n)s had it already", needless)
            skipped.append(words % {"n": needless})
        if not_mine := len(chosen) - len(mine):
            skipped.append(ngettext("%(n)s you may not change", "%(n)s you may not change", not_mine) % {"n": not_mine})
        return Done(count, tuple(skipped))


def tag_party(party: Party, tag: Tag, *, by: Any, take: bool = False) -> None:
    """Give one contact the tag, or `take` it away; twice is once. The caller has asked the gate."""
    with work(by=by):
        Party.objects.unrestricted().held(party.pk)
        _write([party.pk], tag, by, take)


def _write(ids: list[int], tag: Tag, by: Any, take: bool) -> int:
    """How many of these contacts, whose rows are held, got or lost the tag."""
    rows = PartyTag.objects.unrestricted().filter(party__id__any=ids, tag=tag)
    held = set(rows.values_list("party", flat=True))
    changed = held if take else set(ids) - held
    if take:
        rows.delete()
    else:
        PartyTag.objects.bulk_create(PartyTag(party_id=pk, tag=tag, created_by=by, updated_by=by) for pk in sorted(changed))
    Party.objects.unrestricted().filter(pk__any=changed).update(version=F("version") + 1, updated_by=by, updated_at=timezone.now())
    return len(changed)
