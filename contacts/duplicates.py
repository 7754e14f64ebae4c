"""Possible duplicates of what is being typed: found by stored keys, judged by `contacts.dedupe`, shown only as far as the reader may see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from contacts.dedupe import WARN, block_keys, score
from contacts.identities import identities, typed_identity
from contacts.models import Party, PartySearch

SHOWN = 5
CANDIDATES = 500  # judged at most
REASONS = {
    "same_name": _("same name"),
    "similar_name": _("similar name"),
    "same_email": _("same e-mail"),
    "same_phone": _("same telephone number"),
    "same_address": _("same address"),
    "same_city": _("same city"),
    "same_domain": _("same internet domain"),
    "same_organisation": _("same organisation"),
    "same_birth_date": _("same date of birth"),
}


@dataclass(frozen=True)
class Found:
    """What looks like the same contact: those to show [(party, reasons in words)], and how many more exist outside the reader's rights."""

    shown: list[tuple[Party, list[str]]]
    unseen: int

    def __bool__(self) -> bool:
        return bool(self.shown or self.unseen)


def look_up(kind: Any, data: Mapping[str, Any], reader: Any) -> Found:
    """The likely duplicates of what stands in a form, the likeliest first."""
    typed = typed_identity(kind, data)
    keys = sorted(block_keys(typed))
    if not keys:
        return Found([], 0)
    ids = list(PartySearch.objects.filter(keys__overlap=keys, party__kind=kind).order_by("party").values_list("party_id", flat=True)[:CANDIDATES])
    matches = {}
    for batch in identities(ids) if ids else ():
        for pk, identity in batch.items():
            match = score(typed, identity)
            if match.score >= WARN:
                matches[pk] = match
    visible = Party.objects.visible_to(reader).in_bulk(list(matches))
    best = sorted(visible, key=lambda pk: (-matches[pk].score, pk))[:SHOWN]
    return Found([(visible[pk], [str(REASONS[reason]) for reason in matches[pk].reasons]) for pk in best], len(matches) - len(visible))
