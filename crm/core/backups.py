"""Which backups lie in LOTSE_BACKUP_FOLDER. They are made and read in the roof (`crm.backup`)."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings

MANIFEST = "manifest.json"  # its last part: with it a backup is whole
NAMED = "lotse-%Y%m%d-%H%M%S"  # after when it was begun, in UTC; a second one of the same second has "-2" behind it


def kept() -> list[Path]:
    """The folders that look like a backup, the oldest first."""
    return sorted(Path(settings.BACKUP_FOLDER).glob("lotse-*"))


def newest() -> datetime | None:
    """When the newest whole one was begun; None if none lies there, or the folder cannot be read. Not opened: the drill does that."""
    try:
        whole = (path.name for path in reversed(kept()) if (path / MANIFEST).is_file())
        return next((at for name in whole if (at := _begun(name)) is not None), None)
    except OSError:
        return None


def _begun(name: str) -> datetime | None:
    try:
        return datetime.strptime("-".join(name.split("-")[:3]), NAMED).replace(tzinfo=UTC)
    except ValueError:
        return None
