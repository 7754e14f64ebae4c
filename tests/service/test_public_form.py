"""The form on the web: who writes is matched, told and answered as by mail; machines, mistakes and haste bring nothing in, and lose nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from contacts.models import Interaction
from crm.core import door
from crm.core.mail.inbox.fetching import store
from crm.core.mail.inbox.reading import read
from crm.core.mail.inbox.server import Fetched
from crm.core.mail.inbox.taking import take_by_hand, take_in
from crm.core.models import IncomingMail, MailboxSetup, OutgoingMail
from crm.core.throttle import Limit
from crm.core.work import work
from service import public_form
from service.conversation import log_entry
from service.models import Case, DeskSetup
from service.public_form import MOST_BYTES, MOST_FILES, what_is_wrong
from service.reference import every_kind
from tests.access.test_input import HOSTILE
from tests.accounts.test_admin import submit
from tests.factories import EmailFactory, PersonFactory
from tests.mail.incoming import multipart_mail

pytestmark = pytest.mark.django_db
ADDRESS = "eva.kunz@kunde.test"
WORDS = "Guten Tag,\n\ndie Bahn steht seit heute früh.\n> Am Montag lief sie noch."


@pytest.fixture(autouse=True)
def opened(cast: Any) -> None:
    DeskSetup.current()
    DeskSetup.objects.update(team=cast.firm.service, form_open=True, form_intro_de="Wir antworten werktags.", form_intro_en="We answer on working days.")
    MailboxSetup.current()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """clock(seconds): so long ago people began to type."""
    now = public_form.time.time()
    offset = [0.0]
    monkeypatch.setattr(public_form.time, "time", lambda: now + offset[0])
    return lambda seconds: offset.__setitem__(0, offset[0] + seconds)


def page_of(client: Client, query: str = "?language=de") -> str:
    return client.get(f"/write/{query}").content.decode()


def begun(page: str) -> str:
    found = re.search(r'name="begun" value="([^"]+)"', page)
    assert found
    return found[1]


def send(clock: Any, client: Client | None = None, *, page: str = "", query: str = "?language=de", wait: float = 10, **typed: Any) -> Any:
    """Open the form (or go on with `page`), type for a while, send."""
    client = client or Client()
    page = page or page_of(client, query)
    clock(wait)
    facts = {"kind": "fault", "heading": "Bahn 2 steht", "words": WORDS, "name": "Eva Kunz", "email": ADDRESS, "begun": begun(page), **typed}
    return client.post(f"/write/{query}", facts)


def upload(name: str = "Größe.pdf", data: bytes = b"%PDF-1.7 x") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data)


# --- what comes in ----------------------------------------------------------------------------------------------------------------------


def test_a_stranger_writes_and_gets_a_number(cast: Any, clock: Any) -> None:
    client = Client()
    answer = send(clock, client, phone="0211 55", order="A-17", files=[upload(), upload("foto.jpg", b"x" * 10)])
    assert answer.status_code == 302, answer.content.decode()[-2500:]
    case = Case.objects.get()
    assert (case.type, case.channel, case.heading, case.party, case.reporter, case.team, case.state) == ("fault", "form", "Bahn 2 steht", None, "Eva Kunz", cast.firm.service, "new")
    assert case.rule is not None and case.due_ack is not None and case.due_solution is not None and case.ack_at is None
    entry = Interaction.objects.exclude(kind="system").get()
    assert entry.direction == "in" and entry.body == f"{WORDS}\n\nTelefon: 0211 55\nAuftragsnummer: A-17"
    page = client.get(answer["Location"]).content.decode()
    assert case.number in page and "Ihre Nachricht ist da" in page and "Bestätigung" in page
    receipt = OutgoingMail.objects.get(kind="receipt")
    assert receipt.to == ADDRESS and case.number in receipt.heading and receipt.headers["Auto-Submitted"] == "auto-replied"
    assert "Bahn 2" not in receipt.heading + receipt.body and "Eva" not in receipt.body + receipt.to_name, "nothing typed is repeated: the address may be anybody's"


def test_the_agent_sees_it_and_saves_the_files(cast: Any, clock: Any, sign_in: Any) -> None:
    send(clock, files=[upload(), upload("foto.jpg", b"x" * 10)])
    case, mail, sven = Case.objects.get(), IncomingMail.objects.get(), sign_in(cast.sven)
    page = sven.get(f"/service/cases/{case.pk}/").content.decode()
    assert page.count("die Bahn steht seit heute früh") == 1 and "Am Montag lief sie noch" in page and "Webformular" in page and "Größe.pdf" in page
    assert f"/mails/{mail.pk}/raw/" not in page, "it was no mail"
    assert "Bahn 2 steht" in sven.get("/service/desk/").content.decode()
    saved = sven.get(f"/service/cases/{case.pk}/mails/{mail.pk}/files/0/")
    assert saved.content == b"%PDF-1.7 x" and saved["Content-Type"] == "application/octet-stream" and saved["Content-Disposition"].startswith("attachment")
    assert sven.get(f"/service/cases/{case.pk}/mails/{mail.pk}/files/1/").content == b"x" * 10
    assert [file.name for file in read(bytes(mail.raw.data)).files] == ["Größe.pdf", "foto.jpg"] == [name for name, _kind, _size in mail.files]


def test_a_customer_is_matched_by_the_address_alone(cast: Any, clock: Any) -> None:
    with work(by=cast.anna):
        person = PersonFactory(owner=cast.anna, first_name="Eva", last_name="Kunz")
        EmailFactory(party=person, address="Eva.Kunz@kunde.test")
    send(clock, name="Jemand anders", heading="Jetzt kaufen: http://x.test")
    case, receipt = Case.objects.get(), OutgoingMail.objects.get(kind="receipt")
    assert case.party == person and case.reporter == ""
    assert "x.test" not in receipt.heading + receipt.body and receipt.to_name == str(person)
    with work(by=cast.anna):
        EmailFactory(party=PersonFactory(owner=cast.anna), address="eva.kunz@kunde.test")
    send(clock, heading="Zwei mit einer Adresse")
    assert Case.objects.latest("pk").party is None, "nobody is guessed"


def test_the_answer_is_one_thread(cast: Any, clock: Any) -> None:
    send(clock)
    case, receipt = Case.objects.get(), OutgoingMail.objects.get(kind="receipt")
    log_entry(case, way="answer", body="Wir kommen um 14 Uhr.", by=cast.sven, to=ADDRESS)
    answer = OutgoingMail.objects.get(kind="case")
    assert answer.to == ADDRESS and answer.headers["In-Reply-To"] == receipt.message_id
    for number, (head, words) in enumerate([(answer.message_id, "Danke"), (receipt.message_id, "Noch ein Bild")], 1):
        store(1, Fetched(number, multipart_mail(words, "", message_id=f"<a{number}@kunde.test>", in_reply_to=head), timezone.now()))
        take_in(float("inf"))
    store(1, Fetched(3, multipart_mail("Neue Mail", "", message_id="<a3@kunde.test>", subject=f"Zu {case.number}"), timezone.now()))
    take_in(float("inf"))
    assert Case.objects.count() == 1 and IncomingMail.objects.filter(subject_id=case.pk).count() == 4


def test_without_confirmation_none_is_promised(clock: Any) -> None:
    DeskSetup.objects.update(acknowledges=False)
    client = Client()
    page = client.get(send(clock, client)["Location"]).content.decode()
    assert Case.objects.get().number in page and "Bestätigung" not in page and not OutgoingMail.objects.exists()


# --- once, and not too often ------------------------------------------------------------------------------------------------------------


def test_a_double_click_is_one_case(clock: Any) -> None:
    client = Client()
    page = page_of(client)
    first = send(clock, client, page=page, files=[upload()])
    second = send(clock, client, page=page, files=[upload()])
    assert (first.status_code, second.status_code, Case.objects.count(), OutgoingMail.objects.count()) == (302, 302, 1, 1)
    number = Case.objects.get().number
    assert all(number in client.get(answer["Location"]).content.decode() for answer in (first, second))
    send(clock, client, page=page, words="Und noch etwas anderes.")
    assert Case.objects.count() == 2, "what was changed and sent again is not swallowed"
    send(clock, client, files=[upload()])
    assert Case.objects.count() == 3, "another day the same words are another matter"


def test_the_same_click_again_uses_up_no_address(cast: Any, clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who clicks three times at once may still write a second letter."""
    monkeypatch.setattr("service.public_form.ADDRESS", Limit(2, at_once=2))
    client = Client()
    page = page_of(client)
    assert [send(clock, client, page=page).status_code for _ in range(3)] == [302, 302, 302]
    assert send(clock, client, heading="Noch etwas").status_code == 302
    assert Case.objects.count() == 2


