"""With a new backup the oldest go, whole ones of ours and nothing else; and a drill says where there is none."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from crm.backup import Refused, drilling
from crm.backup.drilling import drill
from crm.backup.folder import MANIFEST, Backup, drop_beyond
from crm.management.commands import backup as command
from tests.backup.conftest import House


def lies(folder: Path, name: str, *, whole: bool = True) -> Path:
    """Something like a backup."""
    path = folder / name
    path.mkdir(parents=True)
    (path / "database.dump").write_bytes(b"PGDMP")
    if whole:
        (path / MANIFEST).write_text("{}")
    return path


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_the_oldest_go_by_day_and_number(tmp_path: Path) -> None:
    first, second, tenth, made = (lies(tmp_path, f"lotse-{name}") for name in ("20260101-021500", "20260101-021500-2", "20260101-021500-10", "20260102-021500"))
    assert drop_beyond(5, made) == drop_beyond(4, made) == []
    assert drop_beyond(2, made) == [first, second]
    assert names(tmp_path) == {tenth.name, made.name}


def test_the_one_just_made_stays_whatever_the_clock_says(tmp_path: Path) -> None:
    made = lies(tmp_path, "lotse-20260101-021500")
    for day in ("20300101", "20300102"):
        lies(tmp_path, f"lotse-{day}-021500")
    drop_beyond(1, made)
    assert names(tmp_path) == {made.name}


def test_whatever_else_lies_there_stays(tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    elsewhere = lies(tmp_path, "elsewhere")
    for name in (".lotse-20200101-021500-7.draft", "lotse-notes", "lotse-20200101-021500.old", "old-lotse-20200101-021500", ".drill-x"):
        lies(folder, name)
    lies(folder, "lotse-20200101-021500", whole=False)
    (folder / "lotse-20200102-021500").symlink_to(elsewhere)
    for name in ("erasures.jsonl", "audit-head.json", "lotse-20200103-021500"):
        (folder / name).write_text("kept")
    before = names(folder)
    made = lies(folder, "lotse-20260101-021500")
    assert drop_beyond(1, made) == []
    assert names(folder) == {*before, made.name} and (elsewhere / MANIFEST).exists()


def test_the_command_keeps_the_newest(lived: House, monkeypatch: pytest.MonkeyPatch) -> None:
    old = [lies(lived.backups, f"lotse-2020010{day}-021500").name for day in (1, 2, 3)]

    def said(*words: str) -> str:
        call_command("backup", *words, stdout=(out := StringIO()))
        return out.getvalue()

    assert "Deleted" not in said() and names(lived.backups) >= set(old)  # without it none goes
    assert "(--keep 3): lotse-20200101-021500, lotse-20200102-021500." in said("--keep", "3")
    whole = sorted(lived.backups.glob("lotse-*"))
    assert whole[0].name == old[2] and len(whole) == 3
    Backup(whole[-1], b"").check()
    assert "(--keep 9): none." in said("--keep", "9")
    for wrong in ("0", "-1", "x"):
        with pytest.raises(CommandError, match="from 1 on"):
            said("--keep", wrong)

    def fails(*_: Any) -> Path:
        raise Refused("it broke off")

    before = names(lived.backups)
    monkeypatch.setattr(command, "take_backup", fails)
    with pytest.raises(CommandError, match="it broke off"):
        said("--keep", "1")
    assert names(lived.backups) == before


def test_what_cannot_be_deleted_is_told_and_the_backup_stands(lived: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> list[Path]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(command, "drop_beyond", fails)
    with pytest.raises(CommandError, match="The backup was made, but"):
        call_command("backup", "--keep=1", stdout=StringIO())
    assert len(list(lived.backups.glob("lotse-*"))) == 1


def test_a_drill_misses_backups_where_a_folder_is_named(lived: House, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    told = {"restore": {"tables": 3, "rows": 9, "files": 0, "differences": [], "refused": []}, "smoke": {"pages": 1, "troubles": []}}
    monkeypatch.setattr(drilling, "_told", lambda step, place, command, *words: told[command])
    assert drill().held  # nobody named one, as on a checkout
    settings.BACKUPS_EXPECTED = True
    done = drill()
    assert (done.held, done.failed_at) == (False, "backup") and done.detail.startswith(f"No backup lies in {lived.backups}")
    _out, complaint = (running := lived.command("drill")).communicate()  # LOTSE_BACKUP_FOLDER names it
    assert running.returncode == 1 and "No backup lies in" in complaint
