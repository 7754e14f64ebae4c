"""What the house sets up once is one row, there after every migrate, so that no look has to write."""

from __future__ import annotations

import pytest
from django.apps import apps

from crm.core.records import Single, ensure_singles

pytestmark = pytest.mark.django_db

SINGLES = [model for model in apps.get_models() if issubclass(model, Single)]


def test_each_has_its_row_after_a_migrate() -> None:
    assert len(SINGLES) > 3
    assert [(model.__name__, list(model._default_manager.values_list("pk", flat=True))) for model in SINGLES if model._default_manager.count() != 1] == []


def test_a_migrate_brings_back_what_is_gone_and_changes_nothing_else() -> None:
    for model in SINGLES:
        model._default_manager.all()._raw_delete("default")
    ensure_singles()
    there = [list(model._default_manager.values()) for model in SINGLES]
    assert [[row["id"] for row in rows] for rows in there] == [[1]] * len(SINGLES)
    ensure_singles()
    assert [list(model._default_manager.values()) for model in SINGLES] == there
