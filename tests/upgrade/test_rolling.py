"""A new version takes over while people work: the schema changes under the version before, both serve it, and nobody sees an error."""

from __future__ import annotations

import contextlib
import json
import os
import random
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from crm.devstack.places import ROOT
from crm.devstack.services import NAME, Postgres
from tests.databases import schema
from tests.faults.hands import FORMS, PAGES, Answer, Ledger, Person, Staff, until
from tests.mail.stack import House, empty_house
from tests.proofs import Figures
from tests.upgrade.versions import PEOPLE, UPGRADE, NoHistoryError, Version, unpack, version_before
from tests.upgrade.watch import Watch

HELD = 1.0  # seconds a red control keeps a table from everybody
WAIT = 0.5  # seconds anybody may wait for the upgrade
PAUSE = 0.3  # seconds between two forms of one of the people
RED = "red control"
LISTS = [*PAGES, "/sales/opportunities/?state=won", "/contacts/people/?q=Vogel&sort=name"]


class Noting(Person):
    """Somebody who keeps every answer, without its page."""

    def __init__(self, bind: str, session: str) -> None:
        super().__init__(bind, session)
        self.answers: list[Answer] = []

    def _ask(self, *what: Any) -> Answer:
        answer = super()._ask(*what)
        self.answers.append(replace(answer, text=f"{what[0]} {what[1]} {answer.text[:200]}"))
        return answer


def failed(answer: Answer) -> bool:
    """Neither a page nor what follows a saved form: an error, a connection that was refused, a session that was lost."""
    return answer.status not in (200, 302) or "/accounts/login" in answer.location


def number(house: House, sql: str) -> int:
    """One number out of the house's database."""
    return int(house.ask(sql)[0][0])


def steps(house: House) -> int:
    """Migrations that have been applied."""
    return number(house, "SELECT count(*) FROM django_migrations")


def move_in(before: Version, people: int, contacts: int) -> dict[int, Noting]:
    """Tables, a firm and people, all by the version before."""
    written = before.house.folder / "people.json"
    before.run(str(Path(__file__).with_name("fill.py")), str(people), str(contacts), str(written))
    return {int(own): Noting("", session) for own, session in json.loads(written.read_text()).items()}


def hold_a_table(house: House, seen: Watch) -> None:
    """Red control: what a migration must not do; again if just then nobody came."""
    with contextlib.closing(Postgres(house.stack).connect(NAME)) as server, server.cursor() as cursor:
        for _ in range(3):
            cursor.execute(f"SET application_name = '{RED}'; BEGIN; ALTER TABLE contacts_party ADD COLUMN held int")
            time.sleep(HELD)
            cursor.execute("ROLLBACK")
            if seen.longest[RED] > WAIT:
                break


def refused_without_a_column(house: House, own: int, person: Noting) -> list[Answer]:
    """Red control: what the version before answers where a column it reads is gone."""
    house.ask("ALTER TABLE contacts_party RENAME COLUMN legal_name TO gone")
    looks = [person.get(page.format(own=own)) for page in LISTS]
    house.ask("ALTER TABLE contacts_party RENAME COLUMN gone TO legal_name")
    person.answers.clear()
    return [answer for answer in looks if failed(answer)]


def upgrade(now: Version, figures: Figures, *, full: bool) -> None:
    """What docker-compose.yml does before the new page; in the long form it is killed on the way and done again."""
    if full:
        before, house = steps(now.house), now.house
        process = now.begin(sys.executable, "manage.py", "migrate", "-v0")
        building = f"SELECT count(*) FROM pg_stat_activity WHERE application_name = '{UPGRADE}' AND state = 'active' AND query ILIKE 'create index concurrently%'"
        assert until(lambda: process.poll() is not None or number(house, building), 300) < 300
        time.sleep(random.uniform(0, 0.5))
        killed = process.poll() is None
        process.kill()
        process.wait()
        figures.record("killed while it built an index, after", steps(house) - before, "migrations", "killed", killed)
    now.run("manage.py", "migrate", "-v0")
    if full:
        now.run("manage.py", "seed", "--pipeline", "none")


def work_on(ledger: Ledger, seconds: float) -> None:
    """Everybody goes on so long, and until something more is saved."""
    time.sleep(seconds)
    ledger.work(2)


