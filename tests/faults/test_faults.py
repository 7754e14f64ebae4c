"""What the house is built on is struck while people work in it: nothing that was acknowledged is missing, and it stands again by itself."""

from __future__ import annotations

import hashlib
import os
import random
import secrets
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from celery import Celery

from crm.devstack.places import ROOT
from crm.devstack.services import NAME, Postgres, Valkey
from tests.faults.hands import CONTACT, ENTRY, FORMS, HEALED, PAGES, Ledger, Staff, Way, plain, until
from tests.faults.house import Supervised
from tests.pageforms import forms_of

pytestmark = pytest.mark.django_db  # its tables are copied into the house

WAITING = """SELECT 'event ' || to_jsonb(core_event)::text AS thing FROM core_event WHERE done_at IS NULL AND at < '{0}'
    UNION ALL SELECT 'job ' || to_jsonb(core_job)::text FROM core_job WHERE finished_at IS NULL AND created_at < '{0}'
    UNION ALL SELECT 'mail ' || (to_jsonb(core_outgoingmail) - 'body')::text FROM core_outgoingmail WHERE state <> 'accepted' AND planned_at < '{0}'"""


def told(figures: Any, house: Supervised, ledger: Ledger, seconds: list[float], before: set[int]) -> None:
    """What every fault has to keep."""
    figures.record("answers of 500, hanging or without words", len(ledger.unsaid), "; ".join(ledger.unsaid[:2]), "0", not ledger.unsaid)
    figures.record("refused forms that did not come back with what was typed", len(ledger.not_given_back), "forms", "0", not ledger.not_given_back)
    figures.record("stands again after at most", round(max(seconds), 1), "s", f"≤ {HEALED} s", max(seconds) <= HEALED)
    until(lambda: len(house.own_processes()) == len(before), HEALED)
    now = house.own_processes()
    figures.record("processes of ours that ended, and came back by themselves", len(before - now), "processes", "all stand", len(now) == len(before))


def kept(figures: Any, house: Supervised, ledger: Ledger, ways: list[Way]) -> None:
    """Nothing that was acknowledged is missing."""
    missing, double = ledger.missing_and_double(house.ask, ways)
    figures.record("acknowledged", len(ledger.times), "forms", "> 0", len(ledger.times) > 0)
    figures.record("… of these missing", len(missing), "forms", "0", not missing)
    figures.record("… there twice", len(double), "forms", "0", not double)


# --- Postgres ----------------------------------------------------------------------------------------------------------


def strike_postgres(house: Supervised, ledger: Ledger, writes: int) -> float:
    """kill -9 in the middle of the work; the seconds until a page comes and a form is saved."""
    ledger.work(writes)
    time.sleep(random.uniform(0, 0.5))
    moment = time.monotonic()
    house.strike("postgres")
    struck = time.monotonic()
    ledger.wait(lambda: max(ledger.saved_since(struck), ledger.shown_since(struck)) < float("inf"), HEALED)
    return max(ledger.saved_since(struck), ledger.shown_since(struck)) - moment


@pytest.mark.proof("postgres-kill")
def test_postgres_killed_under_writers(house: Supervised, figures: Any, prove_full: bool) -> None:
    blows, before = 25 if prove_full else 2, house.own_processes()
    with Staff(house.staff, FORMS, PAGES) as ledger:
        seconds = [strike_postgres(house, ledger, 60 if prove_full else 8) for _ in range(blows)]
    figures.record("kill -9 of Postgres and all its children", blows, f"times under {len(house.staff)} writers")
    kept(figures, house, ledger, FORMS)
    told(figures, house, ledger, seconds, before)


