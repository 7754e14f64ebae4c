"""What stands around a page: the phone's bar marks where one is, and a fragment pays for none of it."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm.core import lists
from crm.navigation import shell
from tests.factories import PersonFactory


@pytest.mark.django_db
@pytest.mark.parametrize("page", ["today", "person-list", "duplicate-list", "board", "opportunity-list", "desk", "case-list", "causes", "segment-list", "overview", "forecast"])
def test_the_bar_marks_where_one_is(cast, page):
    request = RequestFactory().get(reverse(page))
    request.user = cast.emil
    bar = shell(request)["bottom_nav"]()
    assert len(bar) == 5
    assert [entry["url"] for entry in bar if entry["current"]] == [reverse("desk" if page == "case-list" else page)]


@pytest.mark.django_db
def test_a_page_beside_the_bar_takes_only_its_last_place(cast):
    def bar(page):
        request = RequestFactory().get(reverse(page))
        request.user = cast.emil
        return [entry["url"] for entry in shell(request)["bottom_nav"]()]

    assert bar("overview") == [*bar("today")[:4], reverse("overview")]


def test_a_fragment_pays_for_no_shell_and_menus_of_records_are_read_once(cast: Any, sign_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "MOST_OPTIONS", 0)  # as if there were too many teams for a menu of links
    PersonFactory(owner=cast.emil)  # an empty list draws no menus
    browser = sign_in(cast.emil)

    def asked(**how: Any) -> list[str]:
        with CaptureQueriesContext(connection) as seen:
            assert browser.get("/contacts/people/", **how).status_code == 200
        return [query["sql"] for query in seen.captured_queries]

    page, fragment = asked(), asked(htmx=True)
    assert [sum('FROM "core_notification"' in sql for sql in which) for which in (page, fragment)] == [1, 0]
    assert [sum('FROM "accounts_team" ORDER BY' in sql for sql in which) for which in (page, fragment)] == [1, 0], "a fragment leaves its menus to whoever opens them"
