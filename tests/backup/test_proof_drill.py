"""Proof "drill": everything comes back equal elsewhere, what does not is seen, who was erased stays erased, and no kill makes half a thing."""

from __future__ import annotations

import random
import shutil
import signal
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.conf import settings
from django.db import connection, transaction

from contacts.models import EmailAddress, Party
from contacts.services import delete_party
from crm.backup import Refused, restoring
from crm.backup.drilling import PREFIX, drill
from crm.backup.folder import Backup
from crm.backup.restoring import compare, restore
from crm.backup.taking import DRAFT, take_backup, uploads
from crm.core.erasures import keep_erasures
from crm.core.mail.lock import check_lock
from crm.core.models import MailSetup
from tests.backup.conftest import SERVER, House, Make, contents, drill_databases, greta, run_sql
from tests.backup.damage import KEY, SEEN, every_damage, tables
from tests.factories import PersonFactory
from tests.proofs import Figures

pytestmark = pytest.mark.proof("drill")
MANY = 1_000_000  # contacts of the long form


def listed(model: Any, *others: str) -> str:
    """The columns that are copied as they are."""
    return ", ".join(f.column for f in model._meta.local_concrete_fields if not getattr(f, "generated", False) and f.column not in {"id", *others})


def grow(count: int) -> None:
    """So many contacts more, as an import would leave them: audited, with an e-mail address each."""
    person, address = Party.objects.order_by("pk")[0], EmailAddress.objects.order_by("pk")[0]
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO contacts_party (number, {listed(Party, 'number')}) SELECT 'X-' || n, {listed(Party, 'number')} FROM contacts_party p, generate_series(1, %s) n WHERE p.id = %s", [count, person.pk])
        others = listed(EmailAddress, "party_id", "address")
        cursor.execute(
            f"INSERT INTO contacts_emailaddress (party_id, address, {others}) SELECT p.party, 'x' || p.party || '@viele.example', {others}"
            " FROM contacts_emailaddress e, (SELECT id AS party FROM contacts_party WHERE number LIKE 'X-%%') p WHERE e.id = %s",
            [address.pk],
        )


def test_everything_comes_back_elsewhere(lived: House, houses: Make, figures: Figures, prove_full: bool) -> None:
    """Database, files, sequences and triggers; sending is locked. In the clear and encrypted."""
    if prove_full:
        grow(MANY)
    parties = Party.objects.count()
    MailSetup.objects.update(lock="")
    for how, key in (("plain", b""), ("encrypted", KEY)):
        lived.enter()
        begin = time.monotonic()
        path = take_backup(lived.backups, key)
        made = time.monotonic() - begin
        readable = b"Name;Ort" in b"".join(file.read_bytes() for file in path.glob("files-*"))
        assert readable == (not key)
        houses(bare=True).enter()
        begin = time.monotonic()
        done = restore(path, key)
        assert Party.objects.count() == parties and (Path(settings.MEDIA_ROOT) / "imports/ef/Grüße.csv").stat().st_size == 3_000_000
        figures.record(f"{how}: tables, rows, files compared", f"{done.tables}, {done.rows:,}, {done.files}", goal="all", holds=done.tables == tables() and done.files == 4)
        figures.record(f"{how}: not equal after the restore", len(done.differences), goal="0", holds=not done.differences)
        figures.record(f"{how}: size, backup, restore", f"{done.size / 1e6:.1f} MB, {made:.1f} s, {time.monotonic() - begin:.1f} s")
        figures.record(f"{how}: sending locked", str(check_lock()), goal="True", holds=MailSetup.current().lock == "restored")
        assert PersonFactory(owner=greta(), team=Party.objects.all()[0].team).pk > parties  # numbers go on
        shutil.rmtree(path)


def test_what_is_not_equal_is_seen(lived: House, figures: Figures, tmp_path: Path) -> None:
    """Red control: the comparison is no rubber stamp."""
    as_it_was = shutil.copytree(lived.media, tmp_path / "as-it-was")
    backup = Backup(take_backup(lived.backups, b""), b"")
    seen = 0
    for happened, words in SEEN:
        assert compare(backup) == []
        with transaction.atomic():
            happened(lived)
            seen += any(words in sentence for sentence in compare(backup))
            transaction.set_rollback(True)
        shutil.rmtree(lived.media)
        shutil.copytree(as_it_was, lived.media)
    figures.record("rows, triggers and files changed behind its back, and seen", seen, goal=f"{len(SEEN)}", holds=seen == len(SEEN))


@pytest.mark.parametrize("key", [b"", KEY], ids=["plain", "encrypted"])
def test_a_damaged_backup_is_refused_before_anything_is_touched(lived: House, houses: Make, figures: Figures, key: bytes, tmp_path: Path) -> None:
    """A flipped bit, a cut, a byte too many, a part gone: in every part, and the place stays empty."""
    path = take_backup(lived.backups, key)
    houses(bare=True).enter()
    tried, missed = every_damage(path, key, tmp_path / "copy")
    if key:
        with pytest.raises(Refused, match="does not open with this key"):
            restore(path, KEY + b"?")
    figures.record(f"{'encrypted' if key else 'plain'}: damaged backups not refused", missed, f"of {tried}", goal="0", holds=not missed and tried > 15)


