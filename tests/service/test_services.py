"""What can happen to a case: each step with its ledger row, its deadlines, its way back; and what is refused, in words."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.grants import sync_grants
from accounts.models import RoleRight
from contacts.models import Affiliation, Interaction, Task
from crm.core.approvals import open_approval
from crm.core.errors import RuleBroken
from crm.core.models import Approval, Event, Notification
from crm.core.subjects import of_subject
from crm.core.undo import take_back
from crm.core.work import work
from service import macros, merging, remedies, services
from service.conversation import entries_of, log_entry
from service.deadlines import clocks_of, live_steps
from service.models import Case, CaseStep, Cause, Macro, Remedy, SlaRule
from tests.factories import OrganisationFactory, PersonFactory, TaskFactory
from tests.service.sla_cases import moment

pytestmark = pytest.mark.django_db
MONDAY = moment("14.09.2026 09:00")


def at(hours: float) -> datetime:
    """So many hours after Monday nine o'clock."""
    return MONDAY + timedelta(hours=hours)


def test_opening_gives_number_promise_deadlines_and_a_line_in_the_history(make, cast, promise):
    case = make(at=MONDAY)
    assert case.number.startswith("R-") and case.state == "new" and case.rule == promise
    assert case.due_ack == moment("14.09.2026 13:00") and case.due_solution == moment("21.09.2026 09:00") and case.ack_at is None
    case.refresh_from_db()
    assert case.due_next == case.due_ack
    assert Interaction.objects.get(of_subject(case)).party_id == case.party_id
    assert CaseStep.objects.get(case=case).kind == "open" and Event.objects.filter(name="service.case_opened", subject_id=case.pk).exists()


def test_spoken_to_us_it_is_acknowledged(make):
    case = make(at=MONDAY, channel="phone")
    case.refresh_from_db()
    assert case.ack_at == MONDAY and case.due_next == case.due_solution


def test_the_first_promise_that_fits_holds_and_names_the_queue(make, cast):
    SlaRule.objects.filter(key="urgent-complaint").update(team=cast.firm.north)
    assert make(priority=1).rule.key == "urgent-complaint"
    assert make(priority=1).team == cast.firm.north and make(type="question").rule.key == "other"
    SlaRule.objects.update(active=False)
    case = make()
    assert case.rule is None and case.due_ack is None and case.due_solution is None


def test_who_looks_after_the_customer_and_who_took_it_down_follow_it(make, cast):
    case = make(by=cast.david)
    assert Case.objects.visible_to(cast.anna).filter(pk=case.pk).exists() and Case.objects.visible_to(cast.david).filter(pk=case.pk).exists()
    assert not Case.objects.visible_to(cast.ben).filter(pk=case.pk).exists() and not Case.objects.visible_to(cast.mia).filter(pk=case.pk).exists()
    assert not Case.objects.visible_to(cast.anna, "change").filter(pk=case.pk).exists()


def test_an_employer_is_the_organisation(make, cast):
    person, firm = PersonFactory(owner=cast.anna), OrganisationFactory(owner=cast.anna)
    Affiliation.objects.create(person=person, organisation=firm)
    assert make(party=person).organisation == firm and make(party=firm).organisation == firm and make(party=None, reporter="Herr Brückner").organisation is None


def test_taking_waiting_resuming(make, cast):
    case = make(at=MONDAY)
    services.take_case(case, by=cast.sven, at=at(1))
    assert (case.state, case.owner) == ("open", cast.sven)
    with pytest.raises(RuleBroken):
        services.take_case(case, by=cast.sven)
    services.wait_case(case, by=cast.sven, at=at(2))
    case.refresh_from_db()
    assert case.state == "waiting" and case.due_solution is None and case.due_next == case.due_ack, "the acknowledgement does not wait"
    services.resume_case(case, by=cast.sven, at=at(26))
    assert case.state == "open" and case.paused_since is None
    assert case.due_solution == moment("22.09.2026 09:00"), "nine business hours later than promised first"
    with pytest.raises(RuleBroken):
        services.resume_case(case, by=cast.sven)


def test_somebody_else_s_case_is_not_taken(make, cast):
    from accounts.grants import sync_grants
    from accounts.models import RoleRight

    case = make()
    services.take_case(case, by=cast.sven)
    RoleRight.objects.filter(role__key="service", entity="case", verb="assign").delete()
    sync_grants()
    colleague = cast.emil.__class__.objects.create(username="tom", email="tom@lotse.test", team=cast.firm.service)
    colleague.memberships.create(role=cast.sven.memberships.get().role, team=cast.firm.service)
    sync_grants()
    with pytest.raises(RuleBroken):
        services.take_case(case, by=colleague)