@pytest.mark.proof("postgres-kill")
def test_red_control_an_acknowledgement_before_the_disk_has_it_is_missing(house: Supervised, figures: Any) -> None:
    house.ask("ALTER SYSTEM SET wal_writer_delay = '10s'")
    house.ask(f"ALTER DATABASE {NAME} SET synchronous_commit = off")
    house.ask("SELECT pg_reload_conf()")
    house.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'")
    missing: list[str] = []
    try:
        for _ in range(5):  # what anybody else writes to the disk in the same moment takes theirs along
            with Staff(house.staff, [ENTRY, CONTACT], PAGES) as ledger:  # what a cell was typed over is lost, too
                strike_postgres(house, ledger, 16)
            missing, _double = ledger.missing_and_double(house.ask, [ENTRY, CONTACT])
            if missing:
                break
    finally:
        house.ask("ALTER SYSTEM RESET wal_writer_delay")
        house.ask(f"SET synchronous_commit = on; ALTER DATABASE {NAME} RESET synchronous_commit")  # or the blow below takes this away, too
        house.ask("SELECT pg_reload_conf()")
        house.strike("postgres")  # who is connected still commits as before
        until(Postgres(house.stack).ready, HEALED)
    figures.record("red control: missing where an answer does not wait for the disk", len(missing), "forms", "> 0", len(missing) > 0)


# --- Valkey ------------------------------------------------------------------------------------------------------------


def queued(house: Supervised) -> list[Way]:
    """Forms of which a worker has the rest to do: a complaint (an event, of which greta is told) and an answer (a mail)."""
    complaint = {"type": "complaint", "party": house.customer}
    answer = {"way": "answer", "to": "einkauf@kunde.test"}
    return [
        Way("complaint", "/service/cases/new/", "heading", f"SELECT regexp_replace(text, '.* ', '') FROM core_notification WHERE user_id = {house.greta}", complaint),
        Way("answer", f"/service/cases/{house.case}/", "body", "SELECT substring(body FROM '^[a-z]{14}') FROM core_outgoingmail WHERE state = 'accepted'", answer),
    ]


def begin_import(house: Supervised, word: str) -> tuple[str, Any]:
    """A file is brought and its columns are understood: the form that starts the job."""
    person = next(iter(house.staff.values()))
    form = person.form("/sales/imports/new/", "files")
    assert form
    sent = person.post(form.action, {**{name: values[0] for name, values in form.values.items()}, "source": word}, files={"files": (f"{word}.csv", f"Firma;Ort\n{word};Bremen\n".encode())})
    assert sent.status == 302, (sent.status, sent.text[-2000:])
    found = person.form(sent.location, "pipeline")
    assert found
    return found.action, found.values


def nothing_waits(house: Supervised) -> Callable[[], bool]:
    """Whether every event, job and mail that is there now has been done."""
    (moment,) = house.ask("SELECT now()::text")[0]
    return lambda: house.count(f"SELECT count(*) FROM ({WAITING.format(moment)}) AS waiting") == 0


def what_waits(house: Supervised) -> str:
    """For whoever reads why the measure failed."""
    rows = house.ask(WAITING.format("infinity"))
    return f"{len(rows)} wait, the first: " + "; ".join(str(row[0])[:600] for row in rows[:4]) + "\n" + (house.folder / "house.log").read_text()[-4000:]


@pytest.mark.proof("valkey-kill")
def test_valkey_killed_and_emptied(house: Supervised, figures: Any, prove_full: bool) -> None:
    blows, ways, seconds, before = 50 if prove_full else 1, queued(house), [], house.own_processes()
    person, started = next(iter(house.staff.values())), 0
    jobs = house.count("SELECT count(*) FROM core_job WHERE state = 'done' AND kind LIKE 'sales.%'")
    with Staff(house.staff, ways, PAGES, pause=0.3) as ledger:
        for blow in range(blows):
            action, typed = begin_import(house, f"Quelle {blow} {random.random()}")
            ledger.work(8)
            if blow % 2 == 0:
                house.flush_valkey()
            house.strike("valkey-server")
            started += person.post(action, typed).status == 302
            house.hold_down("valkey-server", random.uniform(0, 2) if prove_full else 0)
            if blow % 5 == 0:  # the others strike what has not quite healed
                seconds.append(ledger.wait(nothing_waits(house), HEALED + 30))
                assert seconds[-1] < HEALED + 30, what_waits(house)
    until(nothing_waits(house), HEALED)
    figures.record("kill -9 of Valkey, the first and every other time emptied", blows, "times")
    kept(figures, house, ledger, ways)
    left, meant = Counter(mail.body.split()[0] for mail in house.sink.accepted()), ledger.acknowledged["answer"]
    figures.record("mails that did not leave exactly once", sum(left[word] != 1 for word in meant), f"of {len(meant)} mails", "0", all(left[word] == 1 for word in meant))
    jobs = house.count("SELECT count(*) FROM core_job WHERE state = 'done' AND kind LIKE 'sales.%'") - jobs
    figures.record("jobs done of those acknowledged while Valkey was down", jobs, "jobs", str(started), jobs == started == blows)
    refused = sum(ledger.refusals.values()) + sum(status != 200 for _began, _ended, status in ledger.looks)
    figures.record("pages and forms refused meanwhile", refused, f"of {len(ledger.looks) + len(ledger.times)}", "0", not refused)
    told(figures, house, ledger, seconds, before)


