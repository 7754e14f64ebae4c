"""The field registry: for every field of ours whether it is personal, what for, on which legal basis, and how long it is kept (D8).

The entries live in the roof (`crm/fields.py`); a field without one fails the build. The CRM manager reads them as the register of
processing activities (Art. 30 GDPR) on the data catalogue page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import models
from django.utils.functional import Promise

from crm.core.wiring import table

OURS = {"core", "accounts", "catalog", "contacts", "sales", "service", "campaigns", "analytics"}


@dataclass(frozen=True)
class Purpose:
    """One reason to hold data. `personal` says whether the fields tell of a human being."""

    name: Any
    personal: bool
    basis: Any
    retention: Any


@dataclass(frozen=True)
class Entry:
    """One field of the catalogue, for reading. `named` says whether people know the field by a name of its own."""

    model: Any
    field: Any
    purpose: Purpose
    named: bool


def own_models() -> list[type[models.Model]]:
    """Our tables, proxies left out."""
    return [model for model in apps.get_models() if model._meta.app_label in OURS and not model._meta.proxy]


def entries() -> list[Entry]:
    """The catalogue in the order of the tables. Raises KeyError for a field without an entry."""
    found = []
    for model in own_models():
        purposes = {name: purpose for purpose, names in table("LOTSE_FIELDS")[model._meta.label_lower] for name in names.split()}
        for field in model._meta.concrete_fields:
            named = isinstance(model._meta.verbose_name, Promise) and isinstance(field.verbose_name, Promise)
            found.append(Entry(model._meta.verbose_name, field.verbose_name, purposes[field.name], named))
    return found


def gaps() -> tuple[set[str], set[str]]:
    """(fields without an entry, entries without a field), as "app.model.field"."""
    real = {f"{model._meta.label_lower}.{field.name}" for model in own_models() for field in model._meta.concrete_fields}
    told = {f"{label}.{name}" for label, groups in table("LOTSE_FIELDS").items() for _purpose, names in groups for name in names.split()}
    return real - told, told - real
