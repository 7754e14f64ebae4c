"""The set-up's list of changes: in words, and as fast where customers have many."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Membership, RoleRight, User
from crm.core.work import work
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
PAGE = "admin:core_change_changelist"


def test_the_change_list_tells_of_rights_in_words(cast: Any, sign_in: Any) -> None:
    """Who may do what is the change of the set-up that matters most; what is of the machinery is not told."""
    role = cast.anna.memberships.get().role
    with work(by=cast.emil):
        RoleRight.objects.filter(role=role, entity="party", verb="view").update(reach="all")
        User.objects.filter(pk=cast.anna.pk).update(sign_ins=7)
    html = sign_in(cast.emil).get(reverse(PAGE)).content.decode()
    assert f"Recht: {role}, Kontakte: Sehen" in html and "→ alle" in html and "Wie weit: " in html
    assert "Sign ins" not in html and "object (" not in html


def test_many_changes_are_read_like_few(cast: Any, sign_in: Any) -> None:
    """By the index of their tables: down the ids lie all changes of customers. What a row is called is read with its table."""
    browser, role = sign_in(cast.emil), cast.anna.memberships.get().role
    browser.get(reverse(PAGE))
    asked = []
    for _more in range(2):
        with work(by=cast.emil):
            Membership.objects.bulk_create([Membership(user=UserFactory(team=cast.firm.north), team=cast.firm.north, role=role) for _one in range(15)])
        with CaptureQueriesContext(connection) as seen:
            assert browser.get(reverse(PAGE)).content.decode().count("Mitgliedschaft: ") >= 15
        asked.append(len(seen))
    assert asked[1] <= asked[0] + 15, "each person is named once, and no row asks for more"
    (listed,) = [query["sql"] for query in seen if 'FROM "core_change"' in query["sql"] and "LIMIT 100" in query["sql"]]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_sort = off")  # would then be read in their order, if it could
        cursor.execute(f"EXPLAIN {listed}")
        assert "core_change_pkey" not in "\n".join(line for (line,) in cursor.fetchall())
