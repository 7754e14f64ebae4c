"""Proof "audit": every table can be rebuilt from what the audit says, whatever a superuser does to it is found, and COPY stays quick."""

from __future__ import annotations

import io
import os
import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from django.db import connection, transaction

from contacts.models import Party
from crm.core.audit import chain, guards, replay, sealing
from crm.core.audit.guards import audited, look_at_guards
from crm.core.models import Change, Seal
from tests.core import tampering
from tests.core.mixed import change_everything, let_anything_in, run, slowly_different
from tests.factories import PersonFactory
from tests.proofs import Figures

pytestmark = [pytest.mark.proof("audit"), pytest.mark.django_db]


@pytest.fixture(autouse=True)
def place(settings: Any, tmp_path: Path) -> None:
    """Where this house notes the end of its chain."""
    settings.BACKUP_FOLDER = tmp_path


def differ() -> tuple[int, int]:
    """(rows compared, rows that differ)."""
    compared = [replay.compare(table) for table in audited()]
    assert not [found for one in compared for found in one.found if found["what"] == "unreadable"]
    return sum(one.rows for one in compared), sum(one.differ for one in compared)


def is_seen() -> bool:
    """A whole check, which stops at what it finds first."""
    with connection.cursor() as cursor:
        if look_at_guards(cursor):
            return True
        last, mac, looked = 0, "", chain.Looked(seals=1)
        while looked.seals:
            looked, mac = chain.look_at_seals(cursor, last, mac, 200)
            last = looked.last
            if looked.found:
                return True
        return bool(chain.look_at_end() or chain.look_beside(cursor) or any(replay.compare(table).found for table in audited()))


def unseen(kinds: list[tampering.Tamper], count: int, dice: random.Random, look: Callable[[], bool] = is_seen) -> Counter[str]:
    """What of so many tamperings nobody saw, each done by itself and taken back. Every kind has its turn."""
    missed: Counter[str] = Counter()
    for number in range(count):
        with transaction.atomic():
            run("SET LOCAL session_replication_role = 'replica'")
            done = kinds[number % len(kinds)](dice)
            run("SET LOCAL session_replication_role = 'origin'")
            if not look():
                missed[done] += 1
            transaction.set_rollback(True)
        sealing.keep_head(anew=True)  # the file knows nothing of savepoints
    return missed


def test_every_table_is_rebuilt_from_what_the_audit_says(cast: Any, figures: Figures, prove_full: bool) -> None:
    """INSERT, UPDATE, DELETE, MERGE, ON CONFLICT, changed keys, numbers used twice, empty values inside of JSON, other time zones."""
    goal, many = (1_000_000, 900) if prove_full else (4_000, 12)
    sealing.seal()
    let_anything_in()
    begin = time.monotonic()
    done = change_everything(random.Random(8), goal, many)
    made = time.monotonic() - begin
    entries, begin = Change.objects.count(), time.monotonic()
    sealing.seal(3600)
    sealed = time.monotonic() - begin
    begin = time.monotonic()
    rows, wrong = differ()
    figures.record("changes, entries, tables", f"{done:,}, {entries:,}, {len(audited())}", goal=f"{goal:,} over all", holds=done >= goal and len(audited()) > 50)
    figures.record("rows that differ from what the entries say", wrong, f"of {rows:,}", goal="0", holds=wrong == 0)
    slowly = sum(slowly_different(table) for table in audited())
    figures.record("the same, rebuilt one after the other in Python", slowly, f"of {rows:,}", goal="0", holds=slowly == 0)
    figures.record("changing, sealing, rebuilding", f"{made:.0f}, {sealed:.0f}, {time.monotonic() - begin:.0f} s")
    run("ALTER TABLE contacts_party DISABLE TRIGGER audit_update; ALTER TABLE sales_stage DISABLE TRIGGER audit_delete")
    touched = run("UPDATE contacts_party SET website = 'https://x.example'") + run("DELETE FROM sales_stage")
    figures.record("red control: rows changed with triggers off, and seen", differ()[1], f"of {touched}", goal=f"{touched}", holds=differ()[1] == touched > 2)


