"""The first start of an empty installation, as one person, and as two at the same moment."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections
from django.test import Client, override_settings
from django.urls import reverse

from accounts.models import Membership, Team, User
from crm.core.models import Change, Installation, OutgoingMail
from sales.models import Pipeline, Stage

FIRM = {"name": "Alpentor GmbH", "currency": "chf", "fiscal_year_start": "7", "language": "en"}
PERSON = {"first_name": "Ida", "last_name": "Egli", "email": "Ida@Alpentor.test", "password": "ein langer Satz 7", "again": "ein langer Satz 7"}


@pytest.fixture
def empty(db: None) -> None:
    call_command("seed", pipeline="none")


def begin(client: Any) -> None:
    assert client.post("/setup/", FIRM).headers["Location"] == "/setup/administrator/"


def test_the_whole_way(empty: None, client: Any) -> None:
    for page in ("/", "/accounts/login/", "/sales/", "/admin/", "/profile/"):
        assert client.get(page).headers["Location"] == "/setup/", page
    assert client.get("/health/").status_code == 200
    assert client.get("/setup/").status_code == 200
    begin(client)
    assert 'lang="en"' in client.get("/setup/administrator/").content.decode()
    assert client.post("/setup/administrator/", PERSON).headers["Location"] == "/setup/pipeline/"
    ida = User.objects.get()
    assert (ida.email, ida.is_superuser, ida.language, str(ida.team)) == ("ida@alpentor.test", False, "en", "Alpentor GmbH")
    assert Membership.objects.get(user=ida).role.key == "manager" and Team.objects.get(parent=None).name == "Alpentor GmbH"
    house = Installation.current()
    assert (house.pk, house.currency, house.fiscal_year_start, house.language) == (1, "CHF", 7, "en")
    assert client.get("/").headers["Location"] == "/setup/pipeline/", "the wizard goes on where it was left"
    page = client.get("/setup/pipeline/").content.decode()
    assert "Short cycle" in page and "Verbal commitment (90" in page
    keyed = {"_key": "7d1c2a52-5d1b-4f43-8a0e-3f3b6d2f7b11"}
    assert client.post("/setup/pipeline/", {"preset": "short", **keyed}).headers["Location"] == "/setup/colleagues/"
    assert Pipeline.objects.get().key == "short" and Stage.objects.count() == 2
    assert not Change.objects.filter(origin="sql").exists()


def test_colleagues_are_invited_or_not(empty: None, client: Any) -> None:
    begin(client)
    client.post("/setup/administrator/", PERSON)
    client.post("/setup/pipeline/", {"preset": "projects"}, headers={"Idempotency-Key": "7d1c2a52-5d1b-4f43-8a0e-3f3b6d2f7b12"})
    role = Membership.objects.get().role_id
    rows = {"form-TOTAL_FORMS": "3", "form-INITIAL_FORMS": "0", "form-0-email": "urs@alpentor.test", "form-0-first_name": "Urs", "form-0-last_name": "Frei", "form-0-role": ""}
    number = iter(range(100))

    def send(**more: str) -> Any:
        return client.post("/setup/colleagues/", {**rows, **more}, headers={"Idempotency-Key": f"7d1c2a52-5d1b-4f43-8a0e-3f3b6d2f7c{next(number):02d}"})

    answer = send()
    assert answer.status_code == 422 and "urs@alpentor.test" in answer.content.decode()
    answer = send(more="1")
    assert answer.status_code == 200 and 'name="form-5-email"' in answer.content.decode() and 'value="Urs"' in answer.content.decode()
    rows["form-0-role"] = str(role)
    twice = {f"form-1-{key.removeprefix('form-0-')}": value for key, value in rows.items() if key.startswith("form-0-")}
    assert send(**twice).status_code == 422
    assert send(**{"form-1-email": "ida@alpentor.test", "form-1-first_name": "I", "form-1-last_name": "E", "form-1-role": str(role)}).status_code == 422
    assert User.objects.count() == 1
    assert send().status_code == 302
    assert User.objects.count() == 2 and OutgoingMail.objects.get().to == "urs@alpentor.test"
    assert send(**{"form-0-email": "", "form-0-first_name": "", "form-0-last_name": ""}).status_code == 302


@pytest.mark.parametrize(
    ("page", "typed", "wrong"),
    [
        ("/setup/", {**FIRM, "name": ""}, "name"),
        ("/setup/", {**FIRM, "currency": "Euro"}, "currency"),
        ("/setup/", {**FIRM, "fiscal_year_start": "13"}, "fiscal_year_start"),
        ("/setup/administrator/", {**PERSON, "email": "ida"}, "email"),
        ("/setup/administrator/", {**PERSON, "password": "kurz", "again": "kurz"}, "password"),
        ("/setup/administrator/", {**PERSON, "again": "etwas anderes 9"}, "again"),
        ("/setup/administrator/", {**PERSON, "first_name": "x" * 200}, "first_name"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_nothing_typed_is_lost(empty: None, client: Any, page: str, typed: dict[str, str], wrong: str) -> None:
    begin(client)
    answer = client.post(page, typed)
    assert answer.status_code == 422 and answer.context["form"].errors.keys() == {wrong}
    html = answer.content.decode()
    assert all(f'value="{value}"' in html for name, value in typed.items() if value and name in {"name", "currency", "last_name", "email"})
    assert not User.objects.exists()


def test_without_the_firm_there_is_no_administrator(empty: None, client: Any) -> None:
    assert client.get("/setup/administrator/").headers["Location"] == "/setup/"
    assert client.post("/setup/administrator/", PERSON).headers["Location"] == "/setup/"


def test_it_is_closed_as_soon_as_somebody_exists(cast: Any, client: Any, sign_in: Any) -> None:
    for page in ("/setup/", "/setup/administrator/"):
        assert client.get(page).headers["Location"] == "/"
        assert client.post(page, PERSON).headers["Location"] == "/"
    for page in ("/setup/pipeline/", "/setup/colleagues/", "/setup/done/"):
        assert client.get(page).headers["Location"].startswith("/accounts/login/")
        assert sign_in(cast.anna).get(page).status_code == 403
    before = Stage.objects.count()
    assert sign_in(cast.emil).post("/setup/pipeline/", {"preset": "short"}).status_code == 302
    assert Stage.objects.count() == before, "a pipeline that is there stays"


def test_the_end_says_that_there_is_no_mail_server(cast: Any, sign_in: Any, settings: Any) -> None:
    settings.SMTP_HOST = ""
    emil = sign_in(cast.emil)
    page = emil.get("/setup/done/").content.decode()
    assert "Noch kein Mailserver" in page and "/admin/core/mailsetup/1/change/" in page
    settings.SMTP_HOST = "mail.test"
    assert "Noch kein Mailserver" not in emil.get("/setup/done/").content.decode()


def test_an_installation_that_waits_for_its_demo_has_no_wizard(empty: None, client: Any) -> None:
    with override_settings(SHOW_DEMO_SIGN_INS=True):
        assert client.get("/").headers["Location"].startswith("/accounts/login/")
        assert client.get("/setup/").headers["Location"] == "/"


@pytest.mark.django_db(transaction=True)
def test_two_wizards_at_once_make_one_administrator() -> None:
    call_command("seed", pipeline="none")
    clients = [Client(), Client(), Client()]
    for client in clients:
        begin(client)
    gate, answers = threading.Barrier(len(clients)), []

    def send(client: Any, number: int) -> None:
        gate.wait()
        answers.append(client.post("/setup/administrator/", {**PERSON, "email": f"ida{number}@alpentor.test"}).status_code)
        connections.close_all()

    threads = [threading.Thread(target=send, args=(client, number)) for number, client in enumerate(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert User.objects.count() == 1
    assert answers.count(302) >= 1 and set(answers) <= {302, 422}
    assert reverse("setup") == "/setup/"
