"""Undo exists once: a service that changed something offers a way back; the person takes it with one click.

`restore_work` takes back any change of facts by reading the audit rows of that piece of work — the same rows the history
shows. A change of state is taken back by a service named in the roof (`crm/undos.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from django.apps import apps
from django.db import IntegrityError, connection, models
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _
from guardian.models import BaseObjectPermission

from crm.core.access import ThroughAccess, forget_shares, scope_of
from crm.core.bulk import change_rows
from crm.core.erasures import note_erased
from crm.core.errors import RuleBroken
from crm.core.models import Change, Undo
from crm.core.wiring import table
from crm.core.work import current_work, work

AT_A_TIME = 2_000  # rows taken back by one statement
Keys = dict[type[models.Model], set[int]]


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
    back: Keys = defaultdict(set)
    for model, changes in _alike(Change.objects.filter(work=payload["work"]).order_by("-id").iterator(AT_A_TIME)):
        if changes[0].op == "D" and _access(model):
            back[model] |= _bring_back(model, changes)
        elif changes[0].op == "U" and hasattr(model, "access"):
            _turn_back(model, changes, by, back)
        elif changes[0].op == "I" and hasattr(model, "access"):
            _remove(model, changes, by)
            back[model] -= {change.row_id for change in changes}  # made and deleted by this very work
    if any(_lost(model, keys, by, back) for model, keys in back.items()):
        raise Http404  # whoever lost a record meanwhile brings back neither it nor anything of it; a share opened it to others again


def _alike(changes: Iterable[Change]) -> Iterator[tuple[Any, list[Change]]]:
    """Neighbours that can be taken back together, latest first: the same was done to rows of one table. What differs keeps its place,
    because a row may need what another one had; so no row is there twice: between the same done to it twice stands what undid it."""
    found: list[Change] = []
    for change in changes:
        if found and (len(found) == AT_A_TIME or not _same(found[0], change)):
            yield _model(found[0].relation), found
            found = []
        found.append(change)
    if found:
        yield _model(found[0].relation), found


def _same(one: Change, other: Change) -> bool:
    if (one.relation, one.op) != (other.relation, other.op):
        return False
    if one.op == "U":
        return _facts(one.after) == _facts(other.after)
    model = _model(one.relation)
    return model is not None and all(field.related_model is not model for field in model._meta.concrete_fields)  # else one may hang on the other


def _bring_back(model: type[models.Model], changes: list[Change]) -> set[int]:
    """The keys of the rows that were deleted and are there again."""
    keys = [change.row_id for change in changes]
    there = set(model._base_manager.select_for_update().filter(pk__any=keys).values_list("pk", flat=True))
    gone = [model(**_columns(model, change.before or {})) for change in changes if change.row_id not in there]
    fresh = {row.pk for row in gone}
    if gone:
        fields = [field for field in model._meta.concrete_fields if not getattr(field, "generated", False)]
        model._base_manager.all()._insert(gone, fields=fields, using=connection.alias, raw=True)  # type: ignore[attr-defined]  # raw: created when it was, not now
        note_erased(model, list(fresh), back=True)
        if issubclass(model, BaseObjectPermission):
            forget_shares()
    return fresh


def _remove(model: type[models.Model], changes: list[Change], by: Any) -> None:
    """Rows that were made."""
    keys = set(_unchanged(model, changes))
    if keys - _within_reach(model, keys, by):
        raise Http404
    note_erased(model, list(keys))
    model._base_manager.filter(pk__any=list(keys)).delete()


def _turn_back(model: type[models.Model], changes: list[Change], by: Any, back: Keys) -> None:
    """Rows that were changed: the columns that were. A row that this very work put beyond their reach is within it again afterwards; it comes
    back if nobody has touched it, for it is somebody else's now."""
    held = _unchanged(model, changes)
    beyond = held.keys() - _within_reach(model, set(held), by)
    for change in changes:
        version = getattr(held[change.row_id], "version", None)
        if change.row_id in beyond and (change.after or {}).get("version", version) != version:
            raise RuleBroken(_("It cannot be taken back: somebody changed the record meanwhile."))
    change_rows(model, [{"id": change.row_id, **_columns(model, _facts(change.before))} for change in changes], by=by)
    if _beyond(model, beyond, by, back):
        raise Http404