def test_whatever_a_superuser_does_is_found(cast: Any, figures: Figures, prove_full: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries and seals changed, deleted, put in, exchanged, cut off, emptied; guards off; rows changed behind the audit's back."""
    dice, count = random.Random(12), 1_000 if prove_full else 69
    sealing.seal()
    let_anything_in()
    for _ in range(12 if prove_full else 6):
        change_everything(dice, 300 if prove_full else 60, 6)
        run("SELECT nextval(pg_get_serial_sequence('core_change', 'id'))")  # somebody who took a number and gave up
        sealing.seal()
    assert Seal.objects.count() > 6 and not is_seen()
    kinds = [*tampering.SEALS, *tampering.GUARDS, *tampering.OTHERS, *tampering.ROWS]
    missed = unseen(kinds, count, dice)
    figures.record("tamperings that nobody saw", f"{missed.total()} {', '.join(missed)}".strip(), f"of {count}", goal="0", holds=not missed)
    assert not is_seen()

    def without_seals() -> bool:
        with monkeypatch.context() as patched:
            patched.setattr(chain, "look_at_seals", lambda *_: (chain.Looked(), ""))
            patched.setattr(chain, "look_beside", lambda _cursor: [])
            patched.setattr(chain, "look_at_end", list)
            return is_seen()

    own = tuple(table for table in guards.watched() if table.name in {"core_change", "core_seal"})

    def without_list() -> bool:
        with monkeypatch.context() as patched:
            patched.setattr(guards, "watched", lambda: own)
            patched.setattr("tests.core.test_proof_audit.audited", list)
            return is_seen()

    seals = 2 * len(tampering.SEALS)
    listed: list[tampering.Tamper] = [tampering.audit_off, tampering.trigger_other, *tampering.ROWS]
    missed = unseen(tampering.SEALS, seals, dice, without_seals)
    figures.record("red control: without seals", missed.total(), f"of {seals} unseen", goal=f"> {seals // 4}", holds=missed.total() > seals // 4)
    missed = unseen(listed, len(listed), dice, without_list)
    figures.record("red control: without the list of tables", missed.total(), f"of {len(listed)} unseen", goal=f"{len(listed)}", holds=missed.total() == len(listed))


def backend_seconds() -> float:
    """Processor time of our session's backend so far: what else the machine does says nothing in it."""
    pid = connection.connection.info.backend_pid
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def test_copy_stays_quick(cast: Any, figures: Figures, prove_full: bool) -> None:
    """Contacts by COPY with their audit and without, in turns: people with names and numbers of their own, as an import brings them."""
    rows, turns = (200_000, 5) if prove_full else (20_000, 2)
    person = PersonFactory(owner=cast.anna, first_name="Jürgen")
    own = {"number": "'X-' || n", "last_name": "initcap(md5(n::text))", "sort_name": "crm_sort(md5(n::text))", "external_id": "'E' || n", "source": "'proof'", "website": "'https://www.' || left(md5(n::text), 9) || '.example'"}
    fields = [f.column for f in Party._meta.local_concrete_fields if not getattr(f, "generated", False) and f.column != "id"]
    with connection.cursor() as cursor:
        out = io.StringIO()
        cursor.copy_expert(f"COPY (SELECT {', '.join(own.get(name, name) for name in fields)} FROM contacts_party p, generate_series(1, {rows}) n WHERE p.id = {person.pk}) TO STDOUT", out)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")

    def seconds(audit: bool) -> tuple[float, float]:
        out.seek(0)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE contacts_party {'ENABLE' if audit else 'DISABLE'} TRIGGER audit_insert")
            begin, wall = backend_seconds(), time.perf_counter()
            cursor.copy_expert(f"COPY contacts_party ({', '.join(fields)}) FROM STDIN", out)
            taken = backend_seconds() - begin, time.perf_counter() - wall
            assert Change.objects.filter(relation="contacts_party").count() == (rows + 1 if audit else 1)
            transaction.set_rollback(True)
        return taken

    pairs = [(seconds(True), seconds(False)) for _ in range(turns)]
    ratio, waited = (round(median(audit[which] / plain[which] for audit, plain in pairs), 2) for which in (0, 1))
    limit = 1.6 if prove_full else 2  # a small one says less
    figures.record("COPY with audit by COPY without, median", ratio, f"times, {rows:,} contacts, processor time of Postgres", goal=f"≤ {limit}", holds=ratio <= limit)
    figures.record("the same by the clock, and the fastest of each", f"{waited} times, {min(a for (_, a), _ in pairs):.2f}, {min(p for _, (_, p) in pairs):.2f} s")
