"""Stopping is easy and certain: a scanner's look never stops or starts anything, one click does, at once, however often it comes."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse

from contacts.consent import OBJECTED, STANDING, WITHDRAWN
from contacts.consent_links import STOP, stop_links, visitor
from contacts.consent_steps import object_to, record_consent, standing, withdraw_consent
from contacts.consent_words import wordings, write_wording
from contacts.models import ConsentEvent, ConsentPurpose, ConsentState, ConsentWording, EmailAddress, Party, PartySearch, Suppression
from contacts.reach import reach
from crm.core import door
from crm.core.digest import digest
from crm.core.door import public_door
from crm.core.models import DoorUse, OutgoingMail
from tests.factories import EmailFactory, PersonFactory

pytestmark = pytest.mark.django_db
ADDRESS = "mia@thal.example"
ONE_CLICK = {"List-Unsubscribe": "One-Click"}
TABLES = [ConsentEvent, ConsentState, Suppression, Party, EmailAddress, OutgoingMail, DoorUse]


def word(key: str, language: str = "de") -> ConsentWording:
    return next(row for row in wordings(language) if row.purpose.key == key)


@pytest.fixture(autouse=True)
def opens_are_counted(cast: Any) -> None:
    """Out of the box nobody is asked for it, for nothing is counted: these tests are of a house that does."""
    ConsentPurpose.objects.filter(key="tracking").update(active=True)


@pytest.fixture
def mia(cast: Any) -> Any:
    """Somebody who gets the newsletter and the product news."""
    person = PersonFactory(owner=cast.anna, first_name="Mia", last_name="Thal")
    EmailFactory(party=person, address=ADDRESS)
    record_consent(reach("email", ADDRESS), [word("newsletter"), word("news")], how="phone", by=cast.anna, party=person)
    return person


@pytest.fixture
def open_door(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scanner that is not told to come later: every look gets in."""
    monkeypatch.setattr(door, "knock", lambda *args: None)


def path(url: str) -> str:
    return re.sub(r"^https?://[^/]+", "", url)


def state(key: str = "newsletter", address: str = ADDRESS) -> str:
    return standing(reach("email", address), word(key).purpose).state


def sign_up(client: Any = None, **typed: Any) -> Any:
    values = {"email": "neu@kunde.example", "words": [word("newsletter").pk], **typed}
    return (client or Client()).post(reverse("consent-sign-up") + "?language=de", values)


def link_in(mail: OutgoingMail) -> str:
    found = re.search(r"https?://\S+/consent/confirm/\S+", mail.body)
    assert found
    return path(found[0])


@pytest.mark.proof("stop")
def test_looking_changes_nothing(figures: Any, prove_full: bool, cast: Any, mia: Any, open_door: None) -> None:
    """10,000 GETs and HEADs in the long form, a few hundred in the suite, over all links a mail may hold."""
    count = 10_000 if prove_full else 300
    sign_up()
    links = stop_links(ADDRESS, "newsletter")
    pages = [path(links.stop), path(links.preferences), link_in(OutgoingMail.objects.get()), path(links.preferences) + "?language=en"]
    before, client, answers = digest(TABLES), Client(), set()
    for number in range(count):
        look = client.get if number % 3 else client.head
        answers.add(look(pages[number % len(pages)], headers={"User-Agent": "Mozilla/5.0 BitdefenderScan"}).status_code)
    changed = sum(one != other for one, other in zip(before.values(), digest(TABLES).values(), strict=True))
    figures.record("looks at links by scanners", count, "requests", goal="10,000 in the long form", holds=answers == {200})
    figures.record("tables they changed", changed, "tables", goal="0", holds=not changed)


def test_red_control_a_door_that_acts_on_a_look_is_caught(cast: Any, mia: Any) -> None:
    @public_door(STOP)
    def hasty(request: HttpRequest, visit: Any) -> HttpResponse:
        withdraw_consent(visitor(visit), None, how="link", by=None)
        return HttpResponse("")

    before = digest(TABLES)
    hasty(RequestFactory().get("/"), token=path(stop_links(ADDRESS, "newsletter").stop).split("/")[-2])
    assert digest(TABLES) != before


