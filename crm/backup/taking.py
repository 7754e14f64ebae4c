"""`manage.py backup`: one consistent copy of the database and of all uploaded files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from crm.backup import programs
from crm.backup.folder import Draft, Kept
from crm.core.digest import digest_everything, digest_shape
from crm.core.erasures import keep_erasures
from crm.core.mail.lock import NAME as SENDING
from crm.core.seal import PIECE

DRAFT = ".lotse-restoring"  # files of a restore that is not done


def take_backup(folder: Path, passphrase: bytes) -> Path:
    """Make a backup in `folder` and return its path.

    Database and digests are of one moment: pg_dump works in the snapshot in which the digests are taken. Files follow; a row is written after
    its file, so each file a row of that moment names is there by then.
    """
    programs.go_direct()
    keep_erasures()
    keep_erasures(folder)
    draft = Draft(folder, timezone.now(), passphrase)
    try:
        return draft.finish({**_database(draft), "files": _files(draft)})
    except BaseException:
        draft.drop()
        raise


def _database(draft: Draft) -> dict[str, Any]:
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0")
        cursor.execute("SELECT pg_export_snapshot(), current_setting('server_version')")
        snapshot, server = cursor.fetchone()
        numbers = sequences(cursor)
        words = programs.command("pg_dump", "--format=custom", "--compress=gzip:3", "--no-owner", "--no-privileges", f"--snapshot={snapshot}")
        dump = draft.write("database.dump", programs.output_of(words))
        return {
            "made_at": timezone.now().isoformat(),
            "postgres": server,
            "migrations": sorted(".".join(name) for name in MigrationRecorder(connection).applied_migrations()),
            "database": dump,
            "shape": digest_shape(cursor),
            "sequences": numbers,
            "tables": {name: [table.rows, table.digest] for name, table in digest_everything(cursor).items()},
        }


def sequences(cursor: Any) -> dict[str, int]:
    """The last number each sequence gave."""
    cursor.execute("SELECT sequencename, coalesce(last_value, 0) FROM pg_sequences WHERE schemaname = 'public'")
    return dict(cursor.fetchall())


def _files(draft: Draft) -> dict[str, Kept]:
    found: dict[str, Kept] = {}
    kept: dict[str, Kept] = {}
    for number, (name, path) in enumerate(uploads(), 1):
        try:
            file = path.open("rb")
        except FileNotFoundError:  # deleted since it was listed
            continue
        with file:
            fresh = draft.write(f"files-{number}", iter(lambda: file.read(PIECE), b""))  # noqa: B023 - read at once
        found[name] = kept.setdefault(fresh.sha256, fresh)
        if found[name] is not fresh:  # the same content under another name
            draft.remove(fresh.part)
    return found


def uploads() -> Iterator[tuple[str, Path]]:
    """Every uploaded file, by its path below LOTSE_MEDIA_ROOT; without the note of sending, which belongs into no backup."""
    root = Path(settings.MEDIA_ROOT)
    for folder, below, names in os.walk(root):
        below[:] = sorted(name for name in below if name != DRAFT)
        for path in (Path(folder) / name for name in sorted(names)):
            if path.is_file() and not path.is_symlink() and not path.name.startswith(SENDING):
                yield path.relative_to(root).as_posix(), path