@dataclass
class Day:
    """What everybody saw while one version followed the other."""

    ledger: Ledger
    seen: Watch
    ended: dict[str, float]  # who answered until when
    red: int  # pages refused in the red control
    applied: int

    def told(self, figures: Figures, staff: Iterable[Noting]) -> None:
        """Answers, errors, waits."""
        answers = sorted((answer for person in staff for answer in person.answers), key=lambda answer: answer.began)
        errors, begin = [answer for answer in answers if failed(answer)], 0.0
        figures.record("migrations applied under people who work", self.applied, "migrations", "> 0", self.applied > 0)
        for who, end in self.ended.items():
            part = [answer for answer in answers if begin <= answer.began < end]
            slowest = max((answer.ended - answer.began for answer in part), default=0.0)
            figures.record(f"answered {who}", len(part), f"answers in {end - max(begin, answers[0].began):.0f} s, the slowest {slowest * 1000:.0f} ms", "> 0", bool(part))
            begin = end
        figures.record("answers with errors, connections refused", len(errors), "; ".join(f"{answer.status} {answer.text}" for answer in errors[:3]), "0", not errors)
        waited, red = self.seen.longest[UPGRADE], self.seen.longest[RED]
        figures.record("longest wait for a lock of the upgrade", round(waited * 1000), f"ms, {self.seen.looks} looks, at most {self.seen.gap * 1000:.0f} ms between two", f"≤ {WAIT * 1000:.0f}", waited <= WAIT)
        figures.record(f"red control: the same behind a table held for {HELD:.0f} s", round(red * 1000), "ms", f"> {WAIT * 1000:.0f}", red > WAIT)
        figures.record("red control: pages of the version before refused where a column is gone", self.red, f"of {len(LISTS)}", "> 0", self.red > 0)


def live(before: Version, now: Version, staff: Mapping[int, Noting], figures: Figures, calm: float, *, full: bool) -> Day:
    """The version before, the change of the schema, both, and this version; everybody works throughout."""
    ended: dict[str, float] = {}
    with contextlib.ExitStack() as left, before.web() as old:
        for person in staff.values():
            person.bind = old
        red = refused_without_a_column(before.house, *next(iter(staff.items())))
        with Watch(before.house.stack, PEOPLE) as seen, Staff(staff, FORMS, LISTS, pause=PAUSE) as ledger:
            work_on(ledger, calm)
            hold_a_table(before.house, seen)
            had, ended["by the version before on its own schema"] = steps(before.house), time.monotonic()
            upgrade(now, figures, full=full)
            applied, ended["by it while the schema changed"] = steps(before.house) - had, time.monotonic()
            work_on(ledger, calm)
            new = left.enter_context(now.web())
            ended["by it on the new schema"] = time.monotonic()
            for person in staff.values():
                person.bind = new
            work_on(ledger, calm)
            ended["by the new version"] = time.monotonic()
    return Day(ledger, seen, ended, len(red), applied)


@pytest.mark.proof("upgrade")
def test_people_work_while_a_new_version_takes_over(db: None, tmp_path: Path, figures: Figures, prove_full: bool) -> None:
    people, calm, contacts = (8, 30, int(os.environ.get("LOTSE_UPGRADE_CONTACTS", "1_000_000"))) if prove_full else (4, 0.5, 0)
    try:
        commit = version_before()
        folder = unpack(commit, tmp_path / "before")
    except NoHistoryError as reason:
        pytest.skip(f"without the version before there is nothing to upgrade from: {reason}")
    with empty_house(tmp_path) as house:
        before, now = Version(house, folder), Version(house, ROOT)
        staff = move_in(before, people, contacts)
        assert len(staff) == people
        figures.record("contacts of the version before", number(house, "SELECT count(*) FROM contacts_party"), f"and {number(house, 'SELECT count(*) FROM core_change'):,} changes, at {commit[:7]}")
        day = live(before, now, staff, figures, calm, full=prove_full)
        day.told(figures, staff.values())
        missing, double = day.ledger.missing_and_double(house.ask, FORMS)
        figures.record("acknowledged", len(day.ledger.times), "forms", "> 0", len(day.ledger.times) > 0)
        figures.record("… of these missing", len(missing), "forms", "0", not missing)
        figures.record("… there twice", len(double), "forms", "0", not double)
        fresh, upgraded = schema(connection.settings_dict), schema({"NAME": NAME, "HOST": str(house.stack.sockets), "PORT": "", "USER": NAME, "PASSWORD": ""})
        differ = set(fresh) ^ set(upgraded)
        figures.record("lines of the schema other than of a fresh install", len(differ), f"of {len(fresh)}; {'; '.join(sorted(differ)[:3])}", "0", len(fresh) > 1000 and fresh == upgraded)
