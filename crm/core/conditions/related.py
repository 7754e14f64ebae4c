"""What belongs to a row, where it is asked of many rows: as sets of keys that Postgres reads once and looks each row up in.

Left to itself Postgres asks again for each row as soon as there is an "or", a "not" or something to reckon, or where it expects a set too big
for its memory. So the set is given to it as one, with its size in the dark (`_IN`).
"""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations
from typing import Any

from django.db import connection as database
from django.db.models import BooleanField, Count, Expression, F, Q, QuerySet, Sum, Value

from crm.core.conditions.words import Ask, Relation

# Of a union Postgres knows no distinct values and expects few: it makes the hash. Nobody has the key 0. "is true" keeps it from joining what it
# believes to be few rows by reading all of them again for each.
_IN = "({subject} IN (SELECT who FROM ({pairs} UNION ALL SELECT 0{more}) AS pairs(who{columns}) GROUP BY who{having})) IS TRUE"
# For one row: it looks up its own.
_OF_ONE = "(EXISTS (SELECT 1 FROM ({pairs}) AS pairs(who{columns}) WHERE who = {subject} GROUP BY who{having})) IS TRUE"


def as_set(rows: QuerySet[Any], whose: str) -> Q:
    """The rows these rows name by `whose`, as a set."""
    return Q(_Set(rows, whose))


def some(relation: Relation, rows: QuerySet[Any], ask: Ask) -> Q:
    """There is one among `rows` for the row of the subject."""
    found, link = Q(pk__in=[]), relation.link
    for way in relation.ways:
        found |= ask(rows, way)
        if link is not None:
            theirs = rows.filter(**{f"{way}__isnull": False}).values(way)
            found |= ask(link.rows.filter(**{f"{link.other}__in": theirs}), link.subject)
    return found


class _Set(Expression):
    """Is the row of the subject named by one of these rows?"""

    output_field = BooleanField()
    conditional = True

    def __init__(self, rows: QuerySet[Any], whose: str = "") -> None:
        super().__init__()
        self.rows, self.whose, self.subject = rows, whose, F("pk")

    def get_source_expressions(self) -> list[Any]:
        return [self.subject]

    def set_source_expressions(self, exprs: Any) -> None:
        (self.subject,) = exprs

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        subject, mine = compiler.compile(self.subject)
        pairs, params = _sql(_named(self.rows, self.whose).values_list(self.whose))
        return _IN.format(subject=subject, pairs=pairs, more="", columns="", having=""), (*mine, *params)


class Totals(_Set):
    """Does the number of `rows` that belong to the row of the subject (their sum of `path`) compare like this with `wanted`? Whoever has none is
    left out; a row that belongs to it in several ways is counted once."""

    def __init__(self, relation: Relation, rows: QuerySet[Any], path: str, compares: str, wanted: int | Decimal, *, one: bool) -> None:
        super().__init__(rows)
        self.relation, self.path, self.compares, self.wanted, self.one = relation, path, compares, wanted, one

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        subject, mine = compiler.compile(self.subject)
        pairs, params = self._pairs()
        whole = {"pairs": pairs, "subject": subject, "columns": ", n, id", "more": ", 0, 0", "having": f" HAVING SUM(n) {self.compares} %s"}
        if self.one:
            return _OF_ONE.format(**whole), (*params, *mine, self.wanted)
        return _IN.format(**whole), (*mine, *params, self.wanted)

    def _pairs(self) -> tuple[str, tuple[Any, ...]]:
        """Statement of (who, how much belongs to them, what it is)."""
        link, ways = self.relation.link, self.relation.ways
        links = None if link is None else _sql(link.rows.exclude(**{link.subject: F(link.other)}).order_by().values_list(link.subject, link.other))
        if self.one:
            own = [_sql(self._each(way)) for way in ways]
            return _joined(" UNION " if len(ways) > 1 else " UNION ALL ", [*own, *([_linked(links, one) for one in own] if links else [])])
        # Of all at once: added up for each before it is added to those linked to them, less what was theirs already.
        if len(ways) == 1:
            mine = _sql(self._each(ways[0]).values_list(ways[0]).annotate(_n=Sum(self.path) if self.path else Count("pk"), _none=Value(0)))
        else:
            text, params = _joined(" UNION ", [_sql(self._each(way)) for way in ways])
            mine = (_ADDED.format(pairs=text), params)
        if links is None:
            return mine
        arms = [mine, _linked(links, mine)]
        if len(ways) > 1:
            arms.append(_joined(" UNION ", [_linked(links, _sql(self._each(*pair)), _BOTH) for pair in permutations(ways, 2)]))
        return _joined(" UNION ALL ", arms)

    def _each(self, *ways: str) -> QuerySet[Any]:
        rows = self.rows
        for way in ways:
            rows = _named(rows, way)
        return rows.values_list(*map(F, ways), F(self.path) if self.path else Value(1), "pk")


_ADDED = "SELECT who, SUM(n), 0 FROM {pairs} AS pairs(who, n, id) GROUP BY who"
_THEIRS = "SELECT subject, n, id FROM ({links}) AS link(subject, other) JOIN ({rows}) AS theirs(who, n, id) ON who = other"
_BOTH = "SELECT subject, -n, id FROM ({links}) AS link(subject, other) JOIN ({rows}) AS both_ways(who, whose, n, id) ON who = subject AND whose = other"
Statement = tuple[str, tuple[Any, ...]]


def _linked(links: Statement, rows: Statement, how: str = _THEIRS) -> Statement:
    return how.format(links=links[0], rows=rows[0]), (*links[1], *rows[1])


def _joined(union: str, arms: list[Statement]) -> Statement:
    return f"({union.join(f'({text})' for text, _params in arms)})", tuple(value for _text, params in arms for value in params)


def _named(rows: QuerySet[Any], whose: str) -> QuerySet[Any]:
    """Those that name somebody: an empty key would make "is not among them" unknown."""
    return rows.filter(**{f"{whose}__isnull": False}).order_by()


def _sql(rows: QuerySet[Any]) -> tuple[str, tuple[Any, ...]]:
    """Raises EmptyResultSet where Django knows that there is none."""
    text, params = rows.query.get_compiler(connection=database).as_sql()
    return text, tuple(params)
