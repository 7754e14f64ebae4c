"""The marketer's way to a win-back journey, walked and counted in both languages, and what a contact's page tells of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from campaigns.journeys.engine import tend_journeys
from campaigns.models import Journey, JourneyVersion, MailDesign, Run, RunStep
from contacts.models import PartyActivity, Task
from crm.core.models import OutgoingMail
from crm.core.work import work
from tests.browser.hands import Hands, done
from tests.campaigns.conftest import agree, purpose
from tests.factories import EmailFactory, PersonFactory

pytestmark = [pytest.mark.browser, pytest.mark.proof("walks"), pytest.mark.usefixtures("mail_server")]


def nobody_has_one() -> None:
    """The world's own journeys go, ledgers and all: the walk begins on an empty page."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL lotse.maintenance = 'on'")
        for model in (RunStep, Run, JourneyVersion, Journey):
            cursor.execute(f"DELETE FROM {model._meta.db_table}")


@pytest.fixture
def silent(world: Any, language: str) -> Any:
    """Somebody who agreed, and with whom nobody has spoken for 180 days."""
    mia = world.cast.mia
    nobody_has_one()
    PartyActivity.objects.update(last_at=timezone.now())
    MailDesign.objects.update_or_create(pk=1, defaults={"imprint": "Rheintal GmbH, Hafenstraße 4, 28217 Bremen"})
    with work(by=mia):
        person = PersonFactory(owner=world.cast.anna, team=world.cast.anna.team, salutation="ms", first_name="Ada", last_name="Still")
        EmailFactory(party=person, address="ada@kunde.example")
        agree("ada@kunde.example", by=mia)
        PartyActivity.objects.update_or_create(party=person, defaults={"last_at": timezone.now() - timedelta(days=180)})
    return person


def add(hands: Hands, place: str, kind: str) -> None:
    """Press the plus behind a step, and choose."""
    edge = f".l-add:has(input[name=place][value='{place}'])"
    hands.click(f"{edge} > summary")
    hands.click(f"{edge} button[value='add:{kind}']")
    hands.page.wait_for_selector("#side #form")


def save(hands: Hands) -> None:
    """Save the step, and see the flow again."""
    hands.click("#side button[value=save].btn-primary")
    hands.page.wait_for_selector("#pub-h")


def live(person: Any) -> None:
    """Let the days pass, and the mail arrive."""
    at = timezone.localtime().replace(hour=9, minute=0)
    for days in (0, 1, 4, 5, 12, 13):
        tend_journeys(at + timedelta(days=days))
        OutgoingMail.objects.filter(kind="journey", state="planned").update(state="accepted", handed_at=timezone.now())
    assert Run.objects.get(party=person).state == "done"


def test_a_win_back_journey_from_an_empty_page(world: Any, open_as: Callable[..., Any], figures: Any, language: str, silent: Any) -> None:
    german = language == "de"
    page = open_as(world.cast.mia)
    page.goto("/")
    hands = Hands(page)
    hands.click("nav a:has-text('Automationen')" if german else "nav a:has-text('Journeys')")
    page.wait_for_selector("section.l-empty")
    hands.press("c")
    page.wait_for_selector("#form [name=name]")
    hands.type("#form [name=name]", "Rückgewinnung")
    hands.choose("#form [name=purpose]", str(purpose().pk))
    hands.click("#form .l-foot button[type=submit]")
    page.wait_for_selector("#side [name=kind]")
    hands.choose("#side [name=kind]", "inactive")
    page.wait_for_selector("#side [name=days]")
    save(hands)
    add(hands, "", "wait")
    add(hands, "s1", "mail")
    hands.type("#side [name=subject]", "Wie geht es Ihnen?")
    hands.type("#side [name=b0-text]", "{salutation}, melden Sie sich gern.")
    save(hands)
    add(hands, "s2", "wait")
    add(hands, "s3", "ask")
    add(hands, "s4.no", "task")
    hands.type("#side [name=text]", "Anrufen")
    save(hands)
    hands.click("form[action$='/publish/'] button")
    page.wait_for_selector("form[action$='/pause/']")
    row = Journey.objects.get()
    assert (row.state, row.live.number, [step["kind"] for step in row.live.definition["steps"]]) == ("running", 1, ["wait", "mail", "wait", "ask"])
    done(figures, "a win-back journey from an empty page to running", language, hands, 26)
    live(silent)
    task = Task.objects.get(text="Anrufen")
    assert (task.owner, task.party_id, OutgoingMail.objects.get(kind="journey").to) == (world.cast.anna, silent.pk, "ada@kunde.example")
    page.goto(f"/campaigns/journeys/{row.pk}/")
    assert page.locator("#step-s5 b.c").inner_text() == "1"
    page.goto(f"/contacts/{silent.pk}/")
    page.wait_for_selector("#panel-journeys ol")
    told = page.locator("#panel-journeys ol li").all_inner_texts()
    assert len(told) == 5 and "Wie geht es Ihnen?" in told[1] and ("nein" if german else "no") in told[3] and "Anrufen" in told[4]


def test_a_win_back_journey_from_the_preset_and_its_dry_run(world: Any, open_as: Callable[..., Any], figures: Any, language: str, silent: Any) -> None:
    # The house looks at eight: whoever has been silent for so many days since today would not have begun before.
    PartyActivity.objects.filter(party=silent).update(last_at=timezone.now() - timedelta(days=181))
    page = open_as(world.cast.mia, width=390, dark=True)
    page.goto("/campaigns/journeys/")
    hands = Hands(page)
    hands.press("c")
    page.wait_for_selector("#form [name=name]")
    hands.type("#form [name=name]", "Rückgewinnung")
    hands.click("#form input[name=begin][value=win_back]")
    hands.choose("#form [name=purpose]", str(purpose().pk))
    hands.click("#form .l-foot button[type=submit]")
    page.wait_for_selector("#pub-h")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    hands.click("#side a[href$='/dry-run/']")
    page.wait_for_selector(".l-big b")
    assert page.locator(".l-big b").inner_text() == "1" and not Run.objects.exists()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    PartyActivity.objects.filter(party=silent).update(last_at=timezone.now() - timedelta(days=180))
    page.go_back()
    hands.click("form[action$='/publish/'] button")
    page.wait_for_selector("form[action$='/pause/']")
    done(figures, "a win-back journey from the preset, tried out and running", language, hands, 8)
    live(silent)


def test_the_builder_without_javascript(world: Any, open_as: Callable[..., Any], language: str, silent: Any) -> None:
    page = open_as(world.cast.mia, java_script_enabled=False)
    page.goto("/campaigns/journeys/new/")
    page.fill("[name=name]", "Ohne Skript")
    page.click("#form .l-foot button[type=submit]")
    page.select_option("#side [name=kind]", "inactive")
    page.click("#side button[value=save].btn-primary")
    page.fill("#side [name=days]", "30")
    page.click("#side button[value=save].btn-primary")
    page.click(".l-add > summary")
    page.click(".l-add[open] button[value='add:ask']")
    page.select_option("#side [name=about]", "tree")
    page.click("#side button[value=save].btn-primary")
    page.select_option("#id_g0-r0-word", "field:city")
    page.click("button[value=draw]")
    page.fill("#id_g0-r0-value", "Köln")
    page.click("#side button[value=save].btn-primary")
    row = Journey.objects.get()
    assert row.draft["trigger"] == {"kind": "inactive", "days": 30, "longer": False}
    assert row.draft["steps"][0]["tree"] == {"all": [{"all": [{"field": "city", "op": "contains", "value": "Köln"}]}]}