def _unchanged(model: type[models.Model], changes: list[Change]) -> dict[int, models.Model]:
    """The rows these changes are about, held; all of them, and as that work left them, or it cannot be taken back."""
    keys = {change.row_id for change in changes}
    held = {row.pk: row for row in model._base_manager.select_for_update().filter(pk__any=list(keys))}
    if len(held) < len(keys):
        raise RuleBroken(_("It cannot be taken back: the record was deleted meanwhile."))
    for change in changes:
        left = _columns(model, _facts(change.after))
        if any(getattr(held[change.row_id], column) != value for column, value in left.items()):
            raise RuleBroken(_("It cannot be taken back: somebody changed the record meanwhile."))
    return held


def _access(model: type[models.Model] | None) -> Any:
    """Who may do what to its rows; None: it is not changed by itself. A share goes with its record, whether it is given on a page of its own or not."""
    if model is not None and issubclass(model, BaseObjectPermission):
        return ThroughAccess("content_object")
    return getattr(model, "access", None)


def _within_reach(model: type[models.Model], keys: set[int], by: Any, action: str = "change") -> set[int]:
    """Those of the rows to which they may do this now."""
    manager: Any = model._default_manager
    return set(_access(model).filter(manager.all(), scope_of(by), action).filter(pk__any=list(keys)).values_list("pk", flat=True))


def _beyond(model: type[models.Model], keys: set[int], by: Any, back: Mapping[type[models.Model], Collection[int]]) -> set[int]:
    """Those they may not change now. What hangs on a record that came back is judged by that one: nobody but the author may change a word of
    an entry in its history, yet it belongs there."""
    beyond = keys and keys - _within_reach(model, keys, by)
    hangs_on = getattr(_access(model), "hangs_on", None)
    if beyond and hangs_on:
        beyond -= set(model._base_manager.filter(hangs_on(model, back), pk__any=list(beyond)).values_list("pk", flat=True))
    return beyond


def _lost(model: type[models.Model], keys: set[int], by: Any, back: Keys) -> set[int]:
    """Those that came back to somebody who could not delete them now. What ties two records together may be cut by whoever may change one of them
    and see the other: an employer is taken out on the person's page."""
    beyond = _beyond(model, keys, by, back)
    beyond = beyond and beyond - _within_reach(model, beyond, by, "delete")
    keyed: list[Any] = [model._meta.get_field(name).related_model for name in getattr(_access(model), "parents", ())]
    if beyond and len(keyed) > 1:
        changeable: Any = {parent._meta.concrete_model: parent.objects.visible_to(by, "change").values("pk") for parent in keyed}
        beyond = _beyond(model, beyond, by, changeable) | (beyond - _within_reach(model, beyond, by, "view"))
    return beyond


def _facts(stored: dict[str, Any] | None) -> dict[str, Any]:
    return {column: value for column, value in (stored or {}).items() if column not in _KEPT}


_KEPT = {"version", "updated_at", "updated_by_id"}  # these tell of the change itself and only ever go forward


def _columns(model: type[models.Model], stored: dict[str, Any]) -> dict[str, Any]:
    """Audit values as Python values, by column, without generated ones."""
    fields = {f.column: f for f in model._meta.concrete_fields if not getattr(f, "generated", False)}
    return {fields[column].attname: fields[column].to_python(value) for column, value in stored.items() if column in fields}


@cache
def _model(relation: str) -> type[models.Model] | None:
    return next((model for model in apps.get_models() if model._meta.db_table == relation and not model._meta.proxy), None)
