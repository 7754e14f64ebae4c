"""A mail at the desk: what its page shows, what is downloaded and how, and how its writer becomes a contact."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import FieldRule, Role
from contacts.models import EmailAddress, Interaction, Party
from crm.core.mail.inbox.fetching import store
from crm.core.mail.inbox.server import Fetched
from crm.core.mail.inbox.taking import take_in
from crm.core.models import IncomingMail, MailboxSetup, Notification, OutgoingMail, Undo
from crm.core.work import work
from service import receipts
from service.models import Case, DeskSetup
from service.services import assign_case, delete_case
from tests.factories import CaseFactory, EmailFactory, PersonFactory
from tests.mail.incoming import multipart_mail

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(cast: Any) -> Case:
    """A stranger wrote, with HTML and a file."""
    DeskSetup.current()
    DeskSetup.objects.update(team=cast.firm.service)
    MailboxSetup.current()
    come(1, multipart_mail("Guten Tag\n\nAm 24.11.26 um 10:03 schrieb Service:\n> Passt Montag?", "<p onclick='x()'>Guten <b>Tag</b></p><img src='http://x.test/p.png'>", ("Größe.html", b"<script>x()</script>")))
    return Case.objects.get()


def come(number: int, raw: bytes) -> None:
    store(1, Fetched(number, raw, timezone.now()))
    take_in(float("inf"))


def test_the_page_shows_the_mail(cast: Any, sign_in: Any, case: Case) -> None:
    page = sign_in(cast.sven).get(f"/service/cases/{case.pk}/").content.decode()
    mail = IncomingMail.objects.get()
    assert "Eva Kunz" in page and "eva.kunz@kunde.test" in page and "Passt Montag?" in page and "Größe.html" in page
    assert f'src="/service/cases/{case.pk}/mails/{mail.pk}/"' in page and "onclick=" not in page and f"/service/cases/{case.pk}/contact/" in page
    assert page.count("<p>Guten Tag</p>") == 1, "the first mail is the report and stands there once"


def test_a_stranger_is_told_nothing_they_wrote(cast: Any, case: Case) -> None:
    """A forged sender must not make us send somebody's advertisement."""
    receipt = OutgoingMail.objects.get(kind="receipt")
    assert case.number in receipt.heading and case.heading not in receipt.heading + receipt.body


def test_strangers_share_a_limit(cast: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receipts, "AN_HOUR", 2)
    for number in range(4):
        come(number + 1, multipart_mail("Guten Tag", "<p>Guten Tag</p>", ("a.txt", b"x"), message_id=f"<s{number}@x.test>", from_=f"s{number}@x{number}.test"))
    assert Case.objects.count() == 4 and OutgoingMail.objects.filter(kind="receipt").count() == 2


