"""Rows that are copied into a test are what the product wrote, and leave the database as ready as writing them would."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import connection, transaction

from accounts.models import Team, User
from crm.core.models import Change
from crm.core.work import work
from tests.beginnings import Beginning
from tests.cast import hire, the_cast

pytestmark = pytest.mark.django_db


def counts() -> dict[str, int]:
    return {model._meta.label: model._base_manager.count() for model in apps.get_models() if model._meta.managed and not model._meta.proxy}


def test_copied_rows_are_those_that_were_written() -> None:
    """Twice in databases that are empty again: first written, then copied. Who is there, keys and what the audit says of them are the same."""
    wrote, found = [], []

    def written() -> None:
        wrote.append(1)
        hire()

    begin = Beginning(written)
    for _ in range(2):
        with transaction.atomic():
            begin.bring()
            grants = User.objects.get(username="clara").teamuserperm_set.values_list("permission__codename", "content_object__name")
            found.append((counts(), sorted(User.objects.values_list("pk", "username", "team__name")), sorted(grants), Change.objects.filter(relation="accounts_user").count()))
            transaction.set_rollback(True)
    assert wrote == [1] and found[0] == found[1] and found[0][2]


def test_what_follows_gets_new_keys_and_is_audited() -> None:
    begin = Beginning(hire)
    with transaction.atomic():
        begin.bring()
        transaction.set_rollback(True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval(pg_get_serial_sequence('accounts_team', 'id'), 1)")
    begin.bring()
    cast = the_cast()
    with connection.cursor() as cursor:
        cursor.execute("SHOW session_replication_role")
        assert cursor.fetchone() == ("origin",)
    known, last = set(Team.objects.values_list("pk", flat=True)), Change.objects.order_by("-id").values_list("id", flat=True).first() or 0
    with work(by=cast.emil):
        team = Team.objects.create(name="Export", parent=cast.firm.root)
    assert team.pk > max(known)
    assert Change.objects.filter(id__gt=last, relation="accounts_team", op="I").count() == 1


def test_a_database_that_is_not_empty_is_written_to() -> None:
    wrote = []

    def one_more() -> None:
        wrote.append(1)
        Team.objects.create(name=f"Team {len(wrote)}", parent=None if len(wrote) == 1 else Team.objects.get(name="Team 1"))

    begin = Beginning(one_more)
    begin.bring()
    begin.bring()
    assert wrote == [1, 1] and set(Team.objects.values_list("name", flat=True)) == {"Team 1", "Team 2"}
