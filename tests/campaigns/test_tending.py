"""What the tick does with campaigns: it begins what is due unless something speaks against it, tells the history, ends — and one in trouble holds up no other."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from campaigns import sending, services
from campaigns.models import Campaign, Delivery, MailDesign, Segment
from campaigns.sending import tell_history, tend_campaigns
from contacts.models import EmailAddress, Interaction
from crm.core import events
from crm.core.errors import RuleBroken
from crm.core.jobs import advance
from crm.core.models import Notification, OutgoingMail
from tests.campaigns.conftest import run
from tests.campaigns.test_campaign import adds_up, hand_over

pytestmark = pytest.mark.django_db
State = Campaign.State


def released(row: Campaign, by: Any) -> Campaign:
    services.release_campaign(row, recipients=1, by=by)
    row.refresh_from_db()
    return row


def tick(row: Campaign) -> str:
    tend_campaigns()
    row.refresh_from_db()
    return row.state


def test_from_release_to_end_by_itself(cast: Any, campaign: Any, audience: Any) -> None:
    audience(3)
    row = released(campaign(control=0), cast.mia)
    assert tick(row) == State.RUNNING and row.job is not None
    advance(row.job.pk)
    hand_over()
    assert tick(row) == State.DONE
    assert Interaction.objects.filter(direction="out", heading="Wartung A").count() == 3 and adds_up(row)


@pytest.mark.parametrize("why", ["changed", "many", "words", "gone"])
def test_what_speaks_against_it_puts_it_back_and_is_told(cast: Any, campaign: Any, audience: Any, why: str) -> None:
    """Released for one, a segment must not become everybody's by the time it begins."""
    audience(3)
    row = released(campaign(control=0), cast.mia)
    if why == "changed":
        Segment.objects.filter(pk=row.segment_id).update(updated_at=timezone.now() + timedelta(seconds=1))
    if why == "many":
        MailDesign.objects.update(four_eyes_above=2)
    if why == "words":
        Segment.objects.filter(pk=row.segment_id).update(tree={"all": [{"all": [{"field": "nonsense", "op": "set"}]}]})
    if why == "gone":
        User.objects.filter(pk=cast.mia.pk).update(is_active=False)
        Campaign.objects.filter(pk=row.pk).update(owner=cast.emil)
    assert tick(row) == State.DRAFT and row.released_by is None and not Delivery.objects.exists()
    events.dispatch()
    assert Notification.objects.filter(user=cast.emil if why == "gone" else cast.mia, text__contains="Zurück im Entwurf").count() == 1


def test_whom_two_released_it_for_may_be_many(cast: Any, campaign: Any, audience: Any) -> None:
    audience(3)
    MailDesign.objects.update_or_create(pk=1, defaults={"four_eyes_above": 2})
    row = campaign(control=0)
    MailDesign.objects.update(four_eyes_above=2)
    services.release_campaign(row, recipients=3, by=cast.mia)
    services.decide_release(row, granted=True, by=cast.emil)
    assert tick(row) == State.RUNNING


def test_what_was_asked_about_is_what_is_released(cast: Any, campaign: Any) -> None:
    row = campaign()
    MailDesign.objects.update(four_eyes_above=0)
    services.release_campaign(row, recipients=2, by=cast.mia)
    Segment.objects.filter(pk=row.segment_id).update(updated_at=timezone.now() + timedelta(seconds=1))
    with pytest.raises(RuleBroken):
        services.decide_release(row, granted=True, by=cast.emil)


