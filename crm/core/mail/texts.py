"""The words of mails that people may change. What nobody has changed is said as Lotse says it. Named in `crm/mails.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import get_language

from crm.core.models import MailText
from crm.core.placeholders import fill
from crm.core.wiring import table


@dataclass(frozen=True)
class TextKind:
    """One mail's words: `names` are its placeholders with what stands there, `needed` those that must not be left out."""

    key: str
    label: Any
    names: Mapping[str, Any]
    heading: Any
    body: Any
    needed: tuple[str, ...] = ()


def text_kinds() -> list[TextKind]:
    """The roof's table."""
    found: list[TextKind] = table("LOTSE_MAIL_TEXTS")
    return found


def text_kind(key: str) -> TextKind:
    """The table's row."""
    return next(kind for kind in text_kinds() if kind.key == key)


def written(key: str, **values: str) -> tuple[str, str]:
    """Heading and body of a mail in the active language, its placeholders filled in."""
    kind = text_kind(key)
    own = MailText.objects.filter(key=key).first()
    heading, body = own.words(get_language() or "de") if own else ("", "")
    return fill(heading or str(kind.heading), values).strip(), fill(body or str(kind.body), values).strip() + "\n"
