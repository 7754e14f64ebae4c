"""Bringing in: every checked row is judged once more under lock, with the decisions, and written, some thousand rows a transaction.

Organisations, of which there may be very many, do not know each other before they are there (a key stands in one row only): they come in
parts that several workers take at once. Other kinds name or create things together, row after row.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import connection
from django.db.models import Count

from crm.core.bulk import change_rows
from crm.core.jobs import OPEN, divide
from crm.core.models import Job
from crm.core.numbers import reserve_numbers
from sales.imports.checking import JUDGES
from sales.imports.context import Context, Verdict
from sales.imports.models import ImportRow, ImportRun, Kind
from sales.imports.organisations import Links
from sales.imports.own import run_of
from sales.imports.rows import Row, read_rows

CHUNK = 2_000  # rows a transaction
Outcome = ImportRow.Outcome
PHASES = (Kind.AGENT.value, Kind.PRODUCT.value, Kind.ORGANISATION.value, "links", Kind.OPPORTUNITY.value)
# One import at a time brings in rows of a kind: two people with the same files wait for each other and create nothing twice.
LOCK = 4_711_000
_OUTCOMES = {Verdict.NEW: Outcome.CREATED, Verdict.MATCHED: Outcome.MATCHED, Verdict.CHANGED: Outcome.CHANGED, Verdict.REFUSED: Outcome.REFUSED}


def apply_step(job: Job) -> bool:
    """Bring in the next rows. What is done carries its outcome, so a step after a killed worker goes on where the last commit was."""
    run = run_of(job)
    if not job.cursor:
        job.done = run.rows.filter(verdict=Verdict.REFUSED).update(outcome=Outcome.REFUSED)
        job.total = run.rows.count()
        job.cursor = {"phase": 0, "after": 0}
        return False
    if job.cursor["phase"] == len(PHASES):
        run.state = ImportRun.State.APPLIED
        run.save(update_fields=["state"])
        job.result = outcomes(run)
        return True
    phase = PHASES[job.cursor["phase"]]
    _lock(job.cursor["phase"])
    if phase == Kind.ORGANISATION:
        if job.cursor.get("divided"):
            job.cursor = {"phase": job.cursor["phase"] + 1, "after": 0}
        else:
            divide(job, _parts(run))
            job.cursor["divided"] = True
        return False
    context = Context(run, job.by, settled=True, job=job.pk)
    if phase == "links":
        after = _link(context, job.cursor["after"])
    else:
        rows = _bring_in(context, phase, pk__gt=job.cursor["after"])
        job.done += len(rows)
        after = rows[-1].pk if len(rows) == CHUNK else 0
    if not after:
        job.cursor = {"phase": job.cursor["phase"] + 1, "after": 0}
    else:
        job.cursor["after"] = after
    return False


def bring_in_part(job: Job, part: Mapping[str, Any]) -> int:
    """Bring in the rows of one part that have no outcome yet; returns how many they were."""
    run = run_of(job, held=False)
    _lock(PHASES.index(Kind.ORGANISATION), run)
    prefix, first, count = part["numbers"]
    context = Context(run, job.by, settled=True, job=job.pk, numbers=[f"{prefix}{number}" for number in range(first, first + count)])
    return len(_bring_in(context, Kind.ORGANISATION, pk__range=part["rows"]))


def _parts(run: ImportRun) -> list[dict[str, Any]]:
    """Rows from … to, with a number for each that may be created: whoever draws one holds the range until the end of the transaction, and
    nobody else could create a contact meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT min(id), max(id), count(*) FILTER (WHERE verdict IN (%s, %s)) FROM ("
            " SELECT id, verdict, (row_number() OVER (ORDER BY id) - 1) / %s AS part FROM sales_importrow WHERE run_id = %s AND kind = %s AND outcome = ''"
            ") rows GROUP BY part ORDER BY part",
            [Verdict.NEW, Verdict.DOUBTFUL, CHUNK, run.pk, Kind.ORGANISATION],
        )
        found = cursor.fetchall()
    prefix, number = reserve_numbers("party", sum(count for *_rows, count in found))
    parts = []
    for first, last, count in found:
        parts.append({"rows": [first, last], "numbers": [prefix, number, count]})
        number += count
    return parts


def outcomes(run: ImportRun) -> dict[str, dict[str, int]]:
    """kind → outcome → rows."""
    found: dict[str, dict[str, int]] = {}
    for kind, outcome, count in run.rows.values_list("kind", "outcome").annotate(Count("pk")).order_by("kind", "outcome"):
        found.setdefault(kind, {})[outcome] = count
    return found


def _lock(phase: int, parts_of: ImportRun | None = None) -> None:
    """Keep other imports out of this phase until the end of the transaction. The parts of one import pass together while no other is brought in;
    of two imports the later one to begin sees the earlier one here, and waits for its parts as they wait for its."""
    with connection.cursor() as cursor:
        others = ImportRun.objects.unrestricted().filter(state=ImportRun.State.APPLYING, apply_job__state__in=OPEN)
        together = parts_of is not None and not others.exclude(pk=parts_of.pk).exists()
        cursor.execute(f"SELECT pg_advisory_xact_lock{'_shared' if together else ''}(%s)", [LOCK + phase])


def _bring_in(context: Context, kind: str, **which: Any) -> list[Row]:
    rows = read_rows(ImportRow.objects.unrestricted().filter(run=context.run.pk, kind=kind, outcome=Outcome.NONE, **which), CHUNK)
    if not rows:
        return rows  # most imports hold one kind: nothing is looked up for the others
    judge = JUDGES[kind](context)
    judge.load(rows)
    plan: list[tuple[Row, Any]] = []
    for row in rows:
        finding = judge.judge(row)
        row.outcome = _OUTCOMES[Verdict(finding.verdict)]
        row.reasons, row.changes = finding.reasons, finding.changes
        if row.outcome != Outcome.REFUSED:
            plan.append((row, finding))
    judge.write(plan)
    for row, finding in plan:
        row.target_id = finding.target_id
    _note(rows)
    return rows


def _note(rows: list[Row]) -> None:
    """Write down what became of the rows."""
    names = ("outcome", "reasons", "changes", "target_id", "before")
    change_rows(ImportRow, [{"id": row.pk, **{name: getattr(row, name) for name in names}} for row in rows])


def _link(context: Context, after: int) -> int:
    linked = ImportRow.objects.unrestricted().filter(run=context.run.pk, kind=Kind.ORGANISATION, facts__has_key="parent", target_id__isnull=False, pk__gt=after)
    rows = read_rows(linked.exclude(outcome=Outcome.REFUSED), CHUNK, "reasons", "changes", "outcome")
    links = Links(context)
    links.load(rows)
    plan = [(row, links.judge(row)) for row in rows]
    links.write(plan)
    for row, finding in plan:
        row.reasons += finding.reasons
        row.changes |= finding.changes
        if row.outcome == Outcome.MATCHED:
            row.outcome = Outcome.REFUSED if finding.reasons else Outcome.CHANGED if finding.changes else Outcome.MATCHED
    _note(rows)
    return rows[-1].pk if len(rows) == CHUNK else 0
