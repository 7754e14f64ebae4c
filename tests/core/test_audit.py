"""The database writes the audit on every path, and ledgers refuse to forget."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction
from django.db.models import IntegerField
from django.utils import timezone

from contacts.models import Party, Person
from crm.core.models import Change
from crm.core.records import Record
from crm.core.work import work
from sales.models import StageTransition
from tests.factories import OpportunityFactory, PersonFactory

pytestmark = pytest.mark.django_db


def of(party: Any) -> list[Change]:
    return list(Change.objects.filter(relation="contacts_party", row_id=party.pk).order_by("id"))


def test_an_update_keeps_the_changed_columns_only(cast: Any) -> None:
    with work(by=cast.anna) as piece:
        person = PersonFactory(owner=cast.anna, title="")
        person.title = "Dr."
        person.save(update_fields=["title"])
    insert, update = of(person)
    assert (insert.op, insert.before) == ("I", None)
    assert (update.before, update.after) == ({"title": ""}, {"title": "Dr."})
    assert (update.actor_id, update.origin, str(update.work)) == (cast.anna.pk, "user", piece.id)


def test_a_save_that_changes_nothing_leaves_no_row(cast: Any) -> None:
    person = PersonFactory(owner=cast.anna)
    Person.objects.filter(pk=person.pk).update(title=person.title)
    assert [change.op for change in of(person)] == ["I"]


def test_bulk_and_copy_and_bare_sql_are_caught(cast: Any) -> None:
    people = PersonFactory.create_batch(3, owner=cast.anna)
    with work():
        Party.objects.filter(pk__in=[p.pk for p in people]).update(title="Prof.")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE contacts_party SET title = 'Dr.' WHERE id = %s", [people[0].pk])
    assert [change.origin for change in of(people[0])] == ["sql", "house", "sql"]
    assert [change.after for change in of(people[1])][1:] == [{"title": "Prof."}]


def test_a_delete_keeps_the_whole_row(cast: Any) -> None:
    person = PersonFactory(owner=cast.anna, last_name="Weg")
    pk = person.pk
    person.delete()
    assert Change.objects.get(relation="contacts_party", row_id=pk, op="D").before["last_name"] == "Weg"


def test_the_actor_does_not_outlive_the_work(cast: Any) -> None:
    with work(by=cast.anna), work(by=cast.ben):
        inner = PersonFactory(owner=cast.anna)
    after = PersonFactory(owner=cast.anna)
    assert [of(person)[0].actor_id for person in (inner, after)] == [cast.anna.pk, None]


def test_passwords_are_never_in_the_audit(cast: Any) -> None:
    cast.anna.set_password("a new secret phrase")
    cast.anna.save()
    stored = Change.objects.filter(relation="accounts_user").values_list("before", "after")
    assert not any("password" in (values or {}) for pair in stored for values in pair)


@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
@pytest.mark.parametrize("table", ["sales_stagetransition", "core_change", "analytics_forecastsnapshot"])
def test_a_ledger_refuses(cast: Any, table: str, statement: str) -> None:
    opportunity = OpportunityFactory(owner=cast.anna)
    StageTransition.objects.create(opportunity=opportunity, kind="open", to_stage=opportunity.stage, at=timezone.now())
    if table == "analytics_forecastsnapshot" and "TRUNCATE" not in statement:
        from analytics.models import ForecastSnapshot

        ForecastSnapshot.objects.create(as_of="2026-01-01", opportunity_id=1, team_id=1, stage_id=1, rate=0, sample=0)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(statement.format(table))


def test_red_control_maintenance_lets_the_ledger_go(cast: Any) -> None:
    """Switched off, the guard lets through what it guards against: so it is the guard that refused above."""
    OpportunityFactory(owner=cast.anna)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL lotse.maintenance = 'on'")
        cursor.execute("DELETE FROM core_change")
        assert cursor.rowcount > 0


def test_every_editable_record_is_audited() -> None:
    """A new table of customers' or set-up data without triggers fails here."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE t.tgname = 'audit_update'")
        audited = {row[0] for row in cursor.fetchall()}
        cursor.execute("SELECT DISTINCT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE t.tgname = 'append_only'")
        audited |= {row[0] for row in cursor.fetchall()}  # what never changes has no changes to keep
    counts = {model for model in apps.get_models() if any(field.name == "version" and isinstance(field, IntegerField) for field in model._meta.concrete_fields)}
    wanted = {model._meta.db_table for model in apps.get_models() if (issubclass(model, Record) or model in counts) and not model._meta.proxy}
    assert wanted <= audited
