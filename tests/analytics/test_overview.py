"""The overview: its numbers are those of the rows they open, everybody sees their own, and it comes by mail and on paper."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from html import unescape

import pytest
from django.urls import reverse
from django.utils import timezone, translation

from accounts.grants import sync_grants
from accounts.models import FieldRule, Role
from analytics import overview, report, subscriptions
from analytics.forecast import Ask, Forecast, current_period
from analytics.models import ReportSubscription
from crm.core.access import forget_scopes
from crm.core.models import OutgoingMail
from service.models import Case, Cause, Remedy
from service.remedies import grant_remedy
from service.services import open_case, solve_case
from tests.analytics.test_page import make

pytestmark = pytest.mark.django_db
DUE = timezone.make_aware(datetime(2026, 11, 23, 7, 0))


@pytest.fixture
def house(cast):
    """Three complaints of this quarter: one solved that cost money, one open, one overdue; a question that is none; and a won opportunity."""
    made = [open_case(Case(team=cast.sven.team, owner=cast.sven, heading=f"Beschwerde {n}"), by=cast.sven) for n in range(3)]
    open_case(Case(team=cast.sven.team, heading="Nur eine Frage", type=Case.Type.QUESTION), by=cast.sven)
    grant_remedy(made[0], by=cast.sven, cause=Cause.objects.get(key="late"), remedy=Remedy.objects.get(key="credit"), goodwill=Decimal(100), own_cost=Decimal(20))
    solve_case(made[0], by=cast.sven)
    Case.objects.unrestricted().filter(pk=made[2].pk).update(due_solution=timezone.now() - timedelta(hours=1), ack_at=timezone.now())
    make(cast.anna, state="won", day=current_period().start, amount="4711")
    return made


def sections(user, action="view"):
    forget_scopes()
    return {part.key: part for part in overview.context(Forecast(Ask(user, current_period(), action=action)))["sections"]}


def test_the_numbers_are_those_of_the_rows(cast, house, sign_in):
    greta = sign_in(cast.greta)
    found = sections(cast.greta)
    values = [figure["value"] for figure in found["complaints"].figures]
    assert values[:2] == ["3", "2"] and found["complaints"].figures[1]["state"] == "bad" and values[3].startswith("120")
    for figure, count in zip(found["complaints"].figures, (3, 2), strict=False):
        assert greta.get(figure["url"]).context["count"] == count
    assert [(line["count"], line["cost"]) for line in found["complaints"].causes] == [(1, Decimal(120))]
    assert found["sales"].figures[0]["value"].startswith("4.711") or found["sales"].figures[0]["value"].startswith("€4,711")
    page = greta.get(reverse("overview"))
    assert page.status_code == 200 and all(figure["value"] in unescape(page.content.decode()) for figure in found["complaints"].figures)


def test_everybody_sees_their_own(cast, house, sign_in):
    assert sign_in(cast.frieda).get(reverse("overview")).status_code == 403
    assert "complaints" in sections(cast.anna) and sections(cast.anna)["complaints"].figures[0]["value"] == "0"
    FieldRule.objects.create(role=Role.objects.get(key="management"), entity="case", field="goodwill")
    assert len(sections(cast.greta)["complaints"].figures) == 3 and not any("120" in figure["value"] for figure in sections(cast.greta)["complaints"].figures)
    assert sections(cast.greta)["complaints"].causes[0]["cost"] is None


def test_nothing_yet_is_said(cast, sign_in):
    page = sign_in(cast.greta).get(reverse("overview") + "?period=2011")
    assert page.status_code == 200 and sections(cast.greta)["complaints"].figures[2]["value"] == "–"


def test_on_paper_and_by_mail(cast, house):
    subscriptions.subscribe(cast.greta, ReportSubscription.Report.OVERVIEW)
    subscriptions.subscribe(cast.greta)
    for _twice in range(2):
        subscriptions.plan_mails(DUE)
    with translation.override(cast.greta.language):
        html = unescape(report.overview_html(Forecast(Ask(cast.greta, current_period(), action="export"))))
        assert all(figure["value"] in html for part in sections(cast.greta, "export").values() for figure in part.figures)
    assert sorted(OutgoingMail.objects.values_list("once", flat=True)) == sorted(f"{key}:{DUE.isoformat()}:{cast.greta.pk}" for key in ("forecast", "overview"))
    mail = OutgoingMail.objects.get(once__startswith="overview")
    assert "120" in mail.body and reverse("overview") in mail.body and "{" not in mail.body + mail.heading


@pytest.mark.parametrize(("who", "page"), [("anna", "today"), ("sven", "desk"), ("greta", "overview"), ("mia", "campaign-list"), ("frieda", "today")])
def test_each_role_begins_where_it_works(cast, sign_in, who, page):
    assert sign_in(getattr(cast, who)).get(reverse("home")).headers["Location"] == reverse(page)


def test_a_start_page_that_is_not_open_is_passed_over(cast, sign_in):
    Role.objects.filter(key="rep").update(start_page="overview")
    Role.objects.get(key="rep").rights.filter(entity="forecast").delete()
    sync_grants()
    assert sign_in(cast.anna).get(reverse("home")).headers["Location"] == reverse("today")


def test_a_role_out_of_use_names_no_start_page(cast, sign_in):
    Role.objects.filter(key="rep").update(start_page="board")
    assert sign_in(cast.anna).get(reverse("home")).headers["Location"] == reverse("board")
    Role.objects.filter(key="rep").update(active=False)
    assert sign_in(cast.anna).get(reverse("home")).headers["Location"] == reverse("today")
