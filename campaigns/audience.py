"""Who a campaign would go to, as its builder shows it: the people of the segment, and how many are left after everybody who is left out."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import dataclass, field
from hashlib import sha256
from time import monotonic
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models.expressions import RawSQL

from campaigns import tracking
from campaigns.models import Campaign
from campaigns.recipients import with_words
from campaigns.segments.who import PATIENCE, SOON, members
from campaigns.waterfall import Waterfall, placed
from contacts.models import EmailAddress, Party
from crm.core.access import scope_of
from crm.core.memory import keep, recall
from crm.core.once import ask_once
from crm.core.timelimit import TookTooLong, at_most

LOOKED_AT = 2000  # people whose words are tried out while the builder is open
STANDS = 120  # seconds for which what took longer than a moment is believed: the builder asks with every click
_LEFT = RawSQL("SELECT id FROM once WHERE ends = 'left'", ())
_NTH = """SELECT '', id FROM (SELECT id, row_number() OVER (ORDER BY sort_name, id) AS nth, count(*) OVER () AS whole FROM once WHERE ends = 'left') AS remaining
    WHERE nth = least(%s, whole)"""


@dataclass(frozen=True)
class Audience:
    """From the segment to the recipients, as far as the reader sees them. `waterfall` is None while segment or purpose are not chosen, or cannot
    be asked, or where it takes `too_long`; `person` is one recipient, `sample` the first of them, both with all that their words are made of;
    `agreed` is how many agreed that opens and clicks are counted."""

    waterfall: Waterfall | None = None
    person: Party | None = None
    sample: list[Party] = field(default_factory=list)
    agreed: int = 0
    too_long: bool = False

    @property
    def recipients(self) -> int:
        """How many would get it."""
        return self.waterfall.left if self.waterfall else 0


def look(campaign: Campaign, reader: Any, *, number: int = 1, most: int = 0, at_once: bool = False, exactly: bool = False) -> Audience:
    """All of it, worked out once: the recipient of this `number`, counted from 1 in the order of names, the last one beyond the end; `most` (up to
    LOOKED_AT) of a sample. A page waits PATIENCE for it, or only a moment (`at_once`). `exactly` it is counted now, as long as that takes."""
    if campaign.segment is None or campaign.purpose is None:
        return Audience()
    kept_as = f"audience:{sha256(f'{scope_of(reader).eyes()} {campaign.purpose.pk} {json.dumps(campaign.segment.tree, sort_keys=True)}'.encode()).hexdigest()}"
    asked = None if exactly else recall(kept_as)
    begin = monotonic()
    if asked is None or (asked and _nth(asked, number) is None):
        try:
            with nullcontext() if exactly else at_most(min(SOON, PATIENCE) if at_once else PATIENCE):
                asked = _asked(campaign, reader, number)
        except ValidationError:
            return Audience()
        except TookTooLong:
            asked = {}
        if monotonic() - begin > SOON and not (at_once and not asked):
            keep(kept_as, asked, STANDS)
    return _read(asked, reader, number, most) if asked else Audience(too_long=True)


def _asked(campaign: Campaign, reader: Any, number: int) -> dict[str, Any]:
    """How many end where, the keys of the first recipients in the order of names, that of the one of this number, and how many agreed."""
    assert campaign.segment is not None
    counted = EmailAddress.objects.unrestricted().filter(tracking.counted(), party__in=_LEFT, is_primary=True).values("pk")
    agreed, params = counted.query.sql_with_params()
    rows: Any = placed(members(campaign.segment.tree, reader), campaign.purpose)
    found = ask_once(rows.values("id", "sort_name", "ends"), {
        "ends": ("SELECT ends, count(*) FROM once GROUP BY ends", ()),
        "person": (_NTH, [max(number, 1)]),
        "first": ("SELECT row_number() OVER (ORDER BY sort_name, id), id FROM once WHERE ends = 'left' ORDER BY sort_name, id LIMIT %s", [LOOKED_AT]),
        **({"agreed": (f"SELECT '', count(*) FROM ({agreed}) AS counted", params)} if tracking.may_count() else {}),  # noqa: S608 - Django's own statement
    })  # fmt: skip
    first = [pk for _place, pk in sorted(found["first"], key=lambda row: int(row[0]))]
    person = next((pk for _word, pk in found["person"]), None)
    return {"ends": dict(found["ends"]), "first": first, "number": number, "person": person, "agreed": sum(n for _word, n in found.get("agreed", ()))}


def _nth(asked: dict[str, Any], number: int) -> int | None:
    """The key of the recipient of this number; None where there is nobody, or somebody else was asked for."""
    first: list[int] = asked["first"]
    if number > len(first) and len(first) == LOOKED_AT:
        found: int | None = asked["person"] if number == asked["number"] else None
        return found
    return first[min(max(number, 1), len(first)) - 1] if first else 0


def _read(asked: dict[str, Any], reader: Any, number: int, most: int) -> Audience:
    nth, sample = _nth(asked, number), asked["first"][:most]
    wanted = {*sample, *([nth] if nth else [])}
    people = with_words(Party.objects.visible_to(reader).filter(pk__in=wanted)).in_bulk() if wanted else {}
    return Audience(Waterfall.of(asked["ends"]), people.get(nth or 0), [people[pk] for pk in sample if pk in people], asked["agreed"])