def test_nobody_is_flooded_with_receipts(clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(public_form, "ADDRESS", Limit(100, at_once=50))
    monkeypatch.setattr(public_form, "CONNECTION", Limit(100, at_once=50))
    for number in range(7):
        assert send(clock, heading=f"Nummer {number}").status_code == 302
    assert Case.objects.count() == 7 and OutgoingMail.objects.filter(kind="receipt").count() == 4


@pytest.mark.parametrize("name", ["ADDRESS", "CONNECTION", "EVERYBODY"])
def test_too_often_is_said_and_nothing_is_lost(clock: Any, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(public_form, name, Limit(3, at_once=2))
    answers = [send(clock, heading=f"Nummer {number}", words=f"Worte {number}") for number in range(3)]
    assert [answer.status_code for answer in answers] == [302, 302, 429]
    page = answers[2].content.decode()
    assert "Das war zu oft in kurzer Zeit" in page and "Worte 2" in page and "Nummer 2" in page and ADDRESS in page and int(answers[2]["Retry-After"]) > 0
    assert Case.objects.count() == 2
    other = {"ADDRESS": {"email": "b@kunde.test"}, "CONNECTION": {}, "EVERYBODY": {}}[name]
    assert send(clock, heading="Andere", **other).status_code == (302 if other else 429)


def test_a_counter_that_cannot_be_asked_keeps_the_form_shut(clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "_take", lambda *_: 60.0)
    assert send(clock).status_code == 429 and not Case.objects.exists()


# --- machines ---------------------------------------------------------------------------------------------------------------------------


def test_the_field_nobody_sees(cast: Any, clock: Any) -> None:
    client = Client()
    answer = send(clock, client, website="https://spam.test")
    assert answer.status_code == 302 and "Vielen Dank" in client.get(answer["Location"]).content.decode()
    row = IncomingMail.objects.get()
    assert (row.state, Case.objects.count(), OutgoingMail.objects.count()) == ("aside", 0, 0) and "Webformular" in row.reason
    assert take_by_hand(row, by=cast.emil) and Case.objects.get().heading == "Bahn 2 steht", "a browser that fills in too much costs nobody their words"


def test_nobody_types_in_a_second(clock: Any) -> None:
    client = Client()
    page = page_of(client)
    hasty = send(clock, client, page=page, wait=1)
    assert hasty.status_code == 422 and "schneller, als jemand tippt" in hasty.content.decode() and "die Bahn steht" in hasty.content.decode()
    assert begun(hasty.content.decode()) == begun(page) and not Case.objects.exists()
    assert send(clock, client, page=hasty.content.decode(), wait=3).status_code == 302


def test_a_page_that_is_not_ours_or_very_old(clock: Any) -> None:
    for token in ("", "x", door.door_token(public_form.SENT, number="R-1")):
        answer = send(clock, begun=token)
        page = answer.content.decode()
        assert answer.status_code == 422 and "sehr lange offen" in page and "die Bahn steht" in page and begun(page) != token
        assert send(clock, page=page).status_code == 302
    assert Case.objects.count() == 3
    assert public_form.PAGE.days * timedelta(days=1) < timedelta(days=7)


# --- mistakes ---------------------------------------------------------------------------------------------------------------------------


def test_bad_input_stands_beside_its_field(clock: Any) -> None:
    answer = send(clock, kind="order", heading="", words=" ", name="", email="eva@", files=[upload()])
    page = answer.content.decode()
    assert answer.status_code == 422 and not IncomingMail.objects.exists()
    assert page.count("invalid-feedback") == 5 and "Bitte wählen Sie Ihre Dateien noch einmal aus: Größe.pdf" in page
    assert 'value="eva@"' in page and "Noch ist nichts gesendet" in page
    assert send(clock, email=f"{'x' * 65}@kunde.test").status_code == 422


@pytest.mark.parametrize(
    ("files", "wrong"),
    [
        ([], 0),
        ([("a.pdf", 10), ("B.JPG", 10)], 0),
        ([("a.pdf", 10)] * MOST_FILES, 0),
        ([("a.pdf", 10)] * (MOST_FILES + 1), 1),
        ([("a.pdf", 15_000_000)], 0),
        ([("a.pdf", 15_000_000), ("b.pdf", 1)], 1),
        ([("a.exe", 10)], 1),
        ([("a.pdf.js", 10), ("pdf", 10), (".pdf ", 10)], 3),
        ([("a.pdf", 0)], 1),
    ],
)
def test_which_files_are_taken(files: list[tuple[str, int]], wrong: int) -> None:
    assert len(what_is_wrong(files)) == wrong


def test_a_file_that_is_not_taken(clock: Any, settings: Any) -> None:
    assert MOST_BYTES * 1.4 < settings.MAIL_LIMIT, "written as a mail the files stay below its limit"
    answer = send(clock, files=[upload("a.exe")])
    assert answer.status_code == 422 and "„a.exe“ ist von einer Art" in answer.content.decode() and "die Bahn steht" in answer.content.decode()
    settings.LOTSE_UPLOAD_LIMIT = 5
    answer = send(clock, files=[upload("a.pdf")])
    assert answer.status_code == 422 and "„a.pdf“ ist zu groß" in answer.content.decode() and not Case.objects.exists()


def test_what_would_break_a_mail_breaks_nothing(clock: Any, cast: Any, sign_in: Any) -> None:
    hostile = "Content-Type: multipart/mixed\n--=_x\n.\nFrom: x\n" * 150
    assert send(clock, heading="A\r\nBcc: x@x.test", name='Eva "X" <b@x.test>\r\nCc: y', words=hostile + WORDS + "<script>x()</script>", files=[upload("a; =_x '%0d%0aX: y'.pdf")]).status_code == 302
    case, mail = Case.objects.get(), IncomingMail.objects.get()
    assert case.heading == "A Bcc: x@x.test" and mail.sender == ADDRESS and b"\nBcc:" not in bytes(mail.raw.data)
    page = sign_in(cast.sven).get(f"/service/cases/{case.pk}/").content.decode()
    assert "<script>x()" not in page and "&lt;script&gt;x()" in page


def test_whatever_is_sent_is_answered_in_words(clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ADDRESS", "CONNECTION", "EVERYBODY"):
        monkeypatch.setattr(public_form, name, Limit(100_000, at_once=10_000))
    client = Client(raise_request_exception=False)
    token = begun(page_of(client))
    clock(10)
    facts = {"kind": "fault", "heading": "Bahn", "words": "steht", "name": "Eva", "email": ADDRESS, "begun": token, "phone": "1", "order": "2", "website": "", "_key": "x"}
    seen = set()
    for name in facts:
        for value in HOSTILE[::2]:
            body = urlencode({key: text for key, text in facts.items() if key != name}) + f"&{name}={value}"
            answer = client.post("/write/?language=de", body, content_type="application/x-www-form-urlencoded")
            seen.add(answer.status_code)
            assert answer.status_code in (302, 400, 422), (name, value, answer.status_code)
    for value in HOSTILE:
        assert client.get(f"/write/?language={value}&kind={value}").status_code in (200, 400), value
    assert client.get("/write/sent/x/").status_code == 404 and client.post("/write/sent/x/").status_code == 405 and seen == {302, 400, 422}


# --- the page ---------------------------------------------------------------------------------------------------------------------------


def test_the_language_and_the_kind_of_the_link(clock: Any) -> None:
    german, english = page_of(Client(), "?kind=complaint&language=de"), page_of(Client(), "?kind=complaint&language=en")
    assert "Wir antworten werktags." in german and "We answer on working days." in english and 'lang="en"' in english
    assert 'value="complaint" checked' in german and "/write/?language=en&amp;kind=complaint" in german
    assert "checked" not in page_of(Client(), "?kind=nonsense&language=de")
    assert "Write to us" in Client().get("/write/", headers={"Accept-Language": "en"}).content.decode()
    assert "Schreiben Sie uns" in Client().get("/write/", headers={"Accept-Language": "de-AT"}).content.decode()
    client = Client()
    answer = send(clock, client, query="?language=en")
    assert "We have it" in client.get(answer["Location"]).content.decode()
    assert OutgoingMail.objects.get().language == "en"


def test_privacy(cast: Any) -> None:
    assert "jederzeit fragen" in page_of(Client())
    DeskSetup.objects.update(privacy_url="https://haus.test/privacy")
    page = page_of(Client())
    assert 'href="https://haus.test/privacy"' in page and "jederzeit fragen" not in page


def test_closed(clock: Any) -> None:
    page = page_of(Client())
    DeskSetup.objects.update(form_open=False)
    for answer in (Client().get("/write/?language=de"), send(clock, page=page)):
        assert answer.status_code == 404 and "zurzeit geschlossen" in answer.content.decode()
    assert not IncomingMail.objects.exists()


def test_set_up(cast: Any, sign_in: Any, clock: Any) -> None:
    emil, url = sign_in(cast.emil), "/admin/service/desksetup/1/change/"
    assert "/write/" in emil.get(url).content.decode()
    assert submit(emil, url, form_kinds=["question", "complaint"], privacy_url="haus.test/datenschutz", form_intro_de="Hallo").status_code == 302
    setup = DeskSetup.current()
    assert (setup.form_kinds, setup.privacy_url) == (["question", "complaint"], "https://haus.test/datenschutz")
    page = page_of(Client())
    assert "Eine Beschwerde" in page and "Eine Störung" not in page
    assert send(clock, kind="fault").status_code == 422
    assert submit(emil, url, form_kinds=[]).status_code == 200
    DeskSetup.objects.update(form_kinds=["question"])
    assert 'type="hidden" name="kind" value="question"' in page_of(Client())
    assert sign_in(cast.sven).get(url).status_code == 403


def test_every_kind_is_offered_at_first() -> None:
    assert every_kind() == Case.Type.values == list(public_form.MEANINGS)


def test_an_empty_desk_names_the_form(sign_in: Any, cast: Any) -> None:
    assert 'href="/write/"' in sign_in(cast.sven).get("/service/desk/").content.decode()


def test_somebody_of_the_house_may_use_it_too(cast: Any, clock: Any, sign_in: Any) -> None:
    answer = send(clock, sign_in(cast.sven))
    assert answer.status_code == 302 and Case.objects.get().channel == "form"
