"""The form on the web, walked on a phone in both languages: a customer writes without JavaScript, the agent has it on the desk and answers. And its pages, looked at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crm.core.models import IncomingMail, OutgoingMail
from service import public_form
from service.models import Case, DeskSetup
from tests.browser.hands import Hands, done
from tests.browser.test_looks import findings

pytestmark = [pytest.mark.browser, pytest.mark.proof("walks")]
ADDRESS = "eva.kunz@kunde.example"


@pytest.fixture(autouse=True)
def opened(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The form is open, and these hands type faster than people do."""
    DeskSetup.current()
    DeskSetup.objects.update(form_open=True, team=world.cast.firm.service, form_intro_de="Wir antworten an Werktagen.", form_intro_en="We answer on working days.")
    monkeypatch.setattr(public_form, "QUICKEST", 0)


def fill_in(hands: Hands) -> None:
    hands.click(".l-ticks label:has(input[value=fault])")
    for name, text in (("heading", "Bahn 2 steht"), ("words", "Seit heute früh."), ("name", "Eva Kunz"), ("email", ADDRESS)):
        hands.type(f"#w-{name}", text)


def test_write_and_be_answered(world: Any, open_as: Callable[..., Any], figures: Any, language: str, tmp_path: Path) -> None:
    picture = tmp_path / "Förderband.pdf"
    picture.write_bytes(b"%PDF-1.7 x")
    page = open_as(None, width=390, height=844, java_script_enabled=False)
    page.goto(f"/write/?language={language}")
    hands = Hands(page)
    fill_in(hands)
    hands.count += 1
    page.locator("#w-files").set_input_files(picture)
    hands.click("main button[type=submit]")
    page.wait_for_selector("main [role=status] strong")
    case = Case.objects.get(channel="form")
    assert page.locator("main [role=status] strong").inner_text() == case.number and page.locator("html").get_attribute("lang") == language
    assert (case.type, case.team) == ("fault", world.cast.firm.service) and OutgoingMail.objects.get(kind="receipt").language == language
    assert [name for name, _kind, _size in IncomingMail.objects.get(subject_id=case.pk).files] == ["Förderband.pdf"]
    done(figures, "write to the house by the form", language, hands, 7)

    desk = open_as(world.cast.sven)
    desk.goto("/service/desk/?view=all")
    hands = Hands(desk)
    hands.click(f"#dq a[href^='/service/cases/{case.pk}/']")
    desk.wait_for_selector("#dt .l-files a[download]")
    assert "Seit heute früh." in desk.locator("#dt article.l-msg").first.inner_text()
    hands.type("#composer textarea", "Wir kommen heute.")
    hands.click("#composer footer button.btn-primary")
    desk.wait_for_selector("article.l-msg.out")
    assert OutgoingMail.objects.get(kind="case").to == ADDRESS
    done(figures, "answer what came by the form", language, hands, 3)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_form_is_clean(world: Any, open_as: Callable[..., Any], figures: Any, language: str, dark: bool) -> None:
    page = open_as(None, width=390, height=844, dark=dark)
    wrong: dict[str, Any] = {}

    def look(state: str) -> None:
        page.wait_for_load_state("networkidle")
        found = findings(page) + page.errors + page.foreign + page.reports
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            found.append("scrolls sideways")
        if found:
            wrong[state] = found

    page.goto(f"/write/?language={language}&kind=complaint")
    look("empty")
    page.locator("main button[type=submit]").click()
    page.wait_for_selector("main [role=alert]")
    look("with mistakes")
    fill_in(Hands(page))
    page.locator("main button[type=submit]").click()
    page.wait_for_selector("main [role=status] strong")
    look("sent")
    print(wrong)
    figures.record(f"states of the form with a finding ({language}, {'dark' if dark else 'light'})", len(wrong), "states", goal="0", holds=not wrong)
