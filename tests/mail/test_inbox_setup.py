"""The set-up page of the mailbox: kept safely, tested in words, and what waits for a person."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from crm.core.mail.inbox import fetching
from crm.core.mail.inbox.fetching import fetch_due, store
from crm.core.mail.inbox.server import PURPOSE, Fetched, open_mailbox, place_of
from crm.core.mail.inbox.taking import take_in
from crm.core.models import Change, IncomingMail, MailboxSetup, OutgoingMail
from crm.core.seal import seal
from service.models import Case
from tests.accounts.test_admin import submit
from tests.mail.imap import Imap, closed_port
from tests.mail.incoming import BOMBS, mail

PAGE, MAILS = "/admin/core/mailboxsetup/1/change/", "/admin/core/incomingmail/"


@pytest.fixture
def emil(cast: Any, sign_in: Any) -> Any:
    return sign_in(cast.emil)


@pytest.fixture
def box() -> Iterator[Imap]:
    with Imap() as server:
        yield server


def set_up(emil: Any, box: Imap, **typed: str) -> Any:
    facts = {"host": "127.0.0.1", "port": str(box.port), "security": "none", "username": "service", "new_password": "geheim", "address": "service@haus.test", "active": "on"}
    return submit(emil, PAGE, **{**facts, **typed})


@pytest.mark.django_db
def test_the_mailbox_is_set_up(emil: Any, box: Imap) -> None:
    assert set_up(emil, box).status_code == 302
    setup = MailboxSetup.current()
    assert (setup.active, setup.since, place_of(setup).password) == (True, timezone.localdate(), "geheim") and "geheim" not in setup.password
    assert "geheim" not in emil.get(PAGE).content.decode()
    assert not any("geheim" in str(change.after) or "password" in (change.after or {}) for change in Change.objects.filter(relation="core_mailboxsetup"))
    MailboxSetup.objects.update(cursor=7, uidvalidity=1)
    set_up(emil, box, new_password="")
    assert (MailboxSetup.current().cursor, place_of(MailboxSetup.current()).password) == (7, "geheim")
    set_up(emil, box, folder="Archiv")
    assert (MailboxSetup.current().cursor, MailboxSetup.current().uidvalidity) == (0, None), "another folder is another mailbox"


@pytest.mark.django_db
def test_the_stored_password_opens_no_other_mailbox_server(emil: Any, box: Imap) -> None:
    set_up(emil, box)
    answer = set_up(emil, box, host="localhost", new_password="")
    assert answer.status_code == 200 and "für einen anderen Server" in answer.context["adminform"].form.errors["new_password"][0]
    assert MailboxSetup.current().host == "127.0.0.1"
    MailboxSetup.objects.update(security="tls")
    assert set_up(emil, box, new_password="").context["adminform"].form.errors["new_password"]
    assert set_up(emil, box, host="localhost").status_code == 302


@pytest.mark.django_db
@pytest.mark.parametrize(("field", "value"), [("host", "kein host"), ("host", ""), ("address", "niemand"), ("address", ""), ("port", "0"), ("folder", "a\x01b")])
def test_bad_settings_are_said_beside_the_field(emil: Any, box: Imap, field: str, value: str) -> None:
    answer = set_up(emil, box, **{field: value})
    assert answer.status_code == 200 and answer.context["adminform"].form.errors.get(field)
    assert not MailboxSetup.current().active


@pytest.mark.django_db
def test_the_test_says_what_it_found(emil: Any, box: Imap) -> None:
    set_up(emil, box)
    box.put(mail())

    def test() -> str:
        return str(emil.post(reverse("admin:core_mailboxsetup_test"), follow=True).content.decode())

    assert "Angemeldet. Im Ordner „INBOX“ liegen 1 E-Mails, davon würden 1 abgeholt." in test()
    assert box.unseen() and not IncomingMail.objects.exists()
    set_up(emil, box, new_password="falsch")
    assert "AUTHENTICATIONFAILED" in test()
    set_up(emil, box, port=str(closed_port()))
    assert "Das hat nicht geklappt" in test()


@pytest.mark.django_db
def test_what_is_parked_is_shown_and_becomes_a_case_by_hand(emil: Any, box: Imap) -> None:
    set_up(emil, box)
    box.put(BOMBS[0][1])
    box.put(mail("Ich bin im Urlaub", head="Auto-Submitted: auto-replied", subject="Abwesend: Frage", message_id="<ooo@kunde.test>"))
    fetch_due(5)
    page = emil.get(MAILS).content.decode()
    assert "geparkt" in page and "zur Seite gelegt" in page and "…@kunde.test" in page and "eva.kunz" not in page and "Abwesend" not in page
    rows = [str(pk) for pk in IncomingMail.objects.values_list("pk", flat=True)]
    emil.post(MAILS, {"action": "again", "_selected_action": rows})
    fetch_due(5)
    assert set(IncomingMail.objects.values_list("state", flat=True)) == {"parked", "aside"}
    emil.post(MAILS, {"action": "make_cases", "_selected_action": rows})
    assert Case.objects.count() == 2 and set(IncomingMail.objects.values_list("state", flat=True)) == {"filed"}
    assert not OutgoingMail.objects.exists(), "nobody is answered"
    emil.post(MAILS, {"action": "make_cases", "_selected_action": rows})
    assert Case.objects.count() == 2


@pytest.mark.django_db
def test_only_who_may_change_the_setup(cast: Any, sign_in: Any) -> None:
    store(1, Fetched(1, mail(), timezone.now()))
    take_in(float("inf"))
    for person in (cast.sven, cast.anna):
        assert sign_in(person).get(MAILS).status_code == 403
        assert sign_in(person).post(reverse("admin:core_mailboxsetup_test")).status_code == 403


@pytest.mark.django_db
@pytest.mark.parametrize(("arrived", "ours"), [("2026-03-09T22:59:00Z", False), ("2026-03-09T23:01:00Z", True), ("2026-03-10T12:00:00Z", True), ("2026-03-11T12:00:00Z", True)])
def test_the_first_day_is_ours_and_not_the_mail_servers(emil: Any, box: Imap, arrived: str, ours: bool) -> None:
    """In Berlin it is the 10th an hour before it is in the time zone of this server."""
    set_up(emil, box)
    MailboxSetup.objects.update(since=date(2026, 3, 10))
    box.put(mail(), at=datetime.fromisoformat(arrived))
    fetch_due(5)
    assert IncomingMail.objects.exists() == ours


@pytest.mark.django_db
@pytest.mark.parametrize("day", [date.min, date(2026, 3, 10), date.max])
def test_a_first_day_on_which_much_came_asks_in_lines_a_server_takes(emil: Any, box: Imap, day: date) -> None:
    def short(command: str) -> None:
        if len(command) > 8_000:
            raise ValueError("[TOOBIG] line too long")

    set_up(emil, box)
    uids = [box.put(mail(), at=datetime(2026, 3, 10, 12, tzinfo=UTC)) for _ in range(2_500)]
    box.fault = short
    with open_mailbox(place_of(MailboxSetup.current())) as found:
        assert found.behind(0, day) == (uids if day < date.max else [])
        found.mark(uids)
    assert not box.unseen()


@pytest.mark.django_db
def test_trouble_with_the_mailbox_is_logged_once_and_names_nobody(emil: Any, box: Imap, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "TROUBLE", timedelta(0))
    set_up(emil, box)

    def warned() -> list[str]:
        found = [record.getMessage() for record in caplog.records if record.name == "lotse.mail"]
        caplog.clear()
        return found

    for port, password in ((closed_port(), "geheim"), (box.port, "falsch")):
        MailboxSetup.objects.update(port=port, password=seal(password, PURPOSE))
        fetch_due(5)
        (said,) = warned()
        assert "cannot be read" in said and "AUTHENTICATIONFAILED" not in said
        fetch_due(5)
        assert not warned()
        MailboxSetup.objects.update(port=box.port, password=seal("geheim", PURPOSE))
        fetch_due(5)
        assert not warned() and not MailboxSetup.current().trouble
