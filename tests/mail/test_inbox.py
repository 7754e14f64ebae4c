"""From the mailbox into rows and from there to cases: once each, whatever breaks in between."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from contacts.consent_gate import permitted
from contacts.models import EmailAddress, Interaction, Suppression
from crm.core.mail.inbox import fetching, taking
from crm.core.mail.inbox.fetching import fetch_due
from crm.core.mail.inbox.nature import Nature
from crm.core.mail.inbox.reading import identity, read
from crm.core.mail.inbox.server import PURPOSE
from crm.core.models import Event, IncomingMail, MailboxSetup, OutgoingMail
from crm.core.seal import seal
from crm.core.work import work
from service.conversation import addresses_for, entries_of, log_entry
from service.models import Case, DeskSetup
from service.services import close_case, solve_case, wait_case
from tests.factories import EmailFactory, OrganisationFactory, PersonFactory
from tests.mail import incoming
from tests.mail.imap import Imap, closed_port
from tests.mail.incoming import mail, report, spam

State = IncomingMail.State


@pytest.fixture
def box(cast: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Imap]:
    """A mailbox that this house reads."""
    monkeypatch.setattr(fetching, "TROUBLE", timedelta(0))
    monkeypatch.setattr(taking, "PAUSE", timedelta(0))
    with Imap() as server:
        MailboxSetup.current()
        MailboxSetup.objects.update(
            host="127.0.0.1", port=server.port, security="none", username="service", password=seal("geheim", PURPOSE), address="service@haus.test", active=True
        )
        DeskSetup.current()
        DeskSetup.objects.update(team=cast.firm.service)
        yield server


def fetch() -> None:
    fetch_due(5)


def states() -> dict[str, int]:
    found: dict[str, int] = {}
    for state in IncomingMail.objects.values_list("state", flat=True):
        found[state] = found.get(state, 0) + 1
    return found


def heard(case: Case) -> list[str]:
    return [entry.body for entry in entries_of(case)]


# --- fetching -------------------------------------------------------------------------------------------------------------------------


def test_a_mail_becomes_a_case(cast: Any, box: Imap) -> None:
    with work(by=cast.anna):
        person = PersonFactory(owner=cast.anna, first_name="Eva", last_name="Kunz", salutation="ms")
        EmailFactory(party=person, address="Eva.Kunz@kunde.test")
    box.put(mail("Die Bahn steht.", subject="Störung an Linie 2"))
    fetch()
    case = Case.objects.get()
    assert (case.heading, case.party_id, case.channel, case.team, case.owner, case.state) == ("Störung an Linie 2", person.pk, "mail", cast.firm.service, None, "new")
    assert heard(case) == ["Die Bahn steht."] and case.due_ack is not None and case.ack_at is None
    entry = entries_of(case).get()
    assert (entry.kind, entry.direction, entry.party_id, entry.created_by) == ("email", "in", person.pk, None)
    receipt = OutgoingMail.objects.get()
    assert (receipt.kind, receipt.to, receipt.reply_to) == ("receipt", "eva.kunz@kunde.test", "service@haus.test")
    assert receipt.headers == {"Auto-Submitted": "auto-replied", "In-Reply-To": "<m1@kunde.test>", "References": "<m1@kunde.test>"}
    assert case.number in receipt.heading and "Sehr geehrte Frau Kunz" in receipt.body
    assert states() == {"filed": 1} and box.unseen() == []


def test_looking_again_changes_nothing(box: Imap) -> None:
    box.put(mail())
    fetch()
    fetch()
    box.put(mail(message_id="<m2@kunde.test>", subject="Noch etwas"))
    fetch()
    assert Case.objects.count() == 2 and IncomingMail.objects.count() == 2


def test_a_mailbox_that_counts_anew_brings_nothing_twice(box: Imap) -> None:
    for number in range(5):
        box.put(mail(message_id=f"<m{number}@kunde.test>", subject=f"Frage {number}"))
    fetch()
    box.count_anew()
    box.put(mail(message_id="<neu@kunde.test>", subject="Neu"))
    fetch()
    assert Case.objects.count() == 6 and IncomingMail.objects.count() == 6 and states() == {"filed": 6} and box.unseen() == []


def test_the_same_mail_by_two_ways_is_one_and_one_id_for_two_mails_is_two(box: Imap) -> None:
    box.put(mail("eins", head="Received: by a"))
    box.put(mail("eins", head="Received: by b"))
    box.put(mail("zwei", date="Thu, 26 Nov 2026 09:16:00 +0100"))  # the same Message-ID, said of another mail
    box.put(mail("drei", message_id=""))
    box.put(mail("vier", message_id=""))
    fetch()
    assert sorted(Interaction.objects.filter(direction="in").values_list("body", flat=True)) == ["drei", "eins", "vier", "zwei"]


def test_mail_from_before_is_left_alone(box: Imap) -> None:
    MailboxSetup.objects.update(since=timezone.localdate())
    box.put(mail("alt"), at=timezone.now() - timedelta(days=3))
    box.put(mail("neu", message_id="<neu@kunde.test>"))
    fetch()
    assert [mail.size for mail in IncomingMail.objects.all()] == [len(box.mails[1].raw)]
    assert box.unseen() == [box.mails[0].raw]


def test_a_worker_that_dies_behind_the_commit_is_made_up_for(box: Imap, monkeypatch: pytest.MonkeyPatch) -> None:
    box.put(mail())
    monkeypatch.setattr(fetching, "_mark", lambda *_: (_ for _ in ()).throw(MemoryError))
    with pytest.raises(MemoryError):
        fetch()
    assert len(box.unseen()) == 1
    monkeypatch.undo()
    fetch()
    assert box.unseen() == [] and Case.objects.count() == 1


def test_nothing_is_marked_by_reading(box: Imap) -> None:
    box.put(mail())
    fetch()
    assert not any("BODY[]" in command for command in box.commands) and any("BODY.PEEK[]" in command for command in box.commands)


def test_one_that_breaks_the_line_is_parked_and_the_others_come_through(box: Imap) -> None:
    uids = [box.put(mail(message_id=f"<m{number}@kunde.test>", subject=f"Frage {number}")) for number in range(4)]

    def fault(command: str) -> None:
        if "BODY.PEEK[]" in command and uids[1] in named(command):
            raise OSError

    box.fault = fault
    for _round in range(12):
        fetch()
    assert states() == {"filed": 3, "parked": 1}
    parked = IncomingMail.objects.get(state=State.PARKED)
    assert parked.heading == "Frage 1" and parked.reason and len(box.unseen()) == 1


def test_one_the_server_does_not_hand_out_is_parked(box: Imap) -> None:
    uids = [box.put(mail(message_id=f"<m{number}@kunde.test>", subject=f"Frage {number}")) for number in range(3)]

    def fault(command: str) -> None:
        if "BODY.PEEK" in command and uids[1] in named(command):
            raise ValueError("[SERVERBUG] damaged")

    box.fault = fault
    fetch()
    assert states() == {"filed": 2, "parked": 1}


def named(command: str) -> set[int]:
    found: set[int] = set()
    for piece in command.split(" ")[2].split(","):
        first, _, last = piece.partition(":")
        found |= set(range(int(first), int(last or first) + 1))
    return found


def test_what_is_too_large_stays_in_the_mailbox_and_is_shown(box: Imap, settings: Any) -> None:
    settings.MAIL_LIMIT = 1000
    box.put(mail("x" * 2000, subject="Riesig"))
    box.put(mail(message_id="<klein@kunde.test>"))
    fetch()
    parked = IncomingMail.objects.get(state=State.PARKED)
    assert (parked.heading, parked.sender) == ("Riesig", "eva.kunz@kunde.test") and parked.size > 2000 and len(bytes(parked.raw.data)) < 1000
    assert states() == {"filed": 1, "parked": 1}


@pytest.mark.parametrize(("name", "raw"), incoming.BOMBS, ids=[name for name, _raw in incoming.BOMBS])
def test_a_bomb_is_parked_with_its_bytes(box: Imap, name: str, raw: bytes) -> None:
    box.put(raw)
    box.put(mail())
    fetch()
    assert states() == {"filed": 1, "parked": 1}
    assert bytes(IncomingMail.objects.get(state=State.PARKED).raw.data) == raw


def test_everything_that_was_read_is_filed(box: Imap) -> None:
    """The whole table as one mailbox: nothing stops, nothing is left."""
    mails = {identity(case.raw, read(case.raw)): case.raw for case in incoming.READING if case.raw}
    for raw in mails.values():
        box.put(raw)
    fetch_due(60)
    assert states().get("waiting", 0) == 0 and set(IncomingMail.objects.values_list("identity", flat=True)) == set(mails) and len(mails) > 45
    assert states().get("parked", 0) == 0, list(IncomingMail.objects.filter(state="parked").values_list("reason", flat=True))


def test_a_mailbox_that_is_not_there_is_said_in_words(box: Imap) -> None:
    MailboxSetup.objects.update(port=closed_port())
    fetch()
    assert MailboxSetup.current().trouble
    MailboxSetup.objects.update(port=box.port, password=seal("falsch", PURPOSE))
    fetch()
    assert "AUTHENTICATIONFAILED" in MailboxSetup.current().trouble
    MailboxSetup.objects.update(password=seal("geheim", PURPOSE), folder="Nirgends")
    fetch()
    assert "NONEXISTENT" in MailboxSetup.current().trouble
    MailboxSetup.objects.update(folder="INBOX")
    fetch()
    assert MailboxSetup.current().trouble == ""


def test_a_mail_that_kills_its_worker_is_parked(box: Imap, monkeypatch: pytest.MonkeyPatch) -> None:
    box.put(mail())
    box.put(mail(message_id="<m2@kunde.test>", subject="Danach"))
    plain = taking.file

    def deadly(row: IncomingMail, **options: Any) -> None:
        if row.message_id == "<m1@kunde.test>":
            raise SystemExit  # as good as kill -9: nothing behind it runs
        plain(row, **options)

    monkeypatch.setattr(taking, "file", deadly)
    for _round in range(8):
        try:
            fetch()
        except SystemExit:
            continue
    assert states() == {"parked": 1, "filed": 1}


def test_what_fails_is_tried_again_and_then_parked(box: Imap, monkeypatch: pytest.MonkeyPatch) -> None:
    box.put(mail())
    monkeypatch.setattr(taking, "file", lambda row: (_ for _ in ()).throw(RuntimeError("kaputt")))
    fetch()
    row = IncomingMail.objects.get()
    assert row.state == State.PARKED and row.tries == taking.TRIES and "kaputt" in row.reason and not Case.objects.exists()


# --- filing ---------------------------------------------------------------------------------------------------------------------------


def begin(box: Imap, **headers: str) -> Case:
    box.put(mail("Erste Mail", **headers))
    fetch()
    return Case.objects.latest("pk")


def test_an_answer_goes_on_with_the_case(cast: Any, box: Imap) -> None:
    case = begin(box)
    log_entry(case, way="answer", body="Passt Montag?", by=cast.sven, to="eva.kunz@kunde.test")
    answer = OutgoingMail.objects.get(kind="case")
    assert answer.headers == {"In-Reply-To": "<m1@kunde.test>", "References": "<m1@kunde.test>"} and answer.reply_to == "service@haus.test"
    wait_case(case, by=cast.sven)
    box.put(mail("Ja.", message_id="<m2@kunde.test>", in_reply_to=answer.message_id, subject="Re: irgendetwas"))
    fetch()
    case.refresh_from_db()
    assert heard(case) == ["Erste Mail", "Passt Montag?", "Ja."] and case.state == "open" and case.paused_since is None
    assert OutgoingMail.objects.filter(kind="receipt").count() == 1 and Event.objects.filter(name="service.mail_received").count() == 1


def test_an_answer_opens_a_settled_case_again(cast: Any, box: Imap) -> None:
    case = begin(box)
    solve_case(case, by=cast.sven)
    close_case(case, by=cast.sven)
    box.put(mail("Doch nicht.", message_id="<m2@kunde.test>", references="<m1@kunde.test>"))
    fetch()
    case.refresh_from_db()
    assert (case.state, case.reopened) == ("open", 1) and Case.objects.count() == 1


def test_out_of_office_is_filed_quietly(cast: Any, box: Imap) -> None:
    case = begin(box)
    receipt = OutgoingMail.objects.get()
    solve_case(case, by=cast.sven)
    close_case(case, by=cast.sven)
    box.put(mail("Ich bin im Urlaub.", message_id="<ooo@kunde.test>", in_reply_to=receipt.message_id, head="Auto-Submitted: auto-replied"))
    fetch()
    case.refresh_from_db()
    assert case.state == "closed" and heard(case)[-1] == "Ich bin im Urlaub." and OutgoingMail.objects.count() == 1


def test_a_machine_is_never_answered(box: Imap) -> None:
    wanted = [raw for _name, raw, kind in incoming.NATURES if kind != "human" and b"<eigen@haus.test>" not in raw]
    for number, raw in enumerate(wanted):
        box.put(raw.replace(b"<m1@kunde.test>", f"<m{number}@kunde.test>".encode()))
    fetch_due(30)
    assert OutgoingMail.objects.count() == 0 and IncomingMail.objects.filter(state="waiting").count() == 0
    assert set(Case.objects.values_list("heading", flat=True)) and not IncomingMail.objects.filter(nature=Nature.AUTO_REPLY, state="filed").exists()


def test_the_receipt_that_comes_back_to_us_makes_no_case(box: Imap) -> None:
    begin(box)
    receipt = OutgoingMail.objects.get()
    box.put(mail("Danke für Ihre Nachricht", from_="Haus <lotse@localhost>", message_id=receipt.message_id))
    fetch()
    assert Case.objects.count() == 1 and OutgoingMail.objects.count() == 1 and IncomingMail.objects.filter(nature=Nature.OWN, state="aside").count() == 1


def test_two_houses_that_confirm_each_other_end(box: Imap) -> None:
    """The other side confirms without saying that it is a machine: the day's share ends it."""
    for number in range(12):
        box.put(mail("Wir haben Ihre Nachricht erhalten.", message_id=f"<m{number}@kunde.test>", subject=f"Ticket {number}"))
        fetch()
    assert OutgoingMail.objects.filter(kind="receipt").count() == 4


