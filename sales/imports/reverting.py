"""Taking an import back, from the audit rows of its job: what it changed gets its old value, what it created goes, the ledger is voided.

What somebody has worked on since stays as it is and is listed with the reason.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db import connection, models

from contacts.models import DuplicatePair, Party, PartyActivity, PartySearch, PostalAddress
from contacts.search import index_parties
from crm.core.bulk import change_rows
from crm.core.erasures import note_erased
from crm.core.models import Change, Job, RecentlyViewed
from sales.imports.applying import LOCK, PHASES
from sales.imports.kept import model_of, to_keep
from sales.imports.models import ImportRun
from sales.imports.own import run_of
from sales.models import Opportunity

CHUNK = 5_000
LISTED = 500  # kept records named in the result; all are counted
_TRACE = {"version", "updated_at", "updated_by_id"}
_OWN = {ImportRun._meta.db_table}  # the import's own record is no business of the revert


def revert_step(job: Job) -> bool:
    """Take back the next changes, the newest first. Those of a step are taken together by their tables, as several workers brought them in, a row
    of this one and a row of that one; all keys are checked at its end."""
    run = run_of(job)
    assert run.apply_job_id is not None
    changes = Change.objects.filter(job_id=run.apply_job_id).exclude(relation__in=_OWN)
    if not job.cursor:
        _begin(job, run.apply_job_id, changes.count())
    _lock()
    chunk = list(changes.filter(pk__lt=job.cursor["before"]).order_by("-pk").values_list("pk", "relation", "op", "row_id")[:CHUNK])
    if not chunk:
        _settle_activity(run)
        run.state = ImportRun.State.REVERTED
        run.save(update_fields=["state"])
        return True
    created, changed = defaultdict[type[models.Model], list[int]](list), defaultdict[type[models.Model], list[int]](list)
    for pk, relation, op, row_id in chunk:
        if op == "I":
            created[model_of(relation)].append(row_id)
        elif op == "U":
            changed[model_of(relation)].append(pk)
    for model, ids in created.items():
        _remove(job, run, model, ids)
    for model, pks in changed.items():  # afterwards: what comes back may be unique beside what went
        _restore(job, run, model, list(Change.objects.filter(pk__any=pks).order_by("-pk")))
    job.done += len(chunk)
    job.cursor["before"] = chunk[-1][0]
    return False


def _begin(job: Job, applied: int, total: int) -> None:
    """Find out what has to stay, before anything goes."""
    kept = to_keep(applied)
    job.total = total
    job.cursor = {"before": 2**62, "kept": {table: {str(pk): reason for pk, reason in rows.items()} for table, rows in kept.items()}}
    job.result = {"kept": [], "kept_count": 0, "removed": 0, "restored": 0}
    for table, rows in kept.items():
        for pk, reason in rows.items():
            if reason != "part_of_kept":
                _keep(job, model_of(table), pk, reason)


def _lock() -> None:
    with connection.cursor() as cursor:
        for phase in range(len(PHASES)):
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK + phase])


def _keep(job: Job, model: type[models.Model], pk: int, reason: str) -> None:
    job.result["kept_count"] += 1
    if len(job.result["kept"]) < LISTED:
        job.result["kept"].append([model._meta.label_lower, pk, reason])


def _remove(job: Job, run: ImportRun, model: type[models.Model], ids: Sequence[int]) -> None:
    """Delete created rows, with what is derived from them."""
    kept = job.cursor["kept"].get(model._meta.db_table, {})
    gone = sorted(set(ids) - {int(pk) for pk in kept})
    if not gone:
        return
    if model is Opportunity:
        _void(gone, job)
    if model is Party:
        _delete(PartySearch, "party_id", gone)
        _delete(PartyActivity, "party_id", gone)
        _delete(DuplicatePair, "first_id", gone)
        _delete(DuplicatePair, "second_id", gone)
    if model in (Opportunity, Party):
        _delete(RecentlyViewed, "subject_id", gone, "AND subject_type_id = %s", ContentType.objects.get_for_model(model).pk)
    note_erased(model, gone)
    stay = _staying(run, model, gone) if model is PostalAddress else []
    job.result["removed"] += _delete(model, "id", gone)
    index_parties(stay)


def _delete(model: type[models.Model], column: str, ids: Sequence[int], further: str = "", *values: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f'DELETE FROM "{model._meta.db_table}" WHERE "{column}" = ANY(%s) {further}', [list(ids), *values])  # noqa: S608 - names from the models
        return int(cursor.rowcount)


def _staying(run: ImportRun, model: type[models.Model], ids: Sequence[int]) -> list[int]:
    """The contacts of these rows that were here before the import: they are found without them again."""
    parties = set(model._base_manager.filter(pk__in=ids).values_list("party_id", flat=True))
    return sorted(parties - _created_here(run, Party, sorted(parties)))


def _void(opportunities: Sequence[int], job: Job, applied: int | None = None) -> None:
    """The ledger is never erased: each step that still counts (of one job, if given) is voided by a further row that names it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO sales_stagetransition (opportunity_id, kind, from_stage_id, to_stage_id, at, recorded_at, by_id, job_id, voids_id)"
            " SELECT s.opportunity_id, 'void', s.to_stage_id, s.from_stage_id, now(), now(), %s, %s, s.id FROM sales_stagetransition s"
            " WHERE s.opportunity_id = ANY(%s) AND s.kind <> 'void' AND (%s IS NULL OR s.job_id = %s)"
            " AND NOT EXISTS (SELECT 1 FROM sales_stagetransition v WHERE v.voids_id = s.id) ORDER BY s.id",
            [job.by_id, job.pk, list(opportunities), applied, applied],
        )


