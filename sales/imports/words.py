"""Verdicts and reasons in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from crm.core import formats
from sales.imports.models import ImportRow, Kind
from sales.imports.targets import FIELDS, field_of
from sales.models import Opportunity

TONES = {"new": "acc", "matched": "", "changed": "acc", "doubtful": "warn", "refused": "bad", "created": "good", "": ""}
RUN_TONES = {"mapping": "warn", "checking": "acc", "checked": "warn", "applying": "acc", "applied": "good", "reverting": "acc", "reverted": ""}

_REASONS: dict[str, Any] = {
    "unreadable": _("“{field}” cannot be read: {value}"),
    "too_long": _("“{field}” is longer than {limit} characters."),
    "missing": _("“{field}” is empty."),
    "beyond_header": _("The row has more cells than the {columns} columns of the header."),
    "double": _("The same as line {line} of “{file}”."),
    "no_right": _("You do not have the right to bring this in: {what}."),
    "closed_without_day": _("Won or lost, and no day on which it was closed."),
    "closed_before_opened": _("Closed on {closed}, before it was opened on {opened}."),
    "in_the_future": _("Opened or closed on a day that has not come yet."),
    "won_without_account": _("Won, and without an organisation: a won opportunity needs its contact."),
    "won_without_amount": _("Won, and without an amount."),
    "decided_here": _("Decided here already ({state}), and the file says otherwise."),
    "own_parent": _("The organisation would belong to itself."),
    "circle": _("An organisation cannot belong to itself, not even by way of others."),
    "undecided": _("No decision for “{value}”."),
    "by_decision": _("Refused by decision: {question}"),
    "gone": _("“{value}” does not exist any more."),
}
_RIGHTS = {
    "setup": _("users and teams"),
    "product": _("products"),
    "party": _("organisations in this team"),
    "opportunity": _("opportunities in this team"),
}
_QUESTIONS = {
    "product": _("product “{value}”"),
    "account": _("organisation “{value}”"),
    "no_account": _("no organisation"),
    "agent": _("owner “{value}”"),
    "stage": _("stage “{value}”"),
}
_COLUMNS = {"industry_id": "industry", "parent_id": "parent", "party_id": "account", "product_id": "product", "owner_id": "agent", "state": "stage"}
_SAID = {"team_id": _("team"), "pricing": _("kind of amount")}


def reason(kind: str, key: str, params: dict[str, Any]) -> Any:
    """One reason as a sentence."""
    said = dict(params)
    if "field" in said:
        said["field"] = field_of(kind, said["field"]).label
    if "what" in said:
        said["what"] = _RIGHTS[said["what"]]
    if "state" in said:
        said["state"] = Opportunity.State(said["state"]).label
    if key == "by_decision":
        said["question"] = format_lazy(_QUESTIONS.get(said["question"], "{value}"), value=said.get("value", ""))
    return format_lazy(_REASONS[key], **{"value": "", **said})


def changes(row: ImportRow, stages: Mapping[str, str]) -> list[tuple[Any, str, str]]:
    """(field, as it is here, as the file says) of a known record; `stages` names the stages by their keys."""
    found = []
    for column, (here, there) in row.changes.items():
        name = _COLUMNS.get(column, column)
        label = _SAID.get(column) or next((field.label for field in FIELDS[row.kind] if field.key == name), name)
        found.append((label, _value(column, here, stages), _value(column, there, stages)))
    return found


def _value(column: str, text: str, stages: Mapping[str, str]) -> str:
    """A stored value in words and numbers of the reader's language."""
    if not text:
        return ""
    if column == "stage":
        return stages.get(text, text)
    if column in {"state", "pricing"}:
        return str(dict(Opportunity._meta.get_field(column).flatchoices).get(text, text))  # type: ignore[union-attr]
    if column in {"opened_on", "closed_on", "expected_close"}:
        return formats.day(date.fromisoformat(text))
    if column in {"amount", "price", "revenue"}:
        return formats.number(Decimal(text), 2)
    return formats.number(int(text)) if column == "employees" else text


def kind_label(kind: str) -> Any:
    """What a file of this kind holds."""
    return Kind(kind).label if kind else _("leave this file out")