def test_a_bounce_marks_mail_and_address_and_tells_the_agent(cast: Any, box: Imap) -> None:
    with work(by=cast.anna):
        person = PersonFactory(owner=cast.anna)
        EmailFactory(party=person, address="Weg@kunde.test")
    case = begin(box, from_="weg@kunde.test")
    log_entry(case, way="answer", body="Passt Montag?", by=cast.sven, to="weg@kunde.test")
    answer = OutgoingMail.objects.get(kind="case")
    OutgoingMail.objects.update(state="accepted")
    box.put(report(of=answer.message_id))
    fetch()
    answer.refresh_from_db()
    assert answer.state == "returned" and "User unknown" in answer.answer
    assert EmailAddress.objects.get(normalised="weg@kunde.test").bounced_at is not None
    assert "weg@kunde.test" in heard(case)[-1] and Event.objects.filter(name="service.mail_returned").count() == 1
    case.refresh_from_db()
    assert case.state == "new" and OutgoingMail.objects.count() == 2


def test_a_report_of_spam_stops_advertising_and_tells_the_agent(cast: Any, box: Imap) -> None:
    """It arrived, so it is not marked as returned; what needs a consent does not go there again. One that names another's address changes nothing."""
    with work(by=cast.anna):
        EmailFactory(party=PersonFactory(owner=cast.anna), address="weg@kunde.test")
    case = begin(box, from_="weg@kunde.test")
    OutgoingMail.objects.update(state="accepted")
    ours = OutgoingMail.objects.get()
    box.put(spam(of=ours.message_id, to="opfer@kunde.test"))
    fetch()
    assert not Suppression.objects.exists()
    box.put(spam(of=ours.message_id).replace(b"<arf@post.test>", b"<arf2@post.test>"))
    fetch()
    ours.refresh_from_db()
    assert ours.state == "accepted" and EmailAddress.objects.get().bounced_at is None
    assert [row.reason for row in Suppression.objects.all()] == ["complaint"]
    assert not EmailAddress.objects.filter(permitted("newsletter")).exists() and "Spam" in heard(case)[-1]