def test_whom_somebody_erased_no_restore_brings_back(lived: House, houses: Make, figures: Figures, prove_full: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice into the same place; and once without the list, as red control."""
    path = take_backup(lived.backups, b"")
    gone = list(Party.objects.order_by("-pk")[: 30 if prove_full else 5])
    for party in gone:
        delete_party(party, by=greta())
    keep_erasures()
    place = houses(bare=True).enter()

    def came_back() -> int:
        return Party.objects.filter(pk__in=[party.pk for party in gone]).count()

    done = restore(path, b"")
    assert done.erased == len(gone) and not done.differences and not done.refused
    figures.record("erased since the backup, and there after a restore", came_back(), f"of {len(gone)}", goal="0", holds=came_back() == 0)
    (lived.backups / "erasures.jsonl").unlink()  # the place knows by itself
    restore(path, b"", replace=True)
    figures.record("the same after a second restore over it", came_back(), f"of {len(gone)}", goal="0", holds=came_back() == 0)
    monkeypatch.setattr(restoring, "replay", lambda lines: (0, []))
    restore(path, b"", replace=True)
    figures.record("red control: without the list they come back", came_back(), goal=f"{len(gone)}", holds=came_back() == len(gone))
    assert place.media.exists()


def test_no_kill_makes_half_a_thing(lived: House, houses: Make, figures: Figures, prove_full: bool) -> None:
    """kill -9 at any moment: a backup is whole or none, a place is what it was or what was restored."""
    kills, dice = 25 if prove_full else 2, random.Random(4)
    path = take_backup(lived.backups, b"")
    place = houses(lived=True).enter()
    Party.objects.filter(pk__gt=0).update(website="https://hier.example")
    half = whole = struck = 0
    for _ in range(kills):
        before = set(lived.backups.glob(".lotse-*.draft"))
        _kill(lived.command("backup"), lambda before=before: set(lived.backups.glob(".lotse-*.draft")) - before, dice.random() / 2)
        shutil.rmtree(place.media / DRAFT, ignore_errors=True)
        connection.close()  # a place in use is refused
        struck += _kill(place.command("restore", str(path), "--replace"), (place.media / DRAFT).exists, dice.random() * 3)
        _alone(place)
        place.enter()
        there = Party.objects.filter(website="https://hier.example").count(), Party.objects.count()
        whole += there == (0, 40)
        half += there not in {(40, 40), (0, 40)}
        Party.objects.filter(pk__gt=0).update(website="https://hier.example")
    figures.record("killed restores that left half a database", half, f"of {struck}, {whole} were through", goal="0", holds=half == 0 and struck > 0)
    looking = list(lived.backups.glob("lotse-*"))
    broken = sum(not _opens(backup) for backup in looking)
    figures.record("killed backups that look like one and are not", broken, f"of {kills}, {len(looking) - 1} were through", goal="0", holds=broken == 0)
    assert restore(path, b"", replace=True).differences == [] and len(list(uploads())) == 4
    drafts = list(lived.backups.glob(".lotse-*.draft"))
    figures.record("red control: drafts of killed backups that would not open under their name", sum(not _opens(draft) for draft in drafts), f"of {len(drafts)}", goal="> 0", holds=not all(map(_opens, drafts)))  # one killed between its last byte and its name is whole


def test_without_one_transaction_it_would_be_half(lived: House, houses: Make, figures: Figures, monkeypatch: pytest.MonkeyPatch) -> None:
    """Red control: the same dump, cut off, with and without the transaction around it."""
    path, plain = take_backup(lived.backups, b""), Backup.pieces
    left = []
    for begin in (restoring.BEGIN, b""):
        houses(bare=True).enter()
        monkeypatch.setattr(Backup, "check", lambda self: None)
        monkeypatch.setattr(Backup, "pieces", lambda self, kept: iter([_most(b"".join(plain(self, kept)))]) if kept.part == "database.dump" else plain(self, kept))
        monkeypatch.setattr(restoring, "BEGIN", begin)
        with pytest.raises(Refused):
            restore(path, b"")
        left.append(tables())
    figures.record("tables left by a dump that ends early", left[0], goal="0", holds=left[0] == 0)
    figures.record("red control: the same without a transaction", left[1], goal="> 0", holds=left[1] > 0)


def _most(dump: bytes) -> bytes:
    return dump[:-5_000]


def _opens(path: Path) -> bool:
    try:
        Backup(path, b"").check()
    except Refused:
        return False
    return True


def _kill(running: Any, begun: Any, later: float) -> bool:
    """kill -9, so many seconds after it has begun to write; False if it had ended by itself."""
    while not begun() and running.poll() is None:
        time.sleep(0.01)
    time.sleep(later)
    running.kill()
    running.communicate()
    return bool(running.returncode == -signal.SIGKILL)


def _alone(place: House) -> None:
    """Until the server has noticed that the killed one is gone."""
    connection.close()
    with closing(psycopg2.connect(SERVER)) as server, server.cursor() as cursor:
        server.autocommit = True
        for _ in range(600):
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = %s", [place.database])
            if not cursor.fetchone()[0]:
                return
            time.sleep(0.05)
    raise AssertionError("somebody is still connected")


def test_a_drill_holds_and_leaves_nothing_but_its_result(lived: House, figures: Figures, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in lived.environment.items():
        monkeypatch.setenv(name, value)
    before = contents()
    run_sql(f"CREATE DATABASE {PREFIX}20200101000000_0")  # of a drill that was killed
    done = drill()
    figures.record("the drill itself", done.detail or "held", goal="held", holds=bool(done.held))
    figures.record("pages over the restored database that answer", done.pages, goal="> 15", holds=done.pages > 15)
    figures.record("tables of the live database changed by it", sum(table != before[name] for name, table in contents().items()), goal="0", holds=contents() == before)
    assert drill_databases() == [] and not [path for path in lived.backups.iterdir() if path.is_dir()]
