"""Every form of the product, sent twenty times at once with one key, has one effect (D2 of reliability). The red control sends twenty keys."""

from __future__ import annotations

import threading
import uuid
from typing import Any

import pytest
from django.db import connections
from django.urls import resolve

from crm.core.models import Change, OnceKey
from tests.access.addresses import pages
from tests.conftest import Browser
from tests.pageforms import PageForm, forms_of
from tests.world import build

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE = 20


def signed_in(user: Any) -> Browser:
    browser = Browser()
    browser.raise_request_exception = False
    browser.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return browser


def post_forms(world: Any) -> dict[str, tuple[Any, PageForm]]:
    """One form per POST route and who sends it, read off the pages of the CRM manager and of a rep; what deletes comes last."""
    found: dict[str, tuple[Any, PageForm]] = {}
    for user in (world.cast.emil, world.cast.anna):
        browser = signed_in(user)
        for address in pages(world, world.own).values():
            page = browser.get(address)
            if page.status_code != 200 or "html" not in page.get("Content-Type", ""):
                continue
            for form in forms_of(page.content.decode(), address):
                if form.method == "post" and not form.action.startswith("/accounts/") and not form.uploads:
                    found.setdefault(resolve(form.action.partition("?")[0]).view_name, (user, form))
    return dict(sorted(found.items(), key=lambda pair: ("delete" in pair[0], "sign-out" in pair[0])))


def at_once(user: Any, form: PageForm, keys: list[uuid.UUID]) -> list[tuple[int, str]]:
    """Send the form once per key, all at the same moment; status and place of each answer."""
    answers: list[tuple[int, str]] = []
    gate = threading.Barrier(len(keys))
    browsers = [signed_in(user) for _ in keys]

    def send(browser: Browser, key: uuid.UUID) -> None:
        gate.wait()
        try:
            answer = browser.post(form.action, form.filled(), key=key)
            answers.append((answer.status_code, answer.get("Location", "")))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=send, args=pair) for pair in zip(browsers, keys, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@pytest.mark.proof("double")
def test_twenty_clicks_have_one_effect(cast: Any, figures: Any) -> None:
    world = build(cast)
    doubled, broken, effective, answered = [], [], 0, 0
    forms = post_forms(world)
    for name, (user, form) in forms.items():
        key, last = uuid.uuid4(), _last()
        answers = at_once(user, form, [key] * AT_ONCE)
        works = set(Change.objects.filter(id__gt=last).values_list("work", flat=True))
        effective += bool(works)
        answered += answers[0][0] < 400
        if len(works) > 1 or OnceKey.objects.filter(key=key).count() > 1 or len(set(answers)) > 1:
            doubled.append(f"{name}: {len(works)} effects, answers {set(answers)}")
        broken += [f"{name}: {status}" for status, _ in answers if status >= 500]
    for line in [*doubled, *broken]:
        print(line)
    figures.record("forms sent 20 times at once", len(forms), "forms", goal="> 30", holds=len(forms) > 30)
    figures.record("of these accepted", answered, "forms", goal="> 20", holds=answered > 20)
    figures.record("of these changed audited rows", effective, "forms", goal="> 10", holds=effective > 10)
    figures.record("with more than one effect or different answers", len(doubled), "forms", goal="0", holds=not doubled)
    figures.record("answers of 500 and more", len(broken), "answers", goal="0", holds=not broken)


@pytest.mark.proof("double")
def test_red_control_twenty_keys_have_twenty_effects(cast: Any, figures: Any) -> None:
    """Without one key for all, the same clicks act many times: the guard is what makes it one."""
    world = build(cast)
    user, form = post_forms(world)["party-log"]
    last = _last()
    at_once(user, form, [uuid.uuid4() for _ in range(AT_ONCE)])
    works = Change.objects.filter(id__gt=last, relation="contacts_interaction", op="I").values_list("work", flat=True).distinct().count()
    figures.record("red control: effects with twenty keys", works, "effects", goal="20", holds=works == AT_ONCE)


def _last() -> int:
    return Change.objects.order_by("-id").values_list("id", flat=True).first() or 0