def test_a_full_mailbox_leaves_the_address_alone(cast: Any, box: Imap) -> None:
    with work(by=cast.anna):
        EmailFactory(party=PersonFactory(owner=cast.anna), address="weg@kunde.test")
    case = begin(box, from_="weg@kunde.test")
    OutgoingMail.objects.update(state="accepted")
    box.put(report(of=OutgoingMail.objects.get().message_id, status="5.2.2", told="552 mailbox full"))
    fetch()
    assert EmailAddress.objects.get().bounced_at is None and OutgoingMail.objects.get().state == "returned" and "552" in heard(case)[-1]


@pytest.mark.parametrize("forged", [{"of": "<erfunden@haus.test>"}, {"of": ""}, {"to": "opfer@kunde.test"}])
def test_a_forged_report_changes_nothing(cast: Any, box: Imap, forged: dict[str, str]) -> None:
    with work(by=cast.anna):
        EmailFactory(party=PersonFactory(owner=cast.anna), address="opfer@kunde.test")
    begin(box)
    OutgoingMail.objects.update(state="accepted")
    ours = OutgoingMail.objects.get().message_id
    before = Interaction.objects.count()
    box.put(report(**{"of": ours, "to": "opfer@kunde.test", **forged}))
    fetch()
    assert not EmailAddress.objects.filter(bounced_at__isnull=False).exists()
    assert set(OutgoingMail.objects.values_list("state", flat=True)) == {"accepted"} and Interaction.objects.count() == before and states() == {"filed": 1, "aside": 1}


