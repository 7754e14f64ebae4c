"""A backup is a folder: the database's dump, each uploaded file once, and a manifest that says what must be in them.

It is written as a draft beside its place and renamed when all of it is on the disk, so an interrupted one never looks like a backup. With a
passphrase every part is sealed on its way to the disk; nothing of it ever lies there in the clear.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings

from crm.backup import Refused
from crm.core.backups import MANIFEST, NAMED, backups
from crm.core.seal import PIECE, SALT, StreamSeal, Unreadable

FORMAT = 1
SEALED = "sealed.json"
SHORTEST_KEY = 16
LEFT_OVER = 86_400  # seconds after which a draft is nobody's any more


class Kept(NamedTuple):
    """One part: its name in the folder, and what it says when it is read."""

    part: str
    sha256: str
    size: int


def passphrase(key_file: Path | None) -> bytes:
    """What backups are encrypted with: the content of a key file, else LOTSE_BACKUP_KEY; nothing, if there is neither."""
    if key_file is None:
        return str(settings.BACKUP_KEY).encode()
    try:
        key = key_file.read_bytes().strip()
    except OSError as error:
        raise Refused(f"The key file {key_file} cannot be read: {error.strerror}.") from error
    if len(key) < SHORTEST_KEY:
        raise Refused(f"The key file {key_file} holds less than {SHORTEST_KEY} bytes. Make one: openssl rand -base64 32 > {key_file}")
    return key


def drop_beyond(keep: int, made: Path) -> list[Path]:
    """Delete the oldest backups beside the one just made, so that with it `keep` are left; returns what is gone.

    Only whole ones count and go. Each loses its name first: one that is half deleted never looks like a backup.
    """
    others = [path for path in backups(made.parent) if path != made and (path / MANIFEST).is_file() and not path.is_symlink()]
    surplus = others[: max(0, len(others) + 1 - keep)]
    for path in surplus:
        os.utime(path)  # a draft that is old would be cleared away by whoever makes a backup now
        shutil.rmtree(path.rename(path.with_name(f".{path.name}-{os.getpid()}.draft")))
    return surplus


class Draft:
    """A backup that is being written."""

    def __init__(self, folder: Path, at: datetime, passphrase: bytes) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob(".lotse-*.draft"):
            if time.time() - old.stat().st_mtime > LEFT_OVER:
                shutil.rmtree(old)
        stem = at.strftime(NAMED)
        self.goal = next(path for number in count(1) if not (path := folder / (stem if number == 1 else f"{stem}-{number}")).exists())
        self.path = folder / f".{self.goal.name}-{os.getpid()}.draft"
        self.path.mkdir(mode=0o700)
        self._seal: StreamSeal | None = None
        if passphrase:
            salt = os.urandom(SALT)
            self._seal = StreamSeal(passphrase, salt)
            (self.path / SEALED).write_text(json.dumps({"format": FORMAT, "salt": salt.hex()}))

    def write(self, part: str, pieces: Iterable[bytes]) -> Kept:
        """Keep a stream under a name."""
        digest, size = hashlib.sha256(), 0

        def counted() -> Iterator[bytes]:
            nonlocal size
            for piece in pieces:
                digest.update(piece)
                size += len(piece)
                yield piece

        path = self.path / part
        path.parent.mkdir(exist_ok=True)
        with path.open("xb") as file:
            for piece in self._seal.seal(counted(), part) if self._seal else counted():
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        return Kept(part, digest.hexdigest(), size)

    def remove(self, part: str) -> None:
        """A part that is there already under another name."""
        (self.path / part).unlink()

    def finish(self, manifest: dict[str, Any]) -> Path:
        """Write the manifest and give the backup its name."""
        body = json.dumps({"format": FORMAT, **manifest}, indent=1)
        self.write(MANIFEST, [json.dumps({"sha256": hashlib.sha256(body.encode()).hexdigest(), "body": body}).encode()])
        for folder in (*self.path.iterdir(), self.path):
            if folder.is_dir():
                _sync(folder)
        self.path.rename(self.goal)
        _sync(self.goal.parent)
        return self.goal

    def drop(self) -> None:
        """Leave nothing behind."""
        shutil.rmtree(self.path, ignore_errors=True)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Backup:
    """A finished backup. Opening it reads the manifest; a part is read with `pieces`. Raises `Refused` in one sentence."""

    def __init__(self, path: Path, passphrase: bytes) -> None:
        self.path = path
        if not (path / MANIFEST).is_file():
            raise Refused(f"{path} is not a backup of Lotse, or not a whole one.")
        self._seal: StreamSeal | None = None
        if (path / SEALED).is_file():
            if not passphrase:
                raise Refused(f"{path} is encrypted: name its key file with --key, or set LOTSE_BACKUP_KEY.")
            try:
                salt = bytes.fromhex(json.loads((path / SEALED).read_text())["salt"])
            except (ValueError, KeyError, TypeError):
                raise self._damaged(SEALED) from None
            self._seal = StreamSeal(passphrase, salt)
        self.manifest = self._manifest()

    def _manifest(self) -> dict[str, Any]:
        try:
            told = json.loads(b"".join(self._read(MANIFEST)))
            body = told["body"].encode()
            if hashlib.sha256(body).hexdigest() != told["sha256"]:
                raise self._damaged(MANIFEST)
            manifest: dict[str, Any] = json.loads(body)
        except Unreadable:
            raise Refused(f"{self.path} does not open with this key, or its {MANIFEST} is damaged.") from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise self._damaged(MANIFEST) from None
        if manifest["format"] != FORMAT:
            raise Refused(f"{self.path} was made by another Lotse (format {manifest['format']}, this one reads {FORMAT}).")
        return manifest

    @property
    def database(self) -> Kept:
        """The dump."""
        return Kept(*self.manifest["database"])

    @property
    def files(self) -> dict[str, Kept]:
        """Uploaded file → its part."""
        return {name: Kept(*kept) for name, kept in self.manifest["files"].items()}

    @property
    def size(self) -> int:
        """Bytes on the disk."""
        return sum(path.stat().st_size for path in self.path.rglob("*") if path.is_file())

    def check(self) -> None:
        """Read all of it and compare with the manifest, before anything is done with it."""
        for kept in {self.database, *self.files.values()}:
            for _piece in self.pieces(kept):
                pass

    def pieces(self, kept: Kept) -> Iterator[bytes]:
        """A part as it was written; at its end it is compared."""
        digest = hashlib.sha256()
        try:
            for piece in self._read(kept.part):
                digest.update(piece)
                yield piece
        except Unreadable:
            raise self._damaged(kept.part) from None
        if digest.hexdigest() != kept.sha256:
            raise self._damaged(kept.part)

    def _read(self, part: str) -> Iterator[bytes]:
        try:
            with (self.path / part).open("rb") as file:
                if self._seal:
                    yield from self._seal.open(file, part)
                else:
                    while piece := file.read(PIECE):
                        yield piece
        except FileNotFoundError:
            raise self._damaged(part) from None

    def _damaged(self, part: str) -> Refused:
        return Refused(f"{self.path} is damaged: {part} is not what was written. Take another backup.")
