"""Brings files through the import by its services, and runs its jobs to their end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile

from crm.core.digest import digest
from crm.core.jobs import advance
from crm.core.models import Job
from sales.imports import services
from sales.imports.files import inspect, keep
from sales.imports.models import ImportRun

# Ledgers and records of work are no business content (D6): they only grow.
LEDGERS = {"sales_stagetransition", "sales_importrun", "sales_importfile", "sales_importrow", "sales_importquestion", "contacts_mergerecord"}


def business_digest() -> dict[str, str]:
    """The content of every business table."""
    models = [m for label in ("accounts", "catalog", "contacts", "sales") for m in apps.get_app_config(label).get_models(include_auto_created=True)]
    return digest(m for m in models if not m._meta.proxy and m._meta.db_table not in LEDGERS)


def run_to_end(job: Job) -> Job:
    """What a worker does, without one."""
    for _slice in range(100):
        job.refresh_from_db()
        if not job.is_open:
            return job
        advance(job.pk)
    raise AssertionError(f"{job} does not end")


def begin(paths: Sequence[Path], by: Any, source: str = "Altsystem") -> ImportRun:
    found = [(path.name, inspect(keep(SimpleUploadedFile(path.name, path.read_bytes())))) for path in paths]
    return services.begin_import(found, source=source, by=by)


def check(run: ImportRun, by: Any) -> ImportRun:
    mappings = {file.pk: (file.kind, file.mapping) for file in run.files.all()}
    job = run_to_end(services.map_files(run, mappings, pipeline=run.pipeline, by=by))
    assert job.state == Job.State.DONE, job.error
    run.refresh_from_db()
    return run


def apply(run: ImportRun, by: Any, **choices: str) -> ImportRun:
    """`choices`: kind of question → choice, for all questions of the kind."""
    services.decide(run, {question.pk: choices[question.kind] for question in run.questions.all() if question.kind in choices}, by=by)
    job = run_to_end(services.apply_import(run, by=by))
    assert job.state == Job.State.DONE, job.error
    run.refresh_from_db()
    return run


def revert(run: ImportRun, by: Any) -> ImportRun:
    job = run_to_end(services.revert_import(run, by=by))
    assert job.state == Job.State.DONE, job.error
    run.refresh_from_db()
    return run