def _settle_activity(run: ImportRun) -> None:
    """Where the import moved a contact's last activity and nothing happened since, it is again what it was, or what the history says."""
    goals = """
        WITH moved AS (
            SELECT (before->>'party')::bigint AS party, (array_agg(before->>'was' ORDER BY id))[1]::timestamptz AS was,
                   max((before->>'now')::timestamptz) AS moved_to
            FROM sales_importrow WHERE run_id = %s AND before IS NOT NULL GROUP BY 1
        ), goal AS (
            SELECT party, moved_to, greatest(was, (SELECT max(occurred_at) FROM contacts_interaction i WHERE i.party_id = party)) AS at FROM moved
        )"""
    with connection.cursor() as cursor:
        cursor.execute(
            f"{goals} UPDATE contacts_partyactivity a SET last_at = goal.at FROM goal"  # noqa: S608 - a constant
            " WHERE a.party_id = goal.party AND a.last_at = goal.moved_to AND goal.at IS NOT NULL",
            [run.pk],
        )
        cursor.execute(
            f"{goals} DELETE FROM contacts_partyactivity a USING goal WHERE a.party_id = goal.party AND a.last_at = goal.moved_to AND goal.at IS NULL",  # noqa: S608
            [run.pk],
        )


def _restore(job: Job, run: ImportRun, model: type[models.Model], changes: Sequence[Change]) -> None:
    """Put changed columns back where they still hold what the import wrote."""
    fields = {field.column: field for field in model._meta.concrete_fields if not getattr(field, "generated", False)}
    created = _created_here(run, model, [change.row_id for change in changes])
    rows = {row.pk: row for row in model._base_manager.select_for_update().filter(pk__in=[change.row_id for change in changes])}
    moved: set[int] = set()
    restored: dict[int, dict[str, Any]] = {}
    for change in changes:
        row = rows.get(change.row_id)
        if row is None or change.row_id in created:
            continue  # it goes as a whole, or stays as a whole
        values, lost = {}, False
        for column, after in (change.after or {}).items():
            field = fields.get(column)
            if field is None or column in _TRACE:
                continue
            if getattr(row, field.attname) == field.to_python(after):
                values[field.attname] = field.to_python((change.before or {}).get(column))
            else:
                lost = True
        if lost:
            _keep(job, model, change.row_id, "changed_since")
        if not values:
            continue
        for name, value in values.items():
            setattr(row, name, value)
        if model is Opportunity and values.keys() & {"state", "stage_id"}:
            moved.add(row.pk)
        restored.setdefault(row.pk, {"id": row.pk}).update(values)
        job.result["restored"] += 1
    for _columns, alike in groupby(sorted(restored.values(), key=sorted), key=sorted):
        change_rows(model, list(alike), by=job.by)
    if moved:
        _void(sorted(moved), job, run.apply_job_id)
    if model is Party:
        index_parties(list(rows))
    elif model is PostalAddress:
        index_parties({row.party_id for row in rows.values()})


def _created_here(run: ImportRun, model: type[models.Model], ids: Sequence[int]) -> set[int]:
    rows = Change.objects.filter(job_id=run.apply_job_id, relation=model._meta.db_table, op="I", row_id__in=list(ids))
    return set(rows.values_list("row_id", flat=True))