def test_typed_addresses_share_it_too(cast: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever fills in the form may type the addresses of our customers."""
    monkeypatch.setattr(receipts, "AN_HOUR", 2)
    with work(by=cast.sven):
        cases = [CaseFactory(party=PersonFactory(), channel=Case.Channel.FORM) for _ in range(4)]
    assert [receipts.confirm_receipt(case, f"k{case.pk}@kunde.test") for case in cases] == [True, True, False, False]
    with work(by=cast.sven):
        known = CaseFactory(party=PersonFactory(), channel=Case.Channel.MAIL)
    assert receipts.confirm_receipt(known, "k@kunde.test")


def test_where_the_customer_is_known_the_question_leads_back(cast: Any, sign_in: Any, case: Case) -> None:
    with work(by=cast.sven):
        Case.objects.filter(pk=case.pk).update(party=PersonFactory())
    assert sign_in(cast.sven).get(f"/service/cases/{case.pk}/contact/")["Location"] == f"/service/cases/{case.pk}/"


def test_who_may_not_know_addresses_sees_none(cast: Any, sign_in: Any, case: Case) -> None:
    FieldRule.objects.create(role=Role.objects.get(key="service"), entity="party", field="email")
    page = sign_in(cast.sven).get(f"/service/cases/{case.pk}/").content.decode()
    assert "eva.kunz@kunde.test" not in page and "Eva Kunz" in page


def test_the_frame_holds_nothing_that_acts(cast: Any, sign_in: Any, case: Case) -> None:
    mail = IncomingMail.objects.get()
    answer = sign_in(cast.sven).get(f"/service/cases/{case.pk}/mails/{mail.pk}/")
    body = answer.content.decode()
    assert "<b>Tag</b>" in body and "onclick" not in body and "<img" not in body
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "sandbox" in policy and "allow-scripts" not in policy and "allow-same-origin" not in policy and "frame-ancestors 'self'" in policy
    assert answer["X-Frame-Options"] == "SAMEORIGIN"


def test_a_file_is_saved_and_never_shown(cast: Any, sign_in: Any, case: Case) -> None:
    browser, mail = sign_in(cast.sven), IncomingMail.objects.get()
    answer = browser.get(f"/service/cases/{case.pk}/mails/{mail.pk}/files/0/")
    assert answer.content == b"<script>x()</script>" and answer["Content-Type"] == "application/octet-stream" and answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Disposition"].startswith("attachment") and "Gr%C3%B6%C3%9Fe.html" in answer["Content-Disposition"]
    assert browser.get(f"/service/cases/{case.pk}/mails/{mail.pk}/files/1/").status_code == 404
    raw = browser.get(f"/service/cases/{case.pk}/mails/{mail.pk}/raw/")
    assert raw.content == bytes(mail.raw.data) and raw["Content-Disposition"].startswith("attachment")


def test_a_mail_is_reached_through_its_case_alone(cast: Any, sign_in: Any, case: Case) -> None:
    come(2, multipart_mail("Anderes", "<p>Anderes</p>", message_id="<m2@kunde.test>", from_="b@kunde.test"))
    other = IncomingMail.objects.exclude(subject_id=case.pk).get()
    for page in ("", "raw/", "files/0/"):
        assert sign_in(cast.sven).get(f"/service/cases/{case.pk}/mails/{other.pk}/{page}").status_code == 404
        assert sign_in(cast.frieda).get(f"/service/cases/{case.pk}/mails/{IncomingMail.objects.order_by('pk')[0].pk}/{page}").status_code == 403


def test_the_writer_becomes_a_contact(cast: Any, sign_in: Any, case: Case) -> None:
    with work(by=cast.emil):
        Role.objects.get(key="service").rights.filter(entity="party", verb="add").delete()
    browser = sign_in(cast.emil)
    form = browser.get(f"/service/cases/{case.pk}/contact/", htmx=True).content.decode()
    assert 'value="Eva"' in form and 'value="Kunz"' in form
    answer = browser.post(f"/service/cases/{case.pk}/contact/", {"first_name": "Eva", "last_name": "Kunz"})
    assert answer.status_code == 302, answer.content.decode()[-800:]
    case.refresh_from_db()
    assert str(case.party) == "Eva Kunz" and EmailAddress.objects.get().address == "eva.kunz@kunde.test"
    assert Interaction.objects.filter(party=case.party, kind="email").count() == 1
    assert browser.post(f"/service/cases/{case.pk}/contact/", {"last_name": "Noch einer"}).status_code == 422
    come(2, multipart_mail("Neues Anliegen", "", message_id="<m2@kunde.test>"))
    assert Case.objects.latest("pk").party == case.party


def test_the_writer_is_a_contact_already(cast: Any, sign_in: Any, case: Case) -> None:
    with work(by=cast.emil):
        person = PersonFactory(owner=cast.emil, last_name="Kunz")
        EmailFactory(party=person, address="privat@kunde.test")
    browser = sign_in(cast.emil)
    assert browser.post(f"/service/cases/{case.pk}/contact/", {}).status_code == 422
    assert browser.post(f"/service/cases/{case.pk}/contact/", {"party": person.number}).status_code == 302
    case.refresh_from_db()
    assert case.party_id == person.pk and Party.objects.filter(kind="person").count() == 1
    assert set(EmailAddress.objects.filter(party=person).values_list("address", flat=True)) == {"privat@kunde.test", "eva.kunz@kunde.test"}


def test_what_came_in_is_not_changed_and_outlives_its_case(cast: Any, sign_in: Any, case: Case) -> None:
    entry = Interaction.objects.get(kind="email")
    answer = sign_in(cast.emil).post(f"/contacts/interactions/{entry.pk}/delete/")
    assert Interaction.objects.filter(pk=entry.pk).exists(), answer.status_code
    delete_case(case, by=cast.emil)
    mail = IncomingMail.objects.get()
    assert mail.subject_id is None and bytes(mail.raw.data)


def test_a_case_that_comes_back_has_its_mails_again(cast: Any, sign_in: Any, case: Case) -> None:
    emil, mail = sign_in(cast.emil), IncomingMail.objects.get()
    raw = f"/service/cases/{case.pk}/mails/{mail.pk}/raw/"
    assert raw in emil.get(f"/service/cases/{case.pk}/").content.decode()
    assert emil.post(f"/service/cases/{case.pk}/delete/").status_code == 302 and IncomingMail.objects.get().subject_id is None
    assert emil.post(reverse("undo", args=[Undo.objects.latest("pk").token])).status_code in {204, 302}
    assert IncomingMail.objects.get().subject_id == case.pk and raw in emil.get(f"/service/cases/{case.pk}/").content.decode()


def test_the_owner_reads_that_the_customer_answered(cast: Any, case: Case, django_capture_on_commit_callbacks: Any) -> None:
    from crm.core.events import dispatch

    assign_case(case, owner=cast.sven, team=case.team, by=cast.sven)
    come(2, multipart_mail("Noch etwas", "", message_id="<m2@kunde.test>", in_reply_to="<m1@kunde.test>"))
    dispatch()
    assert Notification.objects.filter(user=cast.sven, text__contains=case.number).count() == 1