def test_assigning_tells_the_new_owner_and_refuses_who_may_not(make, cast):
    case = make()
    services.assign_case(case, owner=cast.emil, team=cast.firm.service, by=cast.sven)
    assert case.state == "open" and Notification.objects.filter(user=cast.emil, text__contains=case.heading).exists()
    services.assign_case(case, owner=None, team=cast.firm.north, by=cast.sven)
    assert (case.state, case.owner, case.team) == ("new", None, cast.firm.north)
    with pytest.raises(RuleBroken) as refused:
        services.assign_case(case, owner=cast.mia, team=cast.firm.service, by=cast.sven)
    assert refused.value.field == "owner"


def test_a_complaint_is_solved_with_cause_and_remedy(make, cast):
    case = make(at=MONDAY)
    with pytest.raises(RuleBroken) as missing:
        services.solve_case(case, by=cast.sven)
    assert missing.value.field == "cause"
    cause, remedy = Cause.objects.get(key="late"), Remedy.objects.get(key="explanation")
    with pytest.raises(RuleBroken) as missing:
        services.solve_case(case, by=cast.sven, cause=cause)
    assert missing.value.field == "remedy"
    services.solve_case(case, by=cast.sven, cause=cause, remedy=remedy, at=at(3))
    case.refresh_from_db()
    assert (case.state, case.owner, case.ack_at, case.solved_at, case.due_next) == ("solved", cast.sven, at(3), at(3), None)
    assert clocks_of(case, now=at(100)).solution.state == "met"
    services.close_case(case, by=cast.sven, at=at(4))
    assert case.state == "closed" and case.closed_at == at(4)
    with pytest.raises(RuleBroken):
        services.close_case(case, by=cast.sven)


def test_the_database_keeps_cause_and_remedy_of_solved_complaints(make, cast):
    case = make()
    with pytest.raises(IntegrityError), transaction.atomic():
        Case.objects.filter(pk=case.pk).update(state="solved", solved_at=timezone.now())
    question = make(type="question")
    services.solve_case(question, by=cast.sven, close=True)
    assert question.state == "closed"


def test_reopening_goes_on_with_what_is_left(make, cast):
    case = make(at=MONDAY, type="question")  # promised: 45 hours
    services.solve_case(case, by=cast.sven, close=True, at=at(3))
    services.reopen_case(case, by=cast.sven, at=moment("28.09.2026 09:00"))
    assert (case.state, case.reopened, case.solved_at, case.closed_at) == ("open", 1, None, None)
    assert case.due_solution == moment("02.10.2026 15:00"), "42 of 45 hours are left"


def test_each_step_can_be_taken_back_and_the_ledger_keeps_both(make, cast):
    case = make(at=MONDAY)
    undo = services.take_case(case, by=cast.sven)
    take_back(undo, by=cast.sven)
    case.refresh_from_db()
    assert (case.state, case.owner) == ("new", None) and [step.kind for step in live_steps(case)] == ["open"]
    assert CaseStep.objects.filter(case=case).count() == 3
    first = services.wait_case(case, by=cast.sven)
    services.resume_case(case, by=cast.sven)
    with pytest.raises(RuleBroken):
        take_back(first, by=cast.sven)
    solved = make(type="question", at=MONDAY)
    due = solved.due_solution
    undo = services.solve_case(solved, by=cast.sven)
    take_back(undo, by=cast.sven)
    solved.refresh_from_db()
    assert (solved.state, solved.solved_at, solved.ack_at, solved.due_solution) == ("new", None, None, due)


def test_every_state_is_what_the_ledger_says(make, cast):
    for act in (services.take_case, services.wait_case, services.solve_case):
        case = make(type="fault")
        act(case, by=cast.sven)
        case.refresh_from_db()
        assert live_steps(case)[-1].to_state == case.state


def test_the_ledger_refuses_to_be_changed(make):
    case = make()
    with pytest.raises(IntegrityError), transaction.atomic():
        CaseStep.objects.filter(case=case).update(kind="solve")
    with pytest.raises(IntegrityError), transaction.atomic():
        CaseStep.objects.filter(case=case).delete()


# --- what is said ---------------------------------------------------------------------------------------------------------------------


def test_an_answer_acknowledges_and_an_answer_of_the_customer_ends_the_waiting(make, cast):
    case = make(at=MONDAY)
    log_entry(case, way="note", body="Los 2231", by=cast.sven, at=at(1))
    case.refresh_from_db()
    assert case.ack_at is None, "a note is no word to the customer"
    log_entry(case, way="answer", body="Wir kommen morgen.", by=cast.sven, at=at(2))
    case.refresh_from_db()
    assert case.ack_at == at(2)
    services.wait_case(case, by=cast.sven, at=at(3))
    log_entry(case, way="call_in", body="Foto geschickt", by=cast.sven, at=at(4))
    case.refresh_from_db()
    assert case.state == "open" and case.paused_since is None


