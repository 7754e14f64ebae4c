"""What is kept for a time goes after it, what is young or waits stays, and of mails only the text of those goes that are no letters."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from campaigns.journeys.dry import DAYS
from contacts.models import Tag
from crm.core import forgetting
from crm.core.events import emit
from crm.core.forgetting import forget_old
from crm.core.mail import Recipient, plan_mail
from crm.core.mail.kinds import kinds
from crm.core.models import Event, Notification, OutgoingMail, Undo
from crm.core.pace import Pace
from crm.schedules import SCHEDULES

pytestmark = pytest.mark.django_db
State = OutgoingMail.State
HEADERS = {"List-Unsubscribe": "<https://haus.test/u/1>"}
FORGOTTEN = {"account", "campaign", "journey"}  # all others are letters, or what proves something


def ago(days: float) -> Any:
    return timezone.now() - timedelta(days=days)


def mail(kind: str, state: str, days: float, **facts: Any) -> OutgoingMail:
    row = plan_mail(Recipient("a@x.test", "de"), once=str(uuid.uuid4()), heading="Betreff", body="Text", html="<p>Text</p>", headers=HEADERS, kind=kind)
    if state in OutgoingMail.HELD:
        facts |= {"worker": "w", "lease_until": timezone.now()}
    OutgoingMail.objects.filter(pk=row.pk).update(state=state, planned_at=ago(days), **facts)
    return row


def test_it_is_done_by_night() -> None:
    assert [schedule.name for schedule in SCHEDULES if schedule.run is forget_old] == ["old-forgotten"]


def test_what_is_old_goes_and_what_is_young_stays(cast: Any) -> None:
    for days in (29, 31):
        undo = Undo.objects.create(user=cast.anna, way="facts", label=str(days))
        Undo.objects.filter(pk=undo.pk).update(at=ago(days))
    for days in (364, 366):
        notice = Notification.objects.create(user=cast.anna, text=str(days))
        Notification.objects.filter(pk=notice.pk).update(at=ago(days))
    for days in (-1, 1):
        Session.objects.create(session_key=f"s{days}", session_data="x", expire_date=ago(days))
    for _ in range(2):
        forget_old()
        assert list(Undo.objects.values_list("label", flat=True)) == ["29"]
        assert list(Notification.objects.values_list("text", flat=True)) == ["364"]
        assert list(Session.objects.filter(session_data="x").values_list("session_key", flat=True)) == ["s-1"]


def test_of_events_only_those_go_that_are_done(cast: Any) -> None:
    tag = Tag.objects.create(label_de="x", label_en="x")
    Event.objects.all().delete()
    young, old, waiting, parked = (emit(name, tag, by=cast.anna) for name in ("t.young", "t.old", "t.waiting", "t.parked"))
    Event.objects.update(at=ago(500))
    Event.objects.filter(pk=young.pk).update(done_at=ago(119))
    Event.objects.filter(pk=old.pk).update(done_at=ago(121))
    Event.objects.filter(pk=parked.pk).update(attempts=10)
    forget_old()
    assert set(Event.objects.values_list("pk", flat=True)) == {young.pk, waiting.pk, parked.pk}
    assert timedelta(days=DAYS) < forgetting.EVENTS, "the dry run of a journey reads them"


def test_of_mails_that_are_over_the_text_goes_unless_it_is_a_letter() -> None:
    assert {kind.key for kind in kinds() if kind.kept} == FORGOTTEN
    rows = {(kind.key, state): mail(kind.key, state, 366) for kind in kinds() for state in State.values}
    for _ in range(2):
        forget_old()
        assert len(rows) == OutgoingMail.objects.count()
        for (kind, state), row in rows.items():
            row.refresh_from_db()
            gone = kind in FORGOTTEN and state in {"accepted", "returned", "refused", "withdrawn"}
            assert (row.body, row.html, row.headers) == (("", "", {}) if gone else ("Text", "<p>Text</p>", HEADERS)), (kind, state)
            assert (row.heading, row.to, row.state) == ("Betreff", "a@x.test", state)


def test_a_year_begins_when_the_mail_left() -> None:
    young, late, old = mail("campaign", "accepted", 364), mail("campaign", "accepted", 400, handed_at=ago(364)), mail("campaign", "accepted", 400, handed_at=ago(366))
    forget_old()
    assert set(OutgoingMail.objects.exclude(body="").values_list("pk", flat=True)) == {young.pk, late.pk} and not OutgoingMail.objects.get(pk=old.pk).body


def test_it_goes_in_pieces_and_goes_on_after_a_fall(cast: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgetting, "PIECE", 2)
    Undo.objects.bulk_create([Undo(user=cast.anna, way="facts", label=str(n)) for n in range(5)])
    Undo.objects.update(at=ago(31))

    def fall(_self: Pace) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Pace, "step", fall)
        forget_old()
    assert Undo.objects.count() == 3
    with CaptureQueriesContext(connection) as queries:
        forget_old()
    assert not Undo.objects.exists()
    assert sum('DELETE FROM "core_undo"' in query["sql"] for query in queries) == 2
