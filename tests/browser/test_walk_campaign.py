"""The marketer's journey, walked and counted in both languages: an A/B campaign from an empty page to scheduled, never leaving the builder."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from campaigns.models import Campaign, MailDesign, Segment
from crm.core.work import work
from tests.browser.hands import Hands, done
from tests.campaigns.conftest import agree, purpose
from tests.factories import EmailFactory, PersonFactory, SegmentFactory

pytestmark = [pytest.mark.browser, pytest.mark.proof("walks"), pytest.mark.usefixtures("mail_server")]


@pytest.fixture
def segment(world: Any, language: str) -> Segment:
    """Twelve people who agreed, and one who did not."""
    mia = world.cast.mia
    MailDesign.objects.update_or_create(pk=1, defaults={"imprint": "Rheintal GmbH, Hafenstraße 4, 28217 Bremen", "four_eyes_above": 50})
    with work(by=mia):
        for n in range(12):
            EmailFactory(party=PersonFactory(owner=world.cast.anna, team=world.cast.anna.team, salutation="ms", first_name="Ada", last_name=f"Öz{n}"), address=f"ada{n}@kunde.example")
            agree(f"ada{n}@kunde.example", by=mia)
        EmailFactory(party=PersonFactory(owner=world.cast.anna, team=world.cast.anna.team), address="nein@kunde.example")
        found: Segment = SegmentFactory(owner=mia, team=mia.team, name="Kunden")
    return found


def test_an_ab_campaign_from_an_empty_page_to_scheduled(world: Any, open_as: Callable[..., Any], figures: Any, language: str, segment: Segment) -> None:
    page = open_as(world.cast.mia)
    page.goto("/campaigns/")
    hands = Hands(page)
    hands.press("c")
    page.wait_for_selector("#form [name=name]")
    hands.type("#form [name=name]", "Wartung Herbst")
    hands.choose("#form [name=segment]", str(segment.pk))
    hands.choose("#form [name=purpose]", str(purpose().pk))
    hands.click("#form button[value=next]")
    page.wait_for_url("**step=content**")
    hands.type("#form [name=subject]", "Zeit für Wartung")
    hands.click("button[value='add:text']")
    page.wait_for_selector("[name=b0-text]")
    hands.type("[name=b0-text]", "{salutation}, es ist Zeit.")
    page.frame_locator("#preview").locator("text=Öz").first.wait_for()  # a real person, while it is typed
    hands.click("#form button[value=next]")
    page.wait_for_url("**step=test**")
    hands.click("form[action$='/mails/'] button[value=add]")
    page.wait_for_url("**variant=1**")
    page.locator("#form [name=subject]").fill("")
    hands.type("#form [name=subject]", "Läuft alles?")
    hands.click("#form button[value=next]")
    page.wait_for_url("**step=test**")
    hands.click("#form button[value=next]")
    page.wait_for_url("**step=schedule**")
    hands.click("#form label:has-text('Zu einer Zeit')" if language == "de" else "#form label:has-text('At a time')")
    at = timezone.localtime() + timedelta(days=2)
    page.locator("[name=send_at]").fill(at.strftime("%Y-%m-%dT%H:%M"))
    hands.count += 1
    hands.click("#form button[value=next]")
    page.wait_for_url("**step=check**")
    hands.click("form[action$='/release/'] button")
    page.wait_for_selector("form[action$='/unrelease/']")
    row = Campaign.objects.get(name="Wartung Herbst")
    assert (row.state, row.variants.count(), row.released_by) == ("released", 2, world.cast.mia)
    done(figures, "an A/B campaign from an empty page to scheduled", language, hands, 18)
