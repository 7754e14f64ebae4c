"""Everybody works at once while a campaign leaves the house and an import comes in: nobody sees an error, and nobody waits much longer than on a quiet day."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from crm.devstack.places import ROOT
from tests.faults.hands import Person, until
from tests.faults.house import Supervised, supervised_house
from tests.imports.crowd_file import write_crowd
from tests.load.people import sessions
from tests.pageforms import PageForm, forms_of
from tests.proofs import Figures

pytestmark = [pytest.mark.django_db, pytest.mark.proof("load")]
GOAL = 3  # times the quiet p95


def move_in(house: Supervised) -> None:
    """The demo firm, and a session of each of its people."""
    house.run("manage.py", "seed")
    house.run("manage.py", "demo")
    with house.inside():
        people = sessions()
    (house.folder / "people.json").write_text(json.dumps(people))
    house.staff[0] = Person(house.bind, people["manager"][0])


@pytest.fixture(scope="module")
def house(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervised]:
    """The product under its supervisor, as the demo firm has it after eighteen months."""
    with django_db_blocker.unblock(), supervised_house(tmp_path_factory.mktemp("load"), size=6000, files_size=2000, fill=move_in) as found:
        yield found


@dataclass(frozen=True)
class Watched:
    """What people saw: times in ms by how often they were measured, and what went wrong."""

    requests: int
    errors: list[str]
    times: Counter[int]
    slowest: list[tuple[str, int]]

    def percentile(self, share: float) -> int:
        """The time within which this share of all answers came (Locust keeps times above 100 ms to two digits)."""
        left = share * sum(self.times.values())
        for took in sorted(self.times):
            left -= self.times[took]
            if left <= 0:
                return took
        return 0


def people_work(house: Supervised, users: int, seconds: int, *, pause: float, people: Path | None = None) -> Watched:
    """So many people of all roles, for so long once all are there. `pause`: times those of a person who reads."""
    stats = house.folder / f"load-{uuid.uuid4().hex}"
    words = ["-f", "tests/load/locustfile.py", "--headless", "--host", f"http://{house.bind}", "-u", str(users), "-r", str(max(1, users // 6))]
    words += ["-t", f"{seconds}s", "--reset-stats", "--skip-log", "--json-file", str(stats), "--exit-code-on-error", "0", "--stop-timeout", "20"]
    environment = {**os.environ, "LOTSE_LOAD_PEOPLE": str(people or house.folder / "people.json"), "LOTSE_LOAD_PAUSE": str(pause), "LOTSE_LOAD_FAILED": f"{stats}.failed", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-m", "locust", *words], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=seconds + 120)
    written = stats.with_suffix(".json")
    assert written.exists(), done.stderr[-3000:]
    rows = json.loads(written.read_text())
    times: Counter[int] = Counter()
    for row in rows:
        times.update({int(took): count for took, count in row["response_times"].items()})
    errors = [f"{row['method']} {row['name']}: {row['num_failures']}" for row in rows if row["num_failures"]]
    if errors:
        errors += Path(f"{stats}.failed").read_text(encoding="utf-8").splitlines()[:5]
    slowest = sorted(((row["name"], round(row["total_response_time"] / row["num_requests"])) for row in rows if row["num_requests"]), key=lambda pair: -pair[1])
    return Watched(sum(row["num_requests"] for row in rows), errors + ([done.stderr[-2000:]] if errors else []), times, slowest[:5])


def bring_in(house: Supervised, path: Path, over: threading.Event) -> str:
    """An import by the pages, as the CRM manager does it. Returns its address; '' if it was broken off."""
    person = house.staff[0]
    form = person.form("/sales/imports/new/", "files")
    assert form
    typed = {**{name: values[0] for name, values in form.values.items()}, "source": path.stem}
    sent = person.post(form.action, typed, files={"files": (path.name, path.read_bytes())})
    assert sent.status == 302, (sent.status, sent.text[-2000:])
    for step in ("check/", "apply/"):
        while (form := next((form for form in _forms(person, sent.location) if form.action.endswith(step)), None)) is None:
            if over.wait(1):
                return ""
        begun = person.post(form.action, form.values)
        assert begun.status == 302, (step, begun.status, begun.text[-2000:])
    while not any(form.action.endswith("/revert/") for form in _forms(person, sent.location)):
        if over.wait(1):
            return ""
    return sent.location


def _forms(person: Person, page: str) -> list[PageForm]:
    answer = person.get(page)
    return forms_of(answer.text, page) if answer.status == 200 else []


def left(house: Supervised) -> list[str]:
    """The addresses whose mail the server has taken, one for each time."""
    return [address for mail in house.sink.accepted() for address in mail.to if address.startswith("leser-")]


@contextmanager
def busy(house: Supervised, mails: int, rows: int) -> Iterator[Counter[str]]:
    """A campaign leaves and imports come in, one after the other; what is counted was done meanwhile."""
    done: Counter[str] = Counter()
    over, trouble = threading.Event(), []

    def imports() -> None:
        try:
            for number in range(1_000):
                path = house.folder / f"Firmen {number}.csv"
                write_crowd(path, rows, 0, seed=number)
                path.write_text(path.read_text().replace(" GmbH", f" {number} GmbH"))  # each file's organisations are others
                if not bring_in(house, path, over):
                    return
                done["imports"] += 1
        except Exception as error:
            trouble.append(repr(error))

    before = house.count("SELECT count(*) FROM sales_importrow WHERE outcome <> ''")
    house.run("-m", "tests.load.crowd", "send", str(mails))
    thread = threading.Thread(target=imports, daemon=True)
    thread.start()
    until(lambda: left(house), 90)  # from now on mails leave
    begun = len(left(house))
    try:
        yield done
    finally:
        done["rows"] = house.count("SELECT count(*) FROM sales_importrow WHERE outcome <> ''") - before
        done["sent"] = len(left(house)) - begun
        over.set()
        thread.join(60)
    assert not trouble, trouble


def test_everybody_works_while_much_else_runs(house: Supervised, figures: Figures, prove_full: bool) -> None:
    users, calm, seconds, pause, mails, rows = (60, 180, 900, 1.0, 50_000, 100_000) if prove_full else (12, 5, 8, 0.2, 300, 1_000)
    house.run("-m", "tests.load.crowd", "gather", str(mails))
    people_work(house, 6, 3, pause=0.1)  # whatever is made once is made
    quiet = people_work(house, max(6, users // 10), calm, pause=pause)
    with busy(house, mails, rows) as done:
        loaded = people_work(house, users, seconds, pause=pause)
    until(lambda: len(left(house)) >= mails, 1800 if prove_full else 90)
    accepted = Counter(left(house))
    figures.record("people of all roles at once, for", seconds, f"s, {users} people")
    figures.record("answers", loaded.requests, "answers", "> 0", loaded.requests > 0)
    figures.record("errors", len(quiet.errors) + len(loaded.errors), "; ".join([*quiet.errors, *loaded.errors])[:1500], "0", not quiet.errors and not loaded.errors)
    figures.record("meanwhile handed over", done["sent"], f"of {mails} mails", "> 0 with --full", done["sent"] > 0 or not prove_full)
    figures.record("meanwhile judged and brought in", done["rows"], f"rows, {done['imports']} imports finished", "> 0 with --full", done["rows"] > 0 or not prove_full)
    figures.record("mails that did not leave exactly once", sum(accepted[f"leser-{n}@kunden.example"] != 1 for n in range(1, mails + 1)), "mails", "0", len(accepted) == mails == sum(accepted.values()))
    for name, watched in {"quiet": quiet, "busy": loaded}.items():
        figures.record(f"{name}: p50, p95, p99", f"{watched.percentile(0.5)}, {watched.percentile(0.95)}, {watched.percentile(0.99)}", "ms")
    figures.record("slowest when busy", "; ".join(f"{name} {took} ms" for name, took in loaded.slowest))
    ratio = loaded.percentile(0.95) / quiet.percentile(0.95)
    figures.record("p95 against the quiet p95", round(ratio, 2), "×", f"≤ {GOAL} with --full", ratio <= GOAL or not prove_full)


def test_red_control_a_lost_session_is_an_error(house: Supervised, tmp_path: Path, prove_full: bool) -> None:
    if prove_full:
        pytest.skip("the red control runs in the small form")
    people = json.loads((house.folder / "people.json").read_text())
    (tmp_path / "people.json").write_text(json.dumps({role: ["gone"] for role in people}))
    began = time.monotonic()
    seen = people_work(house, 6, 2, pause=0.2, people=tmp_path / "people.json")
    assert seen.errors and time.monotonic() - began < 60
