"""`manage.py restore`: a backup into an empty place, compared with its manifest; sending locked, what was erased erased again."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader

from crm.backup import Refused, programs
from crm.backup.folder import Backup
from crm.backup.taking import DRAFT, sequences, uploads
from crm.core.audit.head import keep_head
from crm.core.digest import digest_everything, digest_shape
from crm.core.erasures import NAME as ERASURES
from crm.core.erasures import keep_erasures, read_list, replay
from crm.core.mail.lock import NAME as SENDING
from crm.core.mail.lock import lock_restored
from crm.core.seal import PIECE

# Only a COMMIT after the last byte of the dump makes the new database the database: whatever is killed before, the old one stays.
BEGIN = b"BEGIN;\n"
EMPTY = b"DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO PUBLIC;\n"
COMMIT = b"COMMIT;\n"


@dataclass(frozen=True)
class Restored:
    """What a restore did. `differences` and `refused` are sentences; both empty means that everything came back as it should."""

    tables: int
    rows: int
    files: int
    size: int
    erased: int
    differences: list[str]
    refused: list[str]


def restore(path: Path, passphrase: bytes, *, replace: bool = False) -> Restored:
    """Bring a backup back into the database of LOTSE_BACKUP_DATABASE_URL, which is that of DATABASE_URL, and the folder LOTSE_MEDIA_ROOT.

    Everything is read once before anything is written: a damaged backup leaves the place as it is.
    """
    programs.go_direct()
    backup = Backup(path, passphrase)
    backup.check()
    _known(backup)
    full = _occupied(replace)
    with _files_beside(backup) as draft:
        _load(backup, empty_first=full)
        _swap(draft)
    connection.close()
    ContentType.objects.clear_cache()
    differences = compare(backup)
    call_command("migrate", verbosity=0, interactive=False)
    lock_restored()
    erased, refused = replay([*read_list(path.parent / ERASURES), *read_list(Path(settings.BACKUP_FOLDER) / ERASURES)])
    keep_erasures()
    keep_head(anew=True)  # the chain goes on from where the backup was made
    rows = sum(rows for rows, _digest in backup.manifest["tables"].values())
    return Restored(len(backup.manifest["tables"]), rows, len(backup.files), backup.size, erased, differences, refused)


def compare(backup: Backup) -> list[str]:
    """Every table, every file, and what stands around the rows, against the manifest; a sentence for each difference."""
    manifest, found = backup.manifest, []
    with transaction.atomic(), connection.cursor() as cursor:
        here = {name: [table.rows, table.digest] for name, table in digest_everything(cursor).items()}
        if digest_shape(cursor) != manifest["shape"]:
            found.append("Columns, constraints, indexes, triggers or functions are not what they were.")
        numbers = sequences(cursor)
    for name in sorted({*here, *manifest["tables"]}):
        was, now = manifest["tables"].get(name), here.get(name)
        if was != now:
            found.append(f"Table {name}: {_rows(now)} instead of {_rows(was)}" + (", not the same." if was and now and was[0] == now[0] else "."))
    found += [f"Sequence {name} stands at {numbers.get(name, 0)}, behind {last}." for name, last in manifest["sequences"].items() if numbers.get(name, 0) < last]
    files = {name: _sha256(path) for name, path in uploads()}
    for name in sorted({*files, *backup.files}):
        if name not in backup.files or files.get(name) != backup.files[name].sha256:
            found.append(f"File {name} is {'not the same' if name in files and name in backup.files else 'too many' if name in files else 'missing'}.")
    return found


def _rows(table: list[object] | None) -> str:
    return f"{table[0]} rows" if table else "no table"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _known(backup: Backup) -> None:
    """A backup of a newer Lotse has migrations that this one does not know."""
    known = MigrationLoader(None, ignore_no_migrations=True).disk_migrations
    ours = {".".join(name) for key, migration in known.items() for name in (key, *migration.replaces)}
    apps = {name.split(".")[0] for name in ours}
    if newer := [name for name in backup.manifest["migrations"] if name not in ours and name.split(".")[0] in apps]:
        raise Refused(f"{backup.path} was made by a newer Lotse (it knows {newer[-1]}): restore it with that version.")


def _occupied(replace: bool) -> bool:
    """Whether the database holds something. Refuses a place that is not empty, unless it is to be replaced, and one that is in use."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace")
        tables = cursor.fetchone()[0]
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'")
        others = cursor.fetchone()[0]
    name = connection.settings_dict["NAME"]
    files = next(uploads(), None)
    if (tables or files) and not replace:
        what = " and ".join([*([f"the database {name} holds {tables} tables"] if tables else []), *([f"{settings.MEDIA_ROOT} holds files"] if files else [])])
        raise Refused(f"There is something here already: {what}. Restore into an empty place, or say --replace: then it is gone.")
    if others:
        raise Refused(f"The database {name} is in use (connections: {others}): end web, workers, beat and a pooler first, with ./lotse stop or docker compose stop.")
    return bool(tables)


@contextmanager
def _files_beside(backup: Backup) -> Iterator[Path]:
    """The backup's files, complete, in a folder inside their place; gone again if the database does not follow."""
    root = Path(settings.MEDIA_ROOT)
    draft = root / DRAFT
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        for name, kept in backup.files.items():
            relative = PurePosixPath(name)
            if relative.is_absolute() or ".." in relative.parts:
                raise Refused(f"{backup.path} names a file outside its folder: {name}.")
            path = draft / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                for piece in backup.pieces(kept):
                    file.write(piece)
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _swap(draft: Path) -> None:
    for old in draft.parent.iterdir():
        if old != draft:
            shutil.rmtree(old) if old.is_dir() and not old.is_symlink() else old.unlink()
    for path in draft.iterdir():
        path.rename(draft.parent / path.name)


def _load(backup: Backup, *, empty_first: bool) -> None:
    """The dump as one transaction: pg_restore turns it into SQL, psql runs it, and the COMMIT is ours."""
    connection.close()
    to_sql = [programs.path_of("pg_restore"), "--no-owner", "--no-privileges", "--file=-"]
    into_database = programs.command("psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1")
    with programs.running(into_database, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as psql:
        assert psql.stdin
        psql.stdin.write(BEGIN + (EMPTY if empty_first else b""))
        with programs.running(to_sql, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as sql:
            assert sql.stdin and sql.stdout
            feeder = _Feeder(backup, sql.stdin)
            while piece := sql.stdout.read(PIECE):
                psql.stdin.write(piece)
            feeder.join()
            if feeder.trouble:
                raise feeder.trouble
        (Path(settings.MEDIA_ROOT) / SENDING).unlink(missing_ok=True)  # whoever looks at the restored database before us finds sending locked
        psql.stdin.write(COMMIT)


class _Feeder(threading.Thread):
    """Gives the dump to pg_restore while its SQL is taken away; what went wrong is raised where somebody hears it."""

    def __init__(self, backup: Backup, pipe: IO[bytes]) -> None:
        super().__init__(daemon=True)
        self.backup, self.pipe = backup, pipe
        self.trouble: Exception | None = None
        self.start()

    def run(self) -> None:
        with suppress(BrokenPipeError), self.pipe:  # pg_restore gave up, and says why
            try:
                for piece in self.backup.pieces(self.backup.database):
                    self.pipe.write(piece)
            except Refused as error:
                self.trouble = error
