"""A backup is of one moment, and whole or none; a restore takes a place that is empty or given up, and all of it or nothing."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from contacts.models import Party
from crm.backup import Refused, programs, restoring
from crm.backup.folder import Backup, Kept, passphrase
from crm.backup.restoring import restore
from crm.backup.taking import take_backup, uploads
from crm.core.mail.lock import NAME as SENDING
from tests.backup.conftest import House, Make
from tests.backup.damage import KEY, untouched


@pytest.mark.parametrize("in_snapshot", [True, False])
def test_the_copy_is_of_one_moment(lived: House, houses: Make, monkeypatch: pytest.MonkeyPatch, in_snapshot: bool) -> None:
    """Somebody works on while the dump is written: dump and digests still tell of the same moment. Without the snapshot (red control) they do not."""
    plain = programs.output_of

    def meanwhile(words: list[str]) -> Iterator[bytes]:
        with closing(psycopg2.connect(lived.environment["DATABASE_URL"])) as other, other, other.cursor() as cursor:
            cursor.execute("UPDATE contacts_party SET website = 'https://neu.example'")
        return plain(words if in_snapshot else [word for word in words if not word.startswith("--snapshot")])

    monkeypatch.setattr(programs, "output_of", meanwhile)
    path = take_backup(lived.backups, b"")
    houses(bare=True).enter()
    differences = restore(path, b"").differences
    assert any("contacts_party" in sentence for sentence in differences) != in_snapshot
    assert Party.objects.filter(website="https://neu.example").exists() != in_snapshot


def cut_between_pieces(path: Path) -> None:
    os.truncate(path, 16 + (1 << 20) + 16)


def swapped(path: Path) -> None:
    other = next(file for file in path.parent.glob("files-*") if file != path)
    shutil.copy(other, path)


@pytest.mark.parametrize("damage", [cut_between_pieces, swapped])
def test_pieces_and_parts_keep_their_place(lived: House, damage: Callable[[Path], None]) -> None:
    path = take_backup(lived.backups, KEY)
    largest = max(path.glob("files-*"), key=lambda file: file.stat().st_size)
    damage(largest)
    with pytest.raises(Refused, match="damaged"):
        Backup(path, KEY).check()


def test_the_key_decides(lived: House, tmp_path: Path) -> None:
    path = take_backup(lived.backups, KEY)
    with pytest.raises(Refused, match="is encrypted"):
        Backup(path, b"")
    with pytest.raises(Refused, match="does not open with this key"):
        Backup(path, b"another one, as long as that")
    file = tmp_path / "key"
    file.write_bytes(KEY + b"\n")
    Backup(path, passphrase(file)).check()
    file.write_bytes(b"short")
    with pytest.raises(Refused, match="less than 16 bytes"):
        passphrase(file)
    with pytest.raises(Refused, match="cannot be read"):
        passphrase(tmp_path / "none")


def test_a_place_with_something_in_it_is_refused_unless_it_is_to_go(lived: House, houses: Make) -> None:
    path = take_backup(lived.backups, b"")
    other = houses()
    other.enter()
    stray = other.upload("imports/zz/old", b"old")
    with pytest.raises(Refused, match=r"holds .* tables and .* holds files.*--replace"):
        restore(path, b"")
    assert stray.exists() and not Party.objects.exists()
    assert restore(path, b"", replace=True).differences == []
    assert not stray.exists() and Party.objects.count() == 40


def test_a_place_in_use_is_refused(lived: House) -> None:
    path = take_backup(lived.backups, b"")
    with closing(psycopg2.connect(lived.environment["DATABASE_URL"])), pytest.raises(Refused, match=r"in use \(connections: 1\)"):
        restore(path, b"", replace=True)


def test_what_breaks_off_leaves_what_was_there(lived: House, houses: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The dump ends early, or the database refuses a row: no COMMIT, and the files stay as well."""
    path = take_backup(lived.backups, b"")
    place = houses(lived=True).enter()
    Party.objects.filter(pk__gt=0).update(website="https://hier.example")
    plain = Backup.pieces

    def broken(self: Backup, kept: Kept) -> Iterator[bytes]:
        if kept.part == "database.dump" and checked:
            yield b"".join(plain(self, kept))[:-5_000]
            raise Refused("it broke off")
        checked.append(kept.part)
        yield from plain(self, kept)

    checked: list[str] = []
    monkeypatch.setattr(Backup, "check", lambda self: checked.append("all"))
    monkeypatch.setattr(Backup, "pieces", broken)
    with pytest.raises(Refused, match="it broke off"):
        restore(path, b"", replace=True)
    monkeypatch.setattr(Backup, "pieces", plain)
    monkeypatch.setattr(restoring, "EMPTY", b"SELECT 1/0;\n")
    with pytest.raises(Refused, match="division by zero"):
        restore(path, b"", replace=True)
    place.enter()
    assert Party.objects.filter(website="https://hier.example").count() == 40 and len(list(uploads())) == 4


def test_a_full_disk_leaves_nothing(lived: House, houses: Make) -> None:
    path = take_backup(lived.backups, b"")
    before = sorted(lived.backups.iterdir())
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))  # noqa: E731
    for house, words in ((lived, ["backup"]), (houses(bare=True), ["restore", str(path)])):
        command = [sys.executable, "manage.py", *words]
        done = subprocess.run(command, env=house.environment, preexec_fn=limit, capture_output=True, text=True)
        assert done.returncode == 1 and "could not be" in done.stderr and "Traceback" not in done.stderr
    assert sorted(lived.backups.iterdir()) == before
    house.enter()
    assert untouched()


def test_a_killed_backup_never_looks_like_one(lived: House) -> None:
    lived.upload("imports/zz/large", os.urandom(60_000_000))
    running = lived.command("backup")
    while not list(lived.backups.glob(".lotse-*.draft/database.dump")):
        assert running.poll() is None
    running.send_signal(signal.SIGKILL)
    running.communicate()
    assert not list(lived.backups.glob("lotse-*"))
    (left,) = lived.backups.glob(".lotse-*.draft")
    with pytest.raises(Refused, match="not a whole one"):
        Backup(left, b"")
    os.utime(left, (0, 0))
    take_backup(lived.backups, b"")
    assert not left.exists()


def test_a_newer_lotse_is_refused(lived: House, monkeypatch: pytest.MonkeyPatch) -> None:
    path = take_backup(lived.backups, b"")
    plain = Backup._manifest
    monkeypatch.setattr(Backup, "_manifest", lambda self: {**plain(self), "migrations": ["contacts.9999_from_tomorrow"]})
    with pytest.raises(Refused, match="made by a newer Lotse"):
        restore(path, b"", replace=True)


def test_the_note_of_sending_is_in_no_backup(lived: House) -> None:
    path = take_backup(lived.backups, b"")
    assert (lived.media / SENDING).exists() and not [name for name in Backup(path, b"").files if SENDING in name]


def test_the_commands_speak_plainly(lived: House, houses: Make, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_bytes(KEY)
    out, complaint = (running := lived.command("backup", "--encrypt-to", str(key))).communicate()
    assert running.returncode == 0 and "encrypted" in out, complaint
    (path,) = lived.backups.glob("lotse-*")
    target = houses(bare=True)
    out, complaint = (running := target.command("restore", str(path))).communicate()
    assert running.returncode == 1 and complaint.strip().endswith("or set LOTSE_BACKUP_KEY.")
    out, complaint = (running := target.command("restore", str(path), "--key", str(key), "--json")).communicate()
    assert running.returncode == 0, complaint
    assert json.loads(out)["differences"] == []