@pytest.mark.proof("stop")
def test_one_click_stops_at_once(figures: Any, cast: Any, mia: Any) -> None:
    links = stop_links(ADDRESS, "newsletter", source="campaign:17")
    assert links.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert links.headers["List-Unsubscribe"] == f"<{links.stop}>"
    client = Client(enforce_csrf_checks=True)
    first = client.post(path(links.stop), "List-Unsubscribe=One-Click", content_type="application/x-www-form-urlencoded")
    assert "lotse" not in first.cookies  # no session is begun
    figures.record("one-click POST, form", int(first.status_code == 200 and state() == WITHDRAWN), "stopped", goal="1", holds=first.status_code == 200 and state() == WITHDRAWN)
    assert state("news") == STANDING
    assert ConsentEvent.objects.latest("pk").source == "campaign:17"
    steps = ConsentEvent.objects.count()
    assert client.post(path(links.stop), ONE_CLICK).status_code == 200  # multipart, and once more
    assert (state(), ConsentEvent.objects.count()) == (WITHDRAWN, steps)
    news = client.post(path(stop_links(ADDRESS, "news").stop), ONE_CLICK)
    figures.record("one-click POST, multipart", int(state("news") == WITHDRAWN), "stopped", goal="1", holds=news.status_code == 200 and state("news") == WITHDRAWN)


def test_forged_and_shortened_links_stop_nobody(cast: Any, mia: Any) -> None:
    good = path(stop_links(ADDRESS, "newsletter").stop)
    token = good.split("/")[-2]
    for bad in (token[:-1], token[::-1], "x", path(stop_links(ADDRESS, "newsletter").preferences).split("/")[-2]):
        assert Client().post(good.replace(token, bad), ONE_CLICK).status_code in (400, 404)
    assert state() == STANDING


def test_no_link_holds_the_address(cast: Any) -> None:
    from django.core import signing

    token = path(stop_links("mia.geheim@thal.example", "newsletter").preferences).split("/")[-2]
    assert "geheim" not in str(signing.loads(token, salt="lotse.door.consent-preferences"))


def test_somebody_unknown_can_stop_beforehand(cast: Any) -> None:
    assert Client().post(path(stop_links("fremd@thal.example", "newsletter").stop), ONE_CLICK).status_code == 200
    assert state(address="fremd@thal.example") == WITHDRAWN


def test_the_way_in(cast: Any) -> None:
    answer = sign_up(first_name="Nele", last_name="Kunde", words=[word("newsletter").pk, word("tracking").pk])
    assert answer.status_code == 302 and answer["Location"] == "/consent/asked/?language=de"
    mail = OutgoingMail.objects.get()
    assert (mail.to, mail.kind, mail.language) == ("neu@kunde.example", "consent", "de")
    assert word("newsletter").text in mail.body
    assert state(address="neu@kunde.example") == "requested"
    link = link_in(mail)
    page = Client().get(link).content.decode()
    assert word("newsletter").text in page and "Ja, ich bestätige" in page and "neu@kunde" not in page
    assert Client().post(link).status_code == 200
    assert Client().post(link).status_code == 200  # a double click
    steps = list(ConsentEvent.objects.order_by("pk"))
    assert [step.kind for step in steps] == ["requested", "requested", "confirmed", "confirmed"]
    assert {step.message_id for step in steps} == {mail.message_id}
    assert all(step.connection and step.source == "/consent/" for step in steps)
    person = Party.objects.get(emails__address="neu@kunde.example")
    assert (person.name, person.language, person.salutation) == ("Nele Kunde", "de", "")
    assert PartySearch.objects.filter(party=person).exists()
    assert state("tracking", "neu@kunde.example") == STANDING
    assert {step.party_id for step in steps if step.kind == "confirmed"} == {person.pk}


def test_a_used_link_does_not_consent_again(cast: Any) -> None:
    sign_up()
    link = link_in(OutgoingMail.objects.get())
    Client().post(link)
    object_to(reach("email", "neu@kunde.example"), None, how="phone", by=cast.anna)
    assert Client().post(link).status_code == 200
    assert state(address="neu@kunde.example") == OBJECTED


