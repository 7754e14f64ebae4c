"""Migrations that never block: whoever waits for a lock is waited for by everybody else, so a migration waits a moment and begins anew.

`manage.py migrate` uses `Patient`. What a migration may hold at all, tests/architecture/migration_rules.py says.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import OperationalError, transaction
from django.db.migrations import RunSQL
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ProjectState

LOCK_WAIT = 0.1  # seconds a migration queues for its locks, all together: so long everybody behind it stands still, at most
QUICK = 0.01  # seconds a statement takes that did not queue
PAUSE = 0.5  # seconds between two tries: the queue has gone by then
PATIENCE = 600  # seconds of trying


def lift_limit(connection: Any) -> None:
    """Where `migrate` runs in a container of the page: the limit on its statements is not meant for an index that takes its time.

    Said when connecting, so that it holds for whatever follows and leans on no session. A pooler takes no options: there the limit is its own.
    """
    options = connection.settings_dict["OPTIONS"]
    if "statement_timeout" in options.get("options", ""):
        connection.close()
        options["options"] += " -c statement_timeout=0"  # the last one counts


class _Waits:
    """Wrapped around every statement of one try: what an earlier one queued for is taken from what the next may.

    With a fresh wait for each lock, whoever needs the first table would stand still until the last one has come.
    """

    def __init__(self) -> None:
        self._left = LOCK_WAIT

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        begin = time.monotonic()
        result = execute(sql, params, many, context)
        took = time.monotonic() - begin
        if took > QUICK:
            self._left = max(QUICK, self._left - took)
            with context["connection"].connection.cursor() as cursor:
                cursor.execute(_queue_for(self._left))
        return result


def _queue_for(seconds: float) -> str:
    return f"SET LOCAL lock_timeout = {seconds * 1000:.0f}"


class Patient(MigrationExecutor):
    """Each migration in one transaction together with its own record, begun anew when a lock did not come.

    Django writes the record of a migration with deferred statements after their commit: a process killed between the two
    would stumble over its own tables the next time. An index built beside the traffic takes no lock that anybody waits for,
    cannot run in a transaction and is left as Django does it.
    """

    def apply_migration(self, state: Any, migration: Any, fake: bool = False, fake_initial: bool = False) -> Any:
        plain = super().apply_migration
        return self._patiently(migration, state, lambda state, migration: plain(state, migration, fake, fake_initial))

    def unapply_migration(self, state: Any, migration: Any, fake: bool = False) -> Any:
        plain = super().unapply_migration
        return self._patiently(migration, state, lambda state, migration: plain(state, migration, fake))

    def _patiently(self, migration: Any, state: ProjectState, act: Callable[[ProjectState, Any], Any]) -> Any:
        if not migration.atomic:
            return act(state, migration)
        # The transaction is ours. Django would not end one of its own where the keys it adds at the very end find no lock:
        # everything after that would run in it, and be gone.
        ours = copy.copy(migration)
        ours.atomic = False
        until = time.monotonic() + PATIENCE
        while True:
            # A try that failed has moved its state on already. Without the rendered models, which are costly to copy and are made anew.
            spare = ProjectState({key: model.clone() for key, model in state.models.items()}, state.real_apps)
            _ = state.apps  # rendered here, because it takes a second, and not while locks are held
            try:
                with transaction.atomic(using=self.connection.alias), self.connection.cursor() as cursor:
                    cursor.execute(_queue_for(LOCK_WAIT))
                    with self.connection.execute_wrapper(_Waits()):
                        return act(state, ours)
            except OperationalError as error:
                if getattr(error.__cause__, "pgcode", "") != "55P03" or time.monotonic() > until:  # lock_not_available
                    raise
            state = spare
            time.sleep(PAUSE)


class AddIndexOnline(AddIndexConcurrently):  # type: ignore[misc]  # a mixin the stubs do not know
    """An index on a table that is in use; what a killed try left of it, which Postgres keeps as invalid, goes first."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {schema_editor.quote_name(self.index.name)}")
        super().database_forwards(app_label, schema_editor, from_state, to_state)


def half_taken(connection: Any) -> Iterator[tuple[str, list[str]]]:
    """Baselines of whose steps this database has taken some but not all, each with those it lacks: Django would fail without telling why."""
    applied = MigrationRecorder(connection).applied_migrations()
    for (app, name), migration in MigrationLoader(None).disk_migrations.items():
        missing = [".".join(step) for step in migration.replaces if step not in applied]
        if "baseline" in name and 0 < len(missing) < len(migration.replaces):
            yield f"{app}.{name}", missing


def count_each_owner(table: str) -> RunSQL:
    """Statistics that know each owner and team of these records by itself.

    With Postgres' usual hundred, whoever owns nothing is taken for an average owner, and a list for somebody who sees three
    records walks through all of them.
    """

    def statistics(target: int) -> str:
        return f"ALTER TABLE {table} ALTER COLUMN owner_id SET STATISTICS {target}, ALTER COLUMN team_id SET STATISTICS {target}"

    return RunSQL(statistics(1000), statistics(-1))
