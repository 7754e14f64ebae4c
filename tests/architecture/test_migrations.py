"""Every migration after the last release can run while the previous version works; each rule has its red control."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.contrib.postgres import operations as postgres
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.models.functions import Now

from crm.core.ledger import Audited
from crm.core.migrating import AddIndexOnline
from tests.architecture.migration_rules import BASELINE, complaints


@pytest.fixture(scope="module")
def loader() -> MigrationLoader:
    return MigrationLoader(None)


@pytest.fixture(scope="module")
def running(loader: MigrationLoader) -> Any:
    """The schema of the last release."""
    return loader.project_state(list(BASELINE.items()))


def made(*operations: Any, atomic: bool = True, app: str = "contacts") -> migrations.Migration:
    """A migration of contacts."""
    migration = migrations.Migration("0099_new", app)
    migration.operations, migration.atomic = list(operations), atomic
    return migration


def test_every_migration_after_the_baseline_follows_the_rules(loader: MigrationLoader, running: Any) -> None:
    released = {name for node in BASELINE.items() for name in loader.graph.forwards_plan(node)}
    new = [migration for key, migration in loader.disk_migrations.items() if key[0] in BASELINE and key not in released]
    assert not [sentence for migration in new for sentence in complaints(migration, running)]


def test_the_baseline_names_every_app_of_ours(loader: MigrationLoader) -> None:
    from django.apps import apps

    from crm.devstack.places import ROOT

    ours = {config.label for config in apps.get_app_configs() if config.path.startswith(str(ROOT)) and "site-packages" not in config.path}
    assert {label for label, _ in loader.disk_migrations if label in ours} == set(BASELINE)


INDEX = models.Index(fields=["created_at"], name="contacts_new")
CHECK = models.CheckConstraint(condition=models.Q(version__gt=0), name="contacts_check")
SMALL = models.CharField(max_length=9, db_default="")
PAGE = migrations.CreateModel("Page", [("id", models.BigAutoField(primary_key=True)), ("party", models.ForeignKey("contacts.Party", models.CASCADE))])


@pytest.mark.parametrize(
    ("operations", "words"),
    [
        ([migrations.AlterField("Party", "version", models.BigIntegerField(default=1))], "another type rewrites"),
        ([migrations.AddField("Party", "code", models.UUIDField(db_default=models.Func(function="gen_random_uuid")))], "volatile default"),
        ([migrations.AddField("Party", "half", models.GeneratedField(expression=models.F("version") / 2, output_field=models.IntegerField(), db_persist=True))], "generated column"),
        ([migrations.AddField("Party", "code", models.CharField(max_length=9, default=""))], "NOT NULL without db_default"),
        ([migrations.AlterField("Party", "owner", models.ForeignKey("accounts.User", models.PROTECT))], "NOT NULL reads"),
        ([migrations.AddField("Party", "code", models.CharField(max_length=9, db_default="", db_index=True))], "its index would stop"),
        ([migrations.RenameField("Party", "version", "edition")], "still uses this column"),
        ([migrations.RemoveField("Party", "version")], "still uses this column"),
        ([migrations.DeleteModel("Party")], "still uses this table"),
        ([migrations.RenameModel("Party", "Contact")], "still uses this table"),
        ([migrations.AddIndex("Party", INDEX)], "AddIndexOnline"),
        ([postgres.AddIndexConcurrently("Party", INDEX)], "cannot be begun anew"),
        ([AddIndexOnline("Party", INDEX), migrations.AddField("Party", "code", SMALL)], "beside other operations"),
        ([migrations.AddConstraint("Party", CHECK)], "AddConstraintNotValid"),
        ([migrations.AddConstraint("Party", models.UniqueConstraint(fields=["version"], name="x"))], "USING INDEX"),
        ([migrations.RunPython(migrations.RunPython.noop), migrations.AddField("Party", "code", SMALL)], "beside other operations"),
        ([migrations.SeparateDatabaseAndState(state_operations=[migrations.RemoveField("Party", "version")])], "our own inserts would fail"),
        ([migrations.RunSQL("ALTER TABLE contacts_party DROP COLUMN version")], "still uses the column version"),
        ([migrations.RunSQL("CREATE INDEX x ON contacts_party (version)")], "without CONCURRENTLY"),
        ([migrations.RunSQL("ALTER TABLE contacts_party ALTER COLUMN version TYPE bigint")], "another type"),
        ([migrations.RunSQL("UPDATE contacts_party SET version = 1")], "in pieces"),
        ([postgres.CreateExtension("hstore")], "unknown to this check"),
        ([migrations.AddField("Party", "code", SMALL), PAGE], "makes all models anew"),
        ([Audited("Tag"), migrations.AddField("Party", "second", models.ForeignKey("accounts.User", models.PROTECT, null=True, db_index=False))], "makes all models anew"),
        ([migrations.RunSQL("ALTER TABLE contacts_party SET (fillfactor = 90)"), PAGE], "makes all models anew"),
    ],
)
def test_red_control_each_rule_refuses(running: Any, operations: list[Any], words: str) -> None:
    found = complaints(made(*operations, atomic=not any(isinstance(one, postgres.AddIndexConcurrently) for one in operations)), running)
    assert any(words in sentence for sentence in found), found


@pytest.mark.parametrize(
    "migration",
    [
        made(
            migrations.AddField("Party", "code", SMALL),
            migrations.AddField("Party", "noted_at", models.DateTimeField(db_default=Now())),
            migrations.AddField("Party", "key", models.UUIDField(null=True, default=uuid.uuid4)),
            migrations.CreateModel("Sheet", [("id", models.BigAutoField(primary_key=True)), ("text", models.TextField(db_index=True))]),
            migrations.AddIndex("Sheet", models.Index(fields=["text"], name="sheet_text")),
            migrations.RemoveField("Sheet", "text"),
            Audited("Sheet"),
            postgres.AddConstraintNotValid("Party", CHECK),
        ),
        made(PAGE, migrations.AddField("Party", "code", SMALL), migrations.AddField("Page", "text", models.TextField())),
        made(AddIndexOnline("Party", INDEX), atomic=False),
        made(migrations.RunPython(migrations.RunPython.noop), atomic=False),
        made(postgres.ValidateConstraint("Party", "contacts_check")),
        made(migrations.RunSQL("CREATE OR REPLACE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE x SET y = 1; RETURN NULL; END $$")),
        made(migrations.RunSQL("ALTER TABLE contacts_party DROP COLUMN long_gone")),
    ],
)
def test_a_good_one_passes(running: Any, migration: migrations.Migration) -> None:
    assert complaints(migration, running) == []
