"""The public door: who has the right link gets in, looking changes nothing, once is once, and too often is said in words."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.core import signing
from django.db import DatabaseError, connections
from django.test import Client, RequestFactory
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.core import door
from crm.core.door import Door, clear, connection_of, door_link, door_token
from crm.core.models import Change, DoorBucket, DoorUse, Notification
from tests.core.door_urls import SURVEY, UNSUBSCRIBE

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.core.door_urls")]


def place(kind: Door, token: str) -> str:
    return f"/d/{kind.scope}/{token}/"


def test_the_right_link_gets_in_without_an_account(cast: Any) -> None:
    token = door_token(SURVEY, user=cast.anna.pk)
    page = Client().get(place(SURVEY, token))
    assert page.status_code == 200 and str(cast.anna.pk) in page.content.decode()
    assert page["Referrer-Policy"] == "same-origin" and page["X-Robots-Tag"] == "noindex" and "no-store" in page["Cache-Control"]
    assert door_link(SURVEY, "survey", user=1).startswith("http://localhost:8000/d/survey/")


@pytest.mark.parametrize("change", [lambda t: t[:-1], lambda t: t + "x", lambda t: "x" + t, lambda t: t.swapcase(), lambda t: "nonsense", lambda t: "%00"])
def test_a_damaged_link_is_no_link(cast: Any, change: Any) -> None:
    page = Client().get(place(SURVEY, change(door_token(SURVEY, user=cast.anna.pk))))
    assert page.status_code in (400, 404)


def test_a_link_opens_its_own_door_alone(cast: Any) -> None:
    assert Client().get(place(UNSUBSCRIBE, door_token(SURVEY, user=cast.anna.pk))).status_code == 404
    assert Client().get(place(SURVEY, signing.dumps({"user": cast.anna.pk}))).status_code == 404


def test_a_link_ends(cast: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    token = door_token(SURVEY, user=cast.anna.pk)
    real = signing.time.time
    monkeypatch.setattr(signing.time, "time", lambda: real() + 31 * 86_400)
    page = Client().get(place(SURVEY, token), headers={"Accept-Language": "de"})
    assert page.status_code == 410 and "gilt nicht mehr" in page.content.decode()


def test_looking_changes_nothing_and_uses_nothing_up(cast: Any) -> None:
    """Scanners and previews look ten times before the person does."""
    token = door_token(SURVEY, user=cast.anna.pk)
    for method in ("get", "head", "get", "head"):
        assert getattr(Client(), method)(place(SURVEY, token)).status_code == 200
    assert Client().options(place(SURVEY, token)).status_code == 405
    assert not DoorUse.objects.exists() and not Notification.objects.exists()
    assert Client().post(place(SURVEY, token), {"text": "gut"}).status_code == 200


def test_once_is_once(cast: Any) -> None:
    token = door_token(SURVEY, user=cast.anna.pk)
    assert Client().post(place(SURVEY, token), {"text": "gut"}).status_code == 200
    for answer in (Client().post(place(SURVEY, token), {"text": "noch einmal"}), Client().get(place(SURVEY, token))):
        assert answer.status_code == 410
    assert Notification.objects.count() == 1


def test_a_refused_form_does_not_use_the_link_up(cast: Any) -> None:
    token = door_token(SURVEY, user=cast.anna.pk)
    assert Client().post(place(SURVEY, token), {}).status_code == 422
    assert not Notification.objects.exists() and not DoorUse.objects.exists()
    assert Client().post(place(SURVEY, token), {"text": "gut"}).status_code == 200


def test_one_click_needs_no_form(cast: Any) -> None:
    """RFC 8058: the mail program posts on its own, without cookie and form token. Twice is no harm."""
    strict = Client(enforce_csrf_checks=True)
    token = door_token(UNSUBSCRIBE, user=cast.anna.pk)
    for _ in range(2):
        assert strict.post(place(UNSUBSCRIBE, token), {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert strict.post(place(SURVEY, door_token(SURVEY, user=cast.anna.pk)), {"text": "x"}).status_code == 403
    assert not Change.objects.filter(origin="sql", relation="core_notification").exists()


def test_the_page_speaks_the_language_of_the_link(cast: Any) -> None:
    token = door_token(SURVEY, user=cast.anna.pk, language="en")
    Client().post(place(SURVEY, token), {"text": "good"})
    assert Client().get(place(SURVEY, token), headers={"Accept-Language": "en"}).status_code == 410


# --- too often --------------------------------------------------------------------------------------------------------
def test_too_often_with_one_link_is_said_in_words(cast: Any) -> None:
    token = door_token(SURVEY, user=cast.anna.pk)
    answers = [Client().get(place(SURVEY, token), headers={"Accept-Language": "de"}) for _ in range(20)]
    codes = Counter(answer.status_code for answer in answers)
    assert codes == {200: 15, 429: 5}  # a quarter of an hour's share at once
    last = answers[-1]
    assert 0 < int(last["Retry-After"]) <= 120 and "zu oft in kurzer Zeit" in last.content.decode() and "Minute" in last.content.decode()
    assert Client().get(place(SURVEY, door_token(SURVEY, user=cast.ben.pk))).status_code == 200  # another link is another matter


def test_who_tries_many_links_is_stopped_by_the_connection(cast: Any) -> None:
    codes = Counter(Client().get(place(SURVEY, f"guess-{number}")).status_code for number in range(70))
    assert codes[404] in range(60, 66) and codes[404] + codes[429] == 70  # sixty, and what flows in meanwhile
    assert Client(REMOTE_ADDR="203.0.113.9").get(place(SURVEY, "guess")).status_code == 404


def test_guesses_leave_one_count(cast: Any) -> None:
    for number in range(5):
        Client().get(place(SURVEY, f"guess-{number}"))
    assert DoorBucket.objects.count() == 1


def test_one_click_is_counted_by_its_link_alone(cast: Any) -> None:
    """A large provider sends the clicks of all its readers from one address: none of them is lost."""
    codes = Counter(Client().post(place(UNSUBSCRIBE, door_token(UNSUBSCRIBE, user=cast.anna.pk, n=n)), {"List-Unsubscribe": "One-Click"}).status_code for n in range(70))
    assert codes == {200: 70}


def test_after_the_wait_it_opens_again(cast: Any) -> None:
    token = door_token(SURVEY, user=cast.anna.pk)
    while (answer := Client().get(place(SURVEY, token))).status_code == 200:
        pass
    wait = timedelta(seconds=int(answer["Retry-After"]))
    for row in DoorBucket.objects.all():
        DoorBucket.objects.filter(pk=row.pk).update(at=row.at - wait)
    assert Client().get(place(SURVEY, token)).status_code == 200


def test_when_it_cannot_be_counted_the_door_stays_shut(cast: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> float:
        raise DatabaseError

    monkeypatch.setattr(door, "_take", broken)
    page = Client().get(place(SURVEY, door_token(SURVEY, user=cast.anna.pk)))
    assert page.status_code == 429 and page["Retry-After"] == "60"


def test_red_control_without_the_counter_guessing_goes_on(cast: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "_take", lambda *_: 0.0)
    assert Counter(Client().get(place(SURVEY, f"guess-{number}")).status_code for number in range(70)) == {404: 70}


@pytest.mark.parametrize(
    ("meta", "proxied", "found"),
    [
        ({"REMOTE_ADDR": "203.0.113.7"}, False, "203.0.113.7"),
        ({"REMOTE_ADDR": "2001:db8:1:2:3:4:5:6"}, False, "2001:db8:1:2::/64"),
        ({"REMOTE_ADDR": "::ffff:203.0.113.7"}, False, "203.0.113.7"),  # IPv4 as a socket for both shows it
        ({"REMOTE_ADDR": "203.0.113.7", "HTTP_X_FORWARDED_FOR": "198.51.100.1"}, False, "203.0.113.7"),  # anybody can write that
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "6.6.6.6, 198.51.100.1"}, True, "198.51.100.1"),  # the last word is our proxy's
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "nonsense"}, True, "unknown"),
        ({"REMOTE_ADDR": ""}, False, "unknown"),
    ],
)
def test_where_a_visit_comes_from(settings: Any, meta: dict[str, str], proxied: bool, found: str) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if proxied else None
    assert connection_of(RequestFactory().get("/", **meta)) == found  # type: ignore[arg-type]


def test_no_address_is_kept(cast: Any) -> None:
    Client(REMOTE_ADDR="203.0.113.7").get(place(SURVEY, door_token(SURVEY, user=cast.anna.pk)))
    assert "203.0" not in str(list(DoorBucket.objects.values()))


def test_what_no_longer_matters_is_forgotten(cast: Any) -> None:
    DoorBucket.objects.create(key="old", level=0, at=timezone.now() - timedelta(hours=3))
    DoorUse.objects.create(digest="old", scope="survey", at=timezone.now() - timedelta(days=501))
    DoorUse.objects.create(digest="new", scope="survey")
    clear()
    assert not DoorBucket.objects.exists() and DoorUse.objects.get().digest == "new"


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.text(min_size=1, max_size=80).filter(lambda text: "/" not in text))
def test_no_token_breaks_it(text: str) -> None:
    with pytest.raises(door.Shut) as shut:
        door.look(SURVEY, text)
    assert shut.value.status == 404 and shut.value.message


@pytest.mark.django_db(transaction=True)
def test_twenty_at_once_are_one(cast: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "_take", lambda *_: 0.0)  # how often is not what this is about
    address, codes, gate = place(SURVEY, door_token(SURVEY, user=cast.anna.pk)), Counter[int](), threading.Barrier(20)

    def post() -> None:
        gate.wait()
        try:
            codes[Client().post(address, {"text": "gut"}).status_code] += 1
        finally:
            connections.close_all()

    threads = [threading.Thread(target=post) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == {200: 1, 410: 19} and Notification.objects.count() == 1
