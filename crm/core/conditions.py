"""Conditions exist once: a small syntax tree that becomes a query, and a sentence people read (D16).

Tree: {"all": [tree, …]} | {"any": [tree, …]} | {"not": tree} | {"field": name, "op": op, "value": v}; {} is always true.
Operators: set, unset, is, is_not, at_least, at_most, contains, in. Field names are plain fields of the model, never lookups.
"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.core.saving import said

Tree = dict[str, Any]
_LOOKUPS = {"is": "exact", "is_not": "exact", "at_least": "gte", "at_most": "lte", "contains": "icontains", "in": "in"}
OPERATORS = {
    "set": gettext_lazy("is filled in"),
    "unset": gettext_lazy("is empty"),
    "is": gettext_lazy("is"),
    "is_not": gettext_lazy("is not"),
    "at_least": gettext_lazy("is at least"),
    "at_most": gettext_lazy("is at most"),
    "contains": gettext_lazy("contains"),
    "in": gettext_lazy("is one of"),
}
DEPTH = 10
NEVER = Q(pk__in=[])
ALWAYS = ~NEVER  # not Q(): joined by OR, an empty Q disappears instead of being true


def check(tree: Any, model: type[models.Model], depth: int = 0) -> None:
    """Raise ValidationError, in words, unless `tree` is a tree over fields of `model`."""
    if not isinstance(tree, dict) or depth > DEPTH:
        raise ValidationError(_("This condition cannot be understood."))
    if not tree:
        return
    if set(tree) in ({"all"}, {"any"}):
        parts = tree.get("all", tree.get("any"))
        if not isinstance(parts, list):
            raise ValidationError(_("This condition cannot be understood."))
        for part in parts:
            check(part, model, depth + 1)
        return
    if set(tree) == {"not"}:
        check(tree["not"], model, depth + 1)
        return
    if not {"field", "op"} <= set(tree) <= {"field", "op", "value"} or tree["op"] not in OPERATORS:
        raise ValidationError(_("This condition cannot be understood."))
    field = _field(model, tree["field"])
    if tree["op"] not in {"set", "unset"}:
        values = tree.get("value") if tree["op"] == "in" else [tree.get("value")]
        if not isinstance(values, list):
            raise ValidationError(_("This condition cannot be understood."))
        for value in values:
            field.to_python(value) if not field.is_relation else field.target_field.to_python(value)


def to_query(tree: Tree, model: type[models.Model]) -> Q:
    """The rows that meet the condition. The tree was checked when it was saved; it is checked again here."""
    check(tree, model)
    return _query(tree, model)


def _query(tree: Tree, model: type[models.Model]) -> Q:
    if not tree:
        return ALWAYS
    if "all" in tree:
        found = ALWAYS
        for part in tree["all"]:
            found &= _query(part, model)
        return found
    if "any" in tree:
        parts = [_query(part, model) for part in tree["any"]]
        found = NEVER
        for query in parts:
            found |= query
        return found
    if "not" in tree:
        return ~_query(tree["not"], model)
    field, op = _field(model, tree["field"]), tree["op"]
    if op in {"set", "unset"}:
        empty = Q(**{f"{field.name}__isnull": True}) if field.null else NEVER
        if isinstance(field, models.CharField | models.TextField):
            empty |= Q(**{field.name: ""})
        return empty if op == "unset" else ~empty
    found = Q(**{f"{field.name}__{_LOOKUPS[op]}": tree["value"]})
    return ~found if op == "is_not" else found


def holds(tree: Tree, record: models.Model) -> bool:
    """Does this saved record meet the condition?"""
    model = type(record)
    return model._base_manager.filter(to_query(tree, model), pk=record.pk).exists()


def unmet(tree: Tree, record: models.Model) -> list[str]:
    """The fields named by unmet parts of an all-tree: what a dialog has to ask for."""
    parts = tree.get("all", [tree] if tree else [])
    return [part["field"] for part in parts if "field" in part and not holds(part, record)]


def sentence(tree: Tree, model: type[models.Model]) -> str:
    """The condition in the reader's language: "amount is filled in and contact is filled in"."""
    if not tree:
        return _("always")
    if "all" in tree:
        return (" " + _("and") + " ").join(sentence(part, model) for part in tree["all"]) or _("always")
    if "any" in tree:
        return (" " + _("or") + " ").join(sentence(part, model) for part in tree["any"])
    if "not" in tree:
        return _("not (%(what)s)") % {"what": sentence(tree["not"], model)}
    field, op = _field(model, tree["field"]), tree["op"]
    words = f"{field.verbose_name} {OPERATORS[op]}"
    if op in {"set", "unset"}:
        return words
    values = tree["value"] if isinstance(tree["value"], list) else [tree["value"]]
    if op == "in" and len(values) == 1:
        words = f"{field.verbose_name} {OPERATORS['is']}"
    return f"{words} {', '.join(said(field, one) for one in values)}"


def _field(model: type[models.Model], name: Any) -> Any:
    try:
        field = model._meta.get_field(name) if isinstance(name, str) else None
    except FieldDoesNotExist:
        field = None
    if field is None or not getattr(field, "concrete", False):
        raise ValidationError(_("There is no field “%(name)s”.") % {"name": str(name)[:60]})
    return field
