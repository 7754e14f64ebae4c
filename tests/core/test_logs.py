"""Log lines as JSON: what they tell of a request and a task, and what they keep to themselves."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import IntegrityError
from django.test import RequestFactory

from accounts.models import User
from crm.celery import app
from crm.core import logs, tasks
from crm.core.work import request_id


class Lines(io.StringIO):
    """What was written, as objects."""

    def __iter__(self) -> Iterator[dict[str, Any]]:  # type: ignore[override]
        return (json.loads(line) for line in self.getvalue().splitlines())

    def access(self) -> dict[str, Any]:
        (found,) = [line for line in self if line["logger"] == "lotse.access"]
        return found


@pytest.fixture
def lines() -> Iterator[Lines]:
    """The log as production writes it."""
    written = Lines()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logs.Json())
    handler.addFilter(logs.About())
    root, before = logging.getLogger(), logs.access.level
    root.addHandler(handler)
    logs.access.setLevel(logging.INFO)
    yield written
    root.removeHandler(handler)
    logs.access.setLevel(before)


@pytest.mark.django_db
def test_a_request_is_one_line(cast: Any, sign_in: Any, lines: Lines) -> None:
    answer = sign_in(cast.anna).get("/contacts/people/", {"q": "Geheim"})
    line = lines.access()
    assert answer.status_code == 200 and answer.headers["X-Request-Id"] == line["request"]
    assert (line["method"], line["path"], line["status"], line["user"], line["level"]) == ("GET", "/contacts/people/", 200, cast.anna.pk, "INFO")
    assert line["ms"] > 0 and line["time"].endswith("+00:00")
    assert "Geheim" not in lines.getvalue()


@pytest.mark.django_db
def test_what_is_typed_and_the_links_of_strangers_are_kept_out(client: Any, lines: Lines) -> None:
    token = "Im5ldHRlciBWZXJzdWNoIg:1wabcd:0123456789abcdefghij"
    client.get(f"/consent/choose/{token}/")
    client.post("/accounts/login/", {"login": "karla@geheim.test", "password": "ein langer Satz"})
    written = lines.getvalue()
    assert "geheim" not in written and token not in written and "langer" not in written
    assert any("…" in line.get("path", "") for line in lines)


@pytest.mark.django_db
def test_an_error_is_told_without_the_values_the_database_names(cast: Any, lines: Lines) -> None:
    try:
        User.objects.create(username="doppelt", email=cast.anna.email, team=cast.anna.team)
    except IntegrityError:
        logging.getLogger("lotse.tasks").exception("it failed")
    (line,) = [line for line in lines if line["message"] == "it failed"]
    assert "UniqueViolation: duplicate key value violates" in line["error"] and "IntegrityError: " in line["error"] and "test_logs.py" in line["error"]
    assert cast.anna.email not in line["error"] and "DETAIL" not in line["error"]


def test_djangos_own_words_hold_no_token(lines: Lines) -> None:
    request = RequestFactory().get("/u/0123456789abcdefghijkl/", {"a": "geheim"})
    logging.getLogger("django.request").error("Internal Server Error: %s", request.path, extra={"status_code": 500, "request": request})
    assert [line["message"] for line in lines] == ["Internal Server Error: /u/…/"]


def test_a_task_knows_who_asked_for_it(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: dict[str, Any] = {}
    monkeypatch.setattr(tasks.current_app, "send_task", lambda name, **facts: sent.update(facts), raising=False)
    monkeypatch.setattr(tasks.transaction, "on_commit", lambda act: act())
    token = request_id.set("4711")
    tasks.ring("crm.core.tasks.run_schedule", "x")
    request_id.reset(token)

    @app.task(name="tests.speaks")
    def speaks() -> None:
        logging.getLogger("lotse.tasks").info("at work")

    speaks.apply(task_id="t-1", headers=sent["headers"])
    words = {line["message"]: (line.get("task"), line["request"]) for line in lines}
    assert words["at work"] == words["task tests.speaks"] == ("t-1", "4711")
    assert request_id.get() == ""
    assert isinstance(tasks.tick, logs.Traced)


def test_a_wrong_word_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.core.exceptions import ImproperlyConfigured

    from crm import env

    monkeypatch.setenv("LOTSE_LOG", "xml")
    with pytest.raises(ImproperlyConfigured, match="LOTSE_LOG must be one of plain, json, not 'xml'"):
        env.choice("LOTSE_LOG", ("plain", "json"), "plain")
