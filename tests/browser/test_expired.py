"""A sign-in that runs out in the middle of an edit loses nothing that was typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.sessions.models import Session

from contacts.models import Interaction

pytestmark = pytest.mark.browser
PASSWORD = "lotse-lotse"


@pytest.fixture
def anna(world: Any) -> Any:
    world.cast.anna.set_password(PASSWORD)
    world.cast.anna.save()
    EmailAddress.objects.create(user=world.cast.anna, email=world.cast.anna.email, verified=True, primary=True)
    return world.cast.anna


def sign_in_again(page: Any, person: Any) -> None:
    page.wait_for_selector("input[name=password]")
    page.fill("input[name=login]", person.email)
    page.fill("input[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("#palette", state="attached")


def quiet(page: Any) -> None:
    """Until the previews a form asks for while somebody types have come: one that comes later is sent to the sign-in by itself."""
    page.wait_for_timeout(600)
    page.wait_for_load_state("networkidle")


def test_a_preview_that_is_sent_to_the_sign_in_loses_nothing(world: Any, anna: Any, open_as: Callable[..., Any]) -> None:
    """Nobody clicked: the preview of the letter finds the sign-in run out, and what was typed is there afterwards."""
    page = open_as(anna)
    page.goto(f"/contacts/people/{world.own.person.pk}/edit/")
    page.fill("input[name=title]", "Dr.")
    quiet(page)
    Session.objects.all().delete()
    page.fill("input[name=last_name]", "Neuename")
    sign_in_again(page, anna)
    page.wait_for_selector("#toasts .l-toast:has-text('noch nicht gespeichert')")
    assert (page.input_value("input[name=last_name]"), page.input_value("input[name=title]")) == ("Neuename", "Dr.")


def test_what_is_typed_while_the_sign_in_is_on_its_way_is_kept(world: Any, anna: Any, open_as: Callable[..., Any]) -> None:
    """The preview was told that the sign-in has run out, its page is slow to come, and somebody who sees nothing of it writes on."""
    page = open_as(anna)
    page.goto(f"/contacts/people/{world.own.person.pk}/edit/")
    held: list[Any] = []
    page.route("**/accounts/login/**", lambda route: held.append(route))
    Session.objects.all().delete()
    page.fill("input[name=title]", "Dr.")
    with page.expect_request("**/accounts/login/**"):
        page.focus("input[name=last_name]")
    page.keyboard.press("Control+A")
    page.keyboard.insert_text("Neuename")
    page.unroute("**/accounts/login/**")  # lets it come
    sign_in_again(page, anna)
    page.wait_for_selector("#toasts .l-toast:has-text('noch nicht gespeichert')")
    assert (page.input_value("input[name=last_name]"), page.input_value("input[name=title]")) == ("Neuename", "Dr.")


def test_a_form_comes_back_filled(world: Any, anna: Any, open_as: Callable[..., Any]) -> None:
    page = open_as(anna)
    page.goto(f"/contacts/people/{world.own.person.pk}/edit/")
    page.fill("input[name=last_name]", "Neuename")
    page.select_option("select[name=state]", "former")
    page.check("input[name=roles][value=partner]")
    quiet(page)
    Session.objects.all().delete()
    page.click("#form button[type=submit]")
    sign_in_again(page, anna)
    page.wait_for_selector("#toasts .l-toast:has-text('noch nicht gespeichert')")
    assert page.input_value("input[name=last_name]") == "Neuename"
    assert page.input_value("select[name=state]") == "former" and page.is_checked("input[name=roles][value=partner]")
    page.click("#form button[type=submit]")
    page.wait_for_selector("h1:has-text('Neuename')")
    page.goto(f"/contacts/people/{world.own.person.pk}/edit/")
    page.reload()
    page.wait_for_timeout(500)
    assert not page.locator("#toasts .l-toast").count()  # nothing is left of it


def test_an_entry_comes_back_in_the_composer(world: Any, anna: Any, open_as: Callable[..., Any]) -> None:
    page = open_as(anna)
    page.goto(f"/contacts/organisations/{world.own.organisation.pk}/")
    page.click("form.l-comp label.l-tab:has(input[value=call])")
    page.fill("form.l-comp textarea", "Lange erzählt, kurz vereinbart.")
    Session.objects.all().delete()
    page.keyboard.press("Control+Enter")
    sign_in_again(page, anna)
    page.wait_for_selector("form.l-comp textarea")
    page.wait_for_selector("#toasts .l-toast:has-text('noch nicht gespeichert')")
    assert page.input_value("form.l-comp textarea") == "Lange erzählt, kurz vereinbart."
    page.click("form.l-comp button[type=submit]")
    page.wait_for_selector("ol.l-tl >> text=Lange erzählt")
    assert Interaction.objects.filter(kind="call", body="Lange erzählt, kurz vereinbart.").count() == 1


def test_somebody_else_at_the_same_desk_sees_nothing_of_it(world: Any, anna: Any, open_as: Callable[..., Any]) -> None:
    ben = world.cast.ben
    ben.set_password(PASSWORD)
    ben.save()
    EmailAddress.objects.create(user=ben, email=ben.email, verified=True, primary=True)
    page = open_as(anna)
    page.goto("/contacts/people/new/")
    page.fill("input[name=last_name]", "Geheimname")
    quiet(page)
    Session.objects.all().delete()
    page.click("#form button[type=submit]")
    sign_in_again(page, ben)
    page.wait_for_selector("input[name=last_name]")
    page.wait_for_timeout(500)
    assert "Geheimname" not in page.content() and page.input_value("input[name=last_name]") == ""
