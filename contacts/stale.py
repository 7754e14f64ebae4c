"""When two people edit one contact: the value of a field in words, who changed it last, and the differences of its parts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from contacts.history import part_rows
from contacts.models import Party, PartyRole, Tag
from contacts.parts import TABLES, read_parts
from crm.core.access import seen_row
from crm.core.keys import whole
from crm.core.models import Change
from crm.core.saving import Difference


def raw_value(form: Any, party: Party, name: str, value: Any = ...) -> str:
    """A field's value as its widget sends it: `value`, or what the contact holds now."""
    if value is ...:
        value = read_parts(party)[name] if name in form.parts else form._meta.model._meta.get_field(name).value_from_object(party)
    field = form.fields[name]
    if name in {"roles", "tags"}:
        return str(value or "")
    value = field.prepare_value(value)
    value = field.widget.format_value(value)
    if isinstance(value, list):
        value = value[0] if value else ""
    return "" if value is None else str(value)


def part_words(name: str, value: str, reader: Any) -> str:
    """A part in words. The number of an employer may come from the browser: it is named to whoever sees it."""
    if not value:
        return "–"
    if name == "roles":
        labels = dict(PartyRole.Role.choices)
        return ", ".join(str(labels.get(role, role)) for role in value.split(","))
    if name == "tags":
        keys = [whole(text) for text in value.split(",")]
        return ", ".join(str(tag) for tag in Tag.objects.filter(pk__in=[key for key in keys if key is not None])) or "–"
    if name == "employer":
        return str(seen_row(reader, Party, whole(value)) or _("(not visible to you)"))
    return value


def last_change(party: Party, name: str) -> tuple[str, datetime]:
    """Who changed this field last, and when: from the audit."""
    table = TABLES.get(name)
    if table is None:
        column = Party._meta.get_field(name).attname  # type: ignore[union-attr]
        rows = Change.objects.filter(relation=Party._meta.db_table, row_id=party.pk, op="U", before__has_key=column)
    else:
        ids = part_rows(party.pk).get(table._meta.db_table, set())
        rows = Change.objects.filter(relation=table._meta.db_table, row_id__in=ids)
    return _who_last(rows, party)


def last_touch(row: Any) -> tuple[str, datetime]:
    """Who changed this row last, and when: from the audit."""
    return _who_last(Change.objects.filter(relation=row._meta.db_table, row_id=row.pk), row)


def _who_last(changes: QuerySet[Change], record: Any) -> tuple[str, datetime]:
    change = changes.order_by("-id").first()
    if change is None:
        return _("somebody"), record.updated_at
    user = get_user_model().objects.filter(pk=change.actor_id).first()
    return str(user or _("the system")), change.at or timezone.now()


def part_differences(form: Any, current: Party, stored: dict[str, str], seen: dict[str, str], clashes: dict[str, str]) -> list[Difference]:
    """The parts two people changed differently, for the merge page."""
    found = []
    for name, typed in clashes.items():
        who, at = last_change(current, name)
        label = str(form.fields[name].label or name)
        found.append(Difference(name, label, *(part_words(name, value, form.user) for value in (seen.get(name, ""), stored[name], typed)), who, at, True))
    return found
