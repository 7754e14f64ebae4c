"""What a migration may do while the previous version runs: judged by its operations against the schema of the last release.

`BASELINE` names each app's newest migration of that release and moves on with the next one. Tables and columns made after
it are unknown to the version that runs meanwhile, and empty: they are free. Reference data (`Labelled`) is small: there the
database may look at every row. docs/operations.md tells the same as advice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

from django.apps import apps
from django.contrib.postgres import operations as postgres
from django.db import connection, migrations, models
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models.functions import Now

from crm.core.ledger import AppendOnly, Audited, AuditedWhole
from crm.core.migrating import AddIndexOnline
from crm.core.records import Labelled

BASELINE = dict.fromkeys(("accounts", "analytics", "campaigns", "catalog", "contacts", "sales", "service"), "0002_baseline_ledgers") | {"core": "0003_baseline_ledgers"}

HARMLESS = (
    migrations.CreateModel, migrations.AlterModelOptions, migrations.AlterModelManagers, migrations.RemoveIndex, migrations.RenameIndex,
    migrations.RemoveConstraint, postgres.ValidateConstraint, postgres.RemoveIndexConcurrently, Audited, AuditedWhole, AppendOnly,
)  # fmt: skip
ALONE = (migrations.RunPython, postgres.AddIndexConcurrently, postgres.RemoveIndexConcurrently, postgres.ValidateConstraint)


@dataclass(frozen=True)
class Running:
    """The schema the previous version works with, seen from one app."""

    state: ProjectState
    app: str

    def model(self, name: str) -> Any:
        """The model's state, or None if that version does not know it."""
        return self.state.models.get((self.app, name.lower()))

    def field(self, model: str, name: str) -> Any:
        """The field, or None."""
        found = self.model(model)
        return found.fields.get(name) if found else None

    def is_small(self, model: str) -> bool:
        """New, or reference data."""
        try:
            return self.model(model) is None or issubclass(apps.get_model(self.app, model), Labelled)
        except LookupError:
            return False

    def columns(self) -> set[tuple[str, str]]:
        """(table, column) of everything that version reads and writes."""
        return {(model._meta.db_table, field.column) for model in self.state.apps.get_models() for field in model._meta.local_fields}


def complaints(migration: migrations.Migration, running: ProjectState) -> list[str]:
    """What is wrong with this migration, in sentences."""
    known = Running(running, migration.app_label)
    found = [sentence for operation in migration.operations for sentence in judge(operation, known)]
    alone = [operation for operation in migration.operations if isinstance(operation, ALONE)]
    again = all(isinstance(operation, AddIndexOnline | postgres.RemoveIndexConcurrently) for operation in migration.operations)  # each may be done twice
    if alone and len(migration.operations) > 1 and not again:
        found.append(f"{_name(alone[0])} beside other operations: it would hold their locks while it works, and could not be begun anew. Give it a migration of its own.")
    for place, operation in enumerate(migration.operations):
        held = next((earlier for earlier in migration.operations[:place] if _holds(earlier, known)), None)
        if held and _relates(operation):
            found.append(f"{_name(operation)} after {_name(held)}, which holds a table in use while Django makes all models anew. Put it before, or into a migration of its own.")
    if any(isinstance(operation, migrations.RunSQL) and _has(operation, r"CONCURRENTLY") for operation in migration.operations) and len(migration.operations) > 1:
        found.append("SQL with CONCURRENTLY beside other operations. Give it a migration of its own.")
    if not migration.atomic and not alone and not all(isinstance(operation, migrations.RunSQL) and _has(operation, r"CONCURRENTLY") for operation in migration.operations):
        found.append("atomic = False without need: killed half way, it could not be begun anew.")
    return [f"{migration.app_label}.{migration.name}: {sentence}" for sentence in found]


@singledispatch
def judge(operation: Operation, known: Running) -> Iterator[str]:
    """Sentences against one operation."""
    if not isinstance(operation, HARMLESS):
        yield f"{_name(operation)} is unknown to this check. Teach it what the operation locks."


@judge.register(migrations.RunPython)
@judge.register(AddIndexOnline)
@judge.register(postgres.AddConstraintNotValid)
def _(operation: Any, known: Running) -> Iterator[str]:
    """Better kinds of what is refused below."""
    yield from ()


