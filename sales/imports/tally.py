"""Counts over the rows of an import: they always add up to the rows of its files."""

from __future__ import annotations

import json
from typing import Any

from django.db import connection
from django.db.models import Count
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from sales.imports import words
from sales.imports.models import ImportRow, ImportRun, Kind


def table(run: ImportRun, column: str) -> dict[str, Any]:
    """{heads, lines: [{kind, label, cells, total}], totals, total} of rows by kind and by "verdict" or "outcome"."""
    choices = ImportRow.Verdict if column == "verdict" else ImportRow.Outcome
    heads = [choice for choice in choices if choice.value]
    counts: dict[tuple[str, str], int] = {}
    for kind, value, count in run.rows.values_list("kind", column).annotate(Count("pk")).order_by("kind"):
        counts[kind, value] = count
    lines = []
    for kind in Kind:
        cells = [{"key": head.value, "count": counts.get((kind.value, head.value), 0)} for head in heads]
        total = sum(count for (of, _value), count in counts.items() if of == kind.value)
        if total:
            lines.append({"kind": kind.value, "label": kind.label, "cells": cells, "total": total})
    totals = [{"key": head.value, "label": head.label, "count": sum(counts.get((kind.value, head.value), 0) for kind in Kind)} for head in heads]
    return {"heads": heads, "lines": lines, "totals": totals, "total": sum(counts.values())}


def reasons(run: ImportRun) -> list[dict[str, Any]]:
    """[{kind, label, key, sentence, count}]: why rows are refused, the most frequent first; where they say different things, the first as an example."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT kind, reason->>0, reason->1->>'field', reason->1->>'what', reason->1->>'question', count(*), count(DISTINCT reason->1), (array_agg(reason->1 ORDER BY file_id, line))[1]::text"
            " FROM sales_importrow, jsonb_array_elements(reasons) reason WHERE run_id = %s GROUP BY 1, 2, 3, 4, 5 ORDER BY 6 DESC, 1, 2",
            [run.pk],
        )
        found = cursor.fetchall()
    lines = []
    for kind, key, _field, _what, _question, count, different, example in found:
        sentence = words.reason(kind, key, json.loads(example))
        if different > 1:
            sentence = format_lazy(_("For example: {sentence}"), sentence=sentence)
        lines.append({"kind": kind, "label": Kind(kind).label, "key": key, "sentence": sentence, "count": count})
    return lines
