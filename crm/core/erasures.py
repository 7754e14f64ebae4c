"""What was deleted stays deleted, also after a restore.

Whoever deletes a customer's record notes it in the transaction that deletes it, on every path: service, undo of a creation, an import taken
back. An undo of the deletion is noted, too, and the last word on a record holds. The list leaves the database every minute, to a
file beside the backups; a restore reads it and deletes again, by the same services, what the backup still holds.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.db import connection, models

from crm.core.errors import RuleBroken
from crm.core.models import Erasure
from crm.core.subjects import SubjectKind, kinds
from crm.core.work import work

NAME = "erasures.jsonl"


@dataclass(frozen=True)
class Line:
    """One line of the list: a record of `label` ("contacts.party") with this id, born then, was erased or came back."""

    key: str
    label: str
    id: int
    born: str
    at: str
    back: bool

    @property
    def record(self) -> tuple[str, int, str]:
        """Which record it is about."""
        return (self.label, self.id, self.born)


def note_erased(model: type[models.Model], ids: Sequence[int], *, back: bool = False) -> None:
    """These rows are about to be deleted (or have just come back), in the caller's transaction. Rows that are no customer's record pass."""
    if model not in {kind.model for kind in kinds()}:
        return
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO core_erasure (key, subject_type_id, subject_id, born, at, back)"  # noqa: S608 - a table of ours
            f" SELECT gen_random_uuid(), %s, id, created_at, clock_timestamp(), %s FROM {table} WHERE id = ANY(%s)",
            [ContentType.objects.get_for_model(model).pk, back, list(ids)],
        )


def keep_erasures(folder: Path | None = None) -> None:
    """Bring the list beside the backups up to date. It only grows: what it says and the database does not, stays."""
    path = (folder or Path(settings.BACKUP_FOLDER)) / NAME
    there = {line.key: line for line in read_list(path)}
    fresh = [key for key in Erasure.objects.values_list("key", flat=True) if str(key) not in there]
    if fresh:
        _write(path, [*there.values(), *_ledger(key__in=fresh)])


def replay(lines: Iterable[Line]) -> tuple[int, list[str]]:
    """Delete again what this database still holds although it was erased: (how many, what could not be deleted, in words)."""
    _remember(lines)
    last = {line.record: line for line in sorted(_ledger(), key=lambda line: line.at)}
    waiting, total = [line for line in last.values() if not line.back], 0
    while True:  # what another one needed may go once that one went
        done, refused = _erase(waiting)
        total += done
        if not done or not refused:
            return total, refused


def _erase(lines: Sequence[Line]) -> tuple[int, list[str]]:
    done, refused = 0, []
    for line in lines:
        kind = _by_label()[line.label]
        row: Any = kind.model._base_manager.filter(pk=line.id, created_at=line.born).first()
        if row is None:
            continue
        try:
            kind.erase(row, by=None)
            done += 1
        except RuleBroken as error:
            refused.append(f"{line.label} {getattr(row, 'number', row.pk)}: {error.message}")
    return done, refused


def read_list(path: Path) -> list[Line]:
    """The lines of a list; none if there is no file."""
    if not path.exists():
        return []
    return [Line(**json.loads(text)) for text in path.read_text(encoding="utf-8").splitlines() if text]


def _by_label() -> dict[str, SubjectKind]:
    return {kind.model._meta.label_lower: kind for kind in kinds()}


def _ledger(**which: Any) -> list[Line]:
    labels = {_type(kind).pk: label for label, kind in _by_label().items()}
    return [
        Line(str(row.key), labels[row.subject_type_id], row.subject_id, row.born.isoformat(), row.at.isoformat(), row.back)
        for row in Erasure.objects.filter(**which).order_by("pk")
        if row.subject_type_id and row.subject_id  # always: the columns are empty for other subjects only
    ]


def _remember(lines: Iterable[Line]) -> None:
    """The list becomes part of this database's own ledger, so that it is whole here, too."""
    known, kinds_by_label = {str(key) for key in Erasure.objects.values_list("key", flat=True)}, _by_label()
    fresh = {line.key: line for line in lines if line.key not in known and line.label in kinds_by_label}  # two lists say the same
    with work():
        Erasure.objects.bulk_create(
            Erasure(key=line.key, subject_id=line.id, subject_type=_type(kinds_by_label[line.label]), born=datetime.fromisoformat(line.born), at=datetime.fromisoformat(line.at), back=line.back)
            for line in fresh.values()
        )


def _type(kind: SubjectKind) -> ContentType:
    return ContentType.objects.get_for_model(kind.model)


def _write(path: Path, lines: Sequence[Line]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{NAME}.{os.getpid()}.{secrets.token_hex(4)}")
    with draft.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(vars(line)) + "\n" for line in lines)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
