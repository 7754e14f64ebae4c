"""What the CRM manager changes is kept with before and after, in every table of set-up."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Membership, RoleRight
from crm.core.models import Change
from crm.core.work import work
from sales.models import Stage

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("model", "field", "value"), [(RoleRight, "reach", "all"), (Stage, "probability", 99), (Membership, "team_id", None)], ids=lambda v: getattr(v, "__name__", None)
)
def test_before_and_after(cast: Any, model: Any, field: str, value: Any) -> None:
    row = model.objects.exclude(**{field: value}).first()
    before, value = getattr(row, field), cast.firm.service.pk if value is None else value
    with work(by=cast.emil):
        model.objects.filter(pk=row.pk).update(**{field: value})
    change = Change.objects.filter(relation=model._meta.db_table, row_id=row.pk).latest("id")
    assert (change.op, change.before, change.after, change.actor_id) == ("U", {field: before}, {field: value}, cast.emil.pk)
    created = Change.objects.get(relation=model._meta.db_table, row_id=row.pk, op="I")
    assert created.after["id"] == row.pk
