"""A migration behind a long transaction: nobody else waits for it, it gets through in the end, and is whole or not there."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, connections, migrations, models
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder
from django.db.utils import OperationalError

from crm.core import migrating
from crm.core.migrating import AddIndexOnline, Patient

pytestmark = pytest.mark.django_db(transaction=True)
BUSY = 2.0  # seconds somebody's transaction holds the table


def made(*operations: Any, atomic: bool = True) -> migrations.Migration:
    migration = migrations.Migration("0099_try", "contacts")
    migration.operations, migration.atomic = list(operations), atomic
    return migration


def column(model: str) -> Any:
    return migrations.AddField(model, "shade", models.CharField(max_length=9, db_default=""))


NEW_COLUMN = made(column("Tag"))
FOUR = {"Tag": 0.15, "Industry": 0.3, "Affiliation": 0.45, "PartyRole": 0.6}  # one comes after the other


@pytest.fixture
def afterwards() -> Iterator[None]:
    """As it was before."""
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS contacts_sheet; DROP INDEX IF EXISTS tag_try")
        for model in FOUR:
            cursor.execute(f"ALTER TABLE contacts_{model.lower()} DROP COLUMN IF EXISTS shade")
    MigrationRecorder(connection).record_unapplied("contacts", "0099_try")


def columns(table: str = "contacts_tag") -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped", [table])
        return {name for (name,) in cursor.fetchall()}


def longest_wait(executor: type[MigrationExecutor], migration: Any = NEW_COLUMN, busy: Mapping[str, float] = {"contacts_tag": BUSY}) -> float:
    """Seconds the slowest of many readers of tags waited while a migration ran behind transactions that hold tables for so long."""
    held, over, waits = threading.Barrier(len(busy) + 1), threading.Event(), [0.0]

    def hold(table: str, seconds: float) -> None:
        with connections["default"].cursor() as cursor:
            cursor.execute(f"BEGIN; LOCK TABLE {table} IN ROW EXCLUSIVE MODE")  # as who writes into it
            held.wait(10)
            time.sleep(seconds)
            cursor.execute("COMMIT")
        connections.close_all()

    def read() -> None:
        with connections["default"].cursor() as cursor:
            while not over.is_set():
                begin = time.monotonic()
                cursor.execute("SELECT count(*) FROM contacts_tag")
                waits.append(time.monotonic() - begin)
                time.sleep(0.01)
        connections.close_all()

    threads = [*(threading.Thread(target=hold, args=pair) for pair in busy.items()), threading.Thread(target=read)]
    runner = executor(connection)
    state = runner.loader.project_state()
    _ = state.apps  # rendered before anybody holds anything, which takes a second
    for thread in threads:
        thread.start()
    held.wait(10)
    try:
        runner.apply_migration(state, migration)
    finally:
        over.set()
        for thread in threads:
            thread.join(30)
    return max(waits)


@pytest.mark.proof("upgrade")
def test_nobody_waits_for_a_waiting_migration(afterwards: None, figures: Any) -> None:
    waited = longest_wait(Patient)
    assert "shade" in columns()
    figures.record("longest wait of a reader behind a migration", round(waited * 1000), "ms", goal="≤ 500", holds=waited <= 0.5)


@pytest.mark.proof("upgrade")
def test_red_control_without_patience_everybody_waits(afterwards: None, figures: Any) -> None:
    waited = longest_wait(MigrationExecutor)
    figures.record("the same, as Django migrates", round(waited * 1000), "ms", goal="> 500 (red control)", holds=waited > 0.5)


def longest_wait_for_four() -> float:
    """Each of four tables comes soon after the one before."""
    return longest_wait(Patient, made(*map(column, FOUR)), {f"contacts_{model.lower()}": seconds for model, seconds in FOUR.items()})


@pytest.mark.proof("upgrade")
def test_waits_for_several_tables_do_not_add_up(afterwards: None, figures: Any) -> None:
    waited = longest_wait_for_four()
    assert "shade" in columns() & columns("contacts_partyrole")
    figures.record("longest wait of a reader behind a migration of four tables", round(waited * 1000), "ms", goal="≤ 500", holds=waited <= 0.5)


@pytest.mark.proof("upgrade")
def test_red_control_a_wait_for_each_table_adds_up(afterwards: None, figures: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrating, "QUICK", 60)  # nothing is taken from the next wait
    monkeypatch.setattr(migrating, "LOCK_WAIT", 0.4)  # on a busy machine the four come less evenly
    waited = longest_wait_for_four()
    figures.record("the same with a wait of its own for each", round(waited * 1000), "ms", goal="> 500 (red control)", holds=waited > 0.5)


def test_patience_ends(afterwards: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrating, "PATIENCE", 0)
    with pytest.raises(OperationalError, match="lock timeout"):
        longest_wait(Patient)
    assert "shade" not in columns()


def test_a_lock_that_does_not_come_at_the_very_end(afterwards: None) -> None:
    """Keys to other tables are added after all operations: a try that fails there leaves no transaction open in which the next would run."""
    sheet = migrations.CreateModel("Sheet", [("id", models.BigAutoField(primary_key=True)), ("tag", models.ForeignKey("contacts.Tag", models.CASCADE))])
    waited = longest_wait(Patient, made(sheet), {"contacts_tag": BUSY})
    assert waited < BUSY and not connection.in_atomic_block and not connection.savepoint_ids
    connection.close()
    assert "tag_id" in columns("contacts_sheet")


def killed_before_its_record(executor: type[MigrationExecutor], monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether a table is there that no record tells of."""
    sheet = made(migrations.CreateModel("Sheet", [("id", models.BigAutoField(primary_key=True)), ("text", models.TextField(db_index=True))]))

    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    runner = executor(connection)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(runner, "record_migration", die)
        runner.apply_migration(runner.loader.project_state(), sheet)
    return bool(columns("contacts_sheet"))


