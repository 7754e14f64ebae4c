"""A campaign from release to end: each person once, everybody in one count, nothing leaves after a stop."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from campaigns import services
from campaigns.figures import progress
from campaigns.models import Campaign, Delivery, MailDesign
from campaigns.sending import begin, finish, note, plan, tell_history, write_down
from contacts.models import Interaction
from contacts.senders import note_unreachable
from crm.core.errors import RuleBroken
from crm.core.mail.kinds import kind_of
from crm.core.mail.run import Run
from crm.core.models import Approval, Job, OutgoingMail
from crm.core.work import work
from tests.campaigns.conftest import agree, run
from tests.factories import EmailFactory, PersonFactory

State = Campaign.State


def hand_over(most: int = 1000) -> list[int]:
    """What a worker does without a wire: claim, mark, accept. Returns the mails that left."""
    worker, left = Run(), []
    while rows := worker.claim(""):
        for mail in rows:
            if worker.mark_handing(mail, None):
                OutgoingMail.objects.filter(pk=mail.pk).update(state="accepted", worker="", lease_until=None)
                left.append(mail.pk)
            if len(left) >= most:
                worker.give_back()
                return left
    return left


def adds_up(row: Campaign) -> bool:
    found = progress(Campaign.objects.unrestricted().select_related("snapshot").get(pk=row.pk))
    return found.selected == found.accepted + found.excluded + found.control + found.refused + found.returned + found.unclear + found.waiting


@pytest.mark.django_db
def test_everybody_is_written_down_once_and_gets_a_mail_of_their_own(cast: Any, campaign: Any, audience: Any) -> None:
    audience(30)
    row = run(campaign(mails=2, control=20), cast.mia).row
    found = progress(row)
    assert found.selected == Delivery.objects.count() == found.control + found.waiting
    assert found.control and {0, 1, -1} == set(Delivery.objects.values_list("arm", flat=True))
    for delivery in Delivery.objects.filter(arm__gte=0).select_related("mail"):
        assert delivery.mail.to == delivery.address
        assert delivery.mail.heading == f"Wartung {'AB'[delivery.arm]}"
        assert "Sehr geehrte Frau Öz" in delivery.mail.body and "Hafenstraße" in delivery.mail.html
    assert kind_of("campaign").advertising
    assert adds_up(row)


@pytest.mark.django_db
def test_writing_down_again_changes_nothing(cast: Any, campaign: Any, audience: Any) -> None:
    people = audience(12)
    row = run(campaign(mails=2), cast.mia).row
    before = list(Delivery.objects.order_by("pk").values_list("party_id", "arm", "mail_id"))
    with work(by=cast.mia):
        note(row, [person.pk for person in people])
        plan(row, [person.pk for person in people])
    assert list(Delivery.objects.order_by("pk").values_list("party_id", "arm", "mail_id")) == before
    assert OutgoingMail.objects.filter(kind="campaign").count() == sum(mail is not None for _party, _arm, mail in before)


@pytest.mark.django_db
def test_an_address_is_written_to_once_whoever_shares_it(cast: Any, campaign: Any) -> None:
    with work(by=cast.mia):
        for address in ("info@kunde.example", "INFO@Kunde.example", "info@kunde.example"):
            EmailFactory(party=PersonFactory(owner=cast.anna, team=cast.anna.team), address=address)
        agree("info@kunde.example", by=cast.mia)
    row = run(campaign(control=0), cast.mia).row
    assert Delivery.objects.filter(arm=0).count() == 1
    assert progress(row).left_out == {"twice": 2}
    assert adds_up(row)


@pytest.mark.django_db
def test_an_address_from_which_a_mail_came_back_is_left_out_also_at_the_last_moment(cast: Any, campaign: Any, audience: Any) -> None:
    audience(3)
    with work(by=cast.mia):
        note_unreachable("ada0@kunde.example", at=timezone.now())
    row = run(campaign(control=0), cast.mia).row
    assert progress(row).left_out == {"bounced": 1}
    with work(by=cast.mia):
        note_unreachable("ada1@kunde.example", at=timezone.now())
    assert len(hand_over()) == 1 and OutgoingMail.objects.get(to="ada1@kunde.example").state == "withdrawn" and adds_up(row)


@pytest.mark.django_db
def test_a_paused_campaign_hands_over_nothing_and_goes_on_where_it_was(cast: Any, campaign: Any, audience: Any) -> None:
    audience(20)
    row = run(campaign(control=0), cast.mia).row
    first = hand_over(most=5)
    services.pause_campaign(row, by=cast.mia)
    assert hand_over() == []
    assert progress(Campaign.objects.get(pk=row.pk)).waiting == 15 and adds_up(row)
    assert not finish(row.pk, timezone.now())
    services.resume_campaign(row, by=cast.mia)
    rest = hand_over()
    assert len(first) == 5 and len(rest) == 15 and not set(first) & set(rest)
    assert finish(row.pk, timezone.now())
    row.refresh_from_db()
    assert row.state == State.DONE and progress(row).accepted == 20 and adds_up(row)


@pytest.mark.django_db
def test_a_cancelled_campaign_never_sends_the_rest(cast: Any, campaign: Any, audience: Any) -> None:
    audience(10)
    row = run(campaign(control=0), cast.mia).row
    hand_over(most=4)
    services.cancel_campaign(row, by=cast.mia)
    assert OutgoingMail.objects.filter(state="withdrawn").count() == 6, "at once, not when each one's turn comes"
    assert hand_over() == []
    found = progress(Campaign.objects.get(pk=row.pk))
    assert (found.accepted, found.left_out) == (4, {"stopped": 6}) and adds_up(row)
    with pytest.raises(RuleBroken):
        services.resume_campaign(row, by=cast.mia)


@pytest.mark.django_db
def test_a_campaign_cancelled_while_it_is_written_down_adds_up(cast: Any, campaign: Any, audience: Any) -> None:
    audience(10)
    row = campaign(control=0)
    services.release_campaign(row, recipients=1, by=cast.mia)
    assert begin(row.pk, timezone.now()) and not begin(row.pk, timezone.now())
    assert adds_up(row)
    services.cancel_campaign(row, by=cast.mia)
    row.refresh_from_db()
    with work(by=cast.mia):
        assert write_down(Job.objects.get(pk=row.job_id))
    assert adds_up(row) and not Delivery.objects.exists()


@pytest.mark.django_db
def test_who_got_it_has_it_in_the_history_once(cast: Any, campaign: Any, audience: Any) -> None:
    people = audience(3)
    row = run(campaign(control=0), cast.mia).row
    hand_over(most=2)
    assert tell_history(row.pk) == 2 and tell_history(row.pk) == 0
    hand_over()
    assert tell_history(row.pk) == 1
    assert Interaction.objects.filter(party__in=people, direction="out", heading="Wartung A").count() == 3


@pytest.mark.django_db
def test_many_recipients_need_a_second_person(cast: Any, campaign: Any) -> None:
    row = campaign()
    MailDesign.objects.update(four_eyes_above=50)
    asked = services.release_campaign(row, recipients=51, by=cast.mia)
    assert asked is not None
    row.refresh_from_db()
    assert row.state == State.READY
    with pytest.raises(RuleBroken):
        services.decide_release(row, granted=True, by=cast.mia)
    services.decide_release(row, granted=True, by=cast.emil)
    row.refresh_from_db()
    assert (row.state, row.released_by) == (State.RELEASED, cast.emil)


@pytest.mark.django_db
def test_a_change_takes_the_question_back(cast: Any, campaign: Any) -> None:
    row = campaign()
    MailDesign.objects.update(four_eyes_above=0)
    services.release_campaign(row, recipients=2, by=cast.mia)
    services.save_content(row, 0, subject="Anders", preheader="", blocks=[], by=cast.mia)
    row.refresh_from_db()
    assert row.state == State.DRAFT and not Approval.objects.exists()
    with pytest.raises(RuleBroken):
        services.decide_release(row, granted=True, by=cast.emil)


@pytest.mark.django_db
def test_what_is_released_does_not_change(cast: Any, campaign: Any) -> None:
    row = campaign()
    services.release_campaign(row, recipients=1, by=cast.mia)
    with pytest.raises(RuleBroken):
        services.save_content(row, 0, subject="Anders", preheader="", blocks=[], by=cast.mia)
    with pytest.raises(RuleBroken):
        services.add_variant(row, by=cast.mia)
    services.unrelease_campaign(row, by=cast.mia)
    services.save_content(row, 0, subject="Anders", preheader="", blocks=[], by=cast.mia)


@pytest.mark.django_db
def test_it_leaves_at_its_time_and_not_before(cast: Any, campaign: Any, audience: Any) -> None:
    audience(1)
    row = campaign(send_at=timezone.now() + timedelta(hours=1))
    services.release_campaign(row, recipients=1, by=cast.mia)
    assert not begin(row.pk, timezone.now())
    assert begin(row.pk, timezone.now() + timedelta(hours=2))
