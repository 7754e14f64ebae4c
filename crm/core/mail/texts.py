"""The words of mails that people may change. What nobody has changed is said as Lotse says it. Named in `crm/mails.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.utils.translation import get_language

from crm.core.models import MailText
from crm.core.placeholders import fill
from crm.core.wiring import table
from crm.core.work import work


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


def ensure_texts(**_: Any) -> None:
    """One row per mail, so that there is something to open in the set-up; runs after every migrate, and changes nothing that is there."""
    if MailText._meta.db_table not in connection.introspection.table_names():
        return  # on the way to an older schema
    missing = {kind.key for kind in text_kinds()} - set(MailText.objects.values_list("key", flat=True))
    if missing:
        with work():
            MailText.objects.bulk_create([MailText(key=key) for key in sorted(missing)], ignore_conflicts=True)


def written(key: str, **values: str) -> tuple[str, str]:
    """Heading and body of a mail in the active language, its placeholders filled in."""
    kind = text_kind(key)
    own = MailText.objects.filter(key=key).first()
    heading, body = own.words(get_language() or "de") if own else ("", "")
    return fill(heading or str(kind.heading), values).strip(), fill(body or str(kind.body), values).strip() + "\n"
