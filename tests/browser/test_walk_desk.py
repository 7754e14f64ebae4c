"""The service agent's day, walked and counted in both languages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from contacts.models import Interaction
from contacts.search import index_parties
from crm.core.models import OutgoingMail
from crm.core.work import work
from service.conversation import log_entry
from service.models import Case, Cause, Remedy
from service.services import open_case
from tests.browser.hands import Hands, done
from tests.factories import CaseFactory, EmailFactory, OrganisationFactory

pytestmark = [pytest.mark.browser, pytest.mark.proof("walks")]


@pytest.fixture
def complaint(world: Any, language: str) -> Case:
    """A letter that nobody has answered yet."""
    with work(by=world.cast.emil):
        party = OrganisationFactory(owner=world.cast.anna, legal_name="Überlinger Stahlbau GmbH")
        index_parties([party.pk])
        row = CaseFactory.build(number="", heading="Lieferung unvollständig", channel="letter", party=party, team=world.cast.firm.service)
        return open_case(row, by=world.cast.emil)


def test_close_a_routine_complaint(world: Any, open_as: Callable[..., Any], figures: Any, language: str, complaint: Case) -> None:
    page = open_as(world.cast.sven)
    page.goto("/service/desk/")
    hands = Hands(page)
    hands.click(f"#dq a[href='/service/cases/{complaint.pk}/']")
    page.wait_for_selector("#composer")
    hands.click("button.l-chip[name=macro]")
    page.wait_for_selector("article.l-msg.out")
    hands.click(f"a[href='/service/cases/{complaint.pk}/solve/']")
    page.wait_for_selector("dialog[open] select[name=cause]")
    hands.choose("dialog[open] select[name=cause]", str(Cause.objects.get(key="incomplete").pk))
    hands.choose("dialog[open] select[name=remedy]", str(Remedy.objects.get(key="replacement").pk))
    hands.click("dialog[open] button[name=close]")
    page.wait_for_selector(f"form[action='/service/cases/{complaint.pk}/reopen/']")
    complaint.refresh_from_db()
    assert (complaint.state, complaint.owner, complaint.cause.key, complaint.remedy.key) == ("closed", world.cast.sven, "incomplete", "replacement")
    assert complaint.ack_at is not None and Interaction.objects.filter(party=complaint.party, direction="out").count() == 1
    done(figures, "close a routine complaint", language, hands, 6)


def test_take_down_a_call(world: Any, open_as: Callable[..., Any], figures: Any, language: str, complaint: Case) -> None:
    page = open_as(world.cast.sven)
    page.goto("/service/desk/")
    hands = Hands(page)
    hands.press("c")
    page.wait_for_selector("#form")
    hands.type("#form input[name=party]", "übe")
    hands.type("#form input[name=heading]", "Bahn steht")
    hands.press("Control+Enter")
    page.wait_for_selector("h2:has-text('Bahn steht')")
    case = Case.objects.get(heading="Bahn steht")
    assert (case.party, case.owner, case.state) == (complaint.party, world.cast.sven, "open")
    done(figures, "take down a call", language, hands, 5)


def test_a_text_module_by_two_colons_survives_a_change_of_page(world: Any, open_as: Callable[..., Any], figures: Any, language: str, complaint: Case) -> None:
    page = open_as(world.cast.sven)
    page.goto(f"/service/cases/{complaint.pk}/")
    hands = Hands(page)
    hands.press("n")
    hands.type("#composer textarea", "::")
    page.wait_for_selector("#modules[open] button[data-insert]")
    hands.press("Enter")
    assert complaint.number in page.locator("#composer textarea").input_value() and "::" not in page.locator("#composer textarea").input_value()
    page.goto("/service/desk/")
    page.goto(f"/service/cases/{complaint.pk}/")
    assert complaint.number in page.locator("#composer textarea").input_value(), "a draft is kept on this device"
    hands.click("#composer footer button[type=submit]:not([name])")
    page.wait_for_selector("article.l-msg.out")
    assert page.locator("#composer textarea").input_value() == ""
    done(figures, "answer with a text module", language, hands, 4)


def test_the_desk_on_a_phone(world: Any, open_as: Callable[..., Any], figures: Any, language: str, complaint: Case) -> None:
    with work(by=world.cast.sven):  # an answer that left, to a long address: its head and the composer's row stay within the page
        EmailFactory(party=complaint.party, address="bestellannahme.und.reklamation@ueberlinger-stahlbau.example")
        log_entry(complaint, way="answer", body="Wir kommen morgen.", by=world.cast.sven, to=complaint.party.emails.get().address)
        OutgoingMail.objects.update(state="accepted")  # the longest word for what became of it
    page = open_as(world.cast.sven, width=390, height=844)
    page.goto("/")
    hands = Hands(page)
    hands.click("nav.l-bottom a[href='/service/desk/']")
    page.wait_for_selector("#dq.is-on")
    hands.click(f"#dq a[href='/service/cases/{complaint.pk}/']")
    page.wait_for_selector("#dt.is-on #composer")
    assert page.locator("article.l-msg.out .l-tag").is_visible() and page.evaluate("document.documentElement.scrollWidth") <= 390
    hands.click("button[data-col=dx]")
    page.wait_for_selector("#dx.is-on")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    done(figures, "read a case and its customer on a phone", language, hands, 3)
