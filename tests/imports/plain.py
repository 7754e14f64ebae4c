"""The floor of an import: the rows it wrote, inserted once more by plain INSERT into the same tables with their triggers and indexes."""

from __future__ import annotations

import time
from typing import Any

from django.db import connection, models

from contacts.models import Party, PartyGroupPerm, PartySearch, PostalAddress
from crm.core.work import work
from sales.imports.models import ImportRow, ImportRun

TABLES: dict[type[models.Model], str] = {
    Party: "id IN (SELECT row_id FROM core_change WHERE job_id = %s AND relation = 'contacts_party' AND op = 'I')",
    PostalAddress: "id IN (SELECT row_id FROM core_change WHERE job_id = %s AND relation = 'contacts_postaladdress' AND op = 'I')",
    PartyGroupPerm: "id IN (SELECT row_id FROM core_change WHERE job_id = %s AND relation = 'contacts_partygroupperm' AND op = 'I')",
    PartySearch: "party_id IN (SELECT row_id FROM core_change WHERE job_id = %s AND relation = 'contacts_party' AND op = 'I')",
    ImportRow: "run_id = (SELECT id FROM sales_importrun WHERE apply_job_id = %s)",
}
PARTY = {PostalAddress: "party_id", PartyGroupPerm: "content_object_id"}  # what a row has to come after: several workers wrote them, their own ids say nothing
CHUNK = 5_000  # rows a transaction


def keep_rows(run: ImportRun) -> None:
    """Lay aside what the import wrote, each row with its place."""
    with connection.cursor() as cursor:
        for model, which in TABLES.items():
            table, key = model._meta.db_table, PARTY.get(model, model._meta.pk.column)
            cursor.execute(f"CREATE TABLE floor_{table} AS SELECT (row_number() OVER (ORDER BY {key}) - 1) / {CHUNK} AS place, * FROM {table} WHERE {which}", [run.apply_job_id])
            cursor.execute(f"CREATE INDEX ON floor_{table} (place)")


def insert_plainly(by: Any) -> float:
    """Insert what was laid aside, some thousand rows a transaction; returns the seconds. What the import wrote must be gone."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM sales_importrow")
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("SELECT max(place) FROM floor_contacts_partygroupperm")  # the most rows of all
        (last,) = cursor.fetchone()
        begun = time.monotonic()
        for place in range(last + 1):
            with work(by=by):
                for model in TABLES:
                    columns = ", ".join(f'"{field.column}"' for field in model._meta.concrete_fields if not getattr(field, "generated", False))
                    table = model._meta.db_table
                    cursor.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM floor_{table} WHERE place = %s", [place])
        return time.monotonic() - begun


def drop_rows() -> None:
    """Away with what was laid aside."""
    with connection.cursor() as cursor:
        for model in TABLES:
            cursor.execute(f"DROP TABLE IF EXISTS floor_{model._meta.db_table}")
