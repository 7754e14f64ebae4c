"""The journeys, walked in a real browser in both languages. Counting rule: a click, a key chord, a drag, a typed or chosen value = 1."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from allauth.account.models import EmailAddress

from accounts.models import Role, RoleRight
from contacts.models import Interaction, Task
from crm.core import jobs
from crm.core.models import Job
from sales.models import LostReason, Opportunity, Stage
from tests.browser.hands import Hands, done
from tests.factories import OpportunityFactory, OrganisationFactory
from tests.imports.export_files import write_export

pytestmark = [pytest.mark.browser, pytest.mark.proof("walks")]


def test_sign_in_and_find_a_customer(world: Any, open_as: Callable[..., Any], figures: Any, language: str) -> None:
    world.cast.anna.set_password("lotse-lotse")
    world.cast.anna.save()
    EmailAddress.objects.create(user=world.cast.anna, email=world.cast.anna.email, verified=True, primary=True)
    OrganisationFactory(owner=world.cast.anna, legal_name="Überlinger Stahlbau GmbH")
    from contacts.search import index_parties

    index_parties()
    page = open_as(None)
    page.goto("/accounts/login/")
    page.fill("input[name=login]", "anna@lotse.test")
    page.fill("input[name=password]", "lotse-lotse")
    page.keyboard.press("Enter")
    page.wait_for_selector("#palette", state="attached")
    hands = Hands(page)
    hands.press("Control+k")
    hands.type("#palette-input", "übe")
    page.wait_for_selector("#palette-list [role=option]:has-text('Überlinger')")
    hands.press("Enter")
    page.wait_for_selector("h1:has-text('Überlinger Stahlbau')")
    done(figures, "find a customer by three letters", language, hands, 3)


def test_log_a_call_with_the_next_step(world: Any, open_as: Callable[..., Any], figures: Any, language: str) -> None:
    page = open_as(world.cast.anna)
    page.goto(f"/contacts/organisations/{world.own.organisation.pk}/")
    hands = Hands(page)
    hands.click("form.l-comp label.l-tab:has(input[value=call])")
    hands.type("form.l-comp textarea", "Freigabe im Beirat am 18.")
    hands.type("form.l-comp footer input[type=text]", "Mo 9 Anruf" if language == "de" else "Mon 9 call")
    hands.press("Control+Enter")
    page.wait_for_selector("text=Freigabe im Beirat")
    page.wait_for_load_state("networkidle")
    assert Interaction.objects.filter(party=world.own.organisation, kind="call", body="Freigabe im Beirat am 18.").count() == 1
    assert Task.objects.filter(party=world.own.organisation, done_at=None).exclude(pk=world.own.task.pk).count() == 1
    done(figures, "log a call with the next step", language, hands, 4)


def test_mend_a_salutation_in_passing(world: Any, open_as: Callable[..., Any], figures: Any, language: str) -> None:
    person = world.own.person
    page = open_as(world.cast.anna)
    page.goto(f"/contacts/people/{person.pk}/")
    hands = Hands(page)
    hands.click("#hints button:has-text('Frau')" if language == "de" else "#hints button:has-text('Ms')")
    page.wait_for_selector("#letter:has-text('Sehr geehrte Frau Professorin')")
    assert page.locator("#hints .l-note").count() == 0
    done(figures, "mend a salutation in passing", language, hands, 1)
    page.goto("/contacts/people/new/")
    page.select_option("#id_language", "en")
    page.locator("#id_first_name").press_sequentially("Kim")
    page.locator("#id_last_name").press_sequentially("Nguyen")
    page.wait_for_selector("#letter:has-text('Dear Kim Nguyen,')")
    page.select_option("#id_salutation", "ms")
    page.wait_for_selector("#letter:has-text('Dear Ms Nguyen,')")
    assert not page.errors


def test_a_further_number_becomes_the_main_one(world: Any, open_as: Callable[..., Any], figures: Any, language: str) -> None:
    party = world.own.organisation
    page = open_as(world.cast.anna)
    page.goto(f"/contacts/organisations/{party.pk}/")
    hands, block = Hands(page), f"#reach-phone-{party.pk}"
    hands.click(f"{block} #cell-phone-new")
    hands.type("#at-phone-new input[type=tel]", "0171 3920047")
    hands.choose("#at-phone-new select", "private")
    page.focus("#at-phone-new input[type=tel]")
    hands.press("Enter")
    page.wait_for_selector(f"{block} a[href='tel:+491713920047']")
    fresh = party.phones.get(number="0171 3920047")
    hands.click(f"#at-phone-{fresh.pk} summary")
    hands.click(f"#at-phone-{fresh.pk} form[action$='/main/'] button")
    page.wait_for_selector(f"{block} li:first-child a[href='tel:+491713920047']")
    page.wait_for_load_state("networkidle")
    assert party.phones.get(is_primary=True) == fresh and fresh.label == "private"
    done(figures, "add a number and make it the main one", language, hands, 6)


def test_move_win_and_lose(world: Any, open_as: Callable[..., Any], figures: Any, language: str) -> None:
    stages = list(Stage.objects.order_by("position"))
    party = world.own.organisation
    first, second, third = (OpportunityFactory(owner=world.cast.anna, party=party, name=name, stage=stages[0], rank=-n) for n, name in enumerate(("Eins", "Zwei", "Drei"), 1))
    page = open_as(world.cast.anna, height=1400)
    page.goto("/sales/board/")
    hands = Hands(page)
    hands.drag(f"#card-{first.pk} .grip", f"ol[data-stage='{stages[1].pk}']")
    page.wait_for_selector(f"ol[data-stage='{stages[1].pk}'] #card-{first.pk}")
    page.wait_for_selector("#toasts .l-toast")
    page.wait_for_load_state("networkidle")
    first.refresh_from_db()
    assert first.stage == stages[1]
    done(figures, "move an opportunity", language, hands, 1)

    page.goto(f"/sales/opportunities/{second.pk}/")
    hands = Hands(page)
    hands.click(f"main form[action='/sales/opportunities/{second.pk}/win/'] button")
    page.wait_for_selector("#toasts .l-toast")
    second.refresh_from_db()
    assert second.state == Opportunity.State.WON
    done(figures, "win an opportunity", language, hands, 2)

    page.goto(f"/sales/opportunities/{third.pk}/")
    hands = Hands(page)
    hands.click(f"main [href='/sales/opportunities/{third.pk}/lose/']")
    price = LostReason.objects.get(key="price").pk
    page.wait_for_selector("dialog[open] input[name=reason]")
    hands.click(f"dialog[open] input[name=reason][value='{price}']")
    hands.click("dialog[open] button[type=submit]")
    page.wait_for_selector("#toasts .l-toast")
    third.refresh_from_db()
    assert (third.state, third.lost_reason.key) == (Opportunity.State.LOST, "price")
    done(figures, "lose an opportunity with its reason", language, hands, 4)


def test_import_the_export(world: Any, open_as: Callable[..., Any], figures: Any, language: str, tmp_path: Path) -> None:
    page = open_as(world.cast.emil)
    page.goto("/sales/imports/")
    hands = Hands(page)
    hands.click("main a[href='/sales/imports/new/']")
    page.set_input_files("input[type=file]", [str(path) for path in write_export(tmp_path)])
    hands.count += 1
    hands.click("#form button[type=submit]")
    page.wait_for_selector("form#form[action$='/check/']")
    hands.click("form#form[action$='/check/'] button.btn-primary")
    page.wait_for_selector("#import-job")
    jobs.advance(Job.objects.latest("pk").pk)
    page.wait_for_selector("#decisions")
    hands.click("#decisions button.btn-primary")
    page.wait_for_selector("#import-job")
    jobs.advance(Job.objects.latest("pk").pk)
    page.wait_for_selector("details:has(form[action$='/revert/'])")
    assert Opportunity.objects.exclude(external_id="").count() > 150
    done(figures, "bring in four files", language, hands, 6)


def test_read_the_forecast_on_a_phone(world: Any, open_as: Callable[..., Any], figures: Any, language: str) -> None:
    page = open_as(world.cast.greta, width=390, height=844)
    page.goto("/")
    hands = Hands(page)
    hands.click("nav.l-bottom a[href='/insights/forecast/']")
    page.wait_for_selector("dl.l-figs dd.v")
    page.wait_for_load_state("networkidle")
    wide = page.evaluate("[...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > 390.5).map(e => e.outerHTML.slice(0, 160)).slice(0, 5)")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390, wide
    done(figures, "read the forecast on a phone", language, hands, 1)


def test_management_reads_its_page_on_a_phone(world: Any, open_as: Callable[..., Any], figures: Any, language: str) -> None:
    page = open_as(world.cast.greta, width=390, height=844)
    page.goto("/")
    hands = Hands(page)
    page.wait_for_selector("section[aria-labelledby=o-sales] dl.l-figs")
    assert page.locator("section[aria-labelledby=o-complaints] dl.l-figs dd.v").count() >= 3
    page.wait_for_load_state("networkidle")
    wide = page.evaluate("[...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > 390.5).map(e => e.outerHTML.slice(0, 160)).slice(0, 5)")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390, wide
    hands.click("section[aria-labelledby=o-complaints] dl.l-figs a")
    page.wait_for_selector("[data-rows], table")
    done(figures, "management: money and complaints on a phone, and the complaints behind a number", language, hands, 1)


def test_the_manager_adds_a_stage_and_a_role(world: Any, open_as: Callable[..., Any], figures: Any, language: str) -> None:
    page = open_as(world.cast.emil)
    page.goto("/admin/sales/stage/")
    hands = Hands(page)
    hands.click("a[href*='/admin/sales/stage/add/']")
    hands.type("input[name=label_de]", "Bemusterung")
    hands.type("input[name=label_en]", "Sampling")
    page.fill("input[name=probability]", "")
    hands.type("input[name=probability]", "50")
    hands.click("[name=_save]")
    page.wait_for_url("**/admin/sales/stage/")
    assert Stage.objects.get(label_de="Bemusterung").probability == 50
    done(figures, "add a stage", language, hands, 6)

    page.goto("/admin/accounts/role/")
    hands = Hands(page)
    hands.click("a[href*='/admin/accounts/role/add/']")
    hands.type("input[name=label_de]", "Innendienst")
    hands.type("input[name=label_en]", "Inside sales")
    hands.click("[name=_save]")
    page.wait_for_selector("select[name=right_party_view]")
    hands.choose("select[name=right_party_view]", "team")
    hands.click("[name=_save]")
    page.wait_for_url("**/admin/accounts/role/")
    role = Role.objects.get(label_de="Innendienst")
    assert RoleRight.objects.filter(role=role, entity="party", verb="view", reach="team").exists()
    done(figures, "add a role with a right", language, hands, 6)