def test_a_note_never_has_a_direction(make, cast):
    case = make()
    entry = log_entry(case, way="note", body="intern", by=cast.sven)
    assert entry.direction == ""
    with pytest.raises(IntegrityError), transaction.atomic():
        Interaction.objects.filter(pk=entry.pk).update(direction="out")


def test_what_is_said_before_the_customer_is_known_goes_with_the_case(make, cast):
    case = make(party=None, reporter="Herr Brückner")
    entry = log_entry(case, way="note", body="ruft zurück", by=cast.sven)
    assert entry.party_id is None and Interaction.objects.visible_to(cast.sven).filter(pk=entry.pk).exists()
    assert not Interaction.objects.visible_to(cast.anna).filter(pk=entry.pk).exists()
    party = OrganisationFactory(owner=cast.anna)
    with work(by=cast.sven):
        case.party = party
        case.save()
        services._name_customer(case, None, by=cast.sven)
    entry.refresh_from_db()
    assert entry.party_id == party.pk and Interaction.objects.filter(of_subject(case), kind="system", party=party).exists()
    assert Case.objects.visible_to(cast.anna).filter(pk=case.pk).exists()


def test_an_entry_hangs_on_something(cast):
    with pytest.raises(IntegrityError), transaction.atomic():
        Interaction.objects.create(kind="note", body="nirgends")


# --- merging and linking --------------------------------------------------------------------------------------------------------------


def test_merging_keeps_the_conversation_and_can_be_taken_back(make, cast):
    stays, gone, older = make(), make(), make()
    log_entry(older, way="call_in", body="erste Meldung", by=cast.sven, at=at(-9))
    log_entry(gone, way="call_in", body="zweite Meldung", by=cast.sven, at=at(-8))
    merging.merge_case(older, gone, by=cast.sven)
    undo = merging.merge_case(gone, stays, by=cast.sven)
    assert gone.state == "closed" and gone.merged_into == stays and gone.cause is None
    assert [entry.body for entry in entries_of(stays)] == ["erste Meldung", "zweite Meldung"]
    with pytest.raises(RuleBroken):
        merging.merge_case(stays, gone, by=cast.sven)
    with pytest.raises(RuleBroken):
        merging.merge_case(stays, stays, by=cast.sven)
    take_back(undo, by=cast.sven)
    gone.refresh_from_db()
    assert gone.is_open and gone.merged_into is None and [entry.body for entry in entries_of(stays)] == []
    merging.merge_case(gone, stays, by=cast.sven)
    services.reopen_case(gone, by=cast.sven)
    assert gone.merged_into is None and gone.reopened == 0


def test_links_are_kept_once(make, cast):
    one, two = make(), make()
    merging.link_cases(two, one, by=cast.sven)
    for first, second in ((one, two), (two, one), (one, one)):
        with pytest.raises(RuleBroken):
            merging.link_cases(first, second, by=cast.sven)
    merging.unlink_cases(one, two, by=cast.sven)
    with pytest.raises(RuleBroken):
        merging.unlink_cases(one, two, by=cast.sven)


# --- goodwill -------------------------------------------------------------------------------------------------------------------------


def grant(case, amount, by, remedy="credit"):
    cause = Cause.objects.get(key="late")
    return remedies.grant_remedy(case, cause=cause, remedy=Remedy.objects.get(key=remedy), goodwill=Decimal(amount), own_cost=Decimal("12.50"), by=by)


def test_goodwill_within_the_limit_is_granted(make, cast):
    case = make()
    undo = grant(case, "500.00", cast.sven)
    assert (case.goodwill, case.own_cost, case.remedy.key, case.cause.key) == (Decimal("500.00"), Decimal("12.50"), "credit", "late")
    take_back(undo, by=cast.sven)
    case.refresh_from_db()
    assert (case.goodwill, case.own_cost, case.remedy, case.cause) == (0, 0, None, None)


def test_goodwill_beyond_waits_for_a_second_person(make, cast):
    case = make()
    asked = grant(case, "800.00", cast.sven)
    case.refresh_from_db()
    assert isinstance(asked, Approval) and case.goodwill == 0 and case.remedy is None and case.own_cost == Decimal("12.50")
    with pytest.raises(RuleBroken):
        services.solve_case(case, by=cast.sven, remedy=Remedy.objects.get(key="credit"))
    with pytest.raises(RuleBroken):
        remedies.decide_goodwill(case, granted=True, by=cast.sven)
    remedies.decide_goodwill(case, granted=True, by=cast.emil, note="Stammkunde")
    case.refresh_from_db()
    assert (case.goodwill, case.remedy.key) == (Decimal("800.00"), "credit") and open_approval(case, services.GOODWILL) is None
    with pytest.raises(RuleBroken):
        remedies.decide_goodwill(case, granted=False, by=cast.emil)
    assert isinstance(grant(case, "900.00", cast.sven), Approval) and not isinstance(grant(case, "700.00", cast.sven), Approval)
    assert open_approval(case, services.GOODWILL) is None, "granting less takes the question back"


