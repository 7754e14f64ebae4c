"""What a mail server's answer means for a mail, pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

_QUEUED = re.compile(r"queued as ([\w.-]+)|\bid=([\w.-]+)|<([^<>\s]+)>[^<]*Queued mail for delivery|InternalId=(\d+)|\bOK\s+(\S+)\s.*gsmtp", re.IGNORECASE)


class Meaning(Enum):
    """Accepted; later: surely not accepted, may be tried again; refused: surely not, and never; unknown: accepted or not."""

    ACCEPTED = "accepted"
    LATER = "deferred"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Answer:
    """The end of one try. `alive` says whether the connection can carry the next mail."""

    meaning: Meaning
    code: int | None
    text: str
    queue_id: str = ""
    alive: bool = True


def understand(step: str, code: int, text: str) -> Answer | None:
    """The answer to a step (rset, mail, rcpt, data, dot); None: go on with the next step.

    A 5xx to MAIL is about us (not signed in, sender not allowed), not about the recipient: such mails wait, they are not given up;
    only 552 there means that this mail is too big. An unintelligible answer is the end of the connection, and behind the dot nobody
    knows what it meant.
    """
    good = {"rset": range(200, 600), "mail": [250], "rcpt": [250, 251, 252], "data": [354], "dot": range(200, 300)}[step]
    if code in good and code != 421:
        return Answer(Meaning.ACCEPTED, code, text, queue_id(text)) if step == "dot" else None
    if code == 421:
        return Answer(Meaning.LATER, code, text, alive=False)
    if 400 <= code < 500:
        return Answer(Meaning.LATER, code, text)
    if 500 <= code < 600:
        about_us = step == "mail" and code != 552
        return Answer(Meaning.LATER if about_us else Meaning.REFUSED, code, text)
    return Answer(Meaning.UNKNOWN if step == "dot" else Meaning.LATER, None, f"{code} {text}", alive=False)


def broken(step: str, text: str) -> Answer:
    """The connection ended at a step. Before the last dot began its way the server cannot have accepted the mail."""
    return Answer(Meaning.UNKNOWN if step == "dot" else Meaning.LATER, None, text, alive=False)


def queue_id(text: str) -> str:
    """The number under which the server goes on with the mail, as Postfix, Exim, Exchange and Gmail say it; "" if none is found."""
    found = _QUEUED.search(text)
    return next((group for group in found.groups() if group), "")[:80] if found else ""
