"""Rows that are worked out once and asked several questions, all in one statement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

KEYS = RawSQL("SELECT id FROM once", ())  # for `pk__in` or `party__in` within a question
Question = tuple[str, Any]  # SQL of (a word, a whole number), and its parameters


def ask_once(rows: QuerySet[Any], questions: Mapping[str, Question | QuerySet[Any]]) -> dict[str, list[tuple[str, int]]]:
    """The answers to each question about these rows, which it calls "once" and which have a column `id`. Of no rows nothing is asked: no answer."""
    try:
        text, params = rows.order_by().query.sql_with_params()
    except EmptyResultSet:
        return {name: [] for name in questions}
    parts: list[str] = []
    values: list[Any] = [*params]
    for name, question in questions.items():
        asked, given = question.order_by().query.sql_with_params() if isinstance(question, QuerySet) else question
        parts.append(f"SELECT %s, word::text, number::bigint FROM ({asked}) AS question(word, number)")  # noqa: S608 - statements of our own
        values += [name, *given]
    found: dict[str, list[tuple[str, int]]] = {name: [] for name in questions}
    with connection.cursor() as cursor:
        cursor.execute(f"WITH once AS MATERIALIZED ({text}) {' UNION ALL '.join(parts)}", values)
        for name, word, number in cursor.fetchall():
            found[name].append((word, number))
    return found
