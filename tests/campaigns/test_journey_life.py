"""What can happen to a journey and to those in it: versions, pauses, the end, steps that fail, who may not be written to."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from accounts.models import User
from campaigns.journeys import engine, mails, services
from campaigns.journeys.flow import Flow, counted
from campaigns.journeys.trace import of_party, traces
from campaigns.journeys.triggers import Occurrence
from campaigns.models import FrequencyCap, Journey, JourneyMember, JourneyVersion, Run, RunStep, Segment
from contacts.consent_steps import withdraw_consent
from contacts.diary import log_interaction
from contacts.models import Interaction, Party, Task
from contacts.reach import reach
from crm.core.access import scope_of
from crm.core.errors import RuleBroken
from crm.core.events import dispatch, emit
from crm.core.models import Event, OutgoingMail
from crm.core.work import work
from sales.models import Opportunity
from service.models import Case
from tests.campaigns.conftest import purpose
from tests.campaigns.journeys import MAIL, TASK, WON, made, won
from tests.factories import CaseFactory, OpportunityFactory, PersonFactory

pytestmark = pytest.mark.django_db


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


def test_an_opportunity_a_journey_made_is_no_date_of_a_journey(cast: Any, audience: Any) -> None:
    """One that opens an opportunity on the day another one closes would answer its own for ever, two at a time even more."""
    person, today = audience(1)[0], timezone.localdate()
    closing = {"kind": "date", "date": "closing", "days": 0}
    steps = [{"key": key, "kind": "opportunity", "name": "Folge", "days": 0} for key in ("s1", "s2")]
    row = made(cast, steps, trigger=closing)
    with work(by=cast.emil):
        OpportunityFactory(party=person, owner=cast.emil, team=cast.emil.team, expected_close=today)
    for _day in range(4):
        Journey.objects.filter(pk=row.pk).update(looked_on=None)
        engine.look_for(row.pk, timezone.now())
        engine.work_off()
    assert (Run.objects.count(), Opportunity.objects.filter(name="Folge").count()) == (1, 2)


def entering(cast: Any, owner: Any) -> Journey:
    with work(by=cast.emil):
        segment = Segment.objects.create(name="Alle", tree={"all": [{"field": "kind", "op": "in", "value": ["person"]}]}, owner=cast.emil, team=cast.emil.team)
    return made(cast, [TASK], trigger={"kind": "segment", "segment": segment.pk}, owner=owner)


def looked(row: Journey) -> int:
    Journey.objects.filter(pk=row.pk).update(looked_on=None)
    engine.look_for(row.pk, timezone.now())
    return Run.objects.filter(journey=row).count()


def test_whom_a_new_owner_sees_has_not_entered_the_segment(cast: Any, audience: Any) -> None:
    """Nor whom the same owner sees again: a change of rights is no entry."""
    audience(3)
    row = entering(cast, cast.emil)
    assert looked(row) == 0
    JourneyMember.objects.filter(journey=row).delete()  # as if the one who published it had seen nobody
    Journey.objects.filter(pk=row.pk).update(eyes="other eyes")
    assert looked(row) == 0 and JourneyMember.objects.filter(journey=row).count() >= 3
    with work(by=cast.emil):
        newcomer = PersonFactory(owner=cast.anna, team=cast.anna.team)
    assert looked(row) == 1 and Run.objects.get().party_id == newcomer.pk


def test_a_new_owner_writes_down_anew_who_is_inside(cast: Any, audience: Any) -> None:
    audience(3)
    row = entering(cast, cast.emil)
    JourneyMember.objects.filter(journey=row).delete()
    Journey.objects.filter(pk=row.pk).update(owner=cast.anna)
    services.publish_journey(row, by=cast.emil)
    assert looked(row) == 0


def test_eyes_change_with_what_may_be_seen(cast: Any) -> None:
    """The digest is the same while nothing changes, and differs from person to person."""
    assert scope_of(User.objects.get(pk=cast.anna.pk)).eyes() == scope_of(User.objects.get(pk=cast.anna.pk)).eyes()
    assert len({scope_of(person).eyes() for person in (cast.anna, cast.ben, cast.emil, cast.mia)}) == 4


def test_without_an_owner_who_works_here_a_journey_rests(cast: Any, audience: Any) -> None:
    """Not to see is no "no", and nobody who has left gets work."""
    person = audience(1)[0]
    row = made(cast, [{"key": "s1", "kind": "ask", "about": "answered", "yes": [], "no": [TASK]}])
    won(cast, person)
    User.objects.filter(pk=cast.emil.pk).update(is_active=False)
    engine.tend_journeys()
    assert not RunStep.objects.exists() and Run.objects.get().state == "waiting"
    won(cast, person)
    assert Run.objects.count() == 1
    User.objects.filter(pk=cast.emil.pk).update(is_active=True)
    engine.tend_journeys()
    assert RunStep.objects.first().outcome == "no" and row.runs.count() == 1


@pytest.mark.parametrize("about", ["answered", "purchase"])
def test_a_question_about_a_contact_the_owner_does_not_see_gets_stuck_instead_of_no(cast: Any, audience: Any, about: str) -> None:
    person = audience(1)[0]
    made(cast, [{"key": "s1", "kind": "ask", "about": about, "yes": [], "no": [TASK]}])
    won(cast, person)
    Journey.objects.update(owner=cast.david)
    now = timezone.now()
    for _try in range(6):
        engine.tend_journeys(now)
        now += timedelta(hours=2)
    run = Run.objects.get()
    assert (run.state, RunStep.objects.exists(), Task.objects.exists()) == ("failed", False, False) and run.trouble


def test_who_may_less_cannot_take_over_contacts_on_their_way(cast: Any, audience: Any) -> None:
    person = audience(1)[0]
    row = made(cast, [{"key": "s1", "kind": "wait", "days": 3}, {"key": "s2", "kind": "ask", "about": "purchase", "yes": [], "no": [{**TASK, "key": "s3"}]}])
    won(cast, person)
    harmless = {"trigger": {"kind": "inactive", "days": 30, "longer": False}, "steps": [TASK]}
    services.save_draft(row, harmless, by=cast.emil, seen=row.version)
    assert services.faults(Journey.objects.get(), cast.mia) == {}
    with pytest.raises(RuleBroken):
        services.publish_journey(row, by=cast.mia)
    engine.tend_journeys(timezone.now() + timedelta(days=4))
    services.publish_journey(row, by=cast.mia)  # nobody is on the way any more


def test_what_happens_while_it_is_published_anew_still_counts(cast: Any, audience: Any) -> None:
    person = audience(1)[0]
    row = made(cast, [TASK])
    with work(by=cast.emil):
        event = emit("sales.opportunity_won", OpportunityFactory(party=person, owner=cast.emil, team=cast.emil.team))
    services.publish_journey(row, by=cast.emil, at=event.at + timedelta(seconds=1))
    dispatch()
    assert Run.objects.count() == 1
    services.save_draft(Journey.objects.get(), {"trigger": {"kind": "event", "event": "lost"}, "steps": [TASK]}, by=cast.emil, seen=Journey.objects.get().version)
    services.publish_journey(row, by=cast.emil, at=event.at + timedelta(seconds=2))
    assert Journey.objects.get().since == event.at + timedelta(seconds=2)


def test_who_may_not_ask_reads_no_answer(cast: Any, audience: Any) -> None:
    """Neither in the way of a contact nor in the numbers of the flow; the steps behind an answer would tell it, too."""
    person = audience(1)[0]
    row = made(cast, [{"key": "s1", "kind": "ask", "about": "purchase", "yes": [], "no": [TASK]}, {**TASK, "key": "s3"}], trigger={"kind": "event", "event": "answered"})
    engine.begin(row, row.live, [Occurrence(person.pk, "event:1", timezone.now())])
    engine.tend_journeys()
    runs = list(Run.objects.select_related("version"))
    told = {reader: [line.outcome for line in traces(runs, reader)[0].lines] for reader in (cast.emil, cast.mia)}
    assert told == {cast.emil: ["nein", "getan", "getan"], cast.mia: ["–", "getan"]}
    flows = {reader: Flow(row.draft, reader, counts=counted(row)).nodes for reader in (cast.emil, cast.mia)}
    assert [(node.untold, node.n_no, node.passed) for node in flows[cast.emil]] == [(False, 1, 1), (False, 0, 1)]
    assert [(node.untold, node.n_no, node.passed) for node in flows[cast.mia]] == [(True, 0, 0), (False, 0, 1)] and flows[cast.mia][0].no[0].untold


def test_who_may_not_see_what_set_it_off_reads_of_nobody(cast: Any, audience: Any) -> None:
    person = audience(1)[0]
    made(cast, [TASK])
    won(cast, person)
    runs = list(Run.objects.select_related("version"))
    assert len(traces(runs, cast.emil)) == 1 and traces(runs, cast.mia) == []


@pytest.mark.parametrize("trigger", ["event", "date", "inactive", "segment"])
def test_what_the_owner_does_not_see_sets_nothing_off(cast: Any, trigger: str) -> None:
    """Two contacts to whom the same happened; the owner sees one of them with its opportunity, and no segment at all."""
    today = timezone.localdate()
    with work(by=cast.emil):
        seen, unseen = (PersonFactory(owner=owner, team=owner.team, state="prospect") for owner in (cast.anna, cast.david))
        segment = Segment.objects.create(name="Kunden", tree={"all": [{"field": "state", "op": "in", "value": ["customer"]}]}, owner=cast.anna, team=cast.anna.team)
    kinds = {
        "event": WON, "date": {"kind": "date", "date": "closing", "days": 0},
        "inactive": {"kind": "inactive", "days": 30, "longer": True}, "segment": {"kind": "segment", "segment": segment.pk},
    }  # fmt: skip
    row = made(cast, [TASK], trigger=kinds[trigger])
    Journey.objects.filter(pk=row.pk).update(owner=cast.anna, eyes=scope_of(cast.anna).eyes())
    for person, owner in ((seen, cast.anna), (unseen, cast.david)):
        with work(by=owner):
            for of in (owner, cast.anna):  # the last one the owner sees, its contact perhaps not
                emit("sales.opportunity_won", OpportunityFactory(party=person, owner=of, team=of.team, expected_close=today))
            log_interaction(person, kind="call", body="x", by=owner, at=timezone.now() - timedelta(days=40))
    Party.objects.filter(pk__in=[seen.pk, unseen.pk]).update(state="customer")
    dispatch()
    looked(row)
    assert set(Run.objects.values_list("party", flat=True)) == (set() if trigger == "segment" else {seen.pk})


def test_who_may_no_longer_add_opportunities_makes_none_either(cast: Any, audience: Any) -> None:
    """The right was there when it was published, and is gone when the step comes."""
    person = audience(1)[0]
    made(cast, [{"key": "s1", "kind": "opportunity", "name": "Wartung", "days": 5}])
    won(cast, person)
    Journey.objects.update(owner=cast.mia)
    engine.tend_journeys()
    assert not Opportunity.objects.filter(name="Wartung").exists() and Run.objects.get().trouble


def test_the_end_withdraws_what_has_not_left(cast: Any, audience: Any) -> None:
    row = made(cast, [MAIL])
    won(cast, audience(1)[0])
    engine.tend_journeys()
    services.end_journey(row, by=cast.emil)
    assert OutgoingMail.objects.get(kind="journey").state == "withdrawn"


def test_work_goes_to_whoever_works_here(cast: Any, audience: Any) -> None:
    person = audience(1)[0]
    made(cast, [TASK])
    won(cast, person)
    User.objects.filter(pk=cast.anna.pk).update(is_active=False)
    engine.tend_journeys()
    assert Task.objects.get().owner == cast.emil


def test_what_was_published_stays_and_what_rests_rests_on(cast: Any) -> None:
    row = made(cast, [TASK])
    with pytest.raises(RuleBroken):
        services.delete_journey(row, by=cast.emil)
    services.pause_journey(row, by=cast.emil)
    services.publish_journey(row, by=cast.emil)
    row.refresh_from_db()
    assert row.state == "paused"
    with pytest.raises(RuleBroken):
        services.publish_journey(row, by=cast.emil, seen=row.version - 1)


def test_runs_are_seen_with_their_contact(cast: Any, audience: Any) -> None:
    """Neither the page of the journey nor that of a contact names somebody the reader does not see."""
    person = audience(1)[0]
    made(cast, [TASK])
    won(cast, person)
    assert (Run.objects.visible_to(cast.david).count(), Run.objects.visible_to(cast.emil).count()) == (0, 1)
    assert (of_party(person, cast.david).count(), of_party(person, cast.emil).count()) == (0, 1)


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
