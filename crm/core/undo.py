"""Undo exists once: a service that changed something offers a way back; the person takes it with one click.

`restore_work` takes back any change of facts by reading the audit rows of that piece of work — the same rows the history
shows. A change of state is taken back by a service named in the roof (`crm/undos.py`).
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import IntegrityError, connection, models
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.core.access import Access
from crm.core.erasures import note_erased
from crm.core.errors import RuleBroken
from crm.core.models import Change, Undo
from crm.core.wiring import table
from crm.core.work import current_work, work


def offer_undo(user: Any, label: str, way: str = "facts", **payload: Any) -> Undo:
    """Remember how to take back what this work just did. `label` is a sentence in the user's language."""
    if way == "facts":
        running = current_work()
        assert running is not None, "facts are undone by the work that changed them"
        payload["work"] = running.id
    return Undo.objects.create(user=user, way=way, label=label[:200], payload=payload)


def take_back(undo: Undo, *, by: Any) -> None:
    """Do it. Raises `RuleBroken` if it was done before, the record has moved on since, or something it needs is gone."""
    try:
        with work(by=by):
            taken = Undo.objects.filter(pk=undo.pk, undone_at__isnull=True).update(undone_at=timezone.now())
            if not taken:
                raise RuleBroken(_("This was taken back already."))
            table("LOTSE_UNDOS")[undo.way](undo.payload, by=by)
            connection.check_constraints()  # now, not at the commit, where nobody can answer in words
    except IntegrityError as error:
        raise RuleBroken(_("It cannot be taken back: something it belongs to was deleted or changed meanwhile.")) from error


def restore_work(payload: dict[str, Any], *, by: Any) -> None:
    """Put every row that piece of work changed back to what it was, if nobody changed it since."""
    changes = list(Change.objects.filter(work=payload["work"]).order_by("-id"))
    for change in changes:
        model = _model(change.relation)
        if model is None or not hasattr(model, "access"):
            continue
        _restore(model, change, by)


def _restore(model: type[models.Model], change: Change, by: Any) -> None:
    access: Access = model.access  # type: ignore[attr-defined]
    row = model._base_manager.select_for_update().filter(pk=change.row_id)
    if change.op == "D":
        if not row.exists():
            model(**_columns(model, change.before or {})).save_base(raw=True, force_insert=True)  # raw: created when it was, not now
            note_erased(model, [change.row_id], back=True)
        return
    current = row.first()
    if current is None:
        raise RuleBroken(_("It cannot be taken back: the record was deleted meanwhile."))
    from crm.core.access import scope_of

    manager: Any = model._default_manager
    if not access.filter(manager.all(), scope_of(by), "change").filter(pk=current.pk).exists():
        raise Http404
    after = _columns(model, {key: value for key, value in (change.after or {}).items() if key not in _KEPT})
    if any(getattr(current, column) != value for column, value in after.items()):
        raise RuleBroken(_("It cannot be taken back: somebody changed the record meanwhile."))
    if change.op == "I":
        note_erased(model, [current.pk])
        current.delete()
        return
    values = _columns(model, {key: value for key, value in (change.before or {}).items() if key not in _KEPT})
    if hasattr(current, "version"):
        values |= {"version": models.F("version") + 1, "updated_by_id": by.pk, "updated_at": timezone.now()}
    row.update(**values)


_KEPT = {"version", "updated_at", "updated_by_id"}  # these tell of the change itself and only ever go forward


def _columns(model: type[models.Model], stored: dict[str, Any]) -> dict[str, Any]:
    """Audit values as Python values, by column, without generated ones."""
    fields = {f.column: f for f in model._meta.concrete_fields if not getattr(f, "generated", False)}
    return {fields[column].attname: fields[column].to_python(value) for column, value in stored.items() if column in fields}


def _model(relation: str) -> type[models.Model] | None:
    return next((model for model in apps.get_models() if model._meta.db_table == relation and not model._meta.proxy), None)
