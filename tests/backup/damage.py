"""What may happen to a backup, and to a place that was restored; and whether anything was touched."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.db import connection

from contacts.models import Party
from crm.backup import Refused
from crm.backup.restoring import restore
from crm.backup.taking import DRAFT, uploads
from tests.backup.conftest import House

KEY = b"a passphrase that is long enough"


def tables() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
        return int(cursor.fetchone()[0])


def untouched() -> bool:
    """Nothing came to this bare place."""
    return tables() == 0 and not list(uploads()) and not (Path(settings.MEDIA_ROOT) / DRAFT).exists()


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def lengthened(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"\0")


def gone(path: Path) -> None:
    path.unlink()


def every_damage(path: Path, key: bytes, folder: Path) -> tuple[int, int]:
    """(damaged copies tried, those that were not refused or left a trace)."""
    tried = missed = 0
    for part in sorted(file.name for file in path.iterdir()):
        for damage in (flipped, cut, lengthened, gone):
            if damage in (flipped, cut) and not (path / part).stat().st_size:
                continue  # an empty file has no bytes
            copy = shutil.copytree(path, folder / path.name)
            damage(copy / part)
            tried += 1
            try:
                restore(copy, key)
                missed += 1
            except Refused:
                missed += not untouched()
            shutil.rmtree(copy)
    return tried, missed


def change_a_row(house: House) -> None:
    Party.objects.filter(pk=Party.objects.order_by("pk")[0].pk).update(version=7)


def lose_a_row(house: House) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM contacts_emailaddress WHERE id = (SELECT max(id) FROM contacts_emailaddress)")


def lose_a_trigger(house: House) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER append_only ON core_erasure")


def lose_a_file(house: House) -> None:
    (house.media / "imports/ab/one").unlink()


def change_a_byte(house: House) -> None:
    flipped(house.media / "imports/ef/Grüße.csv")


def one_file_more(house: House) -> None:
    house.upload("imports/xx", b"")


SEEN: list[tuple[Callable[[House], None], str]] = [
    (change_a_row, "contacts_party"),
    (lose_a_row, "contacts_emailaddress"),
    (lose_a_trigger, "triggers"),
    (lose_a_file, "one is missing"),
    (change_a_byte, "Grüße.csv is not the same"),
    (one_file_more, "too many"),
]
