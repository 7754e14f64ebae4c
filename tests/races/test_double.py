"""Every form of the product, sent twenty times at once with one key, has one effect (D2 of reliability). The red control sends twenty keys."""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.urls import resolve

from crm.core.models import Change, OnceKey
from tests.access.addresses import pages
from tests.access.routes import ROUTES
from tests.conftest import Browser
from tests.pageforms import PageForm, forms_of
from tests.races.states import by_hand, rare_pages
from tests.world import build

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE = 20
LAST = ("opportunity-win", "task-done", "import-remap", "import-revert", "delete", "sign-out")  # after these, others of the record are refused
POSTED = {name for name, rule in ROUTES.items() if "POST" in rule.methods} | {"set-language"}


def signed_in(user: Any) -> Browser:
    browser = Browser()
    browser.raise_request_exception = False
    browser.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return browser


def post_forms(world: Any, folder: Path) -> dict[str, tuple[Any, PageForm]]:
    """One form per POST route and who sends it, as the pages of the CRM manager and of a rep hold them; what deletes comes last."""
    found: dict[str, tuple[Any, PageForm]] = by_hand(world)
    common = [(user, address) for user in (world.cast.emil, world.cast.anna) for address in pages(world, world.own).values()]
    browsers = {user: signed_in(user) for user in (world.cast.emil, world.cast.anna, world.cast.greta)}
    for user, address in [*rare_pages(world, folder), *common]:
        page = browsers[user].get(address)
        if page.status_code != 200 or "html" not in page.get("Content-Type", ""):
            continue
        for form in forms_of(page.content.decode(), address):
            name = resolve(form.action.partition("?")[0]).view_name
            ours = name in POSTED or (name.startswith("admin:") and name != "admin:logout")
            if form.method == "post" and ours and not form.uploads:
                found.setdefault(name, (user, form))
    return dict(sorted(found.items(), key=lambda pair: next((place for place, word in enumerate(LAST, 1) if word in pair[0]), 0)))


@pytest.fixture
def clickers() -> Iterator[ThreadPoolExecutor]:
    """Twenty threads that keep their connections from one form to the next."""
    with ThreadPoolExecutor(AT_ONCE) as threads:
        yield threads
        together(threads, [connections.close_all] * AT_ONCE)


def together(threads: ThreadPoolExecutor, deeds: Sequence[Callable[[], Any]]) -> list[Any]:
    """Do all of it at the same moment, each in a thread of its own."""
    gate = threading.Barrier(len(deeds))

    def begin(deed: Callable[[], Any]) -> Any:
        gate.wait()
        return deed()

    return list(threads.map(begin, deeds))


def at_once(clickers: ThreadPoolExecutor, user: Any, form: PageForm, keys: list[uuid.UUID]) -> list[tuple[int, str]]:
    """Send the form once per key, all at the same moment; status and place of each answer."""
    first = signed_in(user)

    def send(key: uuid.UUID) -> tuple[int, str]:
        browser = Browser()
        browser.raise_request_exception = False
        browser.cookies = deepcopy(first.cookies)  # one person who clicks often, in one session
        files = {name: SimpleUploadedFile("preise.csv", b"product,series,sales_price\nKran,Kran,550\n") for name in form.uploads}
        answer = browser.post(form.action, {**form.filled(), **files}, key=key)
        return answer.status_code, answer.get("Location", "")

    return together(clickers, [partial(send, key) for key in keys])


@pytest.mark.proof("double")
@pytest.mark.usefixtures("mail_server")
def test_twenty_clicks_have_one_effect(cast: Any, figures: Any, tmp_path: Path, clickers: ThreadPoolExecutor) -> None:
    world = build(cast)
    doubled, broken, effective, answered = [], [], 0, 0
    forms = post_forms(world, tmp_path)
    unsent = POSTED - set(forms)
    for name, (user, form) in forms.items():
        key, last = uuid.uuid4(), _last()
        answers = at_once(clickers, user, form, [key] * AT_ONCE)
        works = set(Change.objects.filter(id__gt=last).values_list("work", flat=True))
        effective += bool(works)
        answered += answers[0][0] < 400
        if len(works) > 1 or OnceKey.objects.filter(key=key).count() > 1 or len(set(answers)) > 1:
            doubled.append(f"{name}: {len(works)} effects, answers {set(answers)}")
        broken += [f"{name}: {status}" for status, _ in answers if status >= 500]
        if answers[0][0] >= 400:
            print(f"{name} refused: {answers[0]}", sentence(signed_in(user).post(form.action, form.filled())))
    for line in [*doubled, *broken, *(f"never sent: {name}" for name in sorted(unsent))]:
        print(line)
    figures.record("forms sent 20 times at once", len(forms), "forms", goal="> 70", holds=len(forms) > 70)
    figures.record("POST routes that were not sent", len(unsent), "routes", goal="0", holds=not unsent)
    figures.record("of these accepted", answered, "forms", goal="> 50", holds=answered > 50)
    figures.record("of these changed audited rows", effective, "forms", goal="> 35", holds=effective > 35)
    figures.record("with more than one effect or different answers", len(doubled), "forms", goal="0", holds=not doubled)
    figures.record("answers of 500 and more", len(broken), "answers", goal="0", holds=not broken)


@pytest.mark.proof("double")
def test_red_control_twenty_keys_have_twenty_effects(cast: Any, figures: Any, clickers: ThreadPoolExecutor) -> None:
    """Without one key for all, the same clicks act many times: the guard is what makes it one."""
    address = pages(world := build(cast), world.own)["party-detail"]
    form = next(form for form in forms_of(signed_in(cast.anna).get(address, follow=True).content.decode(), address) if resolve(form.action).view_name == "party-log")
    last = _last()
    at_once(clickers, cast.anna, form, [uuid.uuid4() for _ in range(AT_ONCE)])
    works = Change.objects.filter(id__gt=last, relation="contacts_interaction", op="I").values_list("work", flat=True).distinct().count()
    figures.record("red control: effects with twenty keys", works, "effects", goal="20", holds=works == AT_ONCE)


def sentence(answer: Any) -> str:
    """What a refusal says, for the reader of a failed run."""
    page = answer.content.decode().partition("<main")[2] or answer.content.decode()
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())[:400]


def _last() -> int:
    return Change.objects.order_by("-id").values_list("id", flat=True).first() or 0
