"""The door of /metrics, its figures, and what reading them costs."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, timedelta
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
from crm.core.mail.answers import Answer, Meaning
from crm.core.mail.kinds import kind_of, kinds
from crm.core.mail.plan import draft_mail, plan_many
from crm.core.mail.queue import Ended, write_end
from crm.core.mail.run import Run
from crm.core.models import Drill, Event, Job, MailboxSetup, MailSetup, OutgoingMail
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


def put_off(mail: OutgoingMail) -> None:
    """The mail server answers, and takes nothing."""
    MailSetup.current()
    run = Run()
    OutgoingMail.objects.filter(pk=mail.pk).update(due_at=timezone.now())
    (row,) = run.claim("")
    assert run.mark_handing(row, None)
    row.refresh_from_db()
    write_end(Ended(row, Answer(Meaning.LATER, 530, "5.7.0 Authentication required")), run.worker)
    run.close()


@pytest.mark.parametrize("kind", ["account", "notification"])
def test_a_mail_that_is_put_off_again_and_again_has_waited_since_the_first_time(cast: Any, kind: str) -> None:
    mail = plan_mail(Recipient("a@x.test", "de"), once="a", heading="x", body="x", kind=kind)
    put_off(mail)
    begun = timezone.now() - timedelta(hours=2)
    OutgoingMail.objects.update(give_up_at=begun + kind_of(kind).patience)
    for _ in range(3):
        put_off(mail)
        mail.refresh_from_db()
        assert mail.state == "deferred" and mail.due_at > timezone.now()
        assert 7200 <= read()["lotse_mails_oldest_seconds"] < 7260


def test_a_mail_for_later_does_not_wait_before_its_time(cast: Any) -> None:
    plan_mail(Recipient("a@x.test", "de"), once="a", heading="x", body="x", kind="consent", at=timezone.now() + timedelta(days=2))
    OutgoingMail.objects.update(planned_at=timezone.now() - timedelta(days=3))
    assert read()["lotse_mails_oldest_seconds"] == 0


def test_a_mailbox_in_trouble_is_told() -> None:
    MailboxSetup.current()
    house, now = MailboxSetup.objects.filter(pk=1), timezone.now()
    assert read()["lotse_inbox_trouble_seconds"] == 0
    house.update(host="h", active=True, looked_at=now - timedelta(hours=1), trouble="AUTHENTICATIONFAILED", trouble_at=now)
    assert 3600 <= read()["lotse_inbox_trouble_seconds"] < 3660
    house.update(looked_at=None, since=now.date() - timedelta(days=3))
    assert read()["lotse_inbox_trouble_seconds"] >= 3 * 86_400, "one that was never read counts from its day on"
    house.update(active=False)
    assert read()["lotse_inbox_trouble_seconds"] == 0, "nobody reads it"
    house.update(active=True, trouble="", trouble_at=None)
    assert read()["lotse_inbox_trouble_seconds"] == 0


def backup(folder: Path, at: Any, *, whole: bool = True, more: str = "") -> None:
    path = folder / f"lotse-{at.astimezone(UTC):%Y%m%d-%H%M%S}{more}"
    path.mkdir()
    if whole:
        (path / "manifest.json").touch()


def test_the_newest_whole_backup_has_an_age(settings: Any, tmp_path: Path) -> None:
    now, settings.BACKUP_FOLDER = timezone.now(), tmp_path / "there"
    assert "lotse_backup_age_seconds" not in read(), "no folder"
    settings.BACKUP_FOLDER.mkdir()
    (settings.BACKUP_FOLDER / "erasures.jsonl").touch()
    backup(settings.BACKUP_FOLDER, now, whole=False)
    backup(settings.BACKUP_FOLDER, now, more="-2", whole=False)
    assert "lotse_backup_age_seconds" not in read(), "none that is whole"
    backup(settings.BACKUP_FOLDER, now - timedelta(days=2))
    backup(settings.BACKUP_FOLDER, now - timedelta(days=1), more="-2")
    (settings.BACKUP_FOLDER / "lotse-of-yesterday").mkdir()
    (settings.BACKUP_FOLDER / "lotse-of-yesterday" / "manifest.json").touch()
    assert 86_400 <= read()["lotse_backup_age_seconds"] < 86_460


def test_the_last_drill_that_held_has_an_age() -> None:
    now = timezone.now()
    Drill.objects.create(started_at=now - timedelta(hours=1), finished_at=now, held=False, failed_at="restore")
    Drill.objects.create(started_at=now)
    assert "lotse_drill_age_seconds" not in read()
    Drill.objects.create(started_at=now - timedelta(days=3), finished_at=now - timedelta(days=3), held=True)
    assert 3 * 86_400 <= read()["lotse_drill_age_seconds"] < 3 * 86_400 + 60


def test_the_tick_leaves_its_time() -> None:
    cache.delete(monitoring.TICK)
    assert "lotse_tick_age_seconds" not in read()
    tick()
    assert 0 <= read()["lotse_tick_age_seconds"] < 10


def test_a_database_that_is_gone_is_a_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(sql: str, **_values: str) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(monitoring, "_rows", gone)
    found = read()
    assert found["lotse_database_up"] == 0 and "lotse_mails_oldest_seconds" not in found


def test_reading_is_cheap() -> None:
    """Four statements, those of the queues from partial indexes, whatever lies in the tables."""
    plan_many(draft_mail(Recipient(f"n{n}@x.test"), once=str(n), heading="x", body="x", kind="notification") for n in range(3_000))
    OutgoingMail.objects.update(state="accepted")
    OutgoingMail.objects.filter(once__lt="2").update(state="planned")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE core_outgoingmail")
        cursor.execute(f"EXPLAIN {monitoring._MAILS}", {"patience": json.dumps({kind.key: 60 for kind in kinds()})})
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert plan.count("using mail_") == 3 and "Seq Scan" not in plan, plan
    read()
    began = time.perf_counter()
    with CaptureQueriesContext(connection) as queries:
        read()
    assert len(queries) == 4
    assert time.perf_counter() - began < 0.2  # some 5 ms on a machine at rest


def test_the_runbook_names_figures_that_exist(cast: Any, sign_in: Any, settings: Any, tmp_path: Path) -> None:
    settings.BACKUP_FOLDER = tmp_path
    backup(tmp_path, timezone.now())
    Drill.objects.create(finished_at=timezone.now(), held=True)
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
