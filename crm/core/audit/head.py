"""The end of the chain, kept beside the backups: whoever cuts the newest seals off together with their entries would leave no trace in the database."""

from __future__ import annotations

import json
import logging
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from crm.core.models import Seal

log = logging.getLogger("lotse.audit")
NAME = "audit-head.json"


@dataclass(frozen=True)
class Head:
    """The newest seal somebody noted outside of the database."""

    number: int
    mac: str


def read_head() -> Head | None:
    """What the file says; None if there is none, or none that can be read."""
    try:
        found = json.loads(_path().read_text(encoding="utf-8"))
        return Head(int(found["number"]), str(found["mac"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def is_in_chain(head: Head) -> bool:
    """Whether the database still has the seal the file names."""
    return Seal.objects.filter(number=head.number, mac=head.mac).exists()


def keep_head(*, anew: bool = False) -> None:
    """Note the newest seal. What the file says and the database no longer has stays, until somebody who restored a backup begins it `anew`."""
    head, last = read_head(), Seal.objects.order_by("number").last()
    if last is None or (head == Head(last.number, last.mac)):
        if anew and last is None:
            _path().unlink(missing_ok=True)
        return
    if head is not None and not anew and not is_in_chain(head):
        log.error("the chain of the audit no longer has the seal that %s names; ./lotse audit says more", _path())
        return
    try:
        _write(Head(last.number, last.mac))
    except OSError:
        log.warning("the head of the audit cannot be written to %s", _path(), exc_info=True)


def _path() -> Path:
    return Path(settings.BACKUP_FOLDER) / NAME


def _write(head: Head) -> None:
    path = _path()
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{NAME}.{os.getpid()}.{secrets.token_hex(4)}")
    with draft.open("w", encoding="utf-8") as file:
        file.write(json.dumps(vars(head)) + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
