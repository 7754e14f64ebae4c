"""What is refused is refused in words, and leads back to where the reader was."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from contacts.models import Affiliation, Organisation, Person
from crm.core.models import Undo
from sales.models import Pipeline
from tests.conftest import Browser
from tests.factories import OrganisationFactory, PersonFactory

pytestmark = pytest.mark.django_db
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@pytest.fixture
def careful(cast: Any) -> Client:
    """A browser of Anna's that checks the form's token, as real ones do."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.anna, backend=BACKEND)
    return client


def test_a_form_of_an_earlier_sign_in_is_refused_in_our_words(careful: Client) -> None:
    page = f"http://testserver{reverse('person-create')}"
    answer = careful.post(reverse("person-create"), {"_key": uuid.uuid4()}, headers={"Referer": page})
    text = answer.content.decode()
    assert answer.status_code == 403 and f'href="{reverse("person-create")}#draft"' in text
    assert "neu angemeldet" in text and "Verifizierung" not in text and 'id="nav"' in text
    answer = careful.post(reverse("person-create"), {"_key": uuid.uuid4()}, headers={"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Refresh"]) == (403, "true")
    assert not Person.objects.exists()


@pytest.mark.parametrize(
    ("headers", "leads_to"),
    [
        ({"Referer": "http://testserver/contacts/7/?kind=notes&after=x"}, "/contacts/7/%3Fkind%3Dnotes%26after%3Dx"),
        ({"Referer": "https://evil.example/contacts/7/"}, "/"),
        ({"HX-Request": "true", "HX-Current-URL": "http://testserver/sales/board/?owner=me&team=3"}, "/sales/board/%3Fowner%3Dme%26team%3D3"),
        ({"HX-Request": "true", "HX-Current-URL": "//evil.example/"}, "/"),
        ({}, "/"),
    ],
)
def test_whoever_is_signed_out_comes_back_to_the_page_with_the_form(cast: Any, headers: dict[str, str], leads_to: str) -> None:
    answer = Browser().post(reverse("party-log", args=[7]), {"body": "x"}, headers=headers)
    assert (answer.get("HX-Redirect") or answer["Location"]) == f"{reverse('account_login')}?next={leads_to}"


def test_a_page_asked_for_while_signed_out_comes_itself(cast: Any) -> None:
    assert Browser().get("/sales/board/?owner=me")["Location"] == f"{reverse('account_login')}?next=/sales/board/%3Fowner%3Dme"


@pytest.mark.parametrize("data", [{"last_name": "x" * 6_000_000}, {f"field{n}": "1" for n in range(2_500)}], ids=["long", "many"])
def test_a_form_beyond_all_measure_is_refused_in_words(cast: Any, sign_in: Callable[[Any], Browser], data: dict[str, str]) -> None:
    answer = sign_in(cast.anna).post(reverse("person-create"), data)
    assert answer.status_code == 400 and "mehr, als empfangen werden kann" in answer.content.decode()


@pytest.mark.parametrize("typed", ["Moritz\nBcc: a@evil.example", "Moritz\r\nX: y", "Mo\x07ritz"])
def test_one_line_stays_one_line(cast: Any, sign_in: Callable[[Any], Browser], typed: str) -> None:
    answer = sign_in(cast.anna).post(reverse("person-create"), {"last_name": typed, "state": "prospect", "source": "x"})
    assert answer.status_code == 422 and "in einer Zeile" in answer.content.decode()
    assert not Person.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_what_cannot_come_back_is_refused_in_words(cast: Any, sign_in: Callable[[Any], Browser]) -> None:
    browser = sign_in(cast.anna)
    firm, person = OrganisationFactory(owner=cast.anna), PersonFactory(owner=cast.anna)
    Affiliation.objects.create(person=person, organisation=firm)
    browser.post(reverse("person-delete", args=[person.pk]))
    browser.post(reverse("organisation-delete", args=[firm.pk]))
    first, second = Undo.objects.order_by("pk")
    answer = browser.post(reverse("undo", args=[first.token]))
    assert answer.status_code == 422 and "inzwischen gelöscht" in answer.content.decode()
    assert not Person.objects.exists()
    assert browser.post(reverse("undo", args=[second.token])).status_code == 302  # the other way round it works
    assert browser.post(reverse("undo", args=[first.token])).status_code == 302
    assert Person.objects.count() == Organisation.objects.count() == Affiliation.objects.count() == 1


def test_a_refusal_keeps_the_way_on(cast: Any, sign_in: Callable[[Any], Browser]) -> None:
    browser = sign_in(cast.anna)
    for address, status in ((reverse("organisation-detail", args=[999_999]), 404), (reverse("import-list"), 403), ("/contacts/people/?sort=x", 400)):
        answer = browser.get(address)
        assert answer.status_code == status and 'id="nav"' in answer.content.decode(), address
    assert 'id="nav"' not in Client().get("/nowhere/").content.decode()


def test_a_stranger_with_a_stale_form_is_told_so(cast: Any) -> None:
    answer = Client(enforce_csrf_checks=True).post(reverse("account_login"), {"login": "a@b.test", "password": "x"}, headers={"Accept-Language": "de"})
    assert answer.status_code == 403 and "zu lange offen" in answer.content.decode()


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
@pytest.mark.parametrize("page", ["edit", "delete"])
def test_a_page_is_looked_at_or_sent_and_nothing_else(cast: Any, sign_in: Callable[[Any], Browser], method: str, page: str) -> None:
    """Django's own views would save by PUT, and delete by DELETE: past the key of the form and past the delete service."""
    person = PersonFactory(owner=cast.emil)
    assert getattr(sign_in(cast.emil), method)(f"/contacts/people/{person.pk}/{page}/").status_code == 405
    assert Person.objects.filter(pk=person.pk).exists()


def test_a_rate_above_one_hundred_is_refused_in_words(cast: Any, sign_in: Callable[[Any], Browser]) -> None:
    """The words hold a percent sign, and Django fills them in."""
    data = {"pipeline": Pipeline.objects.order_by("pk")[0].pk, "label_de": "Neu", "label_en": "New", "probability": "101", "position": "99"}
    answer = sign_in(cast.emil).post(reverse("admin:sales_stage_add"), data)
    assert "zwischen 0 und 100 %." in answer.content.decode()
    assert answer.context["adminform"].form.errors["probability"] == ["Eine Quote liegt zwischen 0 und 100 %."], "beside the field"
