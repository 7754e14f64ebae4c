"""Which backups lie in LOTSE_BACKUP_FOLDER. They are made and read in the roof (`crm.backup`)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings

MANIFEST = "manifest.json"  # its last part: with it a backup is whole
NAMED = "lotse-%Y%m%d-%H%M%S"  # after when it was begun, in UTC; a second one of the same second has "-2" behind it
_NAME = re.compile(r"lotse-([0-9]{8}-[0-9]{6})(?:-([0-9]+))?")


def backups(folder: Path) -> list[Path]:
    """What bears the name of a backup of ours, the oldest first."""
    named = [(found, path) for path in folder.glob("lotse-*") if (found := _NAME.fullmatch(path.name))]
    return [path for found, path in sorted(named, key=lambda pair: (pair[0][1], int(pair[0][2] or 1)))]


def newest() -> datetime | None:
    """When the newest whole one was begun; None if none lies there, or the folder cannot be read. Not opened: the drill does that."""
    try:
        whole = (path.name for path in reversed(backups(Path(settings.BACKUP_FOLDER))) if (path / MANIFEST).is_file())
        return next((at for name in whole if (at := _begun(name)) is not None), None)
    except OSError:
        return None


def _begun(name: str) -> datetime | None:
    try:
        return datetime.strptime("-".join(name.split("-")[:3]), NAMED).replace(tzinfo=UTC)
    except ValueError:
        return None
