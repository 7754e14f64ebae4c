"""What can happen to a journey and to those in it: versions, pauses, the end, steps that fail, who may not be written to."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from campaigns.journeys import engine, mails, services
from campaigns.models import FrequencyCap, Journey, JourneyVersion, Run, RunStep
from contacts.consent_steps import withdraw_consent
from contacts.models import Interaction, Task
from contacts.reach import reach
from crm.core.errors import RuleBroken
from crm.core.events import dispatch, emit
from crm.core.models import Event, OutgoingMail
from crm.core.work import work
from sales.models import Opportunity
from service.models import Case
from tests.campaigns.conftest import purpose
from tests.factories import CaseFactory, JourneyFactory, OpportunityFactory

pytestmark = pytest.mark.django_db
MAIL = {"key": "s1", "kind": "mail", "subject": "Danke", "preheader": "", "blocks": [{"kind": "text", "text": "{salutation}, danke."}]}
TASK = {"key": "s2", "kind": "task", "text": "Anrufen", "days": 1}
WON = {"kind": "event", "event": "won"}


def made(cast: Any, steps: list[Any], *, trigger: Any = WON, owner: Any = None, publish: bool = True) -> Journey:
    owner = owner or cast.emil
    with work(by=owner):
        row: Journey = JourneyFactory(owner=owner, team=owner.team, purpose=purpose(), name="Nach dem Kauf", draft={"trigger": trigger, "steps": steps})
    if publish:
        services.publish_journey(row, by=owner, at=timezone.now() - timedelta(minutes=1))
        row.refresh_from_db()
    return row


def won(cast: Any, person: Any) -> Event:
    with work(by=cast.emil):
        event = emit("sales.opportunity_won", OpportunityFactory(party=person, owner=cast.emil, team=cast.emil.team))
    dispatch()
    return event


def may_leave() -> list[str]:
    """The addresses of mails the last word lets go."""
    return list(OutgoingMail.objects.filter(mails.still(), kind="journey", state="planned").values_list("to", flat=True))


def test_mail_and_task_each_once_and_told_in_the_history(cast: Any, audience: Any) -> None:
    person = audience(1)[0]
    made(cast, [MAIL, TASK])
    event = won(cast, person)
    Event.objects.filter(pk=event.pk).update(done_at=None)  # handed out again
    dispatch()
    engine.tend_journeys()
    run = Run.objects.get()
    assert (run.state, run.occurrence, list(RunStep.objects.values_list("outcome", flat=True))) == ("done", f"event:{event.pk}", ["sent", "done"])
    task, mail = Task.objects.get(), OutgoingMail.objects.get(kind="journey")
    assert (task.owner, task.text, mail.heading, "List-Unsubscribe" in mail.headers) == (cast.anna, "Anrufen", "Danke", True)
    OutgoingMail.objects.filter(pk=mail.pk).update(state="accepted", handed_at=timezone.now())
    engine.tend_journeys()
    engine.tend_journeys()
    assert Interaction.objects.get(party=person, kind="email").body == "Automation: Nach dem Kauf"


def test_who_may_not_be_written_to_goes_on_and_the_reason_stands_there(cast: Any, audience: Any) -> None:
    person, capped = audience(2)
    withdraw_consent(reach("email", "ada0@kunde.example"), [purpose()], how="phone", by=cast.mia)
    FrequencyCap.objects.filter(pk=1).update(mails=1, days=7)
    made(cast, [MAIL, {**MAIL, "key": "s3"}, TASK])
    won(cast, person)
    won(cast, capped)
    engine.tend_journeys()
    told = {party: list(RunStep.objects.filter(run__party=party).order_by("pk").values_list("outcome", flat=True)) for party in (person.pk, capped.pk)}
    assert told == {person.pk: ["withdrawn", "withdrawn", "done"], capped.pk: ["sent", "capped", "done"]}


def test_the_last_word_holds_for_an_unsubscription_a_pause_and_the_end(cast: Any, audience: Any) -> None:
    one, other = audience(2)
    row = made(cast, [MAIL, {"key": "s2", "kind": "wait", "days": 5}, {**TASK, "key": "s3"}])
    won(cast, one)
    won(cast, other)
    engine.tend_journeys()
    assert sorted(may_leave()) == ["ada0@kunde.example", "ada1@kunde.example"]
    withdraw_consent(reach("email", "ada0@kunde.example"), [purpose()], how="link", by=None)
    assert may_leave() == ["ada1@kunde.example"]
    services.pause_journey(row, by=cast.emil)
    assert may_leave() == []
    OutgoingMail.objects.filter(kind="journey").update(state="withdrawn")
    services.resume_journey(row, by=cast.emil)
    assert may_leave() == ["ada1@kunde.example"]
    services.end_journey(row, by=cast.emil)
    assert may_leave() == [] and set(Run.objects.values_list("state", flat=True)) == {"left"}
    with pytest.raises(RuleBroken):
        services.publish_journey(row, by=cast.emil)


def test_a_case_a_journey_opens_sets_no_journey_off(cast: Any, audience: Any) -> None:
    """Else two of them would go on for ever. A case that a person opens does."""
    person = audience(1)[0]
    opened = {"kind": "event", "event": "case_opened"}
    for _journey in range(2):
        made(cast, [{"key": "s1", "kind": "case", "heading": "Nachfragen", "type": "request"}], trigger=opened)
    with work(by=cast.emil):
        emit("service.case_opened", CaseFactory(party=person))
    for _tick in range(4):
        dispatch()
        engine.tend_journeys()
    assert (Run.objects.count(), Case.objects.filter(heading="Nachfragen").count()) == (2, 2)


def test_a_version_stays_and_whoever_began_with_it_ends_with_it(cast: Any, audience: Any) -> None:
    person = audience(1)[0]
    row = made(cast, [{"key": "s1", "kind": "wait", "days": 1}, TASK])
    won(cast, person)
    services.save_draft(row, {"trigger": WON, "steps": [{**TASK, "text": "Ganz anders"}]}, by=cast.emil, seen=row.version)
    services.publish_journey(row, by=cast.emil)
    engine.tend_journeys(timezone.now() + timedelta(days=2))
    assert (Task.objects.get().text, JourneyVersion.objects.count()) == ("Anrufen", 2)
    with pytest.raises(DatabaseError), transaction.atomic():
        JourneyVersion.objects.update(definition={})


def test_a_step_that_fails_is_tried_again_and_then_shown(cast: Any, audience: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    person = audience(1)[0]
    row = made(cast, [TASK])
    won(cast, person)
    with monkeypatch.context() as broken:
        broken.setattr("campaigns.journeys.actions.plan_task", lambda *_a, **_k: 1 / 0)
        now = timezone.now()
        for _try in range(6):
            engine.tend_journeys(now)
            now += timedelta(hours=2)
    run = Run.objects.get()
    assert (run.state, run.tries, "ZeroDivisionError" in run.trouble, Task.objects.exists(), RunStep.objects.exists()) == ("failed", 4, True, False, False)
    assert services.retry_runs(row, by=cast.emil) == 1
    engine.tend_journeys()
    assert Task.objects.count() == 1 and Run.objects.get().state == "done"


def test_a_journey_does_nothing_its_owner_may_not(cast: Any, audience: Any) -> None:
    """Marketing sees no opportunities out of the box: neither do they set its journeys off, nor does it make any."""
    person = audience(1)[0]
    row = made(cast, [{"key": "s1", "kind": "opportunity", "name": "Wartung", "days": 5}, {"key": "s2", "kind": "ask", "about": "purchase", "yes": [TASK], "no": []}], owner=cast.mia, publish=False)
    assert set(services.faults(row, cast.mia)) == {"", "s1", "s2"}
    with pytest.raises(RuleBroken):
        services.publish_journey(row, by=cast.mia)
    allowed = made(cast, row.draft["steps"][:1])
    won(cast, person)
    engine.tend_journeys()
    assert Opportunity.objects.filter(name="Wartung").count() == 1
    Journey.objects.filter(pk=allowed.pk).update(owner=cast.david)  # sees neither the contact nor what sets it off
    won(cast, person)
    engine.tend_journeys()
    assert Opportunity.objects.filter(name="Wartung").count() == 1 and Run.objects.count() == 1