def test_what_is_granted_when_solving_keeps_its_limit(make, cast):
    """Goodwill within the limit of one remedy does not slip under a narrower one on the way out."""
    case = make()
    grant(case, "500.00", cast.sven)
    narrow = Remedy.objects.exclude(key="credit").order_by("pk")[0]
    Remedy.objects.filter(pk=narrow.pk).update(limit=Decimal("100.00"))
    with pytest.raises(RuleBroken) as refused:
        services.solve_case(case, by=cast.sven, remedy=Remedy.objects.get(pk=narrow.pk))
    assert refused.value.field == "remedy"
    case.refresh_from_db()
    assert (case.is_open, case.remedy.key) == (True, "credit")
    services.solve_case(case, by=cast.sven, remedy=Remedy.objects.get(key="credit"))


def test_a_macro_writes_only_for_those_who_may_write(make, cast):
    case = make(at=MONDAY)
    RoleRight.objects.filter(role__key="service", entity="interaction").delete()
    sync_grants()
    before = Interaction.objects.count()
    with pytest.raises(PermissionDenied):
        macros.run_macro(case, Macro.objects.get(key="confirm"), by=cast.sven)
    case.refresh_from_db()
    assert Interaction.objects.count() == before and case.owner_id is None


def test_four_eyes_are_kept_by_the_database(make, cast):
    case = make()
    asked = grant(case, "800.00", cast.sven)
    with pytest.raises(IntegrityError), transaction.atomic():
        Approval.objects.filter(pk=asked.pk).update(decided_by=cast.sven, decided_at=timezone.now(), granted=True)


def test_refused_goodwill_changes_nothing(make, cast):
    case = make()
    grant(case, "800.00", cast.sven)
    remedies.decide_goodwill(case, granted=False, by=cast.emil)
    case.refresh_from_db()
    assert case.goodwill == 0 and case.remedy is None


# --- macros and deleting --------------------------------------------------------------------------------------------------------------


def test_the_macro_confirms_names_the_deadline_and_takes_over(make, cast):
    case = make(at=MONDAY)
    macros.run_macro(case, Macro.objects.get(key="confirm"), by=cast.sven, at=at(1))
    case.refresh_from_db()
    entry = entries_of(case).get()
    assert (case.owner, case.state, case.ack_at) == (cast.sven, "open", at(1))
    assert entry.direction == "out" and case.number in entry.body and "21.09.2026, 09:00" in entry.body and "{" not in entry.body
    macros.run_macro(case, Macro.objects.get(key="ask-back"), by=cast.sven, typed="Welche Seriennummer?", way="answer", at=at(2))
    case.refresh_from_db()
    assert case.state == "waiting" and [e.body for e in entries_of(case)][-1] == "Welche Seriennummer?"


def test_a_macro_is_all_or_nothing(make, cast):
    case = make(type="question")
    services.solve_case(case, by=cast.sven)
    with pytest.raises(RuleBroken):
        macros.run_macro(case, Macro.objects.get(key="confirm"), by=cast.sven)
    assert not entries_of(case).exists()


def test_urgent_reckons_anew(make, cast):
    case = make(at=MONDAY)
    macros.run_macro(case, Macro.objects.get(key="urgent"), by=cast.sven, at=at(1))
    case.refresh_from_db()
    assert case.priority == 1 and case.rule.key == "urgent-complaint" and case.due_solution == moment("16.09.2026 09:00")


def test_deleting_leaves_what_was_said_and_takes_the_notes(make, cast):
    case = make()
    log_entry(case, way="note", body="intern", by=cast.sven)
    log_entry(case, way="call_out", body="gesprochen", by=cast.sven)
    party = case.party
    with work(by=cast.sven):
        TaskFactory(owner=cast.sven, party=party, **{"subject_type": entries_of(case)[0].subject_type, "subject_id": case.pk})
    services.delete_case(case, by=cast.sven)
    left = Interaction.objects.filter(party=party)
    assert [entry.body for entry in left] == ["gesprochen"] and left[0].subject_id is None and not Task.objects.exists()


def test_nobody_writes_without_a_name(make, cast):
    from crm.core.models import Change

    last = Change.objects.order_by("-id").values_list("id", flat=True).first() or 0
    case = make()
    macros.run_macro(case, Macro.objects.get(key="confirm"), by=cast.sven)
    grant(case, "10.00", cast.sven)
    services.solve_case(case, by=cast.sven, close=True)
    assert not Change.objects.filter(id__gt=last, origin="sql", relation__startswith="service").exists()


