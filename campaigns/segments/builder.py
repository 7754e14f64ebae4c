"""The builder of a segment: a tree as plain form fields, and back. Pure over what was typed; nothing typed is lost.

Fields: `mode` (all or any); `g0-mode` (all, any or none) of each group; `g0-r0-word` ("field:city", "related:case"), `-op`, `-value` of each
condition; `g0-r0-w0-word` … of what is asked of related things. Journeys are to use the same fields.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from crm.core.conditions import Relation, Tree, Vocabulary, Word
from crm.core.conditions.tree import amount_field
from crm.core.conditions.words import WITHOUT_VALUE

MOST_GROUPS, MOST_ROWS, MOST_INNER = 8, 12, 6
_NUMBERED = re.compile(r"^(.*?)(\d{1,3})$")


@dataclass
class Row:
    """One condition as it is drawn: `word` as chosen, `op` and `values` as typed, `inner` what is asked of related things, `problem` in words."""

    prefix: str
    word: str = ""
    op: str = ""
    values: list[str] = field(default_factory=list)
    inner: list[Row] = field(default_factory=list)
    problem: str = ""
    known: Vocabulary | None = None

    @property
    def id(self) -> str:
        """For labels; prefixes are plain."""
        return f"id_{self.prefix}"

    @property
    def value(self) -> str:
        """The single value typed."""
        return self.values[0] if self.values else ""

    @property
    def found(self) -> Word | Relation | None:
        """What the chosen word means, or None while nothing (or nothing known) is chosen."""
        kind, _colon, key = self.word.partition(":")
        try:
            return None if self.known is None else self.known.word(key) if kind == "field" else self.known.relation(key) if kind == "related" else None
        except ValidationError:
            return None

    @property
    def related(self) -> bool:
        """Does it ask for things that belong to the contact?"""
        return isinstance(self.found, Relation)

    def menu(self) -> list[tuple[str, list[tuple[str, str, bool]]]]:
        """All words in groups: [(group, [(value, label, chosen)])]."""
        assert self.known is not None
        groups: dict[str, list[tuple[str, str, bool]]] = {}
        for kind, things in (("field", self.known.words), ("related", self.known.relations)):
            for key, thing in things.items():
                value = f"{kind}:{key}"
                groups.setdefault(str(thing.group), []).append((value, capfirst(str(thing.label)), value == self.word))
        return list(groups.items())

    def operators(self) -> list[tuple[str, str, bool]]:
        """(value, label, chosen) of what may be asked of the word."""
        found = self.found
        if isinstance(found, Relation):
            ways = [("some", _("there are some")), ("none", _("there are none")), ("count:at_least", _("at least")), ("count:at_most", _("at most"))]
            for key, measure in found.measures.items():
                ways += [(f"{key}:at_least", _("%(what)s at least") % {"what": capfirst(str(measure.label))}), (f"{key}:at_most", _("%(what)s at most") % {"what": capfirst(str(measure.label))})]
            return [(value, label, value == self.op) for value, label in ways]
        return [] if found is None else [(op, found.says_op(op), op == self.op) for op in dict.fromkeys((*found.operators, *([self.op] if self.op else [])))]

    @property
    def input(self) -> str:
        """What the value is typed into: "" (none), choice, days, day, number or text."""
        found = self.found
        if found is None or self.op in WITHOUT_VALUE | {"some", "none", ""}:
            return ""
        if isinstance(found, Relation):
            return "number" if self.op.startswith("count:") else "money"
        if self.op in {"within", "ago", "ahead"}:
            return "days"
        return {"moment": "day"}.get(found.kind, found.kind)

    def options(self) -> list[tuple[str, str, bool]]:
        """(value, label, chosen) of a choice."""
        found = self.found
        return [(str(value), str(label), str(value) in self.values) for value, label in found.options()] if isinstance(found, Word) else []

    def tree(self) -> Tree | None:
        """The condition, or None while no word is chosen. What is wrong is said in `problem`."""
        if not self.word:
            return None
        found = self.found
        try:
            if found is None:
                key = self.word.partition(":")[2]
                assert self.known is not None
                raise self.known._unknown(key or self.word)
            return self._related(found) if isinstance(found, Relation) else self._field(found)
        except ValidationError as problem:
            self.problem = " ".join(problem.messages)
            return None

    def _field(self, word: Word) -> Tree:
        if self.op in WITHOUT_VALUE:
            word.clean(self.op, None)
            return {"field": word.key, "op": self.op}
        typed: Any = self.values if word.kind == "choice" and self.op in {"in", "not_in"} else self.value
        return {"field": word.key, "op": self.op, "value": word.stored(self.op, word.clean(self.op, typed))}

    def _related(self, relation: Relation) -> Tree:
        measure, _colon, op = {"some": "count:at_least", "none": "count:at_most"}.get(self.op, self.op).partition(":")
        if op not in {"at_least", "at_most"}:
            raise ValidationError(_("This condition cannot be understood."))
        plain: dict[str, int] = {"some": 1, "none": 0}
        value = plain[self.op] if self.op in plain else amount_field(relation, measure).clean(self.value)
        asked = [tree for row in self.inner if (tree := row.tree()) is not None]
        tree = {"related": relation.key, "measure": measure, "op": op, "value": value if measure == "count" else str(value)}
        return {**tree, "where": {"all": asked}} if asked else tree

    def problems(self) -> int:
        """How many conditions here are not complete."""
        return bool(self.problem) + sum(row.problems() for row in self.inner)


@dataclass
class Group:
    """Conditions of which all, any or none hold."""

    prefix: str
    mode: str
    rows: list[Row]


class Builder:
    """What was typed, as groups of rows; `tree` is None while something is wrong."""

    def __init__(self, known: Vocabulary, mode: str, groups: list[Group]) -> None:
        self.known = known
        self.mode = mode if mode in {"all", "any"} else "all"
        self.groups = groups or [Group("g0", "all", [Row("g0-r0", known=known)])]

    @classmethod
    def typed(cls, data: QueryDict | dict[str, Any], known: Vocabulary) -> Builder:
        """From the fields of a form, then the step asked by `do`: add-…, drop-… or nothing."""
        data = data if isinstance(data, QueryDict) else QueryDict()
        groups = []
        for g in _numbers(data, "g")[:MOST_GROUPS]:
            rows = [_row(data, f"g{g}-r{r}", known, inner=True) for r in _numbers(data, f"g{g}-r")[:MOST_ROWS]]
            mode = data.get(f"g{g}-mode", "all")
            groups.append(Group(f"g{g}", mode if mode in {"all", "any", "none"} else "all", rows))
        builder = cls(known, data.get("mode", "all"), groups)
        builder._do(data.get("do", ""))
        return builder

    @classmethod
    def of_tree(cls, tree: Tree, known: Vocabulary) -> Builder | None:
        """From a stored tree; None if it has more levels than the builder draws."""
        mode, parts = next(((key, tree[key]) for key in ("all", "any") if key in tree), ("all", [tree] if tree else []))
        groups = []
        for g, part in enumerate(parts):
            negative = set(part) == {"not"} and set(part["not"]) == {"any"}
            inside = part["not"] if negative else part
            key = next((key for key in ("all", "any") if key in inside), "")
            leaves = inside[key] if key else [inside]
            rows = [_from_leaf(leaf, f"g{g}-r{r}", known) for r, leaf in enumerate(leaves)]
            if None in rows:
                return None
            groups.append(Group(f"g{g}", "none" if negative else key or "all", [row for row in rows if row is not None]))
        return cls(known, mode, groups)

    def tree(self) -> Tree | None:
        """The tree of all complete conditions, or None if one is not complete (its row says why)."""
        parts: list[Tree] = []
        for group in self.groups:
            leaves = [leaf for row in group.rows if (leaf := row.tree()) is not None]
            if leaves:
                parts.append({"not": {"any": leaves}} if group.mode == "none" else {group.mode: leaves})
        return None if self.problems() else {self.mode: parts} if parts else {}

    def problems(self) -> int:
        """How many conditions are not complete."""
        return sum(row.problems() for group in self.groups for row in group.rows)

    def _do(self, step: str) -> None:
        """Add or drop a row, an inner row or a group, as the button said."""
        verb, _dash, prefix = step.partition("-")
        for group in list(self.groups):
            if verb == "drop" and prefix == group.prefix:
                self.groups.remove(group)
            elif verb == "add" and prefix == group.prefix and len(group.rows) < MOST_ROWS:
                group.rows.append(Row(f"{group.prefix}-r{_next(group.rows)}", known=self.known))
            for row in list(group.rows):
                if verb == "drop" and prefix == row.prefix:
                    group.rows.remove(row)
                elif verb == "add" and prefix == row.prefix and isinstance(row.found, Relation) and len(row.inner) < MOST_INNER:
                    row.inner.append(Row(f"{row.prefix}-w{_next(row.inner)}", known=row.found.vocabulary))
                row.inner = [one for one in row.inner if not (verb == "drop" and prefix == one.prefix)]
        if step == "group" and len(self.groups) < MOST_GROUPS:
            prefix = f"g{_next(self.groups)}"
            self.groups.append(Group(prefix, "all", [Row(f"{prefix}-r0", known=self.known)]))
        self.groups = [group for group in self.groups if group.rows] or [Group("g0", "all", [Row("g0-r0", known=self.known)])]


def _numbers(data: QueryDict, prefix: str) -> list[int]:
    found = {int(match[1]) for key in data if (match := re.match(rf"^{re.escape(prefix)}(\d{{1,3}})-", key))}
    return sorted(found)


def _next(things: list[Any]) -> int:
    return 1 + max((int(match[2]) for thing in things if (match := _NUMBERED.match(thing.prefix))), default=-1)


def _row(data: QueryDict, prefix: str, known: Vocabulary, *, inner: bool) -> Row:
    row = Row(prefix, data.get(f"{prefix}-word", ""), data.get(f"{prefix}-op", ""), [value for value in data.getlist(f"{prefix}-value") if value], known=known)
    offered = [value for value, _label, _chosen in row.operators()]
    if row.op not in offered or row.word != data.get(f"{prefix}-was", row.word):  # another word was chosen: its first question, nothing typed yet
        row.op, row.values = (offered[0] if offered else ""), row.values if row.op in offered else []
    if inner and isinstance(row.found, Relation):
        row.inner = [_row(data, f"{prefix}-w{w}", row.found.vocabulary, inner=False) for w in _numbers(data, f"{prefix}-w")[:MOST_INNER]]
    return row


def _from_leaf(leaf: Tree, prefix: str, known: Vocabulary) -> Row | None:
    if "field" in leaf:
        value = leaf.get("value")
        return Row(prefix, f"field:{leaf['field']}", leaf["op"], [str(one) for one in (value if isinstance(value, list) else [] if value is None else [value])], known=known)
    if "related" not in leaf:
        return None
    row = Row(prefix, f"related:{leaf['related']}", known=known)
    way = f"{leaf['measure']}:{leaf['op']}"
    row.op = {("count:at_least", "1"): "some", ("count:at_most", "0"): "none"}.get((way, str(leaf["value"])), way)
    row.values = [str(leaf["value"])]
    where = leaf.get("where") or {}
    asked = where.get("all", [where] if where else [])
    inside = row.found.vocabulary if isinstance(row.found, Relation) else known
    inner = [_from_leaf(part, f"{prefix}-w{w}", inside) if "field" in part else None for w, part in enumerate(asked)]
    row.inner = [one for one in inner if one is not None]
    return row if None not in inner else None


class TreeInput(forms.HiddenInput):
    """Reads the builder's fields, or one JSON field where a page sends the tree whole."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        """The text of the JSON field, else all that was typed."""
        return data.get(name, data)
