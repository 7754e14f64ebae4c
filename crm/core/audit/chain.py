"""Looks the chain through: every seal ours and in its place, every entry under it as it was, none beside it, and the end where it was left."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from crm.core.audit import sealing
from crm.core.audit.guards import Finding
from crm.core.audit.head import is_in_chain, read_head
from crm.core.audit.sealing import DIGEST, MAY_BE_LATE, is_ours
from crm.core.models import Seal

SLACK = "interval '5 minutes'"  # clocks are set now and then
NAMED = 5  # entries named one by one


@dataclass
class Looked:
    """What a piece of the chain showed."""

    last: int = 0  # number of the last seal looked at
    seals: int = 0
    entries: int = 0
    found: list[Finding] = field(default_factory=list)


# Beside the digest: which entries are gone, and which of them say a time or a transaction that cannot be theirs.
_UNDER = f"""
SELECT s.number, held.entries, held.digest, held.odd, (s.ids::int8multirange - held.there)::text
FROM core_seal s LEFT JOIN core_seal p ON p.number = s.number - 1 AND p.xid < s.xid
CROSS JOIN LATERAL (
    SELECT count(*) AS entries, {DIGEST} AS digest, coalesce(range_agg(int8range(c.id, c.id + 1)), '{{}}') AS there,
        (array_agg(c.id ORDER BY c.id) FILTER (WHERE c.at > s.at + {SLACK} OR (c.id > p.top AND (
            p.entries < %s AND pg_visible_in_snapshot(c.xid::text::xid8, p.snapshot::pg_snapshot) OR c.xid > p.xid AND c.at < p.at - {SLACK}))))[:{NAMED}] AS odd
    FROM unnest(s.ids::int8multirange) part JOIN core_change c ON c.id >= lower(part) AND c.id < upper(part)
) held
WHERE s.number = ANY(%s)
"""  # noqa: S608 - all of it ours


def look_at_seals(cursor: Any, after: int, previous: str, many: int) -> tuple[Looked, str]:
    """The next seals of the chain; with the mac of the last one, for the piece after it."""
    looked = Looked(after)
    good: list[Seal] = []
    for seal in Seal.objects.filter(number__gt=after).order_by("number")[:many]:
        if seal.number != looked.last + 1:
            looked.found.append({"what": "seal-gone", "first": looked.last + 1, "last": seal.number - 1})
        elif seal.previous != previous:
            looked.found.append({"what": "seal-other", "number": seal.number})
        if is_ours(seal):
            good.append(seal)
        else:
            looked.found.append({"what": "seal-other", "number": seal.number})
        looked.last, previous = seal.number, seal.mac
        looked.seals += 1
    cursor.execute(_UNDER, [sealing.PIECE, [seal.number for seal in good]])
    under = {number: rest for number, *rest in cursor.fetchall()}
    for seal in good:
        entries, digest, odd, gone = under[seal.number]
        looked.entries += entries
        when = {"number": seal.number, "at": seal.at.isoformat()}
        if gone != "{}":
            looked.found.append({"what": "entries-gone", "ids": gone[1:-1][:100], **when})
        elif digest != seal.digest:
            looked.found.append({"what": "entries-changed", "ids": seal.ids[1:-1][:100], **when})
        if odd:
            looked.found.append({"what": "entries-odd", "ids": ", ".join(map(str, odd)), **when})
    return looked, previous


def look_beside(cursor: Any) -> list[Finding]:
    """Entries whose numbers the chain has passed and that are under no seal, but for those that may still come late."""
    cursor.execute(
        f"""
        WITH sealed AS (SELECT range_agg(part) AS ids FROM core_seal s CROSS JOIN LATERAL unnest(s.ids::int8multirange) part),
        holes AS (SELECT unnest(int8multirange(int8range(NULL, (SELECT max(top) FROM core_seal) + 1)) - coalesce(ids, '{{}}')) AS hole FROM sealed)
        SELECT c.id FROM holes JOIN core_change c ON (lower_inf(hole) OR c.id >= lower(hole)) AND c.id < upper(hole)
        WHERE EXISTS (SELECT FROM core_seal)
            AND NOT EXISTS (SELECT FROM core_seal s WHERE s.missing::int8multirange @> c.id AND {MAY_BE_LATE})
        ORDER BY c.id
        """  # noqa: S608 - all of it ours
    )
    ids = [number for (number,) in cursor.fetchall()]
    return [{"what": "entries-behind", "count": len(ids), "ids": ", ".join(map(str, ids[:NAMED]))}] if ids else []


def look_at_end() -> list[Finding]:
    """The newest seal that was noted outside must still be there."""
    head = read_head()
    if head is None:
        return [{"what": "head-gone"}] if Seal.objects.exists() else []
    return [] if is_in_chain(head) else [{"what": "head-other", "number": head.number}]