@judge.register(postgres.AddIndexConcurrently)
def _(operation: Any, known: Running) -> Iterator[str]:
    yield "AddIndexConcurrently cannot be begun anew after it was killed. Take AddIndexOnline from crm.core.migrating."


@judge.register(migrations.DeleteModel)
@judge.register(migrations.RenameModel)
@judge.register(migrations.AlterModelTable)
def _(operation: Any, known: Running) -> Iterator[str]:
    name = getattr(operation, "old_name", operation.name)
    if known.model(name):
        yield f"{_name(operation)} {name}: the previous version still uses this table. Take it out of the code first, and drop it one release later."


@judge.register(migrations.RemoveField)
@judge.register(migrations.RenameField)
def _(operation: Any, known: Running) -> Iterator[str]:
    name = getattr(operation, "old_name", operation.name)
    if known.field(operation.model_name, name):
        yield (
            f"{_name(operation)} {operation.model_name}.{name}: the previous version still uses this column. Take it out of the code with"
            " SeparateDatabaseAndState(state_operations=…), and drop it by RunSQL one release later."
        )


@judge.register
def _(operation: migrations.AddField, known: Running) -> Iterator[str]:
    field, where = operation.field, f"AddField {operation.model_name}.{operation.name}"
    if known.model(operation.model_name) is None or field.many_to_many:
        return
    if isinstance(field, models.GeneratedField):
        yield f"{where}: a generated column rewrites the whole table. Add a plain one and fill it in pieces."
        return
    constant = field.db_default
    if isinstance(constant, models.Value):
        constant = constant.value
    if field.has_db_default() and not isinstance(constant, str | int | float | bool | Now):
        yield f"{where}: a volatile default rewrites the whole table. Add it empty and fill it in pieces, or give a constant."
    if not field.null and not field.has_db_default():
        yield f"{where}: NOT NULL without db_default. The previous version does not know the column, so its inserts would fail."
    if (field.db_index or field.unique) and not known.is_small(operation.model_name):
        yield f"{where}: its index would stop every write. Say db_index=False, and add it by AddIndexOnline in a migration of its own."


@judge.register
def _(operation: migrations.AlterField, known: Running) -> Iterator[str]:
    old, new, where = known.field(operation.model_name, operation.name), operation.field, f"AlterField {operation.model_name}.{operation.name}"
    if old is None:
        return
    if old.is_relation != new.is_relation or (not old.is_relation and not _fits(old.db_type(connection), new.db_type(connection))):
        yield f"{where}: another type rewrites the whole table. Add a column, fill it in pieces, and change over one release later."
    if old.null and not new.null and not known.is_small(operation.model_name):
        yield f"{where}: NOT NULL reads the whole table under a lock. Add a CHECK by AddConstraintNotValid and validate it in the next migration."
    if old.db_column != new.db_column:
        yield f"{where}: the previous version still uses this column under its old name."
    if ((new.unique and not old.unique) or (new.db_index and not old.db_index)) and not known.is_small(operation.model_name):
        yield f"{where}: its index would stop every write. Add it by AddIndexOnline."


@judge.register
def _(operation: migrations.AddIndex, known: Running) -> Iterator[str]:
    if not known.is_small(operation.model_name):
        yield f"AddIndex {operation.index.name}: it would stop every write to the table. Take AddIndexOnline, alone and with atomic = False."


@judge.register
def _(operation: migrations.AddConstraint, known: Running) -> Iterator[str]:
    if known.is_small(operation.model_name):
        return
    if isinstance(operation.constraint, models.CheckConstraint):
        yield f"AddConstraint {operation.constraint.name}: it reads the whole table under a lock. Take AddConstraintNotValid, and ValidateConstraint in the next migration."
    else:
        yield f"AddConstraint {operation.constraint.name}: its index would stop every write. Build it by SQL with CONCURRENTLY, then add the constraint USING INDEX."


@judge.register(migrations.AlterUniqueTogether)
@judge.register(migrations.AlterIndexTogether)
def _(operation: Any, known: Running) -> Iterator[str]:
    if not known.is_small(operation.name):
        yield f"{_name(operation)} {operation.name}: its index would stop every write. Take AddIndexOnline or a constraint USING INDEX."


