"""Without a mail server each mail becomes a file: for trying Lotse out, and for reading what it would have sent."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from crm.core.mail.answers import Answer, Meaning
from crm.core.mail.smtp import Unreachable


class Folder:
    """Looks like a connection. A file bears the name of its Message-ID, so a mail written twice is one file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.stands = False

    def open(self) -> None:
        """Make the folder. Raises Unreachable."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Unreachable(str(error)) from error
        self.stands = True

    def hand_over(self, sender: str, to: str, content: bytes) -> Answer:
        """Write it beside its place, then move it there: a file is whole or not there."""
        head = content.partition(b"\r\n\r\n")[0]
        message_id = next((line for line in head.split(b"\r\n") if line.startswith(b"Message-ID: ")), head)
        path = self._folder / f"{hashlib.sha256(message_id).hexdigest()[:24]}.eml"
        draft = path.with_suffix(f".{os.getpid()}")
        try:
            draft.write_bytes(content)
            draft.replace(path)
        except OSError as error:
            return Answer(Meaning.LATER, None, str(error))
        return Answer(Meaning.ACCEPTED, None, path.name)

    def close(self) -> None:
        """Nothing to end."""