@pytest.mark.proof("valkey-kill")
def test_red_control_a_task_told_to_the_broker_alone_is_lost(house: Supervised, figures: Any) -> None:
    broker, words = Celery(broker=Valkey(house.stack).url.replace("unix://", "redis+socket://"), set_as_current=False), [f"nur{number}" for number in range(20)]
    for word in words:
        broker.send_task("tests.faults.careless.note_down", args=[house.greta, word])
    until(lambda: house.count("SELECT count(*) FROM core_notification WHERE text = 'nur1'"), 20)
    house.flush_valkey()
    house.strike("valkey-server")
    until(Valkey(house.stack).ready, HEALED)
    time.sleep(2)  # the two in work are done
    lost = len(words) - house.count("SELECT count(DISTINCT text) FROM core_notification WHERE text LIKE 'nur%'")
    broker.close()
    figures.record("red control: lost where only the broker knew", lost, f"of {len(words)} tasks", "> 0", lost > 0)


# --- the disk ----------------------------------------------------------------------------------------------------------

LONG = replace(ENTRY, tail=12_000)  # what grows finds soonest that there is no room
WAL = "SELECT pg_logical_emit_message(false, 'full', repeat('x', 4000000))"


def lay_by_log(house: Supervised) -> None:
    """Room for the log of writes that is there already, so that Postgres goes on for a while on a full disk: how long would else be chance."""
    for _ in range(4):
        house.ask(WAL)
        house.ask("SELECT pg_switch_wal()")
    house.ask("CHECKPOINT")  # a log that is over lies ready under its next name


@pytest.fixture
def small_disks(house: Supervised) -> Iterator[None]:
    """Disks that can be filled; empty again afterwards."""
    if not house.disk.real:
        pytest.skip("only root can mount a small disk (ext4 over a loop device)")
    yield
    house.disk.make_room()
    house.files.make_room()


@pytest.mark.proof("disk-full")
def test_disk_of_postgres_full(house: Supervised, small_disks: None, figures: Any, prove_full: bool) -> None:
    ways, before = [LONG, CONTACT], house.own_processes()
    with Staff(house.staff, ways, PAGES) as ledger:
        lay_by_log(house)
        ledger.work(8)
        house.disk.fill()
        full = time.monotonic()
        assert ledger.wait(lambda: ledger.refusals[503] > 8, HEALED) < HEALED, ledger.refusals
        time.sleep(30 if prove_full else 1)
        refused, watched = ledger.refused_between(full, time.monotonic()), time.monotonic() - full
        stood, vague = house.count("SELECT 1") == 1, ledger.refusals[503] - ledger.named["Speicherplatz"]
        until(lambda: house.ask(WAL) == [], HEALED)  # now there is no room for the log of all writes either, and Postgres ends
        time.sleep(230 if prove_full else 1)
        house.disk.make_room()
        freed = time.monotonic()
        ledger.wait(lambda: max(ledger.saved_since(freed), ledger.shown_since(freed)) < float("inf"), HEALED + 30)
        seconds = max(ledger.saved_since(freed), ledger.shown_since(freed)) - freed
    figures.record("forms refused for want of room", ledger.refusals[503], "forms", "> 0", ledger.refusals[503] > 0)
    figures.record("… that do not say that it is the disk", vague, "forms", "0", not vague)
    figures.record("pages refused while Postgres stood", refused, f"of those asked for in {watched:.0f} s", "0", stood and not refused)
    kept(figures, house, ledger, ways)
    told(figures, house, ledger, [seconds], before)


