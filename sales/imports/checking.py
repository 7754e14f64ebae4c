"""The dry run: every row of every file gets a verdict, in steps that can be stopped and resumed."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from django.utils.translation import gettext as _

from crm.core.bulk import Rows, among, change_rows
from crm.core.errors import RuleBroken
from crm.core.models import Job
from crm.core.tables import Place, TableError
from sales.imports.agents import Agents
from sales.imports.context import Context, Verdict
from sales.imports.files import next_rows_of
from sales.imports.models import ImportFile, ImportRow, ImportRun, Kind
from sales.imports.opportunities import Opportunities
from sales.imports.organisations import Links, Organisations
from sales.imports.products import Products
from sales.imports.questions import Asking
from sales.imports.reading import understand
from sales.imports.rows import Row, read_rows

JUDGES: dict[str, type[Any]] = {Kind.AGENT: Agents, Kind.PRODUCT: Products, Kind.ORGANISATION: Organisations, Kind.OPPORTUNITY: Opportunities}
CHUNK = 2_000  # rows a step
_STAGED = ("run_id", "file_id", "line", "kind", "key", "cells", "facts", "verdict", "reasons", "asks", "target_id", "changes")


def check_step(job: Job) -> bool:
    """Judge the next rows. The cursor names the file and the place in it the last step came to; True when all files are through."""
    run = ImportRun.objects.unrestricted().held(job.params["run"])
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
        run.state = ImportRun.State.CHECKED
        run.save(update_fields=["state"])
        job.done = job.total = run.rows.count()
        job.result = {"rows": job.done}
        return True
    file = stages[place]
    after: Any = _link(context, job.cursor["after"]) if file is None else _judge(context, file, job)
    job.cursor = {"stage": place, "after": after} if after else {"stage": place + 1, "after": 0}
    return False


def files_in_order(run: ImportRun) -> list[ImportFile]:
    """The files by the order of their kinds: later ones name rows of earlier ones. One that was left out has none."""
    return sorted(run.files.exclude(kind=""), key=lambda file: (Kind.values.index(file.kind), file.pk))


def _judge(context: Context, file: ImportFile, job: Job) -> Place | None:
    """Judge one chunk of a file. Returns the place where the next begins, None at the end of the file."""
    judge, asking = JUDGES[file.kind](context), Asking(context)
    try:
        chunk, place = next_rows_of(file, job.cursor["after"] or None, CHUNK)
    except TableError as error:
        words = _("“%(file)s” cannot be read from line %(line)s on: %(why)s")
        raise RuleBroken(words % {"file": file.name, "line": error.line, "why": str(error.message)}) from error
    rows = [_understood(context.run, file, judge, line, cells) for line, cells in chunk]
    _refuse_doubles(file, rows)
    judged = [row for row in rows if not row.reasons]
    judge.load(judged)
    for row in judged:
        finding = judge.judge(row)
        row.verdict, row.reasons, row.asks, row.target_id, row.changes = finding.verdict, finding.reasons, finding.asks, finding.target_id, finding.changes
        if row.verdict != Verdict.REFUSED:
            asking.count(row.asks)
    staged, values = Rows(ImportRow, *_STAGED), attrgetter(*_STAGED)
    for row in rows:
        staged.add(*values(row))
    staged.write()
    asking.save()
    job.done = min(job.done + len(rows), job.total)
    return place


def _understood(run: ImportRun, file: ImportFile, judge: Any, line: int, cells: list[str]) -> Row:
    facts, reasons = understand(file.kind, cells, file.mapping, file.formats)
    if len(cells) > len(file.header) and any(cell.strip() for cell in cells[len(file.header) :]):
        reasons.append(["beyond_header", {"columns": len(file.header)}])
    key = judge.key(facts) if not any(reason[0] == "missing" or reason[1].get("field") in {"name", "external_id"} for reason in reasons) else ""
    verdict = Verdict.REFUSED if reasons else Verdict.NEW
    return Row(file.kind, key[:200], facts, run_id=run.pk, file_id=file.pk, line=line, cells=cells, verdict=verdict, reasons=reasons)


def _refuse_doubles(file: ImportFile, rows: list[Row]) -> None:
    """The first row of a key counts, whatever became of it; a later one with the same key is refused and names the first."""
    keys = {row.key for row in rows if row.key}
    staged = ImportRow.objects.unrestricted().filter(run=file.run_id, kind=file.kind, key__in=among(keys, "text")).order_by("-pk")
    first = {key: (name, line) for key, name, line in staged.values_list("key", "file__name", "line")}  # the earliest stands last
    for row in rows:
        if not row.key or row.reasons:
            continue
        if row.key in first:
            row.reasons.append(["double", {"file": first[row.key][0], "line": first[row.key][1]}])
            row.verdict = Verdict.REFUSED
        else:
            first[row.key] = (file.name, row.line)


def _link(context: Context, after: int) -> int:
    """Add to organisations what the name of their parent brings. Returns the last row seen, 0 at the end."""
    linked = ImportRow.objects.unrestricted().filter(run=context.run.pk, kind=Kind.ORGANISATION, facts__has_key="parent", pk__gt=after)
    rows = read_rows(linked.exclude(verdict=Verdict.REFUSED), CHUNK, "verdict", "reasons", "asks", "changes")
    links, asking = Links(context), Asking(context)
    links.load(rows)
    for row in rows:
        finding = links.judge(row)
        asking.count(finding.asks)
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
