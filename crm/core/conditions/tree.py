"""A tree is checked in words, becomes a query, and is asked of a single row."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Exists, Q
from django.utils.translation import gettext as _

from crm.core.conditions.related import Totals, as_set, some
from crm.core.conditions.words import Relation, Vocabulary, opposite, plain, row_by_row

Tree = dict[str, Any]
Words = Vocabulary | type[models.Model]
DEPTH = 10
MOST = 200  # parts of a tree
NEVER = Q(pk__in=[])
ALWAYS = ~NEVER  # not Q(): joined by OR, an empty Q disappears instead of being true


def check(tree: Any, words: Words) -> None:
    """Raise ValidationError, in words, unless `tree` is a tree over these words (a model stands for its own fields)."""
    _check(tree, plain(words), 0, [0])


def _check(tree: Any, words: Vocabulary, depth: int, seen: list[int]) -> None:
    seen[0] += 1
    if not isinstance(tree, dict) or depth > DEPTH or seen[0] > MOST:
        raise _nonsense()
    if not tree:
        return
    if set(tree) in ({"all"}, {"any"}):
        parts = tree.get("all", tree.get("any"))
        if not isinstance(parts, list):
            raise _nonsense()
        for part in parts:
            _check(part, words, depth + 1, seen)
    elif set(tree) == {"not"}:
        _check(tree["not"], words, depth + 1, seen)
    elif "related" in tree:
        if not {"related", "measure", "op", "value"} <= set(tree) <= {"related", "measure", "op", "value", "where"} or not isinstance(tree["op"], str) or tree["op"] not in {"at_least", "at_most"}:
            raise _nonsense()
        relation = words.relation(tree["related"])
        amount_of(relation, tree["measure"], tree["value"])
        _check(tree.get("where", {}), relation.vocabulary, depth + 1, seen)
    else:
        if not {"field", "op"} <= set(tree) <= {"field", "op", "value"} or not isinstance(tree["op"], str):
            raise _nonsense()
        word = words.word(tree["field"])
        try:
            word.clean(tree["op"], tree.get("value"))
        except ValidationError as problem:
            raise ValidationError([f"{word.label}: {message}" for message in problem.messages]) from problem


def _nonsense() -> ValidationError:
    return ValidationError(_("This condition cannot be understood."))


def amount_field(relation: Relation, measure: Any) -> forms.Field:
    """The form field that checks what a measure is compared with. Raises ValidationError for a measure that is none."""
    if measure == "count":
        return forms.IntegerField(min_value=0, max_value=1_000_000)
    if not isinstance(measure, str) or measure not in relation.measures:
        raise _nonsense()
    return forms.DecimalField(min_value=0, max_digits=14, decimal_places=2)


def amount_of(relation: Relation, measure: Any, value: Any) -> int | Decimal:
    """What a measure is compared with, checked."""
    checked = amount_field(relation, measure)
    if isinstance(value, list | dict | bool):
        raise _nonsense()
    found: int | Decimal = checked.clean(value)
    return found


def to_query(tree: Tree, words: Words) -> Q:
    """The rows that meet the condition. The tree was checked when it was saved; it is checked again here."""
    check(tree, words)
    return _query(tree, plain(words))


def _query(tree: Tree, words: Vocabulary, *, must: bool = True) -> Q:
    """`must`: whatever else is asked, this has to hold or not to hold."""
    if not tree:
        return ALWAYS
    if "all" in tree:
        found = ALWAYS
        for part in tree["all"]:
            found &= _query(part, words, must=must)
        return found
    if "any" in tree:
        found = NEVER
        for part in tree["any"]:
            found |= _query(part, words, must=must and len(tree["any"]) == 1)
        return found
    if "not" in tree:
        return opposite(_query(tree["not"], words, must=must and "all" not in tree["not"]))
    if "related" in tree:
        return _related(tree, words.relation(tree["related"]), asked=words.asked, must=must)
    word = words.word(tree["field"])
    alone = must and len(word.places) == 1
    return word.query(tree["op"], word.clean(tree["op"], tree.get("value")), words.today, as_set if words.asked == "all" and not alone else row_by_row)


def _related(tree: Tree, relation: Relation, *, asked: str, must: bool) -> Q:
    """Related rows are asked by subqueries, so that no row of the subject is met twice."""
    wanted, least = amount_of(relation, tree["measure"], tree["value"]), tree["op"] == "at_least"
    rows = relation.rows.filter(_query(tree.get("where", {}), relation.vocabulary)).order_by()
    if tree["measure"] != "count":
        path = relation.measures[tree["measure"]].path
        if least:
            return Q(Totals(relation, rows, path, ">=", wanted, one=asked == "one")) if wanted else ALWAYS
        return ~Q(Totals(relation, rows, path, ">", wanted, one=asked == "one"))
    number = int(wanted) if least else int(wanted) + 1  # at most two: not at least three
    if number == 0:
        return ALWAYS
    alone = must and relation.link is None and len(relation.ways) == 1
    enough = some(relation, rows, as_set if asked == "all" and not alone else row_by_row) if number == 1 else Q(Totals(relation, rows, "", ">=", number, one=asked == "one"))
    return enough if least else opposite(enough)


def holds(tree: Tree, record: models.Model) -> bool:
    """Does this saved record meet the condition?"""
    return any(which_hold(record, [tree]))


def which_hold(record: models.Model, trees: Sequence[Tree]) -> list[bool]:
    """Of each condition whether this saved record meets it, in one question. Empty where the record is gone."""
    if not trees:
        return []
    rows = type(record)._base_manager.filter(pk=record.pk)
    told = {f"met_{number}": Exists(rows.filter(to_query(tree, type(record)))) for number, tree in enumerate(trees)}
    return [bool(met) for row in rows.annotate(**told).values_list(*told) for met in row]  # NULL: Django knew that no row can meet it


def unmet(tree: Tree, record: models.Model) -> list[str]:
    """The fields named by unmet parts of an all-tree: what a dialog has to ask for."""
    parts = [part for part in tree.get("all", [tree] if tree else []) if "field" in part]
    return [part["field"] for part, met in zip(parts, which_hold(record, parts), strict=False) if not met]
