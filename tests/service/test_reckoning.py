"""After promises or calendars changed: open cases follow, few at once, many as a job."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.utils import timezone

from crm.core.jobs import advance
from crm.core.models import Job
from service import reckoning, services
from service.models import BusinessCalendar, Case, SlaRule
from tests.accounts.test_admin import submit

pytestmark = pytest.mark.django_db
FACTS = ("rule_id", "due_ack", "due_solution")


@pytest.fixture
def cases(make: Any, cast: Any) -> list[Case]:
    """Seven of several kinds, some waiting, some with a past, one settled."""
    start = timezone.now() - timedelta(days=9)
    found = [make(at=start + timedelta(hours=9 * n), type=kind) for n, kind in enumerate(["complaint", "question", "complaint", "fault", "question", "complaint", "question"])]
    for case in found[:3]:
        services.wait_case(case, by=cast.sven, at=case.opened_at + timedelta(hours=30))
    services.resume_case(found[0], by=cast.sven, at=found[0].opened_at + timedelta(hours=60))
    services.solve_case(found[6], by=cast.sven)
    return found


def told() -> dict[int, tuple[Any, ...]]:
    return {pk: tuple(facts) for pk, *facts in Case.objects.unrestricted().values_list("pk", *FACTS)}


def one_by_one() -> dict[int, tuple[Any, ...]]:
    """What asking for each case by itself says; nothing is kept."""
    return {
        case.pk: (services.apply_promise(case, now=timezone.now()), tuple(getattr(case, name) for name in FACTS))[1]
        for case in Case.objects.unrestricted().exclude(state__in=["solved", "closed"])
    }


def test_many_follow_as_a_job_and_as_if_each_were_asked(cases: list[Case], cast: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reckoning, "AT_ONCE", 2)
    settled, before = told()[cases[6].pk], told()
    SlaRule.objects.filter(key="complaint").update(solution_hours=7, calendar=BusinessCalendar.objects.get(key="always"))
    job = reckoning.reckon_again(by=cast.emil)
    assert isinstance(job, Job) and told() == before
    advance(job.pk)
    job.refresh_from_db()
    after = told()
    assert after.pop(cases[6].pk) == settled and after == one_by_one()
    assert job.state == Job.State.DONE and (job.done, job.total) == (6, 6)
    assert job.result == {"changed": sum(facts != before[pk] for pk, facts in after.items())} and job.result["changed"] == 3


def test_the_set_up_says_that_it_takes_a_while(cases: list[Case], cast: Any, sign_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rule, facts = SlaRule.objects.get(key="complaint"), {"type": ["complaint"], "priority": ["3", "4"]}
    facts["calendar"] = rule.calendar_id
    for at_once, words in ((500, "offene Vorgänge haben neue Fristen"), (2, "die Glocke meldet")):
        monkeypatch.setattr(reckoning, "AT_ONCE", at_once)
        answer = submit(sign_in(cast.emil), f"/admin/service/slarule/{rule.pk}/change/", ack_hours="2", solution_hours=str(at_once), **facts)
        assert answer.status_code == 302
        assert any(words in str(message) for message in get_messages(answer.wsgi_request))