def test_one_in_trouble_holds_up_no_other(cast: Any, campaign: Any, audience: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    audience(1)
    bad = released(campaign(control=0), cast.mia)
    released(campaign(control=0), cast.mia)
    plain = sending.start_writing

    def breaks(held: Campaign, at: Any) -> None:
        if held.pk == bad.pk:
            raise RuntimeError
        plain(held, at)

    monkeypatch.setattr(sending, "start_writing", breaks)
    tend_campaigns()
    assert list(Campaign.objects.order_by("pk").values_list("state", flat=True)) == [State.RELEASED, State.RUNNING]


def test_the_history_is_told_after_the_end_too(cast: Any, campaign: Any, audience: Any) -> None:
    """Cancelled with mails just accepted, or more of them than one tick tells: nothing that was sent is missing."""
    audience(5)
    row = run(campaign(control=0), cast.mia).row
    hand_over(most=4)
    services.cancel_campaign(row, by=cast.mia)
    assert tell_history(row.pk, most=1) == 1
    tend_campaigns()
    assert Interaction.objects.filter(direction="out", heading="Wartung A").count() == 4
    OutgoingMail.objects.filter(state="withdrawn").update(state="accepted", handed_at=timezone.now())  # one that was unclear turns out to have arrived
    tend_campaigns()
    assert Interaction.objects.filter(direction="out", heading="Wartung A").count() == 5


def test_a_mail_withdrawn_at_the_moment_of_going_on_goes(cast: Any, campaign: Any, audience: Any) -> None:
    audience(2)
    row = run(campaign(control=0), cast.mia).row
    services.pause_campaign(row, by=cast.mia)
    services.resume_campaign(row, by=cast.mia)
    OutgoingMail.objects.filter(delivery__campaign=row).update(state="withdrawn")  # a worker had read "paused" before
    tend_campaigns()
    assert set(OutgoingMail.objects.values_list("state", flat=True)) == {"planned"}


def test_an_address_is_written_to_once_across_batches_and_not_for_one_held_out(cast: Any, campaign: Any, audience: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    people = audience(3)
    EmailAddress.objects.filter(party__in=people[:2]).update(address="ada2@kunde.example")
    monkeypatch.setattr(sending, "BATCH", 1)
    row = run(campaign(control=0), cast.mia).row
    assert OutgoingMail.objects.filter(kind="campaign").count() == 1 and adds_up(row)
    monkeypatch.setattr(sending, "split", lambda _campaign, party, **_facts: -1 if party == people[0].pk else 0)
    other = run(campaign(control=5), cast.mia).row
    assert not OutgoingMail.objects.filter(delivery__campaign=other).exists() and Delivery.objects.filter(campaign=other, arm=-1).count() == 1


def test_two_at_one_mail_and_the_second_is_told(cast: Any, campaign: Any) -> None:
    row = campaign()
    services.save_content(row, 0, subject="Eins", preheader="", blocks=[], by=cast.mia, version=1)
    with pytest.raises(RuleBroken):
        services.save_content(row, 0, subject="Zwei", preheader="", blocks=[], by=cast.mia, version=1)
    assert row.variants.get().subject == "Eins"


def test_a_release_is_of_what_was_checked(cast: Any, campaign: Any) -> None:
    row = campaign()
    seen = services.stamp(row)
    services.save_content(row, 0, subject="Anders", preheader="", blocks=[], by=cast.mia)
    with pytest.raises(RuleBroken):
        services.release_campaign(row, recipients=1, by=cast.mia, seen=seen)


@pytest.mark.parametrize(("limit", "state"), [(2, State.READY), (3, State.RELEASED)])
def test_the_page_and_the_release_count_the_same(cast: Any, campaign: Any, audience: Any, sign_in: Any, limit: int, state: str) -> None:
    """Three are left of four, for one is held out: the page says who releases it, and that is how it goes."""
    audience(4)
    row, mia = campaign(control=25), sign_in(cast.mia)
    MailDesign.objects.update(four_eyes_above=limit)
    page = mia.get(reverse("campaign-update", args=[row.pk]) + "?step=check").content.decode()
    assert ("Um Freigabe bitten" in page) is (state == State.READY)
    assert mia.post(reverse("campaign-release", args=[row.pk])).status_code == 302
    row.refresh_from_db()
    assert row.state == state
    events.dispatch()
    assert Notification.objects.filter(user=cast.emil, text__contains=row.name).exists() is (state == State.READY)
    if state == State.READY:
        sign_in(cast.emil).post(reverse("campaign-decide", args=[row.pk]), {"granted": "0", "note": "Bild fehlt"})
        events.dispatch()
        row.refresh_from_db()
        assert row.state == State.DRAFT and Notification.objects.filter(user=cast.mia, text__contains="nicht freigegeben").exists()
