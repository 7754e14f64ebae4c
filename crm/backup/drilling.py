"""`manage.py drill`: a backup, restored into a database made for it, compared and opened; the result is a row of the set-up.

The live data are read by the backup and by nothing else: everything after it runs in processes of their own that know only the throw-away
database and a folder that goes with it.
"""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2
from django.conf import settings
from django.utils import timezone

from crm import env
from crm.backup import Refused
from crm.backup.folder import Backup, passphrase
from crm.backup.taking import take_backup
from crm.core.backups import backups
from crm.core.drills import OLD
from crm.core.models import Drill

PREFIX = "lotse_drill_"
LEFT_OVER = timedelta(days=1)  # after which what a killed drill left is nobody's any more
# As every database of ours (docker-compose.yml, crm/devstack): sorted and folded alike everywhere.
LOCALE = "TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'"
Step = Drill.Step


class Failed(Exception):
    """The drill did not hold, at this step, for this reason."""

    def __init__(self, step: Step, detail: str) -> None:
        super().__init__(step, detail)
        self.step, self.detail = step, detail


def drill(key_file: Path | None = None) -> Drill:
    """Do it, and keep how it ended."""
    row = Drill.objects.create()
    try:
        _try(row, key_file)
    except Failed as failed:
        row.failed_at, row.detail = failed.step, failed.detail
    row.held, row.finished_at = not row.failed_at, timezone.now()
    row.save()
    return row


def _try(row: Drill, key_file: Path | None) -> None:
    with ExitStack() as left_behind:
        try:
            key = passphrase(key_file)
            _check_newest(key)
            folder = _folder()
            left_behind.callback(shutil.rmtree, folder)
            path = take_backup(folder, key)
            row.size = Backup(path, key).size
        except (Refused, OSError) as error:
            raise Failed(Step.BACKUP, str(error)) from error
        with _throwaway_database() as url:
            folders = {"LOTSE_MEDIA_ROOT": f"{folder}/media", "LOTSE_MAIL_FOLDER": f"{folder}/mail", "LOTSE_BACKUP_FOLDER": f"{folder}/place"}
            place = {"DATABASE_URL": url, "LOTSE_BACKUP_DATABASE_URL": url, **folders}  # of the house's own they know nothing
            restored = _told(Step.RESTORE, place, "restore", str(path), *(["--key", str(key_file)] if key_file else []))
            row.tables, row.rows, row.files = restored["tables"], restored["rows"], restored["files"]
            if wrong := [*restored["differences"], *restored["refused"]]:
                raise Failed(Step.COMPARE, "\n".join(wrong))
            opened = _told(Step.PAGES, place, "smoke")
            row.pages = opened["pages"]
            if opened["troubles"]:
                raise Failed(Step.PAGES, "\n".join(opened["troubles"]))


def _check_newest(key: bytes) -> None:
    """What the nights left in LOTSE_BACKUP_FOLDER must be there, open, be whole and not be old. Where nobody named a folder (a checkout), there may be none."""
    there = backups(Path(settings.BACKUP_FOLDER))
    if not there:
        if settings.BACKUPS_EXPECTED:
            raise Refused(f"No backup lies in {settings.BACKUP_FOLDER}: nobody has made one yet, or they go elsewhere and LOTSE_BACKUP_FOLDER does not say so.")
        return
    newest = Backup(there[-1], key)
    newest.check()
    if timezone.now() - datetime.fromisoformat(newest.manifest["made_at"]) > OLD:
        raise Refused(f"{newest.path} is the newest backup: nobody has made one since.")


def _folder() -> Path:
    root = Path(settings.BACKUP_FOLDER)
    root.mkdir(parents=True, exist_ok=True)
    for old in root.glob(".drill-*"):
        if timezone.now().timestamp() - old.stat().st_mtime > LEFT_OVER.total_seconds():
            shutil.rmtree(old)
    return Path(tempfile.mkdtemp(prefix=".drill-", dir=root))


def _told(step: Step, place: dict[str, str], command: str, *words: str) -> Any:
    """What a command of ours says of that place."""
    line = [sys.executable, str(settings.BASE_DIR / "manage.py"), command, *words, "--json"]
    done = subprocess.run(line, env=env.of_process(**place), capture_output=True, text=True, check=False)  # noqa: S603 - our own program
    try:
        return json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        raise Failed(step, (done.stderr.strip().splitlines() or [f"{command} ended with {done.returncode}"])[-1]) from None


@contextmanager
def _throwaway_database() -> Iterator[str]:
    """The URL of a new database on the server of LOTSE_DRILL_DATABASE_URL; dropped at the end, as is what a killed drill left a day ago."""
    now = timezone.now()
    name = f"{PREFIX}{now:%Y%m%d%H%M%S}_{secrets.token_hex(4)}"
    try:
        with closing(psycopg2.connect(settings.DRILL_DATABASE)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s) AND datname < %s", [PREFIX, f"{PREFIX}{now - LEFT_OVER:%Y%m%d%H%M%S}"])
                for (old,) in cursor.fetchall():
                    cursor.execute(f'DROP DATABASE "{old}" WITH (FORCE)')
                cursor.execute(f"CREATE DATABASE {name} {LOCALE}")
                try:
                    yield urlsplit(settings.DRILL_DATABASE)._replace(path=f"/{name}").geturl()
                finally:
                    cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
    except psycopg2.Error as error:
        raise Failed(Step.RESTORE, str(error).strip()) from error
