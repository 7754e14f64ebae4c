"""Consents, walked and counted in both languages: stopping by a link, signing up, and writing down a call. And the public pages, looked at."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from contacts.consent import STANDING, WITHDRAWN
from contacts.consent_links import stop_links
from contacts.consent_steps import record_consent, standing
from contacts.consent_words import wordings
from contacts.models import ConsentWording
from contacts.reach import reach
from crm.core.models import OutgoingMail
from crm.core.work import work
from tests.browser.hands import Hands, done
from tests.browser.test_looks import findings
from tests.factories import EmailFactory, PersonFactory

pytestmark = [pytest.mark.browser, pytest.mark.proof("walks")]
ADDRESS = "mia@thal.example"


def path(url: str) -> str:
    return re.sub(r"^https?://[^/]+", "", url)


def word(key: str, language: str) -> ConsentWording:
    return next(row for row in wordings(language) if row.purpose.key == key)


def state(address: str = ADDRESS) -> str:
    return standing(reach("email", address), word("newsletter", "de").purpose).state


@pytest.fixture
def mia(world: Any, language: str) -> Any:
    """Somebody who gets the newsletter."""
    with work(by=world.cast.anna):
        person = PersonFactory(owner=world.cast.anna, first_name="Mia", last_name="Thal", language=language)
        EmailFactory(party=person, address=ADDRESS)
        record_consent(reach("email", ADDRESS), [word("newsletter", language)], how="talk", by=world.cast.anna, party=person)
    return person


def test_stop_by_a_link(world: Any, open_as: Callable[..., Any], figures: Any, language: str, mia: Any) -> None:
    page = open_as(None, width=390, height=844)
    page.goto(path(stop_links(ADDRESS, "newsletter", language=language).stop))
    assert state() == STANDING
    hands = Hands(page)
    hands.click("main button[type=submit]")
    page.wait_for_selector("main [role=status]")
    assert state() == WITHDRAWN
    assert page.locator("html").get_attribute("lang") == language
    done(figures, "stop by a link", language, hands, 1)


def test_sign_up_and_confirm(world: Any, open_as: Callable[..., Any], figures: Any, language: str) -> None:
    page = open_as(None, width=390, height=844)
    page.goto(f"/consent/?language={language}")
    hands = Hands(page)
    hands.type("#su-email", "neu@kunde.example")
    hands.click(".l-ticks label")
    hands.click("main button[type=submit]")
    page.wait_for_url("**/consent/asked/**")
    found = re.search(r"https?://\S+/consent/confirm/\S+", OutgoingMail.objects.get(kind="consent").body)
    assert found
    page.goto(path(found[0]))
    assert state("neu@kunde.example") == "requested"
    hands.click("main button[type=submit]")
    page.wait_for_selector("main a[href*='/choices/']")
    assert state("neu@kunde.example") == STANDING
    done(figures, "sign up and confirm", language, hands, 4)


def test_write_down_a_call(world: Any, open_as: Callable[..., Any], figures: Any, language: str, mia: Any) -> None:
    page = open_as(world.cast.anna)
    page.goto(f"/contacts/people/{mia.pk}/")
    hands = Hands(page)
    hands.click(f"a[href='/contacts/{mia.pk}/consents/']")
    page.wait_for_selector("h1")
    hands.click(f"a[href*='/contacts/{mia.pk}/consents/email/']")
    page.wait_for_selector("#form")
    hands.click("#form input[value=withdrawn]")
    hands.click("#form input[value=newsletter]")
    hands.click("#form button[type=submit]")
    page.wait_for_selector("ol.l-told")
    assert state() == WITHDRAWN
    done(figures, "write down what somebody said on the telephone", language, hands, 5)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_public_pages_are_clean(world: Any, open_as: Callable[..., Any], figures: Any, language: str, mia: Any, dark: bool) -> None:
    page = open_as(None, width=390, height=844, dark=dark)
    links = stop_links(ADDRESS, "newsletter", language=language)
    wrong: dict[str, Any] = {}
    for address in (f"/consent/?language={language}", f"/consent/asked/?language={language}", path(links.stop), path(links.preferences)):
        page.goto(address)
        page.wait_for_load_state("networkidle")
        found = findings(page) + page.errors + page.foreign + page.reports
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            found.append("scrolls sideways")
        if found:
            wrong[address] = found
    print(wrong)
    theme = "dark" if dark else "light"
    figures.record(f"public pages with a finding ({language}, {theme})", len(wrong), "pages", goal="0", holds=not wrong)
