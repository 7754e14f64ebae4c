"""What can happen to an opportunity: each rule, one ledger row per step, steps back as further rows, and races."""

from __future__ import annotations

import threading
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts.diary import complete_task, plan_task
from contacts.models import Interaction, Party, Task
from contacts.preimages import change
from crm.core.errors import RuleBroken
from crm.core.models import Event
from crm.core.subjects import of_subject
from crm.core.undo import take_back
from crm.core.work import work
from sales import services
from sales.detail import steps_of
from sales.models import LostReason, Opportunity, Stage, StageTransition
from tests.factories import OpportunityFactory, OrganisationFactory


def opened(cast, stage, **facts):
    facts.setdefault("party", OrganisationFactory(owner=cast.anna))
    row = OpportunityFactory.build(owner=cast.anna, team=cast.anna.team, stage=stage, number="", **facts)
    return services.open_opportunity(row, by=cast.anna)


def ledger(row):
    return list(StageTransition.objects.filter(opportunity=row).order_by("pk").values_list("kind", "from_stage_id", "to_stage_id"))


def fresh(row):
    return Opportunity.objects.get(pk=row.pk)


def test_opening_takes_a_number_and_the_top_of_its_column(cast, stages):
    first, second = opened(cast, stages[0]), opened(cast, stages[0])
    assert first.number.startswith("V-") and first.number != second.number
    assert second.rank < first.rank
    assert first.opened_on == timezone.localdate()
    assert ledger(first) == [("open", None, stages[0].pk)]
    assert Interaction.objects.filter(of_subject(first), kind="system").count() == 1


def test_a_move_leaves_a_row_a_line_an_event_and_a_way_back(cast, stages):
    row = opened(cast, stages[0])
    undo = services.move_opportunity(row, stages[1], by=cast.anna)
    assert fresh(row).stage == stages[1] and fresh(row).version == 2
    assert ledger(row)[-1] == ("move", stages[0].pk, stages[1].pk)
    assert Event.objects.filter(name="sales.opportunity_moved", subject_id=row.pk).count() == 1
    take_back(undo, by=cast.anna)
    assert fresh(row).stage == stages[0]
    assert ledger(row)[-1] == ("void", stages[1].pk, stages[0].pk)
    with pytest.raises(RuleBroken):
        take_back(undo, by=cast.anna)


def test_a_move_within_the_column_is_no_step(cast, stages):
    row = opened(cast, stages[0])
    assert services.move_opportunity(row, stages[0], by=cast.anna, rank=Decimal(7)) is None
    assert fresh(row).rank == 7 and fresh(row).version == 1
    assert len(ledger(row)) == 1


def test_a_step_cannot_be_taken_back_after_a_further_one(cast, stages):
    row = opened(cast, stages[0])
    undo = services.move_opportunity(row, stages[1], by=cast.anna)
    services.move_opportunity(row, stages[2], by=cast.anna)
    with pytest.raises(RuleBroken):
        take_back(undo, by=cast.anna)
    assert fresh(row).stage == stages[2]


def test_the_stage_seen_is_compared_and_nothing_else(cast, stages):
    row = opened(cast, stages[0])
    Opportunity.objects.filter(pk=row.pk).update(version=40, name="changed meanwhile")
    services.move_opportunity(row, stages[1], by=cast.anna, seen_stage=stages[0].pk)
    with pytest.raises(services.MovedMeanwhile):
        services.move_opportunity(row, stages[2], by=cast.anna, seen_stage=stages[0].pk)
    services.move_opportunity(row, stages[1], by=cast.anna, seen_stage=stages[0].pk)  # two people moved it to the same place


def test_a_closed_one_and_a_foreign_stage_do_not_move(cast, stages):
    row = opened(cast, stages[0])
    with pytest.raises(RuleBroken):
        services.move_opportunity(row, Stage.objects.create(pipeline=stages[0].pipeline, key="gone", position=90, probability=1, active=False), by=cast.anna)
    services.win_opportunity(row, by=cast.anna)
    with pytest.raises(RuleBroken):
        services.move_opportunity(row, stages[1], by=cast.anna)


def test_gates_name_what_is_missing(cast, stages):
    stage = stages[1]
    stage.gate = {"all": [{"field": "party", "op": "set"}, {"field": "amount", "op": "at_least", "value": "1000"}]}
    stage.save()
    row = opened(cast, stages[0], party=None, amount=Decimal("10"))
    with pytest.raises(services.GateUnmet) as unmet:
        services.move_opportunity(row, stage, by=cast.anna)
    assert unmet.value.missing == ["party", "amount"] == services.missing_for(row, stage)
    assert fresh(row).stage == stages[0] and len(ledger(row)) == 1
    stage.gate = {"any": [{"field": "party", "op": "set"}, {"field": "product", "op": "set"}]}
    stage.save()
    with pytest.raises(services.GateUnmet) as unmet:
        services.move_opportunity(row, stage, by=cast.anna)
    assert unmet.value.missing == []
    with pytest.raises(services.GateUnmet):
        opened(cast, stage, party=None)


