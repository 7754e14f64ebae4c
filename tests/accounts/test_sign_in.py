"""Signing in: by address and password, limited, without telling who exists; mails are our rows in the reader's language."""

from __future__ import annotations

import itertools
import re
import time
from types import SimpleNamespace
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.core.internal import ratelimit
from django.conf import settings
from django.core.cache import cache
from django.test import override_settings
from django.urls import reverse

from accounts.models import Membership, Role, User
from accounts.services import deactivate_user
from crm.core.models import Change, OutgoingMail
from crm.demo.sign_ins import PASSWORD, demo_users

pytestmark = pytest.mark.django_db
SECRET = "ein langer Satz 7"
LOGIN, RESET = "/accounts/login/", "/accounts/password/reset/"


@pytest.fixture(autouse=True)
def limits_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left over, and tries follow each other by a hundredth of a second: a slow machine must not leave the window."""
    cache.clear()
    ticks = itertools.count(time.time(), 0.01)
    monkeypatch.setattr(ratelimit, "time", SimpleNamespace(time=lambda: next(ticks), monotonic=time.monotonic, sleep=time.sleep))


@pytest.fixture
def anna(cast: Any) -> User:
    cast.anna.set_password(SECRET)
    cast.anna.save()
    EmailAddress.objects.create(user=cast.anna, email=cast.anna.email, verified=True, primary=True)
    return cast.anna  # type: ignore[no-any-return]


def enter(client: Any, email: str, password: str = SECRET) -> Any:
    return client.post(LOGIN, {"login": email, "password": password})


@pytest.mark.parametrize("typed", ["anna@lotse.test", "Anna@Lotse.TEST"])
def test_sign_in_by_address(anna: User, client: Any, typed: str) -> None:
    answer = enter(client, typed)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    cookie = answer.cookies[settings.SESSION_COOKIE_NAME]
    assert cookie["httponly"] and cookie["samesite"] == "Lax" and bool(cookie["secure"]) == settings.HTTPS
    assert client.get(reverse("notifications")).status_code == 200


def test_the_user_name_opens_nothing(anna: User, client: Any) -> None:
    assert enter(client, "anna").status_code == 200


def test_a_wrong_password_and_an_unknown_address_read_the_same(anna: User, client: Any) -> None:
    texts = [enter(client, email, "falsch falsch").context["form"].non_field_errors() for email in ("anna@lotse.test", "nobody@lotse.test")]
    assert texts[0] and texts[0] == texts[1]


def test_five_failures_lock_the_account_for_a_while_even_for_the_right_password(anna: User, client: Any) -> None:
    for _ in range(5):
        assert enter(client, "anna@lotse.test", "falsch falsch").status_code == 200
    locked = enter(client, "anna@lotse.test")
    assert locked.status_code == 200 and locked.context["form"].errors
    assert enter(client, "ben@lotse.test").status_code == 200


def test_one_address_may_not_try_for_ever(cast: Any, client: Any) -> None:
    answers = [list(enter(client, f"x{n}@lotse.test", "falsch falsch").context["form"].non_field_errors()) for n in range(12)]
    assert answers[-1] != answers[0]


def test_too_many_requests_are_told_in_words(cast: Any, client: Any) -> None:
    with override_settings(ACCOUNT_RATE_LIMITS={"login": "1/m/ip"}):
        answers = [enter(client, "nobody@lotse.test") for _ in range(2)]
    assert answers[1].status_code == 429 and "l-empty" in answers[1].content.decode()


def test_a_switched_off_person_stays_out(anna: User, cast: Any, client: Any) -> None:
    deactivate_user(anna, by=cast.emil)
    answer = enter(client, "anna@lotse.test")
    assert answer.headers["Location"] == reverse("account_inactive")
    assert client.get("/profile/").status_code == 302
    client.post(RESET, {"email": "anna@lotse.test"})
    assert not OutgoingMail.objects.exists()


@pytest.mark.parametrize("language", ["de", "en"])
def test_a_new_password_by_mail(anna: User, client: Any, language: str) -> None:
    User.objects.filter(pk=anna.pk).update(language=language)
    before = set(Change.objects.values_list("pk", flat=True))
    other = "de" if language == "en" else "en"
    answer = client.post(RESET, {"email": "anna@lotse.test"}, headers={"Accept-Language": other, "Host": "evil.example"})
    assert answer.status_code == 302
    mail = OutgoingMail.objects.get()
    assert mail.user == anna and mail.to == anna.email and mail.heading == ("Your new password for Lotse" if language == "en" else mail.heading)
    link = re.search(r"https?://\S+", mail.body).group()  # type: ignore[union-attr]
    assert link.startswith(settings.BASE_URL), "never what the Host header says"
    form = client.get(link.removeprefix(settings.BASE_URL), follow=True).redirect_chain[-1][0]
    weak = client.post(form, {"password1": "kurz", "password2": "kurz"})
    assert weak.status_code == 200 and weak.context["form"].errors["password1"]
    client.post(form, {"password1": "ein anderer Satz 8", "password2": "ein anderer Satz 8"})
    assert enter(client, "anna@lotse.test").status_code == 200
    assert enter(client, "anna@lotse.test", "ein anderer Satz 8").status_code == 302
    assert not Change.objects.exclude(pk__in=before).filter(origin="sql").exists(), "nothing is written without a label"


def test_a_reset_tells_nobody_who_exists(anna: User, client: Any) -> None:
    known, unknown = (client.post(RESET, {"email": email}) for email in ("anna@lotse.test", "nobody@lotse.test"))
    assert known.headers["Location"] == unknown.headers["Location"]
    assert OutgoingMail.objects.count() == 1


def test_nobody_signs_up(cast: Any, client: Any) -> None:
    facts = {"email": "eve@lotse.test", "password1": SECRET, "password2": SECRET}
    client.post("/accounts/signup/", facts)
    assert not User.objects.filter(email="eve@lotse.test").exists()


def test_addresses_are_not_changed_by_oneself(anna: User, sign_in: Any) -> None:
    browser = sign_in(anna)
    browser.post("/accounts/email/", {"email": "eve@lotse.test", "action_add": ""})
    assert EmailAddress.objects.count() == 1


def test_changing_the_password_ends_the_other_sessions(anna: User, client: Any, sign_in: Any) -> None:
    elsewhere = sign_in(anna)
    enter(client, "anna@lotse.test")
    new = "ein anderer Satz 8"
    assert client.post("/accounts/password/change/", {"oldpassword": SECRET, "password1": new, "password2": new}).status_code == 302
    assert client.get("/notifications/").status_code == 200
    assert elsewhere.get("/notifications/").status_code == 302


def test_profile_and_signing_out_elsewhere(anna: User, cast: Any, sign_in: Any) -> None:
    here, elsewhere = sign_in(anna), sign_in(anna)
    page = here.get("/profile/").content.decode()
    assert str(Role.objects.get(key="rep").label_de) in page and "Nord" in page
    assert here.post("/profile/", {"first_name": "Änne", "last_name": "Probe", "language": "en", "theme": "dark"}).status_code == 302
    anna.refresh_from_db()
    assert (anna.first_name, anna.language, anna.theme) == ("Änne", "en", "dark")
    wrong = here.post("/profile/", {"first_name": "x" * 200, "last_name": "Probe", "language": "xx", "theme": "dark"})
    assert wrong.status_code == 422 and wrong.context["form"].errors.keys() == {"first_name", "language"}
    assert here.post("/profile/sign-out-elsewhere/").status_code == 302
    assert here.get("/profile/").status_code == 200
    assert elsewhere.get("/profile/").status_code == 302


def test_the_language_can_be_switched_before_signing_in(cast: Any, client: Any) -> None:
    answer = client.post("/preferences/language/", {"language": "en", "next": LOGIN})
    assert answer.headers["Location"] == LOGIN
    assert 'lang="en"' in client.get(LOGIN).content.decode()
    assert client.post("/preferences/language/", {"language": "xx"}).status_code == 422


def test_demo_sign_ins_show_only_where_the_demo_is_on(cast: Any, client: Any) -> None:
    katrin = User.objects.create(username="k", email="katrin.moeller@rheintal.example", first_name="Katrin", last_name="Möller")
    Membership.objects.create(user=katrin, team=cast.firm.north, role=Role.objects.get(key="rep"))
    assert demo_users() == [] and PASSWORD not in client.get(LOGIN).content.decode()
    with override_settings(SHOW_DEMO_SIGN_INS=True):
        page = client.get(LOGIN).content.decode()
        assert "Katrin Möller" in page and PASSWORD in page
        assert "anna@lotse.test" not in page
