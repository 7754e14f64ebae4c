"""What takes too long is stopped by the database and told in words; how the page's processes are set."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import override_settings

from crm.core.models import OnceKey
from crm.devstack.places import ROOT


@pytest.mark.django_db
@pytest.mark.urls("tests.core.slow_urls")
@pytest.mark.parametrize("htmx", [False, True])
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_statement_that_took_too_long_is_told_in_words(cast: Any, sign_in: Any, method: str, htmx: bool) -> None:
    anna = sign_in(cast.anna)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '300ms'")
    answer = getattr(anna, method)("/slow/", htmx=htmx)
    text = answer.content.decode()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert "zu lange gedauert" in text and "Datenbank" not in text
    assert ("<html" not in text) if htmx else ("<html" in text)
    if method == "post":
        assert not OnceKey.objects.exists()  # the key is free: the same form may be sent again


@pytest.mark.django_db
def test_without_valkey_pages_come_and_the_rest_is_told_in_words(cast: Any, sign_in: Any, settings: Any, client: Any) -> None:
    anna = sign_in(cast.anna)
    with override_settings(CACHES={"default": {**settings.CACHES["default"], "LOCATION": "unix:///nowhere.sock"}}):
        for page in ("/today/", "/sales/opportunities/", "/contacts/people/", "/metrics"):
            assert anna.get(page).status_code in (200, 404), page
        answer = client.post("/accounts/login/", {"login": "anna@lotse.test", "password": "falsch"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert "ein Teil von Lotse" in answer.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("htmx", [False, True])
def test_a_database_that_is_gone_is_told_in_words_also_before_any_page(cast: Any, sign_in: Any, htmx: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader is looked up by the middleware: what breaks there comes by no view."""
    anna = sign_in(cast.anna)
    anna.raise_request_exception = False

    def gone(*_: Any) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr("django.contrib.auth.middleware.get_user", gone)
    answer = anna.get("/today/", htmx=htmx)
    text = answer.content.decode()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert "Datenbank ist gerade nicht erreichbar" in text and ("<html" in text) is not htmx
    assert "verständlich" not in text


def settings_under(**variables: str) -> dict[str, Any]:
    """OPTIONS of the database as a start with these variables has them."""
    code = "import json; from crm import settings as s; print(json.dumps([s.DATABASES['default']['OPTIONS'], s.DATABASES['default']['DISABLE_SERVER_SIDE_CURSORS']]))"
    plain = {"PATH": os.environ["PATH"], "SECRET_KEY": "x", "DATABASE_URL": "postgresql://a@b/c?options=-c%20jit%3Doff", "REDIS_URL": "unix:///", "LOTSE_STATIC": "plain"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={**plain, **variables}, capture_output=True, text=True, check=True)
    options, without_cursors = json.loads(done.stdout)
    return {**options, "without_cursors": without_cursors}


def test_the_pages_connections_have_limits_and_a_pooler_gets_no_options() -> None:
    limits = {"LOTSE_DB_STATEMENT_TIMEOUT": "30", "LOTSE_DB_IDLE_TIMEOUT": "60"}
    assert settings_under(**limits)["options"] == "-c jit=off -c statement_timeout=30s -c idle_in_transaction_session_timeout=60s"
    assert settings_under()["options"] == "-c jit=off"
    assert settings_under(**limits, LOTSE_DB_POOLED="1") == {"options": "-c jit=off", "without_cursors": True}


def test_a_worker_tells_glibc_to_give_back_what_is_free() -> None:
    """What it does for the size of a worker is measured by the proof "fuzz"; here only that it can be said, and that other C libraries are no error."""
    steps = "import crm.gunicorn as ours; ours.keep_little(); ours.give_back(); ours._c.clear(); ours.keep_little(); ours.give_back()"
    subprocess.run([sys.executable, "-c", steps], cwd=ROOT, check=True)


def test_what_workers_share_is_there_before_they_part() -> None:
    """Every view and every template of ours, the addresses and words of each language; and no connection, which nobody may share."""
    steps = """
import sys, django
django.setup()
from django.db import connection
from django.template import engines
from django.urls import get_resolver
from django.utils.translation import trans_real
from crm.core.warm import warm_up
from service.calendars import holidays_of
from tests.architecture.test_doors import routes
warm_up()
known = {name for loader in engines["django"].engine.template_loaders for name in loader.get_template_cache}
before = set(sys.modules)
list(routes())
holidays_of("BY", 2026)
print(connection.connection, set(sys.modules) - before, sorted(trans_real._translations), sorted(get_resolver()._reverse_dict), "crud/_table.html" in known, len(known) > 200)
"""
    nowhere = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "REDIS_URL": "redis://127.0.0.1:1/0"}  # asking would be an error
    environment = {**os.environ, **nowhere, "LOTSE_DEBUG": "", "DJANGO_SETTINGS_MODULE": "crm.settings"}
    done = subprocess.run([sys.executable, "-c", steps], cwd=ROOT, check=True, env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == "None set() ['de', 'en'] ['de', 'en'] True True", done.stdout


def test_gunicorn_takes_its_settings_from_one_place() -> None:
    for place in ("docker-compose.yml", "Dockerfile", "crm/devstack/supervisor.py"):
        text = (ROOT / place).read_text(encoding="utf-8")
        assert "python:crm.gunicorn" in text and "--workers" not in text and "--threads" not in text
    command = [sys.executable, "-m", "gunicorn", "crm.wsgi", "--config", "python:crm.gunicorn", "--check-config"]
    subprocess.run(command, cwd=ROOT, check=True, env={**os.environ, "LOTSE_WEB_WORKERS": "3"})
