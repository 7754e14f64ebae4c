"""The mail server's log as Postfix writes it: what did it accept? The parser is pure; the reader opens files.

A mail is accepted when the queue manager has taken it up: `cleanup` notes the Message-ID while the body still comes in, so that line
alone proves nothing. Which part of the log counts is told by a mark taken before the hand-over (inode and size), not by the log's
clock: syslog writes neither year nor zone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_LINE = re.compile(r"\b[\w-]+(?:/[\w-]+)*/(?P<program>cleanup|qmgr|smtp|lmtp|local|virtual|pipe|error|bounce)\[\d+\]: (?P<queue>[0-9A-Za-z]{5,20}): (?P<rest>.*)$")
_MESSAGE_ID = re.compile(r"(?:resent-)?message-id=(?P<id><[^>]*>)")
ROTATED = (".1", ".0")  # where logrotate puts the former file


def accepted(lines: Iterable[str]) -> dict[str, str]:
    """Message-ID → queue number of every mail that the lines show to be in the server's queue or beyond."""
    named: dict[str, str] = {}
    found: dict[str, str] = {}
    for line in lines:
        match = _LINE.search(line)
        if not match:
            continue
        queue, rest = match["queue"], match["rest"]
        if match["program"] == "cleanup":
            message_id = _MESSAGE_ID.match(rest)
            if message_id:
                named[queue] = message_id["id"]
        elif queue in named and ((rest.startswith("from=<") and "(queue active)" in rest) or "status=" in rest):
            found[named[queue]] = queue
    return found


def mark(path: str) -> str:
    """Where the log ends now, as "inode:size"; "" without a log or if it cannot be read."""
    if not path:
        return ""
    try:
        with open(path, "rb") as file:
            state = os.fstat(file.fileno())
    except OSError:
        return ""
    return f"{state.st_ino}:{state.st_size}"


@dataclass(frozen=True)
class Since:
    """What the log says behind a mark. `whole` is False if it cannot be read without a gap, or has not been written to since."""

    whole: bool
    accepted: dict[str, str]


NOTHING = Since(False, {})


def read_since(path: str, position: str, handed_at: float) -> Since:
    """Read everything logged behind the mark, over one rotation. `handed_at` (seconds since 1970): a log that was not written to after it is dead."""
    inode, colon, size = position.partition(":")
    if not (path and colon):
        return NOTHING
    try:
        current = Path(path)
        with current.open("rb") as file:
            state = os.fstat(file.fileno())
            alive = state.st_mtime >= handed_at - 1
            if str(state.st_ino) == inode:
                if state.st_size <= int(size):  # cut off, or silent since
                    return NOTHING
                file.seek(int(size))
                return Since(alive, accepted(_lines(file.read())))
            newer = file.read()
        for ending in ROTATED:
            former = current.with_name(current.name + ending)
            if former.exists() and str(former.stat().st_ino) == inode:
                with former.open("rb") as file:
                    file.seek(int(size))
                    return Since(alive, accepted(_lines(file.read() + newer)))
    except (OSError, ValueError):
        pass
    return NOTHING


def _lines(data: bytes) -> list[str]:
    return data.decode("utf-8", "replace").splitlines()