def test_a_number_counts_for_those_who_belong(cast: Any, box: Imap) -> None:
    with work(by=cast.anna):
        firm = OrganisationFactory(owner=cast.anna)
        EmailFactory(party=firm, address="einkauf@kunde.test")
    case = begin(box, from_="einkauf@kunde.test")
    box.put(mail("Noch etwas", message_id="<m2@kunde.test>", from_="einkauf@kunde.test", subject=f"Zu {case.number}"))
    box.put(mail("Ein Fremder", message_id="<m3@fremd.test>", from_="fremd@fremd.test", subject=f"Zu {case.number}"))
    fetch()
    assert heard(case) == ["Erste Mail", "Noch etwas"] and Case.objects.count() == 2


def test_an_unknown_writer_can_be_answered(cast: Any, box: Imap) -> None:
    case = begin(box)
    assert case.party is None and case.reporter == "Eva Kunz" and addresses_for(case, cast.sven) == ["eva.kunz@kunde.test"]
    assert addresses_for(case, cast.frieda) == []


def test_filing_a_hundred_does_not_take_long(box: Imap) -> None:
    for number in range(100):
        box.put(mail(message_id=f"<m{number}@kunde.test>", from_=f"k{number}@kunde.test", subject=f"Frage {number}"))
    began = time.monotonic()
    fetch_due(60)
    assert Case.objects.count() == 100 and time.monotonic() - began < 30
