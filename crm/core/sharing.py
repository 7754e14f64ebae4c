"""Sharing a single record with a person or with everyone in a role: guardian's direct-FK rows, written here and nowhere else (D3).

A share opens one record to people whose teams do not reach it; each of them still needs the verb itself. It dies with the record.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db import models
from django.utils.translation import gettext as _
from guardian.utils import get_group_obj_perms_model, get_user_obj_perms_model

from crm.core.access import forget_shares, scope_of
from crm.core.errors import RuleBroken
from crm.core.work import work

SHAREABLE = ("view", "change")


@dataclass(frozen=True)
class Share:
    """With whom (a user, or a role's group with its `role`), and which verbs."""

    who: Any
    label: str
    actions: tuple[str, ...]
    is_role: bool


def share_record(record: models.Model, who: Any, *, by: Any, actions: Iterable[str] = ("view",)) -> None:
    """Share `record` with a user or a Group; what was shared with them before is replaced. `by` needs `change` on the record.

    Raises RuleBroken where the share would open nothing: to oneself, to somebody inactive, to a user without the verb.
    """
    verbs = [verb for verb in SHAREABLE if verb in set(actions) | {"view"}]
    _may_share(record, by)
    if who == by:
        raise RuleBroken(_("You can see this record already."), field="who")
    if not isinstance(who, Group):
        entity = record.access.entity(type(record))  # type: ignore[attr-defined]
        if not who.is_active or not scope_of(who).may("view", entity):
            raise RuleBroken(_("%(who)s may not see records of this kind at all: a share would open nothing.") % {"who": who}, field="who")
    model, holder = _rows(record, who)
    with work(by=by):
        model._default_manager.filter(content_object=record, **holder).delete()
        model._default_manager.bulk_create([model(content_object=record, permission=_permission(record, verb), **holder) for verb in verbs])
        forget_shares()


def let_see(record: models.Model, person: Any, *, by: Any) -> None:
    """The house opens a record to somebody it concerns, to look at. Nothing happens for whom it would open nothing: they see it already, or never."""
    manager: Any = type(record)._default_manager
    entity = record.access.entity(type(record))  # type: ignore[attr-defined]
    if not person.is_active or not scope_of(person).may("view", entity) or manager.visible_to(person).filter(pk=record.pk).exists():
        return
    model, holder = _rows(record, person)
    with work(by=by):
        model._default_manager.get_or_create(content_object=record, permission=_permission(record, "view"), **holder)
        forget_shares()


def unshare_record(record: models.Model, who: Any, *, by: Any) -> None:
    """Take every share of `record` with this user or Group back. `by` needs `change` on the record."""
    _may_share(record, by)
    model, holder = _rows(record, who)
    with work(by=by):
        model._default_manager.filter(content_object=record, **holder).delete()
        forget_shares()


def shares_of(record: models.Model) -> list[Share]:
    """With whom the record is shared: people first, then roles."""
    found: dict[Any, list[str]] = {}
    concrete: Any = type(record)._meta.concrete_model
    for model, holder in ((get_user_obj_perms_model(concrete), "user"), (get_group_obj_perms_model(concrete), "group")):
        row: Any
        for row in model._default_manager.filter(content_object=record).select_related(holder, "permission").order_by("pk"):
            found.setdefault(getattr(row, holder), []).append(row.permission.codename.partition("_")[0])
    return [Share(who, str(getattr(who, "role", who)), tuple(verbs), isinstance(who, Group)) for who, verbs in found.items()]


def _may_share(record: models.Model, by: Any) -> None:
    manager: Any = type(record)._default_manager
    if not manager.visible_to(by, "change").filter(pk=record.pk).exists():
        raise PermissionDenied


def _rows(record: models.Model, who: Any) -> tuple[Any, dict[str, Any]]:
    concrete: Any = type(record)._meta.concrete_model
    if isinstance(who, Group):
        return get_group_obj_perms_model(concrete), {"group": who}
    return get_user_obj_perms_model(concrete), {"user": who}


def _permission(record: models.Model, verb: str) -> Permission:
    concrete: Any = type(record)._meta.concrete_model
    return Permission.objects.get(content_type=ContentType.objects.get_for_model(concrete), codename=f"{verb}_{concrete._meta.model_name}")
