"""`manage.py drill`: see docs/backup.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from crm.backup.drilling import drill


class Command(BaseCommand):
    help = "Make a backup, restore it into a throw-away database, compare everything and open the main pages; the set-up shows how it ended."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--key", type=Path, metavar="KEYFILE", help="the key file backups are encrypted to; without it LOTSE_BACKUP_KEY")

    def handle(self, *args: Any, key: Path | None, **options: Any) -> None:
        done = drill(key)
        if not done.held:
            raise CommandError(f"The drill did not hold ({done.failed_at}): {done.detail}")
        seconds = (done.finished_at - done.started_at).total_seconds()
        self.stdout.write(f"The drill held, in {seconds:.0f} s. Equal tables: {done.tables}, rows: {done.rows:,}, files: {done.files:,}. Pages that answer: {done.pages}.")
