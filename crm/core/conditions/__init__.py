"""Conditions exist once: a small syntax tree that becomes a query, and a sentence people read (D16).

Tree: {"all": [tree, …]} | {"any": [tree, …]} | {"not": tree} | {"field": word, "op": op, "value": v}
| {"related": things, "measure": "count" or a sum, "op": "at_least" or "at_most", "value": n, "where": tree}; {} is always true.
Words and related things come from a `Vocabulary` that code declares, never from input as lookups; a model alone stands for its own fields.
"""

from crm.core.conditions.sentences import sentence
from crm.core.conditions.tree import ALWAYS, NEVER, Tree, check, holds, to_query, unmet, which_hold
from crm.core.conditions.words import OPERATORS, Link, Measure, Place, Relation, Vocabulary, Word, plain

__all__ = ["ALWAYS", "NEVER", "OPERATORS", "Link", "Measure", "Place", "Relation", "Tree", "Vocabulary", "Word", "check", "holds", "plain", "sentence", "to_query", "unmet", "which_hold"]
