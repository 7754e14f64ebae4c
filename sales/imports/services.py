"""What can happen to an import: begun, mapped, checked, brought in, stopped, resumed, taken back. Each a job a person can watch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import Team
from crm.core import jobs
from crm.core.errors import RuleBroken
from crm.core.models import Job
from crm.core.work import work
from sales.imports.files import Inspection, as_fields
from sales.imports.models import ImportFile, ImportQuestion, ImportRun
from sales.imports.questions import choices
from sales.imports.stages import guess_pipeline
from sales.imports.targets import FIELDS, guess_content, guess_mapping, missing

State = ImportRun.State
AT_REST = {State.MAPPING, State.CHECKED, State.REVERTED}  # the columns may be changed


def begin_import(found: Sequence[tuple[str, Inspection]], *, source: str, by: Any) -> ImportRun:
    """A new import of these (name, inspected file); kind and mapping are those of the last file with the same header, else guessed."""
    with work(by=by):
        team = by.team or Team.objects.unrestricted().filter(parent__isnull=True).first()
        if team is None:
            raise RuleBroken(_("There is no team yet. Create the firm's team first."))
        run = ImportRun(name=", ".join(name for name, _inspection in found)[:200], source=source, owner=by, team=team, created_by=by, updated_by=by)
        files = [_file(name, inspection) for name, inspection in found]
        run.pipeline = guess_pipeline(_stages(found, files))
        run.save()
        for file in files:
            file.run = run
        ImportFile.objects.bulk_create(files)
        return run


def _file(name: str, inspection: Inspection) -> ImportFile:
    file = ImportFile(name=name, **as_fields(inspection))
    last = ImportFile.objects.unrestricted().filter(header_key=inspection.header_key, confirmed=True).order_by("-pk").first()
    if last is not None:
        file.kind, file.mapping = last.kind, last.mapping
    else:
        file.kind, file.mapping = guess_content(inspection.header, inspection.samples)
    return file


def _stages(found: Sequence[tuple[str, Inspection]], files: Sequence[ImportFile]) -> list[str]:
    """The words for stages in the first rows."""
    values = []
    for (_name, inspection), file in zip(found, files, strict=True):
        for column, key in file.mapping.items():
            if key == "stage":
                values += [row[int(column)] for row in inspection.samples if len(row) > int(column)]
    return values


def map_files(run: ImportRun, mappings: Mapping[int, tuple[str, dict[str, str]]], *, pipeline: str, by: Any) -> Job:
    """Save kind and columns of every file (id → (kind, mapping); an empty kind leaves the file out) and start the dry run."""
    with work(by=by):
        held = _hold(run)
        if held.state not in AT_REST:
            raise RuleBroken(_("This import is under way; its columns cannot be changed now."))
        files = list(held.files.all())
        for file in files:
            file.kind, file.mapping = mappings[file.pk]
            file.confirmed = True
            for field in missing(file.kind, file.mapping) if file.kind else []:
                raise RuleBroken(_("“%(file)s”: please say which column holds “%(what)s”.") % {"file": file.name, "what": field.label})
            if file.kind and not set(file.mapping.values()) <= {field.key for field in FIELDS[file.kind]}:
                raise RuleBroken(_("This choice does not exist."))
        if not any(file.kind for file in files):
            raise RuleBroken(_("Please say of at least one file what it holds."))
        ImportFile.objects.bulk_update(files, ["kind", "mapping", "confirmed"])
        held.pipeline = pipeline
        return _start(held, State.CHECKING, "check_job", "sales.import_check", _("Checking %(files)s"), by)


def guess_again(run: ImportRun, mappings: Mapping[int, tuple[str, dict[str, str]]], file_id: int, *, by: Any) -> None:
    """Keep what was chosen, and guess the columns of one file anew for the kind it was given."""
    with work(by=by):
        held = _hold(run)
        if held.state not in AT_REST:
            raise RuleBroken(_("This import is under way; its columns cannot be changed now."))
        files = list(held.files.all())
        for file in files:
            kind, mapping = mappings[file.pk]
            if file.pk == file_id:
                mapping = guess_mapping(kind, file.header, file.samples) if kind else {}
            elif kind != file.kind:
                continue
            file.kind, file.mapping = kind, mapping
        ImportFile.objects.bulk_update(files, ["kind", "mapping"])
        _save(held, by, state=State.MAPPING)


def remap_import(run: ImportRun, *, by: Any) -> None:
    """Back to the columns."""
    with work(by=by):
        held = _hold(run)
        stopped = held.state == State.CHECKING and jobs.stays_ended(held.check_job_id)
        if held.state not in AT_REST and not stopped:
            raise RuleBroken(_("This import is under way; its columns cannot be changed now."))
        _save(held, by, state=State.MAPPING)


def decide(run: ImportRun, answers: Mapping[int, str], *, by: Any) -> None:
    """Write down what was chosen for questions (id → choice); others keep their proposal."""
    with work(by=by):
        questions = list(_hold(run).questions.filter(pk__in=answers))
        for question in questions:
            question.choice = answers[question.pk]
            if question.choice not in dict(choices(question)):
                raise RuleBroken(_("This choice does not exist."))
        ImportQuestion.objects.bulk_update(questions, ["choice"])


def apply_import(run: ImportRun, *, by: Any) -> Job:
    """Start bringing in what was checked."""
    with work(by=by):
        held = _hold(run)
        if held.state != State.CHECKED:
            raise RuleBroken(_("Only a checked import can be brought in."))
        return _start(held, State.APPLYING, "apply_job", "sales.import_apply", _("Bringing in %(files)s"), by)


def revert_import(run: ImportRun, *, by: Any) -> Job:
    """Start taking everything back. Also an import that was stopped half way can be taken back."""
    with work(by=by):
        held = _hold(run)
        stopped = held.state == State.APPLYING and jobs.stays_ended(held.apply_job_id)
        if held.state != State.APPLIED and not stopped:
            raise RuleBroken(_("There is nothing to take back now."))
        return _start(held, State.REVERTING, "revert_job", "sales.import_revert", _("Taking back %(files)s"), by)


def stop_import(run: ImportRun, *, by: Any) -> None:
    """Ask the running job to stop after its present step. The import is not held for it: a step holds its job first, and each would wait for the other."""
    with work(by=by):
        job = get_object_or_404(ImportRun.objects.unrestricted(), pk=run.pk).job
        if job is None or not job.is_open:
            raise RuleBroken(_("This job has ended already."))
        jobs.cancel_job(job, by=job.by)


def resume_import(run: ImportRun, *, by: Any) -> None:
    """Go on where a stopped or failed job was."""
    with work(by=by):
        job = _hold(run).job
        if job is None:
            raise RuleBroken(_("This job is not waiting to be resumed."))
        jobs.resume_job(job, by=job.by)


def _hold(run: ImportRun) -> ImportRun:
    return ImportRun.objects.unrestricted().held(run.pk)


def _start(held: ImportRun, state: str, column: str, kind: str, label: str, by: Any) -> Job:
    first, *others = held.files.values_list("name", flat=True)
    job = jobs.start_job(kind, by=by, label=label % {"files": f"{first} …" if others else first}, url=reverse("import-detail", args=[held.pk]), run=held.pk)
    _save(held, by, state=state, pipeline=held.pipeline, **{column: job})
    return job


def _save(held: ImportRun, by: Any, **values: Any) -> None:
    for name, value in values.items():
        setattr(held, name, value)
    held.version += 1
    held.updated_by = by
    held.save(update_fields=[*values, "version", "updated_by", "updated_at"])