def test_nobody_is_called_by_an_address(cast: Any) -> None:
    sign_up()
    Client().post(link_in(OutgoingMail.objects.get()))
    person = Party.objects.get(emails__address="neu@kunde.example")
    assert (person.last_name, person.letter_salutation) == ("neu@kunde.example", "Guten Tag")


def test_the_answer_does_not_tell_whether_an_address_is_known(cast: Any, mia: Any) -> None:
    object_to(reach("email", "blocked@thal.example"), None, how="letter", by=cast.anna)
    answers = [sign_up(email=email) for email in (ADDRESS, "new@thal.example", "blocked@thal.example", ADDRESS)]
    assert {(answer.status_code, answer["Location"], answer.content) for answer in answers} == {(302, "/consent/asked/?language=de", b"")}
    assert OutgoingMail.objects.filter(to=ADDRESS).count() == 1  # one a day
    assert ConsentEvent.objects.filter(kind="requested", hash=reach("email", ADDRESS).hash).count() == 1
    assert state() == STANDING


def test_machines_and_mistakes(cast: Any) -> None:
    assert sign_up(website="https://spam.example").status_code == 302
    assert not OutgoingMail.objects.exists()
    for typed, words in (
        ({"email": "kein"}, "E-Mail"),
        ({"words": []}, "Bitte kreuzen Sie an"),
        ({"words": ["9999999"]}, "Wortlaut hat sich"),
        ({"words": ["x"]}, "x"),
        ({"email": "a@b"}, "a@b"),
    ):
        answer = sign_up(first_name="Nele", **typed)
        assert answer.status_code == 422 and words in answer.content.decode(), typed
        assert 'value="Nele"' in answer.content.decode()
    assert not OutgoingMail.objects.exists()


def test_words_that_changed_while_somebody_read(cast: Any) -> None:
    old = word("newsletter")
    write_wording(ConsentWording(purpose=old.purpose, channel="email", language="de", text="Andere Worte."), by=None)
    answer = sign_up(words=[old.pk])
    assert answer.status_code == 422 and "Andere Worte." in answer.content.decode()


def test_choosing(cast: Any, mia: Any) -> None:
    page = path(stop_links(ADDRESS, "newsletter").preferences)
    shown = Client().get(page).content.decode()
    assert "m•••@thal.example" in shown and ADDRESS not in shown and "Thal " not in shown
    assert shown.count("checked") == 2
    seen = ["newsletter", "news"]
    Client().post(page, {"seen": seen, "purposes": ["news", "invitations"]})
    assert (state(), state("news"), state("invitations"), state("tracking")) == (WITHDRAWN, STANDING, STANDING, "never")
    # A page read before does not bring back what was stopped meanwhile.
    Client().post(page, {"seen": seen, "purposes": ["newsletter", "news", "survey"]})
    assert (state(), state("survey")) == (WITHDRAWN, STANDING)
    assert Client().post(page, {"purposes": ["nonsense"]}).status_code == 422
    Client().post(page, {"seen": ["news"], "purposes": ["news"], "all": "1"})
    assert {state(key) for key in ("newsletter", "news", "invitations", "tracking")} == {OBJECTED}
    assert Client().get(page).content.decode().count("checked") == 0
    Client().post(page, {"purposes": ["news"]})  # the person alone lifts it
    assert (state("news"), state()) == (STANDING, OBJECTED)


def test_pages_speak_the_language_of_the_link_and_of_the_reader(cast: Any, mia: Any) -> None:
    links = stop_links(ADDRESS, "newsletter", language="en")
    assert "Unsubscribe" in Client().get(path(links.stop)).content.decode()
    assert "Abbestellen" in Client().get(path(links.stop) + "?language=de").content.decode()
    assert word("newsletter", "en").text in Client().get(path(links.preferences)).content.decode()
    assert Client().get(path(links.preferences) + "?language=xx").status_code == 200
