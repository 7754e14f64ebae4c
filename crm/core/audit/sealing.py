"""Seals what the audit says, a little later, so that no trigger waits for a chain.

A seal takes what is committed and not sealed yet, whatever its numbers: an entry that was written early and committed late goes with the
next one. So nobody has to know how long a transaction may still be open, here or in another database of the server. Each seal keeps which numbers
it could not see and which transactions were at work: only those may bring them later; a number that anybody else brings was put in behind.
"""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from crm.core.audit import replay
from crm.core.audit.guards import audited
from crm.core.audit.head import keep_head, read_head
from crm.core.models import Seal
from crm.core.tasks import ring

EVERY = timedelta(minutes=2)
PIECE = 50_000  # entries under one seal, but for those that come late
PATIENCE = 40.0  # seconds of sealing at a time: the next tick goes on
LOCK = 0x10_75_EA_1

# One entry as bytes that are the same whatever the session's habits.
ENTRY = """sha256(convert_to(jsonb_build_array(c.id, (extract(epoch FROM c.at) * 1000000)::bigint, c.xid, c.actor_id, c.origin, c.request, c.work, c.job_id,
    c.relation, c.row_id, c.op, c.before, c.after)::text, 'UTF8'))"""
DIGEST = f"encode(sha256(coalesce(string_agg({ENTRY}, ''::bytea ORDER BY c.id), ''::bytea)), 'hex')"
# An entry that fills a hole left by seal s: its transaction must have been at work when s was made.
MAY_BE_LATE = "c.xid < s.xid AND NOT pg_visible_in_snapshot(c.xid::text::xid8, s.snapshot::pg_snapshot)"

_NEXT = f"""
WITH last AS (SELECT * FROM core_seal ORDER BY number DESC LIMIT 1),
open AS (  -- seals whose transactions were not all over when the last one was made
    SELECT s.* FROM core_seal s, last
    WHERE s.missing <> '{{}}' AND (s.number = last.number OR s.xid > pg_snapshot_xmin(last.snapshot::pg_snapshot)::text::bigint)
),
late AS (
    SELECT DISTINCT c.id FROM open s CROSS JOIN LATERAL unnest(s.missing::int8multirange) hole JOIN core_change c ON c.id >= lower(hole) AND c.id < upper(hole)
    WHERE {MAY_BE_LATE} AND NOT EXISTS (SELECT FROM core_seal l WHERE l.number > s.number AND l.ids::int8multirange @> c.id)
),
fresh AS (SELECT id FROM core_change WHERE id > coalesce((SELECT top FROM last), 0) ORDER BY id LIMIT %s),
picked AS (SELECT id FROM late UNION ALL SELECT id FROM fresh),
made AS (
    SELECT range_agg(int8range(c.id, c.id + 1)) AS ids, count(*) AS entries, {DIGEST} AS digest FROM core_change c WHERE c.id IN (SELECT id FROM picked)
)
SELECT coalesce((SELECT number FROM last), 0) + 1, clock_timestamp(), ids::text,
    CASE WHEN EXISTS (SELECT FROM fresh)
        THEN int8multirange(int8range(coalesce((SELECT top FROM last), 0) + 1, (SELECT max(id) FROM fresh) + 1)) - ids ELSE '{{}}' END::text,
    coalesce((SELECT max(id) FROM fresh), (SELECT top FROM last), 0), entries, digest, pg_current_snapshot()::text,
    pg_current_xact_id()::text::bigint, coalesce((SELECT mac FROM last), '')
FROM made WHERE entries > 0
"""  # noqa: S608 - all of it ours


def seal_due() -> None:
    """Every other minute: ring for sealing what is not sealed."""
    last = Seal.objects.order_by("number").last()
    if last is None or timezone.now() - last.at >= EVERY:
        ring("crm.core.tasks.seal_audit")


def seal(patience: float = PATIENCE) -> int:
    """Seal all there is, for so many seconds. The first time, what the audit does not tell right is written down before. Returns the seals made."""
    if read_head() is None and not Seal.objects.exists():
        for table in audited():
            replay.settle(table)
    until, made = time.monotonic() + patience, 0
    while time.monotonic() < until and seal_next():
        made += 1
    keep_head()
    return made


def seal_next() -> Seal | None:
    """One seal over what is committed and not sealed yet; None if there is nothing, or somebody else is at it."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s), set_config('statement_timeout', '0', true)", [LOCK])
        if not cursor.fetchone()[0]:
            return None
        cursor.execute(_NEXT, [PIECE])
        row = cursor.fetchone()
        if row is None:
            return None
        number, at, ids, missing, top, entries, digest, snapshot, xid, previous = row
        made = Seal(number=number, at=at, ids=ids, missing=missing, top=top, entries=entries, digest=digest, snapshot=snapshot, xid=xid, previous=previous)
        made.mac = macs(made)[0]
        made.save(force_insert=True)
        return made


def is_ours(seal: Seal) -> bool:
    """Whether whoever made this seal had our key, now or before it was changed, and nobody touched it since."""
    return any(hmac.compare_digest(seal.mac, mac) for mac in macs(seal))


def macs(seal: Seal) -> Sequence[str]:
    """The seal's mac by each key we know, the one in use first. No key is ever told to the database."""
    fields: list[Any] = [seal.number, seal.at.timestamp(), seal.ids, seal.missing, seal.top, seal.entries, seal.digest, seal.snapshot, seal.xid, seal.previous]
    said = json.dumps(fields)
    return [salted_hmac("lotse.audit.seal", said, secret=key, algorithm="sha256").hexdigest() for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
