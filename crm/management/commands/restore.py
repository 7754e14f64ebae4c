"""`manage.py restore`: see docs/backup.md."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from crm.backup import Refused
from crm.backup.folder import passphrase
from crm.backup.restoring import restore


class Command(BaseCommand):
    help = "Bring a backup into an empty place: the database of DATABASE_URL and the folder LOTSE_MEDIA_ROOT."
    requires_system_checks = []  # there may be no table yet

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("backup", type=Path, help="the folder of one backup")
        parser.add_argument("--key", type=Path, metavar="KEYFILE", help="the key file it was encrypted to; without it LOTSE_BACKUP_KEY")
        parser.add_argument("--replace", action="store_true", help="give up what is in the place now")
        parser.add_argument("--json", action="store_true", dest="as_json", help="print the figures for a program")

    def handle(self, *args: Any, backup: Path, key: Path | None, replace: bool, as_json: bool, **options: Any) -> None:
        try:
            done = restore(backup, passphrase(key), replace=replace)
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        except OSError as error:
            raise CommandError(f"The backup could not be restored: {error}. When that is mended, start it again with --replace.") from error
        if as_json:
            self.stdout.write(json.dumps(vars(done)))
            return
        self.stdout.write(f"Compared with the backup. Tables: {done.tables}, rows: {done.rows:,}, files: {done.files:,}. Deleted again, because they were erased since: {done.erased}.")
        self.stdout.write("Sending is locked until somebody lets it go on in the set-up.")
        for sentence in (*done.differences, *done.refused):
            self.stdout.write(f"  {sentence}")
        if done.differences:
            raise CommandError("Not everything is as it was, see above.")
        if done.refused:
            raise CommandError("Not everything that was erased could be erased again, see above: please delete it by hand.")

