"""The way of a contact through its journeys: each step, what became of it and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from campaigns.journeys.asking import closed_steps
from campaigns.journeys.shape import KINDS, step_of
from campaigns.journeys.triggers import closed
from campaigns.journeys.words import outcome_words, step_words
from campaigns.models import Run, RunStep
from contacts.models import Party
from crm.core.records import RecordQuerySet
from crm.core.subjects import kind_of


@dataclass(frozen=True)
class Line:
    """One step that was passed: `url` leads to what it made."""

    icon: str
    title: str
    outcome: str
    at: datetime
    url: str


@dataclass(frozen=True)
class Trace:
    """One run with its steps; `ahead` is the step it waits for."""

    run: Run
    lines: list[Line]
    ahead: str


def of_party(party: Party, reader: Any) -> RecordQuerySet[Run]:
    """The runs of a contact the reader may see, the latest first."""
    rows: RecordQuerySet[Run] = Run.objects.visible_to(reader).filter(party=party.pk)
    return rows.select_related("journey", "version").order_by("-began_at", "-pk")


def traces(runs: list[Run], reader: Any) -> list[Trace]:
    """Each run with what it went through, without what the reader may not know: answers to questions they may not ask, and where those led."""
    steps: dict[int, list[RunStep]] = {}
    for row in RunStep.objects.unrestricted().filter(run__in=runs).order_by("pk"):
        steps.setdefault(row.run_id, []).append(row)
    found, known = [], {run.version_id: closed_steps(run.version.definition, reader) for run in {run.version_id: run for run in runs}.values()}
    for run in runs:
        if closed(run.version.definition["trigger"], reader):  # that somebody is here would tell it
            continue
        lines, (questions, telling) = [], known[run.version_id]
        for row in steps.get(run.pk, []):
            if row.step in telling:
                continue
            step, kind = step_of(run.version.definition, row.step), kind_of(row.subject_type_id)
            title = step_words(step, reader)[0] if step is not None else str(KINDS[row.kind][0])
            outcome = "–" if row.step in questions else outcome_words(row.outcome)
            lines.append(Line(KINDS[row.kind][1], title, outcome, row.at, kind.url(row.subject_id) if kind and row.subject_id else ""))
        ahead = step_of(run.version.definition, run.step) if run.state in {Run.State.WAITING, Run.State.FAILED} and run.step not in telling else None
        found.append(Trace(run, lines, step_words(ahead, reader)[0] if ahead is not None else ""))
    return found
