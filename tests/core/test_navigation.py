"""The phone's bar: the page one is on stands in it and is marked, alone."""

from __future__ import annotations

import pytest
from django.test import RequestFactory
from django.urls import reverse

from crm.navigation import shell


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