def test_winning_needs_contact_and_amount_and_makes_a_customer(cast, stages):
    for missing in ("party", "amount"):
        with pytest.raises(RuleBroken) as broken:
            services.win_opportunity(opened(cast, stages[0], **{missing: None}), by=cast.anna)
        assert broken.value.field == missing
    row = opened(cast, stages[0])
    undo = services.win_opportunity(row, by=cast.anna)
    assert (fresh(row).state, fresh(row).closed_on) == ("won", timezone.localdate())
    row.party.refresh_from_db()
    assert row.party.state == "customer"
    with pytest.raises(RuleBroken):
        services.win_opportunity(row, by=cast.anna)
    assert (row.party.version, row.party.updated_by) == (2, cast.anna)  # a form that read it before notices
    take_back(undo, by=cast.anna)
    assert (fresh(row).state, fresh(row).closed_on) == ("open", None)
    assert [kind for kind, *_ in ledger(row)] == ["open", "win", "void"]
    row.party.refresh_from_db()
    assert (row.party.state, row.party.version) == ("prospect", 3)


def test_a_win_that_is_taken_back_leaves_a_customer_where_something_else_makes_one(cast, stages):
    row = opened(cast, stages[0])
    other = opened(cast, stages[0], party=row.party)
    undo, second = services.win_opportunity(row, by=cast.anna), services.win_opportunity(other, by=cast.anna)
    row.party.refresh_from_db()
    assert row.party.version == 2  # the second win found a customer
    take_back(undo, by=cast.anna)
    row.party.refresh_from_db()
    assert (row.party.state, row.party.version) == ("customer", 2)
    take_back(second, by=cast.anna)
    row.party.refresh_from_db()
    assert row.party.state == "customer"  # it was one before this win


def test_a_win_that_is_taken_back_leaves_what_somebody_said_since(cast, stages):
    for path, left in (["former", "customer"], "customer"), (["former"], "former"):
        row = opened(cast, stages[0])
        undo = services.win_opportunity(row, by=cast.anna)
        for state in path:
            with work(by=cast.anna):
                change(Party.objects.filter(pk=row.party_id), by=cast.anna, state=state)
        take_back(undo, by=cast.anna)
        row.party.refresh_from_db()
        assert row.party.state == left


def test_losing_keeps_the_reason_and_reopening_forgets_it(cast, stages):
    row = opened(cast, stages[0])
    other = LostReason.objects.get(key="other")
    with pytest.raises(RuleBroken) as broken:
        services.lose_opportunity(row, reason=other, by=cast.anna)
    assert broken.value.field == "note"
    rival = OrganisationFactory(owner=cast.anna)
    services.lose_opportunity(row, reason=other, to=rival, note=" the boss's nephew ", by=cast.anna)
    lost = fresh(row)
    assert (lost.state, lost.lost_reason, lost.lost_to_id, lost.lost_note) == ("lost", other, rival.pk, "the boss's nephew")
    services.reopen_opportunity(row, by=cast.anna)
    back = fresh(row)
    assert (back.state, back.lost_reason, back.lost_to, back.lost_note, back.closed_on) == ("open", None, None, "", None)
    with pytest.raises(RuleBroken):
        services.reopen_opportunity(row, by=cast.anna)


def test_nothing_closes_before_it_was_opened(cast, stages):
    row = opened(cast, stages[0])
    with pytest.raises(RuleBroken) as broken:
        services.win_opportunity(row, by=cast.anna, on=date(2001, 1, 1))
    assert broken.value.field == "on"


@pytest.mark.parametrize("sql", ["UPDATE sales_stagetransition SET amount = 0", "DELETE FROM sales_stagetransition", "TRUNCATE sales_stagetransition CASCADE"])
def test_the_database_refuses_to_change_the_ledger(cast, stages, sql):
    opened(cast, stages[0])
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    assert StageTransition.objects.count() == 1


def test_cards_keep_their_order_however_often_they_are_dropped_between_two(cast, stages):
    bottom, middle, top = (opened(cast, stages[0], name=name) for name in ("bottom", "middle", "top"))
    for turn in range(120):
        one, other = (middle, bottom) if turn % 2 else (bottom, middle)
        above = fresh(top)
        below = fresh(other)
        services.move_opportunity(one, stages[0], by=cast.anna, rank=services.rank_between(stages[0], above, below))
        order = list(Opportunity.objects.filter(stage=stages[0]).order_by("rank", "pk").values_list("name", flat=True))
        assert order == ["top", one.name, other.name]


def test_ends_of_a_column(cast, stages):
    one = opened(cast, stages[0])
    assert services.rank_between(stages[0], one, None) > one.rank
    assert services.rank_between(stages[0], None, one) < one.rank
    assert services.rank_between(stages[1], None, None) == 0


