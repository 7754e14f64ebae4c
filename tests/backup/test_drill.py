"""The drill: what it proves, what it says when it does not hold, and that it never touches the house it runs in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone, translation

from crm.backup import drilling
from crm.backup.drilling import drill
from crm.backup.smoke import open_pages
from crm.backup.taking import take_backup
from crm.core.drills import standing
from crm.core.models import Drill
from tests.backup.conftest import House, drill_databases
from tests.backup.damage import KEY, flipped


def test_a_drill_that_does_not_hold_says_at_which_step(lived: House, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    told = {"restore": {"tables": 3, "rows": 9, "files": 0, "differences": ["Table a: 8 rows instead of 9 rows."], "refused": []}, "smoke": {"pages": 1, "troubles": ["/ answers 500."]}}
    monkeypatch.setattr(drilling, "_told", lambda step, place, command, *words: told[command])
    assert (done := drill()).failed_at == "compare" and done.held is False and "instead of 9" in done.detail
    told["restore"]["differences"] = []
    assert drill().failed_at == "pages"
    settings.DRILL_DATABASE = "postgresql://nobody@/nowhere?host=/nowhere"
    assert drill().failed_at == "restore"
    settings.BACKUP_KEY = "k"
    monkeypatch.setattr(drilling, "take_backup", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    assert (done := drill()).failed_at == "backup" and "No space left" in done.detail
    assert drill_databases() == [] and list(lived.backups.glob(".drill-*")) == []


def test_a_stored_backup_that_is_broken_or_old_is_seen(lived: House, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    told = {"restore": {"tables": 3, "rows": 9, "files": 0, "differences": [], "refused": []}, "smoke": {"pages": 1, "troubles": []}}
    monkeypatch.setattr(drilling, "_told", lambda step, place, command, *words: told[command])
    path = take_backup(lived.backups, b"")
    assert drill().held
    monkeypatch.setattr(drilling, "OLD", timedelta(0))
    assert "nobody has made one since" in drill().detail
    flipped(path / "database.dump")
    assert "is damaged" in drill().detail
    settings.BACKUP_KEY = KEY.decode()
    take_backup(lived.backups, KEY + b"?")
    assert "does not open with this key" in (done := drill()).detail and (done.held, done.failed_at) == (False, "backup")


def test_pages_that_do_not_answer_are_seen(lived: House) -> None:
    assert open_pages()[1] == []
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE sales_opportunity RENAME name TO gone")
        troubles = open_pages()[1]
        transaction.set_rollback(True)
    assert troubles


@pytest.mark.django_db
def test_the_set_up_says_how_it_stands(cast: Any, sign_in: Any) -> None:
    page, index = reverse("admin:core_drill_changelist"), reverse("admin:index")
    browser = sign_in(cast.emil)

    def shows(words: str) -> bool:
        return all(words in browser.get(url).content.decode() for url in (page, index))

    now = timezone.now()
    assert shows("noch keine Wiederherstellungsprobe")
    row = Drill.objects.create(started_at=now - timedelta(hours=1))
    assert shows("ist nicht zu Ende") and shows("Noch keine hat gehalten")
    Drill.objects.filter(pk=row.pk).update(held=True, finished_at=now, tables=120, rows=12_345, files=7)
    assert shows("Tabellen: 120, Zeilen: 12.345, Dateien: 7") and not standing()[0]
    assert browser.get(page).content.decode().count("12.345") == 2  # in the sentence and in the list
    assert standing(now + timedelta(days=3)) == (True, "Die letzte Wiederherstellungsprobe hat gehalten, liegt aber 3 Tage zurück.")
    Drill.objects.create(started_at=now, finished_at=now, held=False, failed_at="compare", detail="Table a: 8 rows instead of 9 rows.")
    assert shows("ist an diesem Schritt gescheitert: Vergleichen der Tabellen und Dateien") and shows("Die letzte, die gehalten hat")
    last = Drill.objects.all()[0]
    assert "instead of 9" in browser.get(reverse("admin:core_drill_change", args=[last.pk])).content.decode()
    with translation.override("en"):
        assert standing()[1].startswith("The restore drill of")
