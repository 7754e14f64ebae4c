"""Answers to a campaign: in the history of whom it went to, told to whoever looks after it; a plain no holds at once; machines and files go their own ways."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from campaigns.answers import says_no
from campaigns.figures import progress
from campaigns.journeys.engine import tend_journeys
from campaigns.journeys.services import publish_journey
from campaigns.models import Campaign
from campaigns.reactions import of_arms
from contacts.consent_steps import standing
from contacts.models import EmailAddress, Interaction, Task
from contacts.reach import reach
from crm.core import events
from crm.core.mail.inbox.taking import file, take_by_hand
from crm.core.models import IncomingMail, MailFile, Notification, OutgoingMail
from crm.core.work import work
from service.models import Case
from tests.campaigns.conftest import purpose, run
from tests.factories import EmailFactory, JourneyFactory, OpportunityFactory
from tests.mail.incoming import mail, multipart_mail, report

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(cast: Any, campaign: Any, audience: Any) -> Campaign:
    """A campaign that three people have."""
    audience(3)
    row: Campaign = run(campaign(control=0), cast.mia).row
    OutgoingMail.objects.filter(delivery__campaign=row).update(state="accepted")
    return row


def arrives(raw: bytes) -> IncomingMail:
    """File a mail as if the mailbox had brought it."""
    digest = hashlib.sha256(raw).hexdigest()
    MailFile.objects.create(digest=digest, data=raw)
    row = IncomingMail.objects.create(identity=digest, uidvalidity=1, uid=IncomingMail.objects.count() + 1, raw_id=digest, size=len(raw))
    with work():
        file(row)
    return row


def reference(row: Campaign) -> tuple[str, Any]:
    delivery = row.deliveries.select_related("mail").order_by("pk").first()
    assert delivery is not None and delivery.mail is not None
    return delivery.mail.message_id, delivery


def test_an_answer_stands_in_the_history_and_is_told(cast: Any, sent: Campaign) -> None:
    ours, delivery = reference(sent)
    row = arrives(mail("Ja, gern am Montag.\n\n> Wartung", subject="AW: Wartung A", in_reply_to=ours, from_=f"Ada <{delivery.address}>"))
    entry = Interaction.objects.get(pk=row.entry)
    assert (row.state, entry.party_id, entry.direction, entry.body) == ("filed", delivery.party_id, "in", "Ja, gern am Montag.")
    events.dispatch()
    note = Notification.objects.get(user=cast.anna)
    assert "Wartung" in note.text and str(delivery.party_id) in note.url and not Case.objects.exists()
    assert standing(reach("email", delivery.address), purpose()).state == "standing"


def test_a_plain_no_holds_at_once(cast: Any, sent: Campaign) -> None:
    ours, delivery = reference(sent)
    arrives(mail("Bitte abmelden!\n\nMit freundlichen Grüßen", subject="AW: Wartung A", in_reply_to=ours, from_=delivery.address))
    assert standing(reach("email", delivery.address), purpose()).state == "withdrawn"


def test_a_no_with_a_picture_in_its_signature_is_heard_too(cast: Any, sent: Campaign) -> None:
    ours, delivery = reference(sent)
    arrives(multipart_mail("Bitte abmelden", "<p>Bitte abmelden</p>", ("logo.txt", b"x"), in_reply_to=ours, from_=delivery.address))
    assert standing(reach("email", delivery.address), purpose()).state == "withdrawn" and Case.objects.count() == 1


def test_whoever_got_it_passed_on_speaks_for_themselves(cast: Any, sent: Campaign) -> None:
    """Nobody ends another person's consent, or writes into another person's history, by answering what was forwarded to them."""
    ours, delivery = reference(sent)
    arrives(mail("abmelden", subject="AW: WG: Wartung A", in_reply_to=ours, from_="Kollege <kollege@kunde.example>"))
    assert standing(reach("email", delivery.address), purpose()).state == "standing"
    assert Case.objects.count() == 1 and not Interaction.objects.filter(party=delivery.party_id, direction="in").exists()
    with work(by=cast.anna):
        EmailFactory(party_id=delivery.party_id, address="privat@ada.example", is_primary=False)
    arrives(mail("abmelden", subject="AW: Wartung A", in_reply_to=ours, from_="privat@ada.example", message_id="<m9@kunde.test>"))
    assert standing(reach("email", delivery.address), purpose()).state == "withdrawn"


def test_what_a_list_or_a_person_looked_at_is_not_swallowed(cast: Any, sent: Campaign) -> None:
    ours, delivery = reference(sent)
    listed = arrives(mail("Wir nehmen den Montag.", in_reply_to=ours, from_=delivery.address, head="Precedence: bulk"))
    assert listed.nature == "automatic" and listed.entry is not None and Case.objects.count() == 1
    parked = arrives(mail("Noch einmal", in_reply_to=ours, from_=delivery.address, message_id="<m8@kunde.test>", auto_submitted="auto-replied"))
    assert parked.entry is None and Case.objects.count() == 1
    IncomingMail.objects.filter(pk=parked.pk).update(state="aside")
    assert take_by_hand(IncomingMail.objects.get(pk=parked.pk), by=cast.emil) and Case.objects.count() == 2


@pytest.mark.parametrize(
    ("heading", "words", "no"),
    [
        ("AW: x", "Abmelden", True), ("unsubscribe", "", True), ("Re: x", "Bitte keine Werbung mehr.", True), ("Re: x", "Please unsubscribe me from nothing, I love it", False),
        ("AW: x", "Wie kann ich mich abmelden?", False), ("AW: x", "Stop", True), ("AW: x", "Stoppen Sie die Anlage bitte am Montag", False), ("AW: x", "", False),
    ],
)  # fmt: skip
def test_what_a_no_is(heading: str, words: str, no: bool) -> None:
    assert says_no(heading, words) is no


def test_machines_and_files_go_their_own_ways(cast: Any, sent: Campaign) -> None:
    ours, delivery = reference(sent)
    absent = arrives(mail("Ich bin bis Montag nicht da.", subject="Abwesenheitsnotiz", in_reply_to=ours, auto_submitted="auto-replied"))
    assert absent.state == "filed" and absent.entry is None and not Case.objects.exists()
    arrives(multipart_mail("Hier das Bild", "<p>Hier das Bild</p>", ("bild.txt", b"x"), in_reply_to=ours, message_id="<m2@kunde.test>", from_=delivery.address))
    assert Case.objects.count() == 1 and not Interaction.objects.filter(party=delivery.party_id, direction="in", body="Hier das Bild", subject_id__isnull=True).exists()
    arrives(mail("Ohne Bezug", message_id="<m3@kunde.test>", in_reply_to="<fremd@kunde.test>"))
    assert Case.objects.count() == 2


def test_a_mail_that_came_back_stands_in_the_history(cast: Any, sent: Campaign) -> None:
    ours, delivery = reference(sent)
    arrives(report(of=ours, to=delivery.address, action="delayed", status="4.4.7"))
    arrives(report(of=ours, to="fremd@kunde.example").replace(b"<dsn@", b"<dsn1@"))  # names another's address: forged
    assert not Interaction.objects.filter(party=delivery.party_id, kind="system", heading__startswith="Die E-Mail kam zurück").exists()
    arrives(report(of=ours, to=delivery.address).replace(b"<dsn@", b"<dsn2@"))
    entry = Interaction.objects.get(party=delivery.party_id, heading__startswith="Die E-Mail kam zurück")
    assert entry.heading.endswith(delivery.mail.heading) and "User unknown" in entry.body and EmailAddress.objects.get(normalised=delivery.address).bounced_at is not None
    assert of_arms(sent)[0]["returned"] == 1 and not Case.objects.exists()


def test_a_mail_that_came_back_waits_no_more(cast: Any, sent: Campaign) -> None:
    OutgoingMail.objects.filter(message_id=reference(sent)[0]).update(state=OutgoingMail.State.RETURNED)
    found = progress(sent)
    assert (found.returned, found.waiting, found.accepted + found.returned) == (1, 0, found.selected)


def test_an_answer_to_a_journey_is_heard_as_well(cast: Any, audience: Any) -> None:
    person = audience(1)[0]
    steps = [
        {"key": "s1", "kind": "mail", "subject": "Danke", "preheader": "", "blocks": [{"kind": "text", "text": "{salutation}, danke."}]},
        {"key": "s2", "kind": "wait", "days": 3},
        {"key": "s3", "kind": "ask", "about": "answered", "yes": [{"key": "s4", "kind": "task", "text": "Zurückrufen", "days": 0}], "no": []},
    ]
    with work(by=cast.emil):
        row = JourneyFactory(owner=cast.emil, team=cast.emil.team, purpose=purpose(), name="Dank", draft={"trigger": {"kind": "event", "event": "won"}, "steps": steps})
    publish_journey(row, by=cast.emil, at=timezone.now() - timedelta(minutes=1))
    with work(by=cast.emil):
        events.emit("sales.opportunity_won", OpportunityFactory(party=person, owner=cast.emil, team=cast.emil.team))
    events.dispatch()
    tend_journeys()
    OutgoingMail.objects.filter(kind="journey").update(state="accepted", handed_at=timezone.now())
    arrives(mail("Gern geschehen", subject="AW: Danke", in_reply_to=OutgoingMail.objects.get(kind="journey").message_id, from_="ada0@kunde.example"))
    events.dispatch()
    assert "Dank" in Notification.objects.get(user=cast.anna).text and not Case.objects.exists()
    tend_journeys(timezone.now() + timedelta(days=4))
    assert Task.objects.get().text == "Zurückrufen"
    arrives(mail("Bitte abmelden", subject="AW: Danke", in_reply_to=OutgoingMail.objects.get(kind="journey").message_id, from_="ada0@kunde.example", message_id="<nein@kunde.example>"))
    assert standing(reach("email", "ada0@kunde.example"), purpose()).state == "withdrawn"