def test_deleting_leaves_no_orphan_and_keeps_what_people_wrote(cast, stages):
    row = opened(cast, stages[0])
    party = row.party
    plan_task(party, text="call", due_at=timezone.now(), by=cast.anna, about=row)
    note = Interaction.objects.create(party=party, kind="note", body="likes blue", subject_type=None)
    Interaction.objects.filter(pk=note.pk).update(**services.name_subject(row))
    pk = row.pk
    services.delete_opportunity(row, by=cast.anna)
    assert not Opportunity.objects.filter(pk=pk).exists()
    assert not Task.objects.exists()
    assert Interaction.objects.visible_to(cast.anna).filter(pk=note.pk).exists()
    assert not Interaction.objects.filter(subject_id=pk).exists()
    assert StageTransition.objects.filter(opportunity_id=pk).count() == 1
    assert not services.live_transitions().filter(opportunity_id=pk).exists()


def test_open_steps_are_told_the_next_one_first(cast, stages):
    row = opened(cast, stages[0])
    later = plan_task(row.party, text="later", due_at=timezone.now() + timedelta(days=9), by=cast.anna, about=row)
    soon = plan_task(row.party, text="soon", due_at=timezone.now() + timedelta(days=1), by=cast.anna, about=row)
    assert list(steps_of(row, cast.anna)) == [soon, later]
    complete_task(soon, by=cast.anna)
    assert list(steps_of(row, cast.anna)) == [later]


STEPS = st.lists(st.sampled_from(["move0", "move1", "move2", "win", "lose", "reopen", "undo"]), max_size=14)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plan=STEPS)
def test_stage_and_state_are_always_what_the_ledger_says_last(cast, stages, plan):
    """D6: after any path, `stage` and `state` equal the last step that was not taken back."""
    row = opened(cast, stages[0])
    offers: list[Any] = []
    for step in plan:
        before = fresh(row)
        try:
            with transaction.atomic():
                if step.startswith("move"):
                    offers.append(services.move_opportunity(row, stages[int(step[-1])], by=cast.anna))
                elif step == "win":
                    offers.append(services.win_opportunity(row, by=cast.anna))
                elif step == "lose":
                    offers.append(services.lose_opportunity(row, reason=LostReason.objects.first(), by=cast.anna))
                elif step == "reopen":
                    services.reopen_opportunity(row, by=cast.anna)
                elif offers and (offer := offers.pop()) is not None:
                    take_back(offer, by=cast.anna)
        except RuleBroken:
            after = fresh(row)
            assert (after.stage_id, after.state, after.version) == (before.stage_id, before.state, before.version)
        now = fresh(row)
        last = services.live_transitions().filter(opportunity=row).order_by("-at", "-pk").first()
        assert now.state == {"win": "won", "lose": "lost"}.get(last.kind, "open")
        assert now.stage_id == last.to_stage_id


def run_at_once(jobs: list[Any]) -> list[Any]:
    """Each job in a thread and a connection of its own, all released at the same moment; results or exceptions in order."""
    gate, results = threading.Barrier(len(jobs)), [None] * len(jobs)

    def work(place: int, job: Any) -> None:
        gate.wait()
        try:
            results[place] = job()
        except Exception as error:
            results[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=pair) for pair in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.django_db(transaction=True)
def test_twenty_wins_at_once_have_one_effect(cast):
    stage = Stage.objects.order_by("position").first()
    row = opened(cast, stage)
    results = run_at_once([lambda: services.win_opportunity(fresh(row), by=cast.anna) for _ in range(20)])
    assert sum(not isinstance(result, Exception) for result in results) == 1
    assert all(isinstance(result, RuleBroken) for result in results if isinstance(result, Exception))
    assert StageTransition.objects.filter(opportunity=row, kind="win").count() == 1
    assert Event.objects.filter(name="sales.opportunity_won", subject_id=row.pk).count() == 1
    assert Interaction.objects.filter(of_subject(row), kind="system").count() == 2  # opened, won
    assert fresh(row).version == 2


@pytest.mark.django_db(transaction=True)
def test_two_moves_of_one_card_at_once_keep_one_and_tell_the_other(cast):
    Stage.objects.update(gate={})
    stages = list(Stage.objects.order_by("position"))
    row = opened(cast, stages[0])
    seen = stages[0].pk
    results = run_at_once(
        [lambda goal=goal: services.move_opportunity(fresh(row), goal, by=cast.anna, seen_stage=seen) for goal in (stages[1], stages[2])]
    )
    told = [result for result in results if isinstance(result, Exception)]
    assert len(told) == 1 and isinstance(told[0], services.MovedMeanwhile)
    assert StageTransition.objects.filter(opportunity=row, kind="move").count() == 1
    assert services.live_transitions().filter(opportunity=row).order_by("-at", "-pk").first().to_stage_id == fresh(row).stage_id
