"""Who a campaign would go to, as its builder shows it: the people of the segment, and how many are left after everybody who is left out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models.expressions import RawSQL

from campaigns import tracking
from campaigns.models import Campaign
from campaigns.recipients import with_words
from campaigns.segments.who import PATIENCE, members
from campaigns.waterfall import Waterfall, placed
from contacts.models import EmailAddress, Party
from crm.core.once import ask_once
from crm.core.timelimit import TookTooLong, at_most

LOOKED_AT = 2000  # people whose words are tried out while the builder is open
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


def look(campaign: Campaign, reader: Any, *, number: int = 1, most: int = 0, patience: float | None = PATIENCE) -> Audience:
    """All of it, worked out once: the recipient of this `number`, counted from 1 in the order of names, the last one beyond the end; `most` of a
    sample. Without `patience` it takes as long as it takes."""
    if campaign.segment is None or campaign.purpose is None:
        return Audience()
    try:
        if patience is None:
            return _looked(campaign, reader, number, most)
        with at_most(patience):
            return _looked(campaign, reader, number, most)
    except ValidationError:
        return Audience()
    except TookTooLong:
        return Audience(too_long=True)


def _looked(campaign: Campaign, reader: Any, number: int, most: int) -> Audience:
    assert campaign.segment is not None
    may_count = tracking.may_count()
    counted = EmailAddress.objects.unrestricted().filter(tracking.counted(), party__in=_LEFT, is_primary=True).values("pk")
    agreed, params = counted.query.sql_with_params()
    rows: Any = placed(members(campaign.segment.tree, reader), campaign.purpose)
    found = ask_once(rows.values("id", "sort_name", "ends"), {
        "ends": ("SELECT ends, count(*) FROM once GROUP BY ends", ()),
        "person": (_NTH, [max(number, 1)]),
        **({"sample": ("SELECT '', id FROM (SELECT id FROM once WHERE ends = 'left' ORDER BY sort_name, id LIMIT %s) AS beginning", [most])} if most else {}),
        **({"agreed": (f"SELECT '', count(*) FROM ({agreed}) AS counted", params)} if most and may_count else {}),  # noqa: S608 - Django's own statement
    })  # fmt: skip
    asked = {name: [pk for _word, pk in found.get(name, ())] for name in ("person", "sample")}
    wanted = {*asked["person"], *asked["sample"]}
    people = with_words(Party.objects.visible_to(reader).filter(pk__in=wanted)).in_bulk() if wanted else {}
    rows = {name: [people[pk] for pk in keys if pk in people] for name, keys in asked.items()}
    sample = sorted(rows["sample"], key=lambda party: (party.sort_name, party.pk))
    return Audience(Waterfall.of(dict(found["ends"])), next(iter(rows["person"]), None), sample, sum(n for _word, n in found.get("agreed", ())))
