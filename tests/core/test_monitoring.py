"""The door of /metrics, its figures, and what reading them costs."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from contacts.models import Tag
from crm.core import monitoring
from crm.core.events import emit
from crm.core.mail import Recipient, plan_mail
from crm.core.mail.plan import draft_mail, plan_many
from crm.core.models import Event, Job, OutgoingMail
from crm.core.tasks import tick
from crm.devstack.places import ROOT
from tests.devstack.fresh_machine import Visitor, until

pytestmark = pytest.mark.django_db
TOKEN = "ein-langes-wort"


@pytest.fixture(autouse=True)
def opened(settings: Any) -> None:
    settings.METRICS_TOKEN = TOKEN


def read() -> dict[str, float]:
    answer = Client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/plain")
    return {name: float(value) for name, value in re.findall(r"^(lotse\S+) (\S+)$", answer.content.decode(), re.MULTILINE)}


@pytest.mark.parametrize("sent", [{}, {"Authorization": "Bearer falsch"}, {"Authorization": TOKEN}, {"Authorization": "Bearer "}])
def test_without_the_token_there_is_no_such_address(sent: dict[str, str], settings: Any) -> None:
    assert Client().get("/metrics", headers=sent).status_code == 404
    settings.METRICS_TOKEN = ""
    assert Client().get("/metrics", headers=sent).status_code == 404


def test_answers_are_counted_by_route(cast: Any, sign_in: Any) -> None:
    before = read()
    sign_in(cast.anna).get("/contacts/people/", {"q": "Geheim"})
    Client().get("/gibt-es-nicht/4711/")
    after = read()

    def grown(name: str) -> float:
        return after.get(name, 0) - before.get(name, 0)

    assert grown('lotse_requests_total{method="GET",route="person-list",status="2xx"}') == 1
    assert grown('lotse_request_seconds_count{route="person-list"}') == 1
    assert not any("4711" in name or "Geheim" in name for name in after)


def test_what_waits_is_told(cast: Any) -> None:
    plan_mail(Recipient("a@x.test", "de"), once="a", heading="x", body="x")
    plan_mail(Recipient("b@x.test", "de"), once="b", heading="x", body="x")
    OutgoingMail.objects.filter(once="a").update(due_at=timezone.now() - timedelta(minutes=10))
    OutgoingMail.objects.filter(once="b").update(state="unclear")
    Job.objects.create(kind="sales.import_check", by=cast.anna, label="x")
    Event.objects.all().delete()
    emit("sales.opportunity_won", Tag.objects.create(label_de="x", label_en="x"), by=cast.anna)
    Event.objects.update(at=timezone.now() - timedelta(minutes=5))
    found = read()
    assert (found['lotse_mails{state="planned"}'], found['lotse_mails{state="unclear"}'], found['lotse_mails{state="handing"}']) == (1, 1, 0)
    assert 600 <= found["lotse_mails_oldest_seconds"] < 660
    assert found['lotse_jobs{state="queued"}'] == 1
    assert found['lotse_events{state="waiting"}'] == 1 and 300 <= found["lotse_events_oldest_seconds"] < 360
    assert found["lotse_database_up"] == 1


def test_the_tick_leaves_its_time() -> None:
    cache.delete(monitoring.TICK)
    assert "lotse_tick_age_seconds" not in read()
    tick()
    assert 0 <= read()["lotse_tick_age_seconds"] < 10


def test_a_database_that_is_gone_is_a_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(sql: str) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(monitoring, "_rows", gone)
    found = read()
    assert found["lotse_database_up"] == 0 and "lotse_mails_oldest_seconds" not in found


def test_reading_is_cheap() -> None:
    """Three statements, each from a partial index, whatever lies in the tables."""
    plan_many(draft_mail(Recipient(f"n{n}@x.test"), once=str(n), heading="x", body="x", kind="notification") for n in range(3_000))
    OutgoingMail.objects.update(state="accepted")
    OutgoingMail.objects.filter(once__lt="2").update(state="planned")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE core_outgoingmail")
        cursor.execute(f"EXPLAIN {monitoring._MAILS}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert plan.count("using mail_") == 3 and "Seq Scan" not in plan, plan
    read()
    began = time.perf_counter()
    with CaptureQueriesContext(connection) as queries:
        read()
    assert len(queries) == 3
    assert time.perf_counter() - began < 0.2  # some 5 ms on a machine at rest


def test_the_runbook_names_figures_that_exist(cast: Any, sign_in: Any) -> None:
    sign_in(cast.anna).get("/contacts/people/")
    tick()
    there = {re.split(r"[{]", name)[0] for name in read()}
    named = set(re.findall(r"`(lotse_\w+)", (ROOT / "docs/operations.md").read_text(encoding="utf-8")))
    assert named and named <= there


def test_workers_that_are_replaced_count_on(tmp_path: Path) -> None:
    """Every answer is counted once, over more processes than there are files."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        bind = f"127.0.0.1:{probe.getsockname()[1]}"
    command = [sys.executable, "-m", "gunicorn", "crm.wsgi", "--config", "python:crm.gunicorn", "--bind", bind, "--max-requests", "15", "--max-requests-jitter", "0"]
    environment = {**os.environ, "LOTSE_METRICS_TOKEN": TOKEN, "TMPDIR": str(tmp_path)}
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    visitor = Visitor(f"http://{bind}")
    try:
        until(lambda: visitor.get("/health/") == "ok", 60)
        assert [visitor.get("/health/") for _ in range(60)] == ["ok"] * 60
        asked = urllib.request.Request(f"http://{bind}/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        with urllib.request.urlopen(asked, timeout=20) as answer:
            (counted,) = re.findall(r'^lotse_requests_total\{method="GET",route="health",status="2xx"\} (\S+)$', answer.read().decode(), re.MULTILINE)
        assert float(counted) == 61
        assert (tmp_path / "log").read_text().count("Booting worker") > 2
        assert len(list(tmp_path.glob("lotse-counts-*/*.db"))) <= 4
    finally:
        server.terminate()
        server.wait(40)
    assert not list(tmp_path.glob("lotse-counts-*"))
