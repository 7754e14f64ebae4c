"""One effect per key: a double click, a retry, a key used for something else, a refusal."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections

from accounts.models import User
from crm.core.models import OnceKey, SavedView
from tests.conftest import Browser

pytestmark = pytest.mark.django_db
FORM = {"page": "person", "name": "Meine", "query": "state=customer"}


def test_a_post_without_a_key_is_refused_in_words(cast: Any, sign_in: Callable[[Any], Browser]) -> None:
    answer = sign_in(cast.anna).post("/views/", FORM, key="none")
    assert answer.status_code == 400
    assert not SavedView.objects.exists()


def test_the_same_key_again_gets_the_same_answer(cast: Any, sign_in: Callable[[Any], Browser]) -> None:
    anna, key = sign_in(cast.anna), uuid.uuid4()
    first = anna.post("/views/", FORM, key=key)
    SavedView.objects.all().delete()
    second = anna.post("/views/", FORM, key=key)
    assert (first.status_code, first["Location"]) == (second.status_code, second["Location"])
    assert not SavedView.objects.exists()  # the effect did not happen a second time


def test_the_key_for_something_else_is_refused(cast: Any, sign_in: Callable[[Any], Browser]) -> None:
    anna, key = sign_in(cast.anna), uuid.uuid4()
    anna.post("/views/", FORM, key=key)
    assert anna.post("/views/", {**FORM, "name": "Andere"}, key=key).status_code == 422
    assert SavedView.objects.get().name == "Meine"


def test_a_refused_post_frees_its_key(cast: Any, sign_in: Callable[[Any], Browser]) -> None:
    anna, key = sign_in(cast.anna), uuid.uuid4()
    assert anna.post("/views/", {**FORM, "name": ""}, key=key).status_code == 422
    assert anna.post("/views/", FORM, key=key).status_code == 302


def test_two_people_may_use_the_same_key(cast: Any, sign_in: Callable[[Any], Browser]) -> None:
    key = uuid.uuid4()
    for user in (cast.anna, cast.ben):
        assert sign_in(user).post("/views/", FORM, key=key).status_code == 302
    assert SavedView.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_twenty_at_once_have_one_effect() -> None:
    user = User.objects.create(username="anna", email="anna@lotse.test")
    key, answers = uuid.uuid4(), []
    gate = threading.Barrier(20)

    def click() -> None:
        browser = Browser()
        browser.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        gate.wait()
        try:
            answers.append(browser.post("/views/", FORM, key=key).status_code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=click) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [302] * 20
    assert SavedView.objects.count() == 1
    assert OnceKey.objects.count() == 1