@judge.register
def _(operation: migrations.SeparateDatabaseAndState, known: Running) -> Iterator[str]:
    for inner in operation.database_operations:
        yield from judge(inner, known)
    for inner in operation.state_operations:
        field = known.field(inner.model_name, inner.name) if isinstance(inner, migrations.RemoveField) else None
        if field and not field.null and not field.has_db_default():
            yield f"RemoveField {inner.model_name}.{inner.name}: the column stays and is NOT NULL, so our own inserts would fail. Give it a db_default first."


REFUSED_SQL = {
    r"\bCREATE (UNIQUE )?INDEX (?!CONCURRENTLY)": "an index without CONCURRENTLY would stop every write.",
    r"\bALTER( COLUMN)? \S+ (SET DATA )?TYPE\b": "another type rewrites the whole table.",
    r"\bSET NOT NULL\b": "NOT NULL reads the whole table under a lock.",
    r"\bRENAME\b": "the previous version still uses the old name.",
    r"\bDROP TABLE\b": "the previous version may still use it; DeleteModel can be judged.",
    r"\bADD CONSTRAINT(?!.*\b(NOT VALID|USING INDEX)\b)": "a constraint reads the whole table under a lock; say NOT VALID or USING INDEX.",
    r"^\s*(UPDATE|DELETE)\b": "one statement over a whole table holds its locks to the end; change it in pieces by RunPython.",
}


@judge.register
def _(operation: migrations.RunSQL, known: Running) -> Iterator[str]:
    for pattern, why in REFUSED_SQL.items():
        if _has(operation, pattern):
            yield f"RunSQL: {why}"
    for statement in _statements(operation):
        table = re.search(r'\bALTER TABLE (?:ONLY )?"?(\w+)', statement, re.IGNORECASE)
        for column in re.findall(r'\bDROP COLUMN (?:IF EXISTS )?"?(\w+)', statement, re.IGNORECASE):
            if table and (table.group(1), column) in known.columns():
                yield f"RunSQL: the previous version still uses the column {column}."


def _holds(operation: Any, known: Running) -> bool:
    """Whether it locks a table the previous version uses, which then waits until the migration ends."""
    if isinstance(operation, migrations.SeparateDatabaseAndState):
        return any(_holds(inner, known) for inner in operation.database_operations)
    if isinstance(operation, migrations.RunSQL):
        return _has(operation, r"^\s*(ALTER TABLE|LOCK|CREATE (OR REPLACE )?TRIGGER)\b")
    name = getattr(operation, "model_name", "") or getattr(operation, "model", "")
    return isinstance(operation, AuditedWhole) or bool(name and known.model(name))


def _relates(operation: Any) -> bool:
    """Whether Django makes nearly every model anew before it, which takes a tenth of a second and more: all that relate to each other."""
    if isinstance(operation, migrations.CreateModel):
        return any(field.is_relation for _, field in operation.fields)
    return isinstance(operation, migrations.AddField | migrations.AlterField) and operation.field.is_relation


def _name(operation: Operation) -> str:
    return type(operation).__name__


def _fits(old: str, new: str) -> bool:
    """Postgres changes these without touching a row: the same type, and text of any greater length."""
    if old == new:
        return True
    length = re.fullmatch(r"varchar\((\d+)\)", old)
    greater = re.fullmatch(r"varchar\((\d+)\)", new)
    return bool(length) and (new == "text" or bool(greater and int(greater.group(1)) >= int(length.group(1))))


def _statements(operation: migrations.RunSQL) -> list[str]:
    """Its statements without the bodies of functions."""
    parts = operation.sql if isinstance(operation.sql, list | tuple) else [operation.sql]
    text = ";".join(part if isinstance(part, str) else part[0] for part in parts)
    return re.sub(r"(\$\w*\$).*?\1", "''", text, flags=re.DOTALL).split(";")


def _has(operation: migrations.RunSQL, pattern: str) -> bool:
    return any(re.search(pattern, statement, re.IGNORECASE | re.DOTALL) for statement in _statements(operation))
