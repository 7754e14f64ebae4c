"""Duplicates in the whole stock, searched as background work: keys, candidates, scores, each in bounded steps a killed worker takes up again (D10).

Two contacts are compared only if they share something: an e-mail address, a telephone number, a street, a domain, what a firm is called — or, of
people, the name and beside it the town or the employer. What very many share says little: such a crowd is compared only where the names are
the same, too, and what is a crowd even then is left out and named in the result. Everything up to the comparison is set-based SQL.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from contacts.dedupe import WARN, Identity, Match, score
from contacts.identities import identities
from contacts.models import DuplicateCandidate, DuplicateKey, DuplicatePair, Party
from crm.core.errors import RuleBroken
from crm.core.jobs import start_job
from crm.core.models import Job

JOB = "contacts.duplicates"
CROWD = 40  # contacts behind one key that are compared each with each
BUCKETS = 64  # parts of the keys that are joined one after the other, at most
IN_BUCKET = 100_000  # keys
READ = 50_000  # contacts whose keys are written down in one step
COMPARED = 10_000  # candidates in one step
NAMED = 50  # crowds named in the result; all are counted
_LOCK = 0x0D0B1E  # one search begins at a time

# The key of a name, by which a crowd is divided: of people both names in whatever order, of firms the letters of the name.
_NAME = r"""CASE WHEN p.kind = 'person'
    THEN hashtextextended((SELECT string_agg(word, ' ' ORDER BY word) FROM unnest(ARRAY[
        regexp_replace(crm_fold(p.first_name), '[^a-z0-9]+', '', 'g'), regexp_replace(crm_fold(p.last_name), '[^a-z0-9]+', '', 'g')]) word), 0)
    ELSE hashtextextended(coalesce((SELECT key FROM unnest(s.keys) key WHERE key LIKE 'letters:%%' LIMIT 1), ''), 0) END"""

_KEYS = f"""
WITH part AS MATERIALIZED (
    SELECT p.id, p.kind, s.keys, {_NAME} AS name FROM contacts_party p JOIN contacts_partysearch s ON s.party_id = p.id WHERE p.id > %(after)s AND p.id <= %(upto)s
), told AS (
    SELECT part.id, part.kind, part.name, key FROM part, unnest(part.keys) key WHERE key NOT LIKE 'person:%%'
    UNION
    SELECT part.id, part.kind, part.name, 'place:' || part.name || ':' || place FROM part JOIN contacts_postaladdress a ON a.party_id = part.id,
        unnest(ARRAY[regexp_replace(crm_fold(a.city), '[^a-z0-9]+', '', 'g'), regexp_replace(a.postcode, '\\W', '', 'g')]) place WHERE place <> ''
    UNION
    SELECT part.id, part.kind, part.name, key || ':' || firm FROM part JOIN contacts_affiliation a ON a.person_id = part.id AND a.is_primary
        JOIN contacts_partysearch f ON f.party_id = a.organisation_id, unnest(part.keys) key, unnest(f.keys) firm
        WHERE part.kind = 'person' AND key LIKE 'person:%%' AND firm LIKE 'letters:%%'
)
INSERT INTO contacts_duplicatekey (key, name, party) SELECT hashtextextended(kind || ' ' || key, 0), name, id FROM told
"""  # noqa: S608 - constants

_MINE = """
WITH mine AS MATERIALIZED (SELECT key, name, party FROM contacts_duplicatekey WHERE key & (%(buckets)s - 1) = %(bucket)s),
sizes AS MATERIALIZED (SELECT key, count(*) AS n FROM mine GROUP BY key HAVING count(*) > 1),
crowds AS MATERIALIZED (
    SELECT mine.key, mine.name, count(*) AS n FROM mine JOIN sizes USING (key) WHERE sizes.n > %(crowd)s GROUP BY 1, 2 HAVING count(*) > 1
)"""
_PAIRS = f"""{_MINE}, found AS (
    SELECT a.party AS first, b.party AS second FROM sizes JOIN mine a USING (key) JOIN mine b USING (key) WHERE sizes.n <= %(crowd)s AND a.party < b.party
    UNION
    SELECT a.party, b.party FROM crowds JOIN mine a USING (key, name) JOIN mine b USING (key, name) WHERE crowds.n <= %(crowd)s AND a.party < b.party
)
INSERT INTO contacts_duplicatecandidate (first, second) SELECT first, second FROM found
WHERE (%(since)s::timestamptz IS NULL OR EXISTS (SELECT 1 FROM contacts_party p WHERE p.id IN (first, second) AND p.updated_at >= %(since)s::timestamptz))
ON CONFLICT DO NOTHING
"""  # noqa: S608 - constants
_CUT = f"""{_MINE}, cut AS (SELECT key, n FROM crowds WHERE n > %(crowd)s)
SELECT cut.key, cut.n, (SELECT min(party) FROM mine WHERE mine.key = cut.key) FROM cut ORDER BY n DESC, key
"""  # noqa: S608 - constants
_NAME_OF = """
SELECT key FROM contacts_party p JOIN contacts_partysearch s ON s.party_id = p.id, unnest(s.keys) key
WHERE p.id = %s AND hashtextextended(p.kind || ' ' || key, 0) = %s LIMIT 1
"""


def start_search(*, by: Any, since: datetime | None = None) -> Job:
    """Look for duplicates among all contacts, or for those of contacts changed since. One search at a time; without `by` the house searches."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    if running() is not None:
        raise RuleBroken(_("A search is running already."))
    params = {"since": since.isoformat()} if since else {}
    return start_job(JOB, by=by, label=_("Search for duplicates"), url=reverse("duplicate-list"), **params)


