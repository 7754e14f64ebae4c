"""What a mail is for decides who goes first, what happens when nobody knows, and who may still say no. Named in `crm/mails.py`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.core.wiring import table

NO_LONGER = _("The reason for this mail no longer held when its turn came.")


def always() -> Q:
    """No reason against it."""
    return Q()


@dataclass(frozen=True)
class MailKind:
    """One reason to write.

    `priority` 0 leaves first and does not wait for limits. `advertising` is never sent twice: when nobody knows whether the server has it,
    it stays unclear until a person decides; all other mail is sent again under the same Message-ID. `still` is the last word: a condition
    on OutgoingMail that is part of the UPDATE which marks the hand-over. It may hold `Exists(…)`, but must not join: the row itself has to
    be what the database checks again when somebody else has just changed it. `patience` is how long a mail put off by the server is tried.
    `kept` is how long its text is kept once it is over (`crm.core.forgetting`); without it as long as the mail: letters to customers are.
    """

    key: str
    label: Any
    priority: int = 5
    advertising: bool = False
    automatic: bool = True
    patience: timedelta = timedelta(days=3)
    kept: timedelta | None = None
    still: Callable[[], Q] = always
    withdrawn: Any = NO_LONGER


def kinds() -> list[MailKind]:
    """The roof's table."""
    found: list[MailKind] = table("LOTSE_MAILS")
    return found


def kind_of(key: str) -> MailKind:
    """The table's row. A kind that is gone is treated as carefully as advertising."""
    return next((kind for kind in kinds() if kind.key == key), MailKind(key, key, priority=9, advertising=True))
