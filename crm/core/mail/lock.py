"""A database that was restored or copied does not send by itself: its planned mails may long have left from the original.

Beside the uploads lies a small file with a fingerprint and a turn that rises once a minute, first in the database, then in the file. Another
fingerprint, none, or a turn behind the file's means that this database is not the one that wrote it: sending is locked until a person
says that it is wanted. The file belongs into no backup; where it comes back together with the database, nothing can be noticed.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

from crm.core.mail.queue import DURABLE
from crm.core.models import MailSetup
from crm.core.tasks import ring
from crm.core.work import work

log = logging.getLogger("lotse.mail")
NAME = ".lotse-sending"


@dataclass(frozen=True)
class Note:
    """What the file says."""

    fingerprint: str
    turn: int


def is_same_house(setup: MailSetup, note: Note | None) -> bool:
    """Whether the database and the file belong together. One that has never noted anything has nothing to compare."""
    if not setup.fingerprint:
        return True
    return note is not None and note.fingerprint == setup.fingerprint and note.turn <= setup.turn


def check_lock() -> bool:
    """Lock sending if this database is not the one it was; True if sending is locked, for whatever reason."""
    setup = MailSetup.current()
    if setup.lock:
        return True
    if is_same_house(setup, _read()):
        return False
    lock_restored()
    return True


def lock_restored() -> None:
    """This database was restored or copied: nothing leaves until somebody says that it is wanted."""
    with work():
        MailSetup.current()
        MailSetup.objects.filter(pk=1, lock="").update(lock=MailSetup.Lock.RESTORED, locked_at=timezone.now())
    log.warning("sending is locked: this database was restored or copied")


def keep_turn() -> None:
    """Once a minute: move the turn on, first here, then in the file; a house that has none yet begins.

    Here it is on the disk before the file has it: otherwise a server that dies would look like a database that was restored.
    """
    setup = MailSetup.current()
    if not setup.fingerprint:
        _begin()
    elif not check_lock():
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE core_mailsetup SET turn = turn + 1 WHERE id = 1 AND {DURABLE} RETURNING fingerprint, turn")  # noqa: S608 - a constant of ours
            _write(Note(*cursor.fetchone()))


def lock_sending(*, by: Any) -> None:
    """Let nothing leave until somebody says so. What is being handed over is finished."""
    with work(by=by):
        MailSetup.current()
        MailSetup.objects.filter(pk=1, lock="").update(lock=MailSetup.Lock.BY_HAND, locked_at=timezone.now())


def unlock_sending(*, by: Any) -> None:
    """This is the house that sends: take a new fingerprint and go on with what waits."""
    with work(by=by):
        _begin()
        MailSetup.objects.filter(pk=1).update(lock=MailSetup.Lock.NONE, locked_at=None)
        ring("crm.core.tasks.send_mails")


def _begin() -> None:
    """A new fingerprint, if the file can be written; else there is none, and nothing is compared."""
    note = Note(secrets.token_hex(16), 1)
    written = _write(note)
    MailSetup.objects.filter(pk=1).update(fingerprint=note.fingerprint if written else "", turn=note.turn)


def _path() -> Path:
    return Path(settings.MEDIA_ROOT) / NAME


def _read() -> Note | None:
    try:
        found = json.loads(_path().read_text())
        return Note(str(found["fingerprint"]), int(found["turn"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(note: Note) -> bool:
    path = _path()
    draft = path.with_name(f"{NAME}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps(vars(note)))
        draft.replace(path)
    except OSError:
        log.warning("the note of this house cannot be written to %s", path, exc_info=True)
        return False
    return True
