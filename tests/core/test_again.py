"""What a refusal for the moment gives back: the form as it was sent, its files to be chosen again, and no password."""

from __future__ import annotations

import errno
import uuid
from typing import Any

import psycopg2
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, OperationalError
from django.http import QueryDict
from django.test import RequestFactory
from django.utils import translation

from contacts.models import Person
from crm.core.middleware import unreachable
from tests.pageforms import forms_of

GONE = OperationalError("connection refused")


def refusal(data: dict[str, Any], error: BaseException = GONE, path: str = "/contacts/people/new/?back=1") -> str:
    """The page of a 503."""
    found = unreachable(RequestFactory().post(path, data), error)
    assert found is not None and found.status_code == 503
    return str(found.content.decode())


def test_the_form_comes_back_as_it_was_sent() -> None:
    typed = {"last_name": ['Öztürk "die Jüngere"'], "note": ["Zeile 1\nZeile 2"], "roles": ["partner", "supplier"], "_key": [str(uuid.uuid4())], "csrfmiddlewaretoken": ["abc"]}
    (form,) = forms_of(refusal(typed), "")
    assert (form.action, form.values) == ("/contacts/people/new/?back=1", typed)


def test_a_file_must_be_chosen_again() -> None:
    page = refusal({"source": "Altes System", "files": SimpleUploadedFile("kunden.csv", b"Firma\nKran\n")})
    (form,) = forms_of(page, "")
    assert (form.values["source"], form.uploads) == (["Altes System"], ["files"]) and "kunden.csv" in page and "multipart/form-data" in page


def test_a_password_is_on_no_page() -> None:
    page = refusal({"login": "anna@lotse.test", "password": "geheim-geheim"}, path="/accounts/login/")
    assert not forms_of(page, "") and "geheim" not in page


def test_it_leads_to_no_other_house() -> None:
    asked = [RequestFactory().generic(method, "/", PATH_INFO="//elsewhere.example/") for method in ("GET", "POST")]
    asked[1].POST = QueryDict("last_name=Oez")
    pages = [found.content.decode() for request in asked if (found := unreachable(request, GONE)) is not None]
    assert [form.action for form in forms_of(pages[1], "")] == ["/%2Felsewhere.example/"]
    assert len(pages) == 2 and 'href="//' not in pages[0] + pages[1]


def full() -> OSError:
    return OSError(errno.ENOSPC, "No space left on device")


def dead() -> DatabaseError:
    """psycopg2's plainest error, as a server that dies while it answers makes it."""
    error = DatabaseError("server closed the connection unexpectedly")
    error.__cause__ = Exception()
    return error


@pytest.mark.parametrize(("error", "german", "english"), [
    (full(), "Speicherplatz", "no room left"),
    (dead(), "Datenbank ist gerade nicht", "database cannot be reached"),
    (psycopg2.OperationalError("server closed the connection unexpectedly"), "Datenbank ist gerade nicht", "database cannot be reached"),
])  # fmt: skip
def test_it_says_what_is_gone_in_the_readers_language(error: BaseException, german: str, english: str) -> None:
    for language, words, button in (("de", german, "Noch einmal senden"), ("en", english, "Send again")):
        with translation.override(language):
            page = refusal({"last_name": "Öz"}, error)
        assert words in page and button in page


def test_what_django_itself_refuses_is_no_lost_database() -> None:
    assert unreachable(RequestFactory().get("/"), DatabaseError("Save with update_fields did not affect any rows.")) is None


@pytest.mark.django_db
def test_an_upload_without_room_is_refused_and_the_same_form_taken_later(cast: Any, sign_in: Any, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path
    emil, key = sign_in(cast.emil), uuid.uuid4()

    def send() -> Any:
        return emil.post("/sales/imports/new/", {"source": "Altes System", "files": SimpleUploadedFile("kunden.csv", b"Firma;Ort\nKran;Bremen\n" * 150_000)}, key=key)

    def no_room(*_: Any) -> None:
        raise full()

    with monkeypatch.context() as patch:
        patch.setattr("django.core.files.uploadhandler.TemporaryFileUploadHandler.receive_data_chunk", no_room)
        answer = send()
    page = answer.content.decode()
    assert answer.status_code == 503 and "Speicherplatz" in page and "kunden.csv" in page and not list(tmp_path.rglob("*.*"))
    assert send().status_code == 302


@pytest.mark.django_db
def test_a_form_sent_again_has_one_effect(cast: Any, sign_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    anna = sign_in(cast.anna)

    def gone(*_: Any, **__: Any) -> None:
        raise GONE

    with monkeypatch.context() as patch:
        patch.setattr("contacts.services.save_party", gone)
        answer = anna.post("/contacts/people/new/", {"last_name": "Öztürk", "state": "prospect"})
    (form,) = forms_of(answer.content.decode(), "")
    for _ in range(2):
        anna.post(form.action, form.values, key=uuid.UUID(int=7))
    assert Person.objects.unrestricted().filter(last_name="Öztürk").count() == 1


@pytest.mark.django_db
def test_without_the_profile_a_refusal_still_speaks_its_language(cast: Any, sign_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    anna = sign_in(cast.anna)
    anna.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    anna.raise_request_exception = False
    anna.get("/today/")

    def gone(*_: Any, **__: Any) -> None:
        raise GONE

    monkeypatch.setattr("django.contrib.sessions.backends.db.SessionStore.load", gone)
    assert 'lang="de"' in anna.get("/today/").content.decode()