def test_a_migration_is_whole_or_not_there(afterwards: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not killed_before_its_record(Patient, monkeypatch)


def test_red_control_django_leaves_a_table_without_a_record(afterwards: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert killed_before_its_record(MigrationExecutor, monkeypatch)


def test_an_index_is_built_anew_over_what_a_killed_try_left(afterwards: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE INDEX tag_try ON contacts_tag (id)")
        cursor.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'tag_try'::regclass")  # what a killed CREATE INDEX CONCURRENTLY leaves
    runner = Patient(connection)
    runner.apply_migration(runner.loader.project_state(), made(AddIndexOnline("Tag", models.Index(fields=["id"], name="tag_try")), atomic=False))
    with connection.cursor() as cursor:
        cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = 'tag_try'::regclass")
        assert cursor.fetchone() == (True,)


def test_manage_py_migrates_with_patience() -> None:
    from django.core.management import get_commands

    assert get_commands()["migrate"] == "crm"


def test_the_pages_limit_ends_no_migration(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where it is run in a web container: what the connection brings is lifted, an earlier word of somebody else's stays."""
    connection.close()
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "options", "-c jit=off -c statement_timeout=300ms")
    try:
        with connection.cursor() as cursor, pytest.raises(OperationalError, match="statement timeout"):
            cursor.execute("SELECT pg_sleep(5)")
        call_command("migrate", verbosity=0)
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('statement_timeout'), current_setting('jit'), pg_sleep(0.5)")
            assert cursor.fetchone()[:2] == ("0", "off")
    finally:
        connection.close()


def test_a_database_that_took_only_some_of_the_earlier_steps_is_told() -> None:
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied("contacts", "0004_city_index")
    try:
        with pytest.raises(CommandError, match=r"contacts\.0001_baseline replaces; contacts\.0004_city_index"):
            call_command("migrate", verbosity=0)
    finally:
        recorder.record_applied("contacts", "0004_city_index")
    call_command("migrate", verbosity=0)
