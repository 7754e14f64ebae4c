"""The dry run: every row of every file gets a verdict, in steps that can be stopped and resumed.

Organisations, of which there may be very many, do not know each other yet: their files are judged in parts that several workers take at
once. What stands in two rows is seen when a kind is through.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from typing import Any

from django.utils.translation import gettext as _

from crm.core.bulk import Rows, change_rows
from crm.core.errors import RuleBroken
from crm.core.jobs import divide
from crm.core.models import Job
from crm.core.tables import Place, TableError
from sales.imports.agents import Agents
from sales.imports.context import Context, Verdict
from sales.imports.doubles import refuse_doubles
from sales.imports.files import next_rows_of
from sales.imports.models import ImportFile, ImportRow, ImportRun, Kind
from sales.imports.opportunities import Opportunities
from sales.imports.organisations import Links, Organisations
from sales.imports.own import run_of
from sales.imports.products import Products
from sales.imports.questions import Asking, count_rows
from sales.imports.reading import understand
from sales.imports.rows import Row, read_rows

JUDGES: dict[str, type[Any]] = {Kind.AGENT: Agents, Kind.PRODUCT: Products, Kind.ORGANISATION: Organisations, Kind.OPPORTUNITY: Opportunities}
CHUNK = 2_000  # rows a step
AHEAD = 50  # chunks whose beginnings one step looks for
_STAGED = ("run_id", "file_id", "line", "kind", "key", "cells", "facts", "verdict", "reasons", "asks", "target_id", "changes")


def check_step(job: Job) -> bool:
    """Judge the next rows. The cursor names the file and the place in it the last step came to; True when all files are through."""
    run = run_of(job)
    files = files_in_order(run)
    if not job.cursor:
        run.rows.all().delete()
        run.questions.all().delete()
        job.cursor, job.done, job.total = {"stage": 0, "after": 0}, 0, sum(file.lines for file in files)
    context = Context(run, job.by, settled=False)
    stages: list[ImportFile | None] = [file for file in files if file.kind != Kind.OPPORTUNITY]
    stages += [None, *(file for file in files if file.kind == Kind.OPPORTUNITY)]  # None: whom organisations belong to
    place = job.cursor["stage"]
    if place == len(stages):
        count_rows(run)
        run.state = ImportRun.State.CHECKED
        run.save(update_fields=["state"])
        job.done = job.total = run.rows.count()
        job.result = {"rows": job.done}
        return True
    file = stages[place]
    after: Any = job.cursor["after"] or None
    if file is None:
        after = _link(context, after or 0)
    elif file.kind == Kind.ORGANISATION:
        after = _divide(file, after, job)
    else:
        count, after = _judge(context, file, after)
        job.done = min(job.done + count, job.total)
    if file is not None and not after:
        refuse_doubles(run, file.kind)
    job.cursor = {"stage": place, "after": after} if after else {"stage": place + 1, "after": 0}
    return False


def check_part(job: Job, part: Mapping[str, Any]) -> int:
    """Judge one chunk of a file by itself; returns how many rows it has."""
    run = run_of(job, held=False)
    return _judge(Context(run, job.by, settled=False), run.files.get(pk=part["file"]), part["place"])[0]


def files_in_order(run: ImportRun) -> list[ImportFile]:
    """The files by the order of their kinds: later ones name rows of earlier ones. One that was left out has none."""
    return sorted(run.files.exclude(kind=""), key=lambda file: (Kind.values.index(file.kind), file.pk))


def _divide(file: ImportFile, after: dict[str, Any] | None, job: Job) -> dict[str, Any] | None:
    """Find where the chunks of a file begin and leave them to the workers. Returns what the next step goes on with, None when all are judged."""
    if after and "places" not in after:
        return None
    places = after["places"] if after else [None]
    for _chunk in range(AHEAD):
        _rows, place = _read(file, places[-1])
        if place is None:
            divide(job, [{"file": file.pk, "place": place} for place in places])
            return {"divided": True}
        places.append(place)
    return {"places": places}


def _read(file: ImportFile, place: Place | None) -> tuple[list[tuple[int, list[str]]], Place | None]:
    try:
        return next_rows_of(file, place, CHUNK)
    except TableError as error:
        words = _("“%(file)s” cannot be read from line %(line)s on: %(why)s")
        raise RuleBroken(words % {"file": file.name, "line": error.line, "why": str(error.message)}) from error


def _judge(context: Context, file: ImportFile, place: Place | None) -> tuple[int, Place | None]:
    """Judge one chunk of a file. Returns its rows and the place where the next begins, None at the end of the file."""
    judge, asking = JUDGES[file.kind](context), Asking(context)
    chunk, after = _read(file, place)
    rows = [_understood(context.run, file, judge, line, cells) for line, cells in chunk]
    judged = [row for row in rows if not row.reasons]
    judge.load(judged)
    for row in judged:
        finding = judge.judge(row)
        row.verdict, row.reasons, row.asks, row.target_id, row.changes = finding.verdict, finding.reasons, finding.asks, finding.target_id, finding.changes
        if row.verdict != Verdict.REFUSED:
            asking.note(row.asks)
    staged, values = Rows(ImportRow, *_STAGED), attrgetter(*_STAGED)
    for row in rows:
        staged.add(*values(row))
    staged.write()
    asking.save()
    return len(rows), after


def _understood(run: ImportRun, file: ImportFile, judge: Any, line: int, cells: list[str]) -> Row:
    facts, reasons = understand(file.kind, cells, file.mapping, file.formats)
    if len(cells) > len(file.header) and any(cell.strip() for cell in cells[len(file.header) :]):
        reasons.append(["beyond_header", {"columns": len(file.header)}])
    key = judge.key(facts) if not any(reason[0] == "missing" or reason[1].get("field") in {"name", "external_id"} for reason in reasons) else ""
    verdict = Verdict.REFUSED if reasons else Verdict.NEW
    return Row(file.kind, key[:200], facts, run_id=run.pk, file_id=file.pk, line=line, cells=cells, verdict=verdict, reasons=reasons)


def _link(context: Context, after: int) -> int:
    """Add to organisations what the name of their parent brings. Returns the last row seen, 0 at the end."""
    linked = ImportRow.objects.unrestricted().filter(run=context.run.pk, kind=Kind.ORGANISATION, facts__has_key="parent", pk__gt=after)
    rows = read_rows(linked.exclude(verdict=Verdict.REFUSED), CHUNK, "verdict", "reasons", "asks", "changes")
    links, asking = Links(context), Asking(context)
    links.load(rows)
    for row in rows:
        finding = links.judge(row)
        asking.note(finding.asks)
        row.asks += finding.asks
        row.changes |= finding.changes
        if finding.reasons:
            row.reasons += finding.reasons
            row.verdict = Verdict.REFUSED
        elif finding.doubtful:
            row.verdict = Verdict.DOUBTFUL
        elif finding.changes and row.verdict == Verdict.MATCHED:
            row.verdict = Verdict.CHANGED
    change_rows(ImportRow, [{"id": row.pk, "asks": row.asks, "changes": row.changes, "verdict": row.verdict, "reasons": row.reasons} for row in rows])
    asking.save()
    return rows[-1].pk if len(rows) == CHUNK else 0