def running() -> Job | None:
    """The search that is waiting or at work."""
    return Job.objects.filter(kind=JOB, state__in=[Job.State.QUEUED, Job.State.RUNNING]).first()


def last_search() -> Job | None:
    """The last one that came to its end."""
    return Job.objects.filter(kind=JOB, state=Job.State.DONE).order_by("-pk").first()


def search_by_night(due_at: datetime) -> None:
    """What changed since the last search; everything where there was none."""
    if running() is None:
        last = last_search()
        start_search(by=None, since=last.created_at if last else None)


def outdated(job: Job) -> str:
    """A search does not go on behind a later one: they share their tables."""
    return _("Another search has begun since. Please start a new one.") if Job.objects.filter(kind=JOB, pk__gt=job.pk).exists() else ""


def search_step(job: Job) -> bool:
    """A bounded piece: write down keys, join a part of them, or compare some candidates. True after the last."""
    if why := outdated(job):
        raise RuleBroken(why)
    if not job.cursor:
        _begin(job)
    step = {"keys": _write_keys, "pairs": _join, "scores": _compare}[job.cursor["phase"]]
    return step(job)


def _begin(job: Job) -> None:
    """How much there is to do is counted in contacts, and as many again for comparing."""
    _empty()
    job.total = 2 * Party.objects.unrestricted().count()
    job.cursor = {"phase": "keys", "after": 0, "began": timezone.now().isoformat()}
    job.result = {"found": 0, "compared": 0, "cut": [], "cut_count": 0}


def _empty() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {DuplicateKey._meta.db_table}, {DuplicateCandidate._meta.db_table} RESTART IDENTITY")


