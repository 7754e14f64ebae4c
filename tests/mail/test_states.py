"""A mail's way from planned to its end: once, in order, with the last word asked at the last moment."""

from __future__ import annotations

import email
import email.policy
import threading
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection, connections, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone, translation

from accounts.models import User
from crm.core.errors import RuleBroken
from crm.core.forgetting import forget_old
from crm.core.mail import Attachment, Recipient, kinds, plan_mail, queue, run, sending, smtp
from crm.core.mail.answers import Answer, Meaning
from crm.core.mail.kinds import MailKind
from crm.core.mail.plan import draft_mail, plan_many
from crm.core.mail.run import BATCH, Run, last_word
from crm.core.models import MailAttachment, MailBucket, MailFile, MailLimit, MailSetup, OutgoingMail
from crm.mails import MAILS
from tests.mail.conftest import one_by_one, work_off, write
from tests.mail.sink import Sink

pytestmark = pytest.mark.django_db
State = OutgoingMail.State
House = Callable[..., None]


def with_kind(monkeypatch: pytest.MonkeyPatch, **facts: Any) -> str:
    """A kind of this test's own."""
    kind = MailKind("own", "eigen", **facts)
    monkeypatch.setattr(kinds, "table", lambda _name: [*MAILS, kind])
    return "own"


# --- planning ---------------------------------------------------------------------------------------------------------
def test_the_same_reason_is_the_same_mail(house: House) -> None:
    first = write("a@x.test", once="weekly:1", body="eins")
    assert write("a@x.test", once="weekly:1", body="zwei") == first
    assert OutgoingMail.objects.get().body == "eins"


def test_many_at_once_are_planned_once(house: House) -> None:
    def drafts() -> list[OutgoingMail]:
        return [draft_mail(Recipient(f"n{n}@x.test", "de"), once=f"campaign:{n}", heading="Neu", body=f"{n}", kind="notification") for n in range(30)]

    assert plan_many(drafts(), attachments=[Attachment("a.pdf", b"%PDF")]) == 30
    assert plan_many(drafts(), attachments=[Attachment("a.pdf", b"%PDF")]) == 0
    assert (OutgoingMail.objects.count(), MailAttachment.objects.count(), MailFile.objects.count()) == (30, 30, 1)


def test_a_user_and_a_bare_address_can_be_written_to(cast: Any, house: House) -> None:
    mail = plan_mail(cast.anna, once="1", heading="Hallo", body="Text")
    assert (mail.to, mail.to_name, mail.user, mail.language) == ("anna@lotse.test", "Anna Probe", cast.anna, "de")
    mail = plan_mail(Recipient("Karl@Straße.de", "en", "Karl"), once="2", heading="Hello", body="Text")
    assert (mail.to, mail.to_name, mail.user, mail.language, mail.domain) == ("Karl@xn--strae-oqa.de", "Karl", None, "en", "xn--strae-oqa.de")


def test_no_address_no_mail(house: House) -> None:
    with pytest.raises(RuleBroken, match="x y@z"), translation.override("de"):
        write("x y@z")
    with pytest.raises(ValueError, match="Bcc"):
        write("a@x.test", headers={"Bcc": "b@x.test"})
    assert not OutgoingMail.objects.exists()


def test_the_database_keeps_leases_and_states_together(house: House) -> None:
    row = write("a@x.test")
    for wrong in ({"state": "handing"}, {"state": "claimed", "worker": "x"}, {"state": "accepted", "worker": "x", "lease_until": timezone.now()}):
        with pytest.raises(IntegrityError), transaction.atomic():
            OutgoingMail.objects.filter(pk=row.pk).update(**wrong)


# --- one hand-over ----------------------------------------------------------------------------------------------------
@one_by_one
def test_a_mail_is_handed_over_once_as_it_was_written(sink: Sink, house: House) -> None:
    house(sink.port)
    MailSetup.objects.filter(pk=1).update(sender="Haus Müller <post@müller.test>", reply_to="Büro <buero@x.test>")
    row = write("jürgen@müller.test", html="<p>Größe</p>", attachments=[Attachment("Größen.pdf", b"%PDF"), Attachment("Größen.pdf", b"%PDF")], headers={"List-Unsubscribe": "<https://x.test/u>"})
    assert sending.send_due() == 1
    assert sending.send_due() == 0
    (kept,) = sink.accepted()
    message = kept.message
    row.refresh_from_db()
    assert (row.state, row.code, row.queue_id, row.attempts) == ("accepted", 250, kept.queue_id, 1)
    assert kept.to == ("jürgen@xn--mller-kva.test",) and kept.sender == "post@xn--mller-kva.test" and kept.message_id == row.message_id
    assert message["Subject"] == "Grüße aus Mannheim" and message["Auto-Submitted"] == "auto-generated" and message["List-Unsubscribe"] == "<https://x.test/u>"
    assert message["From"].addresses[0].display_name == "Haus Müller" and message["Reply-To"].addresses[0].addr_spec == "buero@x.test"
    assert kept.body.strip() == row.body.strip()
    assert [part.get_filename() for part in message.iter_attachments()] == ["Größen.pdf", "Größen (2).pdf"] and MailFile.objects.count() == 1


