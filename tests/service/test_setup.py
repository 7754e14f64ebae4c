"""Setting the desk up: promises, calendars, texts; and open cases follow."""

from __future__ import annotations

from datetime import date, time

import pytest

from crm.core.conditions import sentence
from service import sla
from service.calendars import calendar_of, upcoming_holidays
from service.models import BusinessCalendar, Case, Cause, Macro, OpeningHours, SlaRule, SpecialDay, TextModule
from service.seeding import seed_desk
from tests.accounts.test_admin import submit
from tests.service.sla_cases import moment

pytestmark = pytest.mark.django_db


def test_seeding_again_changes_nothing(cast):
    SlaRule.objects.filter(key="complaint").update(ack_hours=1)
    before = [model.objects.count() for model in (BusinessCalendar, OpeningHours, SpecialDay, SlaRule, Cause, TextModule, Macro)]
    seed_desk()
    assert before == [model.objects.count() for model in (BusinessCalendar, OpeningHours, SpecialDay, SlaRule, Cause, TextModule, Macro)]
    assert SlaRule.objects.get(key="complaint").ack_hours == 1


def test_the_seeded_calendar_is_an_office(cast):
    office = calendar_of(BusinessCalendar.objects.get(key="office"))
    assert office.week == (((480, 1020),),) * 5 + ((), ())
    assert date(2026, 12, 25) in office.closed and office.short[date(2031, 12, 24)] == (480, 720)
    assert calendar_of(BusinessCalendar.objects.get(key="always")).week == (((0, 1440),),) * 7


def test_overlapping_hours_count_once_and_midnight_is_the_end(cast):
    row = BusinessCalendar.objects.create(key="x", label_de="x", label_en="x")
    for opens, closes in ((time(8), time(12)), (time(11), time(17)), (time(22), time(0))):
        OpeningHours.objects.create(calendar=row, weekday=0, opens=opens, closes=closes)
    assert calendar_of(row).week[0] == ((480, 1020), (1320, sla.MIDNIGHT))


def test_a_leap_day_every_year_comes_in_leap_years(cast):
    row = BusinessCalendar.objects.create(key="x", label_de="x", label_en="x")
    SpecialDay.objects.create(calendar=row, day=date(2028, 2, 29), yearly=True, name="Schalttag")
    assert date(2032, 2, 29) in calendar_of(row).closed


def test_holidays_to_come_are_named():
    assert upcoming_holidays("SN", date(2026, 11, 1), 1) == [(date(2026, 11, 18), "Buß- und Bettag")] and upcoming_holidays("", date(2026, 1, 1), 3) == []


def test_a_promise_is_set_up_and_open_cases_follow(cast, sign_in, make):
    case = make(at=moment("14.09.2026 09:00"))
    office = BusinessCalendar.objects.get(key="office")
    rule = SlaRule.objects.get(key="complaint")
    answer = submit(sign_in(cast.emil), f"/admin/service/slarule/{rule.pk}/change/", ack_hours="2", solution_hours="9", type=["complaint"], priority=["3", "4"], calendar=office.pk)
    assert answer.status_code == 302
    rule.refresh_from_db()
    case.refresh_from_db()
    assert rule.condition == {"all": [{"field": "type", "op": "in", "value": ["complaint"]}, {"field": "priority", "op": "in", "value": [3, 4]}]}
    assert case.due_ack == moment("14.09.2026 11:00") and case.due_solution == moment("15.09.2026 09:00")
    assert sentence(rule.condition, Case) == "Art ist Beschwerde und Priorität ist eines von normal, niedrig"


def test_a_promise_that_asks_for_more_is_kept(cast, sign_in):
    rule = SlaRule.objects.get(key="complaint")
    deeper = {"any": [{"field": "lot", "op": "set"}, {"field": "type", "op": "is", "value": "fault"}]}
    SlaRule.objects.filter(pk=rule.pk).update(condition=deeper)
    emil = sign_in(cast.emil)
    assert "Störung" in emil.get(f"/admin/service/slarule/{rule.pk}/change/").content.decode()
    assert submit(emil, f"/admin/service/slarule/{rule.pk}/change/", ack_hours="3").status_code == 302
    rule.refresh_from_db()
    assert rule.condition == deeper and rule.ack_hours == 3


def test_text_modules_know_their_placeholders(cast, sign_in):
    emil = sign_in(cast.emil)
    page = submit(emil, "/admin/service/textmodule/add/", label_de="Gruß", label_en="Greeting", body_de="Hallo {wer}", body_en="Hi")
    assert page.status_code == 200 and "{wer}" in page.content.decode()
    assert submit(emil, "/admin/service/textmodule/add/", label_de="Gruß", label_en="Greeting", body_de="Hallo {number}", body_en="Hi").status_code == 302


def test_causes_have_no_ring_and_macros_do_something(cast, sign_in):
    emil = sign_in(cast.emil)
    above, below = Cause.objects.get(key="delivery"), Cause.objects.get(key="late")
    assert submit(emil, f"/admin/service/cause/{above.pk}/change/", parent=below.pk).status_code == 200
    assert submit(emil, "/admin/service/macro/add/", label_de="Nichts", label_en="Nothing").status_code == 200
    assert submit(emil, "/admin/service/macro/add/", label_de="Wartet", label_en="Waits", wait="on").status_code == 302
