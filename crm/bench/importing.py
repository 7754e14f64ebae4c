"""An import of very many organisations, some of them here already and some twice in the file; by hand: a plain INSERT of the rows it wrote."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from tempfile import TemporaryFile
from typing import IO

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, models

from contacts.models import Organisation, Party, PartyGroupPerm, PartySearch, PostalAddress
from crm.bench.measure import Both, spending, taken_back
from crm.bench.personas import Persona
from crm.core import jobs
from crm.core.models import Job
from crm.core.tables import write_csv
from crm.core.work import work
from sales.imports import services
from sales.imports.applying import outcomes
from sales.imports.files import inspect, keep, path_of
from sales.imports.models import ImportRow, ImportRun

KNOWN_EVERY, DOUBLE_EVERY = 20, 30  # rows, one of which is here already, or stood above
_TOWNS = ["Aachen", "Bötzow", "Celle", "Düren", "Eutin", "Fürth", "Görlitz", "Hürth", "Jülich", "Köln"]
_FRESH = "SELECT target_id FROM sales_importrow WHERE run_id = %s AND outcome = 'created'"
# What an import of organisations writes, and which rows of it are those of this one.
_TABLES: dict[type[models.Model], str] = {
    Party: f"id IN ({_FRESH})",
    PostalAddress: f"party_id IN ({_FRESH})",
    PartyGroupPerm: f"content_object_id IN ({_FRESH})",
    PartySearch: f"party_id IN ({_FRESH})",
    ImportRow: "run_id = %s",
}


def bring_in(persona: Persona, rows: int) -> Both:
    """Check and bring in a file of so many rows by the import's own jobs, one worker alone."""
    content, fresh = _file(rows)
    with taken_back(), _kept(content) as digest, ExitStack() as files:
        run = services.begin_import([("bench.csv", inspect(digest))], source="bench", by=persona.user)
        with taken_back():
            with spending() as ours:
                mappings = {file.pk: (file.kind, file.mapping) for file in run.files.all()}
                _finish(services.map_files(run, mappings, pipeline=run.pipeline, by=persona.user))
                run.refresh_from_db()
                _finish(services.apply_import(run, by=persona.user))
            told = outcomes(run)["organisation"]
            written = {model: files.enter_context(TemporaryFile()) for model in _TABLES}
            _lay_aside(run, written)
        _bring_back(written)
        with spending() as floor, work(by=persona.user), connection.cursor() as cursor:
            for model in _TABLES:
                cursor.execute(f"INSERT INTO {model._meta.db_table} ({_columns(model)}) SELECT {_columns(model)} FROM floor_{model._meta.db_table}")
    return Both(rows, ours, floor, told.get("created") == fresh and sum(told.values()) == rows)


def _file(rows: int) -> tuple[bytes, int]:
    """Names of organisations nobody has heard of, beside known ones in another spelling and doubles; and how many are new."""
    known = Organisation.objects.unrestricted().order_by("pk").values_list("legal_name", flat=True)[:rows]
    there = iter(dict.fromkeys(" ".join(name.lower().split()) for name in known))
    lines: list[list[object]] = []
    fresh, name = 0, ""
    for number in range(rows):
        shown = ""
        if number % DOUBLE_EVERY == DOUBLE_EVERY - 1:
            shown = f" {name.upper()}"
        elif number % KNOWN_EVERY == 0:
            shown = next(there, "").replace(" ", "  ")
        if not shown:
            shown = name = f"Messwerk {number} GmbH"
            fresh += 1
        lines.append([shown, "Handel", 10 + number % 900, "Deutschland", _TOWNS[number % 10]])
    return b"".join(write_csv(["Firma", "Branche", "Mitarbeiter", "Land", "Ort"], lines, language="de")), fresh


@contextmanager
def _kept(content: bytes) -> Iterator[str]:
    """The file as an upload leaves it, gone afterwards: no transaction takes that back."""
    digest = keep(SimpleUploadedFile("bench.csv", content))
    try:
        yield digest
    finally:
        path_of(digest).unlink()


def _finish(job: Job) -> None:
    while job.is_open:
        jobs.advance(job.pk)
        job.refresh_from_db()
    assert job.state == Job.State.DONE, job.error


def _columns(model: type[models.Model]) -> str:
    return ", ".join(f'"{field.column}"' for field in model._meta.concrete_fields if not getattr(field, "generated", False))


def _lay_aside(run: ImportRun, files: Mapping[type[models.Model], IO[bytes]]) -> None:
    """What it wrote, outside the database: there it is taken back."""
    with connection.cursor() as cursor:
        for model, file in files.items():
            rows = cursor.mogrify(f"SELECT {_columns(model)} FROM {model._meta.db_table} WHERE {_TABLES[model]} ORDER BY {model._meta.pk.column}", [run.pk]).decode()
            cursor.copy_expert(f"COPY ({rows}) TO STDOUT (FORMAT binary)", file)
            file.seek(0)


def _bring_back(files: Mapping[type[models.Model], IO[bytes]]) -> None:
    """As tables beside the real ones."""
    with connection.cursor() as cursor:
        for model, file in files.items():
            table = model._meta.db_table
            cursor.execute(f"CREATE TABLE floor_{table} AS SELECT {_columns(model)} FROM {table} WITH NO DATA")
            cursor.copy_expert(f"COPY floor_{table} FROM STDIN (FORMAT binary)", file)
