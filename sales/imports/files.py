"""Uploaded files: kept under the digest of their content, never run, never served; looked at before anything is promised."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from crm.core.tables import HEAD, Dialect, Limits, Place, TableError, guess_kind, next_rows, rows, sniff
from sales.imports.models import ImportFile

LIMITS = Limits(line=200_000, columns=200, field=20_000)
SAMPLE = 500  # rows looked at to guess kinds and formats
SHOWN = 5  # of them kept for the page


@dataclass
class Inspection:
    """What is known of a file after a look at it."""

    digest: str
    size: int
    lines: int
    dialect: Dialect
    header: list[str]
    samples: list[list[str]]
    formats: list[str] = field(default_factory=list)

    @property
    def header_key(self) -> str:
        """The same for every file with this header."""
        return hashlib.sha256("\x1f".join(" ".join(label.split()).casefold() for label in self.header).encode()).hexdigest()


def path_of(digest: str) -> Path:
    """Where the content of this digest lies."""
    return Path(settings.MEDIA_ROOT) / "imports" / digest[:2] / digest


def keep(upload: UploadedFile) -> str:
    """Store an upload; the same content is stored once. Returns its digest. TableError if it is too large."""
    size = upload.size or 0
    if size > settings.LOTSE_UPLOAD_LIMIT:
        raise TableError(_("The file is larger than {limit} MB."), limit=settings.LOTSE_UPLOAD_LIMIT // 1_000_000)
    folder = Path(settings.MEDIA_ROOT) / "imports"
    folder.mkdir(parents=True, exist_ok=True)
    content = hashlib.sha256()
    descriptor, name = tempfile.mkstemp(dir=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            for chunk in upload.chunks():
                content.update(chunk)
                file.write(chunk)
        goal = path_of(content.hexdigest())
        goal.parent.mkdir(exist_ok=True)
        os.replace(name, goal)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return content.hexdigest()


def inspect(digest: str) -> Inspection:
    """Find out how the file is read, its header and its first rows. TableError in words if it is no table or breaks the limits."""
    path = path_of(digest)
    with path.open("rb") as file:
        dialect = sniff(file.read(HEAD))
        lines = _scan(file, dialect)
        file.seek(0)
        found = [cells for _line, cells in islice(rows(file, dialect, LIMITS), SAMPLE + 1)]
    header = [" ".join(label.split())[:120] for label in (found.pop(0) if dialect.header_row and found else [])]
    if not found:
        raise TableError(_("The file holds a header and no rows."))
    if not header:
        header = [str(number) for number in range(1, max(map(len, found)) + 1)]
    columns = [[cells[place] for cells in found if place < len(cells)] for place in range(len(header))]
    formats = [guess_kind(cells, language=get_language() or "de").format for cells in columns]
    return Inspection(digest, path.stat().st_size, lines, dialect, header, found, formats)


def _scan(file: BinaryIO, dialect: Dialect) -> int:
    """Count the line ends of the whole file and refuse at once what no reader would take: NUL, a line without end."""
    file.seek(0)
    wide = dialect.encoding.startswith(("utf-16", "utf-32"))
    lines = since = 0
    while chunk := file.read(1 << 20):
        if not wide and b"\0" in chunk:
            raise TableError(_("This line holds a NUL character; the file is damaged or is not text."), lines + chunk[: chunk.index(b"\0")].count(b"\n") + 1)
        ends = chunk.count(b"\n") or chunk.count(b"\r")
        lines += ends
        since = 0 if ends else since + len(chunk)
        if since > 4 * LIMITS.line:
            raise TableError(_("This row is longer than {limit} characters; perhaps a quote is not closed."), lines + 1, limit=LIMITS.line)
    return lines


def next_rows_of(file: ImportFile, place: Place | None, count: int) -> tuple[list[tuple[int, list[str]]], Place | None]:
    """The next (line, cells) of a kept file, without its header, and the place where to go on; None at the end."""
    dialect = Dialect(file.encoding, file.delimiter, file.quotechar, file.header_row, 1.0)
    with path_of(file.digest).open("rb") as content:
        return next_rows(content, dialect, LIMITS, place, count)


def as_fields(found: Inspection) -> dict[str, Any]:
    """The columns of `ImportFile` that tell how the file is read."""
    dialect = found.dialect
    return {
        "digest": found.digest, "size": found.size, "lines": found.lines, "encoding": dialect.encoding, "delimiter": dialect.delimiter,
        "quotechar": dialect.quotechar, "header_row": dialect.header_row, "header": found.header, "samples": found.samples[:SHOWN],
        "formats": found.formats, "header_key": found.header_key,
    }  # fmt: skip