def _write_keys(job: Job) -> bool:
    after = job.cursor["after"]
    upto = list(Party.objects.unrestricted().filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[READ - 1 : READ])
    last = upto[0] if upto else 2**62
    with connection.cursor() as cursor:
        cursor.execute(_KEYS, {"after": after, "upto": last})
    job.cursor["after"] = last
    job.done = min(job.done + READ // 2, job.total // 4)
    if not upto:
        job.cursor |= {"phase": "pairs", "bucket": 0}
    return False


def _join(job: Job) -> bool:
    bucket = job.cursor["bucket"]
    buckets = job.cursor.setdefault("buckets", min(BUCKETS, 1 << (DuplicateKey.objects.count() // IN_BUCKET).bit_length()))  # a power of two
    values = {"buckets": buckets, "bucket": bucket, "crowd": CROWD, "since": job.params.get("since")}
    with connection.cursor() as cursor:
        if bucket == 0:
            cursor.execute(f"ANALYZE {DuplicateKey._meta.db_table}")
        cursor.execute(_PAIRS, values)
        cursor.execute(_CUT, values)
        for key, count, party in cursor.fetchall():
            job.result["cut_count"] += 1
            if len(job.result["cut"]) < NAMED:
                cursor.execute(_NAME_OF, [party, key])
                name = cursor.fetchone()
                job.result["cut"].append([name[0] if name else "", count])
    job.cursor["bucket"] = bucket + 1
    job.done = job.total // 4 + job.total * (bucket + 1) // buckets // 4
    if bucket + 1 == buckets:
        job.cursor |= {"phase": "scores", "first": 0, "second": 0, "waiting": DuplicateCandidate.objects.count()}
    return False


def _compare(job: Job) -> bool:
    cursor = job.cursor
    with connection.cursor() as rows:
        rows.execute(
            "SELECT first, second FROM contacts_duplicatecandidate WHERE (first, second) > (%s, %s) ORDER BY first, second LIMIT %s", [cursor["first"], cursor["second"], COMPARED]
        )
        chunk: list[tuple[int, int]] = rows.fetchall()
    job.result["compared"] += len(chunk)
    job.result["found"] += _keep(scored(chunk), parse_datetime(cursor["began"]))
    if chunk:
        cursor["first"], cursor["second"] = chunk[-1]
    job.done = job.total // 2 + job.total * job.result["compared"] // max(cursor["waiting"], 1) // 2
    if len(chunk) == COMPARED:
        return False
    _forget(job, parse_datetime(cursor["began"]))
    _empty()
    job.done = job.total
    return True


def scored(pairs: list[tuple[int, int]]) -> list[tuple[int, int, Match]]:
    """Those of these pairs that are worth looking at."""
    ids = sorted({pk for pair in pairs for pk in pair})
    known: dict[int, Identity] = {}
    for batch in identities(ids, 5_000) if ids else ():
        known |= batch
    found = []
    for first, second in pairs:
        if first in known and second in known:
            match = score(known[first], known[second])
            if worth_it(match, known[first].kind):
                found.append((first, second, match))
    return found


def worth_it(match: Match, kind: str) -> bool:
    """Whether somebody should look at the two. That two people have one name says nothing by itself: there are many of them."""
    return match.score > WARN if kind == "person" else match.score >= WARN


def _keep(found: list[tuple[int, int, Match]], began: Any) -> int:
    """Write the pairs down, as far as both contacts are still there; what was decided stays decided. Returns how many are open."""
    rows = [{"first": first, "second": second, "score": match.score, "reasons": list(match.reasons)} for first, second, match in found]
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM contacts_party WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE", [sorted({row[side] for row in rows for side in ("first", "second")})])
        there = {pk for (pk,) in cursor.fetchall()}
        cursor.execute(
            "INSERT INTO contacts_duplicatepair (first_id, second_id, score, reasons, state, found_at)"
            " SELECT first, second, score, reasons, 'open', %s FROM jsonb_to_recordset(%s::jsonb) AS f (first bigint, second bigint, score float8, reasons varchar[])"
            " ON CONFLICT (first_id, second_id) DO UPDATE SET score = excluded.score, reasons = excluded.reasons, found_at = excluded.found_at"
            " WHERE contacts_duplicatepair.state = 'open'",
            [began, json.dumps([row for row in rows if {row["first"], row["second"]} <= there])],
        )
        return int(cursor.rowcount)


def _forget(job: Job, began: Any) -> None:
    """What was found before, nobody has decided, and is none any more."""
    old = DuplicatePair.objects.unrestricted().filter(state=DuplicatePair.State.OPEN, found_at__lt=began)
    if since := job.params.get("since"):
        changed = Party.objects.unrestricted().filter(updated_at__gte=since).values("pk")
        old = old.filter(Q(first__in=changed) | Q(second__in=changed))
    old.delete()
