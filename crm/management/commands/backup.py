"""`manage.py backup`: see docs/backup.md."""

from __future__ import annotations

from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from crm.backup import Refused
from crm.backup.folder import Backup, drop_beyond, passphrase
from crm.backup.taking import take_backup


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError("it must be a whole number from 1 on: the backup just made always stays")
    return int(text)


class Command(BaseCommand):
    help = "Copy the database and all uploaded files into a new folder, as of one moment."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("folder", nargs="?", type=Path, default=Path(settings.BACKUP_FOLDER), help="where backups are kept (default: LOTSE_BACKUP_FOLDER)")
        parser.add_argument("--encrypt-to", type=Path, metavar="KEYFILE", help="encrypt with what this file holds; without it with LOTSE_BACKUP_KEY, if it is set")
        parser.add_argument("--keep", type=_count, metavar="N", help="when it is made, delete the oldest backups in the folder beyond the newest N; without it none is deleted")

    def handle(self, *args: Any, folder: Path, encrypt_to: Path | None, keep: int | None, **options: Any) -> None:
        try:
            key = passphrase(encrypt_to)
            backup = Backup(take_backup(folder, key), key)
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        except OSError as error:
            raise CommandError(f"The backup could not be written: {error}. Nothing is left of it.") from error
        tables = backup.manifest["tables"].values()
        how = "encrypted" if key else "not encrypted"
        self.stdout.write(f"{backup.path}, {how}, {backup.size / 1e6:,.1f} MB. Tables: {len(tables)}, rows: {sum(rows for rows, _ in tables):,}, files: {len(backup.files):,}.")
        if keep:
            try:
                gone = drop_beyond(keep, backup.path)
            except OSError as error:
                raise CommandError(f"The backup was made, but an older one could not be deleted: {error}.") from error
            self.stdout.write(f"Deleted, because only the newest are kept (--keep {keep}): {', '.join(path.name for path in gone) or 'none'}.")