def imports_of(house: Supervised) -> tuple[int, int]:
    """Kept import files, and how many of them do not hold what their name says."""
    kept = [path for path in (house.files.folder / "media" / "imports").rglob("*") if path.is_file()]
    return len(kept), sum(hashlib.sha256(path.read_bytes()).hexdigest() != path.name for path in kept)


@pytest.mark.proof("disk-full")
def test_disk_of_the_files_full(house: Supervised, small_disks: None, figures: Any, prove_full: bool) -> None:
    person = next(iter(house.staff.values()))
    form = person.form("/sales/imports/new/", "files")
    assert form
    content = b"Firma;Ort\n" + b"".join(b"%s;Bremen\n" % secrets.token_hex(20).encode() for _ in range(120_000))
    begun, (files, _halves) = house.count("SELECT count(*) FROM sales_importrun"), imports_of(house)
    typed = {**{name: values[0] for name, values in form.values.items()}, "source": "Altes System Nord"}
    unsaid, lost = [], 0
    for room in (len(content) * 3 // 2, len(content) // 2):  # it is received and cannot be kept; it cannot even be received
        house.files.make_room()
        house.files.fill(but=room)
        free = house.files.free()
        answer = person.post(form.action, {**typed, "_key": str(uuid.uuid4())}, files={"files": ("kunden.csv", content)})
        lost += not any("Altes System Nord" in found.values.get("source", []) for found in forms_of(answer.text, form.action))
        if answer.status not in (422, 503) or "Speicherplatz" not in answer.text:
            unsaid.append(f"{answer.status} {plain(answer.text)[:200]}")
        assert until(lambda: house.files.free() >= free - 65_536, 5) < 5, "what could not be kept lies about"  # noqa: B023 - asked at once
    figures.record("uploads refused without words", len(unsaid), "; ".join(unsaid), "0", not unsaid)
    figures.record("… without what was typed", lost, "forms", "0", not lost)
    halves = imports_of(house)[1] + house.count("SELECT count(*) FROM sales_importrun") - begun
    figures.record("half files taken for whole ones", halves, "files", "0", not halves)
    house.files.make_room()
    sent = person.post(form.action, {**typed, "_key": str(uuid.uuid4())}, files={"files": ("kunden.csv", content)})
    figures.record("the same file, when there is room", sent.status, "", "302, whole", sent.status == 302 and imports_of(house) == (files + 1, 0))


@pytest.mark.proof("disk-full")
def test_red_control_written_in_its_place_a_file_is_half_there(house: Supervised, small_disks: None, figures: Any) -> None:
    content = secrets.token_bytes(300_000)
    path = house.files.folder / "media" / "imports" / hashlib.sha256(content).hexdigest()
    path.parent.mkdir(parents=True, exist_ok=True)
    house.files.fill(but=100_000)
    with suppress(OSError):
        path.write_bytes(content)
    halves = imports_of(house)[1]
    path.unlink()
    figures.record("red control: half files where nobody writes beside first", halves, "files", "1", halves == 1)


@pytest.mark.proof("disk-full")
def test_disk_of_the_backups_full(house: Supervised, small_disks: None, figures: Any, prove_full: bool) -> None:
    place = house.files.folder / "backups"
    house.files.fill(but=100_000)

    def back_up() -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "manage.py", "backup", str(place)], cwd=ROOT, env={**os.environ, **house.environment}, capture_output=True, text=True)

    done = back_up()
    said = "could not be written" in done.stderr and "No space left" in done.stderr and "Traceback" not in done.stderr
    figures.record("a backup for which there is no room", done.returncode, done.stderr.strip()[-200:], "refused in words", done.returncode != 0 and said)
    left = [path.name for path in place.iterdir()] if place.exists() else []
    figures.record("… left of it", len(left), "files", "0", not left)
    if prove_full:
        house.files.make_room()
        done = back_up()
        figures.record("the same, when there is room", done.returncode, done.stdout.strip()[-200:], "0", done.returncode == 0)
