"""A condition as a sentence people read, in their language; one function for all trees."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from crm.core import formats
from crm.core.conditions.words import WITHOUT_VALUE, Relation, Vocabulary, plain

Tree = dict[str, Any]
# The clauses said of the rows a vocabulary names; in German the verb stands at their end.
CLAUSES: dict[str, Any] = {
    "set": gettext_lazy("whose %(label)s is known"),
    "unset": gettext_lazy("whose %(label)s is not known"),
    "in": gettext_lazy("whose %(label)s is %(value)s"),
    "not_in": gettext_lazy("whose %(label)s is not %(value)s"),
    "contains": gettext_lazy("whose %(label)s contains “%(value)s”"),
    "begins": gettext_lazy("whose %(label)s begins with “%(value)s”"),
    "at_least": gettext_lazy("whose %(label)s is at least %(value)s"),
    "at_most": gettext_lazy("whose %(label)s is at most %(value)s"),
    "within": gettext_lazy("whose %(label)s lies within the last %(value)s days"),
    "ago": gettext_lazy("whose %(label)s is more than %(value)s days ago"),
    "ahead": gettext_lazy("whose %(label)s lies within the next %(value)s days"),
}
DAY_CLAUSES = {
    **CLAUSES,
    "at_least": gettext_lazy("whose %(label)s is on %(value)s or later"),
    "at_most": gettext_lazy("whose %(label)s is on %(value)s or earlier"),
}
# The same, short, of things that belong to them.
BRIEF: dict[str, Any] = {
    "within": pgettext_lazy("brief", "%(label)s within the last %(value)s days"),
    "ago": pgettext_lazy("brief", "%(label)s more than %(value)s days ago"),
    "ahead": pgettext_lazy("brief", "%(label)s within the next %(value)s days"),
}
BRIEF_DAYS = {
    **BRIEF,
    "at_least": pgettext_lazy("brief", "%(label)s on %(value)s or later"),
    "at_most": pgettext_lazy("brief", "%(label)s on %(value)s or earlier"),
}
_OPPOSITES = {"set": "unset", "unset": "set", "in": "not_in", "not_in": "in"}


def sentence(tree: Tree, words: Vocabulary | type[models.Model]) -> str:
    """The condition in the reader's language: "amount is filled in and contact is filled in", "people whose industry is engineering".

    A vocabulary with nouns makes a whole sentence of it. The tree is a checked one; values that are gone are a question mark.
    """
    vocabulary = plain(words)
    if not vocabulary.nouns:
        return _said(tree, vocabulary, _brief) or _("always")
    tree, noun = _noun(_flat(tree), vocabulary)
    clauses = _said(tree, vocabulary, _clause)
    return _("%(who)s %(clauses)s") % {"who": noun, "clauses": clauses} if clauses else str(noun)


def _said(tree: Tree, words: Vocabulary, leaf: Callable[[Tree, Vocabulary], str], *, inner: bool = False) -> str:
    if not tree:
        return ""
    if "all" in tree or "any" in tree:
        parts = [_said(part, words, leaf, inner=True) or ("" if "all" in tree else _("always")) for part in tree["all" if "all" in tree else "any"]]
        parts = [text for text in parts if text]
        last = " " + (_("and") if "all" in tree else _("or")) + " "
        if len(parts) < 2:
            return parts[0] if parts else (_("never") if "any" in tree else "")
        text = (", ".join(parts[:-1]) if leaf is _clause else last.join(parts[:-1])) + last + parts[-1]
        return f"({text})" if inner and leaf is _clause else text
    if "not" in tree:
        opposite = _opposite(tree["not"])
        if opposite is not None and leaf is _clause:
            return _said(opposite, words, leaf, inner=inner)
        what = _said(tree["not"], words, leaf)
        if leaf is _clause:
            return _("for whom it is not true: (%(what)s)") % {"what": what or _("always")}
        return _("not (%(what)s)") % {"what": what or _("always")}
    if "related" in tree:
        return _related(tree, words.relation(tree["related"]))
    return leaf(tree, words)


def _brief(tree: Tree, words: Vocabulary) -> str:
    word, op = words.word(tree["field"]), tree["op"]
    values = tree.get("value")
    said = "" if op in WITHOUT_VALUE else word.said(op, values)
    if (template := (BRIEF_DAYS if word.kind in {"day", "moment"} else BRIEF).get(op)) is not None:
        return str(template) % {"label": word.label, "value": said}
    if op in {"in", "not_in"} and isinstance(values, list) and (len(values) == 1 or word.choices):
        op = {"in": "is", "not_in": "is_not"}[op]
    return f"{word.label} {word.says_op(op)} {said}".strip()


def _clause(tree: Tree, words: Vocabulary) -> str:
    word, op = words.word(tree["field"]), tree["op"]
    template = word.says.get(op) or (DAY_CLAUSES if word.kind in {"day", "moment"} else CLAUSES)[op]
    return str(template) % {"label": word.label, "value": "" if op in WITHOUT_VALUE else word.said(op, tree.get("value"))}


def _related(tree: Tree, relation: Relation) -> str:
    value, least = tree["value"], tree["op"] == "at_least"
    if tree["measure"] == "count":
        count = int(value)
        filled = {"things": relation.label, "n": formats.number(count)}
        if least and count == 1:
            text = _("who have %(things)s") % filled
        elif not least and count == 0:
            text = _("who have no %(things)s") % filled
        else:
            text = (_("who have at least %(n)s %(things)s") if least else _("who have at most %(n)s %(things)s")) % filled
    else:
        filled = {"things": relation.label, "what": relation.measures[tree["measure"]].label, "n": formats.number(Decimal(str(value)), 2)}
        text = (_("who have %(things)s worth at least %(n)s in all") if least else _("who have %(things)s worth at most %(n)s in all")) % filled
    where = _said(_flat(tree.get("where", {})), relation.vocabulary, _brief)
    return pgettext("things with", "%(clause)s (%(where)s)") % {"clause": text, "where": where} if where else text


def _flat(tree: Tree) -> Tree:
    """The same tree without groups of one and groups within their like."""
    for key in ("all", "any"):
        if key in tree:
            parts: list[Tree] = []
            for part in map(_flat, tree[key]):
                parts += part.get(key, [part] if part or key == "any" else [])
            return parts[0] if len(parts) == 1 else {key: parts}
    return {"not": _flat(tree["not"])} if "not" in tree else tree


def _noun(tree: Tree, words: Vocabulary) -> tuple[Tree, str]:
    """What the rows are called, and the tree without the part that says so."""
    parts = tree.get("all", [tree])
    for part in parts:
        if part.get("field") == words.noun_word and part["op"] == "in" and len(part["value"]) == 1 and part["value"][0] in words.nouns:
            rest = [other for other in parts if other is not part]
            return ({"all": rest} if len(rest) != 1 else rest[0]), str(words.nouns[part["value"][0]])
    return tree, str(words.nouns[""])


def _opposite(tree: Tree) -> Tree | None:
    """A tree that says the opposite without a "not", where language has one."""
    if "any" in tree:
        parts = [_opposite(part) for part in tree["any"]]
        return {"all": parts} if parts and None not in parts else None
    if tree.get("field") and tree["op"] in _OPPOSITES:
        return {**tree, "op": _OPPOSITES[tree["op"]]}
    if "related" in tree and tree["measure"] == "count":
        count = int(tree["value"])
        if tree["op"] == "at_least" and count:
            return {**tree, "op": "at_most", "value": count - 1}
        if tree["op"] == "at_most":
            return {**tree, "op": "at_least", "value": count + 1}
    return None
