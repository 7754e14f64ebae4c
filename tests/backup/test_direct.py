"""Behind a pooler backup, restore and drill go to Postgres itself, or say that they cannot."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from crm.backup import drilling
from crm.backup.drilling import drill
from crm.backup.taking import take_backup
from crm.core.models import Drill
from crm.devstack.places import ROOT
from tests.backup.conftest import House, Make

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"  # whoever asks the pooler in these tests fails


def manage(house: House, *words: str, **further: str) -> tuple[int, str, str]:
    """(exit code, output, complaint) of a command behind a pooler."""
    environment = {**house.environment, "LOTSE_DB_POOLED": "1", **further}
    done = subprocess.run([sys.executable, "manage.py", *words], cwd=ROOT, env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def test_with_the_direct_address_nothing_goes_through_the_pooler(lived: House, houses: Make) -> None:
    direct = lived.environment["DATABASE_URL"]
    code, _out, complaint = manage(lived, "backup", DATABASE_URL=NOWHERE, LOTSE_BACKUP_DATABASE_URL=direct)
    assert code == 0, complaint
    (path,) = lived.backups.glob("lotse-*")
    other = houses(bare=True)
    code, out, complaint = manage(other, "restore", str(path), "--json", DATABASE_URL=NOWHERE, LOTSE_BACKUP_DATABASE_URL=other.environment["DATABASE_URL"])
    assert code == 0, complaint
    assert json.loads(out)["differences"] == [] and json.loads(out)["rows"] > 0


@pytest.mark.parametrize("words", [("backup",), ("restore", "somewhere"), ("drill",)], ids=lambda words: words[0])
def test_without_it_they_refuse_in_words(lived: House, words: tuple[str, ...]) -> None:
    made = take_backup(lived.backups, b"")
    code, _out, complaint = manage(lived, *words)
    assert code == 1 and "name Postgres itself in LOTSE_BACKUP_DATABASE_URL" in complaint and "Traceback" not in complaint
    assert list(lived.backups.glob("*lotse-*")) == [made]


def test_an_address_that_leads_nowhere_is_told_where_drills_are(lived: House, settings: Any) -> None:
    settings.BACKUP_DATABASE = {"HOST": "127.0.0.1", "PORT": "1"}
    done = drill()
    assert (done.held, done.failed_at) == (False, "backup") and done.detail.startswith("LOTSE_BACKUP_DATABASE_URL does not lead to Postgres: ")
    assert Drill.objects.get().detail == done.detail


def test_what_a_drill_begins_knows_the_throwaway_database_alone(lived: House, monkeypatch: pytest.MonkeyPatch) -> None:
    places = []

    def told(step: Any, place: dict[str, str], command: str, *words: str) -> Any:
        places.append(place)
        return {"restore": {"tables": 3, "rows": 9, "files": 0, "differences": [], "refused": []}, "smoke": {"pages": 1, "troubles": []}}[command]

    monkeypatch.setattr(drilling, "_told", told)
    assert drill().held and len(places) == 2
    for place in places:
        assert place["DATABASE_URL"] == place["LOTSE_BACKUP_DATABASE_URL"] and drilling.PREFIX in place["DATABASE_URL"]


def test_a_drill_restores_on_the_server_of_the_direct_address() -> None:
    def chosen(**variables: str) -> str:
        code = "from crm import settings; print(settings.DRILL_DATABASE)"
        plain = {name: value for name, value in os.environ.items() if name not in {"LOTSE_BACKUP_DATABASE_URL", "LOTSE_DRILL_DATABASE_URL"}}
        return subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={**plain, **variables}, capture_output=True, text=True, check=True).stdout.strip()

    assert chosen(DATABASE_URL="postgresql://pool/a") == "postgresql://pool/a"
    assert chosen(DATABASE_URL="postgresql://pool/a", LOTSE_BACKUP_DATABASE_URL="postgresql://direct/a") == "postgresql://direct/a"
    assert chosen(LOTSE_BACKUP_DATABASE_URL="postgresql://direct/a", LOTSE_DRILL_DATABASE_URL="postgresql://elsewhere/a") == "postgresql://elsewhere/a"