@one_by_one
def test_one_connection_carries_many_mails(sink: Sink, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house(sink.port)
    for number in range(BATCH + 5):
        write(f"{'refuse-550-' if number == 3 else ''}n{number}@x.test")
    sending.send_due()
    assert sink.maillog.read_text().count(" connect from") == 1 and sink.count() == BATCH + 4
    monkeypatch.setattr(smtp, "PER_CONNECTION", 10)
    for number in range(25):
        write(f"m{number}@x.test")
    sending.send_due()
    assert sink.maillog.read_text().count(" connect from") == 1 + 3 and sink.count() == BATCH + 4 + 25


def test_without_a_server_mails_become_files(house: House, settings: Any) -> None:
    row = write("a@x.test")
    assert sending.send_due() == 1
    (file,) = Path(settings.EMAIL_FILE_PATH).glob("*.eml")
    assert email.message_from_bytes(file.read_bytes(), policy=email.policy.default)["Message-ID"] == row.message_id
    assert OutgoingMail.objects.get().state == "accepted"


@one_by_one
def test_the_servers_answers_end_a_try(sink: Sink, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house(sink.port)
    monkeypatch.setattr(queue, "STEPS", [timedelta(minutes=1), timedelta(minutes=5)])
    refused, later = write("refuse-550-a@x.test"), write("later-450-2-b@x.test")
    sending.send_due()
    for row in (refused, later):
        row.refresh_from_db()
    assert (refused.state, refused.code) == ("refused", 550) and "as its name asks" in refused.answer
    assert (later.state, later.code, later.attempts) == ("deferred", 450, 1)
    assert timedelta(seconds=50) < later.due_at - timezone.now() < timedelta(seconds=61)
    assert sending.send_due() == 0  # not yet
    for waits in (timedelta(minutes=5), None):
        OutgoingMail.objects.filter(pk=later.pk).update(due_at=timezone.now())
        sending.send_due()
        later.refresh_from_db()
        assert waits is None or abs(later.due_at - timezone.now() - waits) < timedelta(seconds=10)
    assert (later.state, later.attempts) == ("accepted", 3)


def test_patience_ends(sink: Sink, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house(sink.port)
    kind = with_kind(monkeypatch, patience=timedelta(seconds=-1))
    row = write("later-450-9-b@x.test", kind=kind)
    work_off()
    row.refresh_from_db()
    assert (row.state, row.attempts, row.code) == ("refused", 2, 450)


def test_an_unreachable_server_is_nobodys_fault(house: House) -> None:
    house(1)  # nobody listens
    rows = [write(f"n{number}@x.test") for number in range(3)]
    assert sending.send_due() == 0
    assert set(OutgoingMail.objects.values_list("state", "attempts", "worker")) == {("planned", 0, "")} and len(rows) == 3
    assert "refused" in MailSetup.current().trouble


def test_after_trouble_the_server_is_left_alone_for_a_while(sink: Sink, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house(sink.port)
    monkeypatch.setattr(sending, "TROUBLE", timedelta(seconds=30))
    MailSetup.objects.filter(pk=1).update(trouble="refused", trouble_at=timezone.now())
    write("a@x.test")
    assert sending.send_due() == 0
    MailSetup.objects.filter(pk=1).update(trouble_at=timezone.now() - timedelta(seconds=31))
    assert sending.send_due() == 1
    assert (MailSetup.current().trouble, MailSetup.current().trouble_at) == ("", None)


def test_a_mail_whose_text_was_forgotten_does_not_leave_empty(cast: Any, house: House) -> None:
    row = write("a@x.test", kind="account")
    OutgoingMail.objects.update(state="refused", planned_at=timezone.now() - timedelta(days=366))
    forget_old()
    assert sending.send_again(OutgoingMail.objects.all(), by=cast.emil) == 1 and sending.send_due() == 0
    row.refresh_from_db()
    assert (row.state, row.answer) == ("refused", "Ihr Text wird nicht mehr aufbewahrt: Sie kann nicht noch einmal gesendet werden.")


def test_a_mail_that_cannot_be_written_does_not_stop_the_others(house: House) -> None:
    bad, good = write("a@x.test"), write("b@x.test")
    OutgoingMail.objects.filter(pk=bad.pk).update(headers={"Bcc": "c@x.test"})
    assert sending.send_due() == 1
    bad.refresh_from_db(), good.refresh_from_db()
    assert (bad.state, good.state) == ("refused", "accepted") and "Bcc" in bad.answer


def test_the_urgent_leave_first_and_the_scheduled_not_before(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "BATCH", 1)
    order: list[str] = []
    real = Run.mark_handing
    monkeypatch.setattr(Run, "mark_handing", lambda self, mail, before: order.append(mail.to) or real(self, mail, before))
    write("late@x.test", at=timezone.now() + timedelta(hours=1))
    write("notice@x.test")
    write("sign-in@x.test", kind="account")
    sending.send_due()
    assert order == ["sign-in@x.test", "notice@x.test"]


# --- the last word ----------------------------------------------------------------------------------------------------
def test_who_was_switched_off_gets_nothing_more(cast: Any, house: House) -> None:
    plan_mail(cast.anna, once="1", heading="Hallo", body="Text")
    plan_mail(cast.ben, once="2", heading="Hallo", body="Text")
    User.objects.filter(pk=cast.anna.pk).update(is_active=False)
    assert sending.send_due() == 1
    row = OutgoingMail.objects.get(user=cast.anna)
    assert row.state == "withdrawn" and row.answer


def test_the_last_word_is_asked_when_the_mail_is_marked_not_when_it_is_claimed(cast: Any, house: House) -> None:
    plan_mail(cast.anna, once="1", heading="Hallo", body="Text")
    (row,) = Run("w").claim("")
    User.objects.filter(pk=cast.anna.pk).update(is_active=False)
    assert not Run("w").mark_handing(row, None)
    assert OutgoingMail.objects.get().state == "withdrawn"


@pytest.mark.parametrize("kind", MAILS, ids=lambda kind: kind.key)
def test_each_kind_asks_without_joining(kind: MailKind, house: House) -> None:
    """The row must be what the database looks at again: a join would hide that somebody else has just taken it."""
    sql, _values = last_word(kind.key)
    assert "JOIN" not in sql and 'IN (SELECT U0."id"' not in sql


def test_red_control_a_kind_that_joins_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = with_kind(monkeypatch, still=lambda: Q(user__is_active=True))
    with pytest.raises(AssertionError, match="joins"):
        last_word(kind)


def test_a_condition_of_several_parts_stays_one(monkeypatch: pytest.MonkeyPatch, house: House) -> None:
    kind = with_kind(monkeypatch, still=lambda: Q(to__startswith="a") | Q(Exists(User.objects.filter(email=OuterRef("to")))))
    rows = [write(f"{letter}@x.test", kind=kind) for letter in "ab"]
    sending.send_due()
    assert [OutgoingMail.objects.get(pk=row.pk).state for row in rows] == ["accepted", "withdrawn"]


# --- workers that die, and workers that are late ----------------------------------------------------------------------
def expire() -> None:
    OutgoingMail.objects.filter(state__in=OutgoingMail.HELD).update(lease_until=timezone.now() - timedelta(seconds=1))


def held(to: str, house: House, *, handing: bool, **facts: Any) -> OutgoingMail:
    """A mail a dead worker left."""
    row = write(to, **facts)
    Run("dead").claim("")
    if handing:
        assert Run("dead").mark_handing(row, None)
    expire()
    return row


def test_claimed_by_a_dead_worker_is_planned_again(house: House) -> None:
    held("a@x.test", house, handing=False)
    sending.tend()
    assert (OutgoingMail.objects.get().state, OutgoingMail.objects.get().attempts) == ("planned", 0)


@pytest.mark.parametrize(("advertising", "state"), [(True, "unclear"), (False, "planned")])
def test_without_a_log_the_kind_decides(house: House, monkeypatch: pytest.MonkeyPatch, advertising: bool, state: str) -> None:
    kind = with_kind(monkeypatch, advertising=advertising)
    row = held("a@x.test", house, handing=True, kind=kind)
    sending.tend()
    assert OutgoingMail.objects.get().state == state
    assert OutgoingMail.objects.get().message_id == row.message_id and OutgoingMail.objects.get().answer


def test_a_live_lease_is_left_alone(house: House, settings: Any) -> None:
    settings.MAIL_LEASE = 60
    row = write("a@x.test")
    Run("alive").claim("")
    Run("alive").mark_handing(row, None)
    sending.tend()
    assert OutgoingMail.objects.get().state == "handing"


def test_who_is_late_changes_nothing(house: House) -> None:
    """A worker that slept over its lease: its row was given to another, and whatever it writes meets no row."""
    row = held("a@x.test", house, handing=False)
    sending.tend()
    (again,) = Run("second").claim("")
    assert not Run("dead").mark_handing(row, None)
    assert Run("second").mark_handing(again, None)
    queue.write_end(queue.Ended(row, Answer(Meaning.REFUSED, 550, "late")), "dead")
    assert (OutgoingMail.objects.get().state, OutgoingMail.objects.get().worker) == ("handing", "second")
    queue.write_end(queue.Ended(again, Answer(Meaning.ACCEPTED, 250, "Ok")), "second")
    assert OutgoingMail.objects.get().state == "accepted"


def test_no_more_workers_than_connections(house: House, settings: Any) -> None:
    settings.MAIL_LEASE = 360
    for number in range(BATCH * 4):
        write(f"n{number}@x.test")
    MailSetup.objects.filter(pk=1).update(connections=2)
    assert [len(Run(name).claim("")) for name in ("one", "two", "three", "one")] == [20, 20, 0, 20]


def test_a_worker_that_is_gone_holds_nobody_up_for_long(house: House, settings: Any) -> None:
    """One connection alone, and its worker dies in the midst of a mail: a minute later another goes on, long before that mail is decided."""
    settings.MAIL_LEASE = 360
    rows = [write(f"n{number}@x.test") for number in range(3)]
    dead = Run("dead")
    dead.claim("")
    assert dead.mark_handing(rows[0], None)
    assert Run("next").claim("") == []
    minute_ago = timezone.now() - timedelta(seconds=61)
    OutgoingMail.objects.filter(state="handing").update(handed_at=minute_ago)
    OutgoingMail.objects.filter(state="claimed").update(lease_until=F("lease_until") - timedelta(seconds=61))
    sending.tend()
    assert sorted(OutgoingMail.objects.values_list("state", flat=True)) == ["handing", "planned", "planned"]
    assert len(Run("next").claim("")) == 2


def test_the_end_of_a_mail_survives_a_database_that_was_gone(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two mails; the database is gone when the second is marked: the first one's end is written when it is back."""
    monkeypatch.setattr(sending, "connection", type("Gone", (), {"in_atomic_block": False, "close": staticmethod(lambda: None)}))
    monkeypatch.setattr(sending.time, "sleep", lambda _s: None)
    write("a@x.test"), write("b@x.test")
    real, calls = Run.mark_handing, []

    def mark(self: Run, row: Any, before: Any) -> bool:
        calls.append(row.to)
        if len(calls) == 2:
            raise OperationalError("server closed the connection unexpectedly")
        return real(self, row, before)

    monkeypatch.setattr(Run, "mark_handing", mark)
    with pytest.raises(OperationalError):
        sending.send_due()
    assert dict(OutgoingMail.objects.values_list("to", "state")) == {"a@x.test": "accepted", "b@x.test": "claimed"}


# --- limits -----------------------------------------------------------------------------------------------------------
def test_a_domain_gets_its_share_and_the_rest_waits(house: House, settings: Any) -> None:
    MailLimit.objects.create(domain="slow.test", per_hour=120)  # two at once
    for number in range(5):
        write(f"n{number}@slow.test"), write(f"n{number}@x.test")
    assert sending.send_due() == 7
    waiting = list(OutgoingMail.objects.filter(state="planned").order_by("due_at").values_list("due_at", flat=True))
    assert len(waiting) == 3 and all(b - a > timedelta(seconds=25) for a, b in pairwise(waiting))
    plan_mail(Recipient("urgent@slow.test"), kind="account", once="urgent", heading="Link", body="Text")
    assert sending.send_due() == 1  # who waits at the door does not wait for limits
    assert MailBucket.objects.get().level < 0


def test_a_limit_for_all_and_one_of_its_own(house: House) -> None:
    MailSetup.objects.filter(pk=1).update(per_hour=60)
    MailLimit.objects.create(domain="fast.test", per_hour=60_000)
    for number in range(3):
        write(f"n{number}@fast.test"), write(f"n{number}@x.test"), write(f"n{number}@y.test")
    assert sending.send_due() == 5


# --- races ------------------------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_many_workers_at_once_send_each_mail_once(sink: Sink, house: House, settings: Any) -> None:
    house(sink.port)
    settings.MAIL_LEASE = 60
    MailSetup.current()
    MailSetup.objects.filter(pk=1).update(connections=6)
    plan_many(draft_mail(Recipient(f"n{n}@x.test"), once=str(n), heading="x", body="x", kind="notification") for n in range(200))

    def run() -> None:
        try:
            sending.send_due()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sending.send_due()
    assert len({mail.to for mail in sink.accepted()}) == sink.count() == 200
    assert connection.vendor == "postgresql"
