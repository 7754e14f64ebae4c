"""Which records an import created must stay when it is taken back: somebody changed them since, or something not of this import needs them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db import connection, models

from contacts.models import DuplicatePair, Interaction, PartyActivity, PartySearch, Task
from crm.core.models import Change
from sales.imports.models import ImportFile, ImportQuestion, ImportRow, ImportRun
from sales.models import StageTransition

_UNASKED = {PartySearch, PartyActivity, DuplicatePair, StageTransition, ImportRun, ImportFile, ImportRow, ImportQuestion}  # derived rows, ledgers, the import itself


@cache
def model_of(relation: str) -> type[models.Model]:
    """The model of an audited table."""
    return next(model for model in apps.get_models(include_auto_created=True) if model._meta.db_table == relation and not model._meta.proxy)


def to_keep(job: int) -> dict[str, dict[int, str]]:
    """Table → row → reason ("changed_since" or "in_use") of the created rows that stay, with all they need and all that hangs on them."""
    relations = Change.objects.filter(job_id=job, op="I").values_list("relation", flat=True).distinct()
    created = {model: _created(model, job) for model in map(model_of, relations)}
    with connection.cursor() as cursor:
        for model in (Change, *created):  # what was brought in a moment ago may be many rows that nobody has counted
            cursor.execute(f'ANALYZE "{model._meta.db_table}"')
    kept: dict[type[models.Model], dict[int, str]] = {}
    for model in created:
        kept[model] = dict.fromkeys(_touched(model, job), "changed_since")
        for pk in _used_elsewhere(model, job):
            kept[model].setdefault(pk, "in_use")
    growing = any(kept.values())
    while growing:
        growing = False
        for model, held in list(kept.items()):
            for field in _keys(model):
                goal = field.related_model._meta.concrete_model
                if goal not in created:
                    continue
                needed = model._base_manager.filter(pk__in=list(held), **{f"{field.attname}__in": created[goal]})
                for parent in set(needed.values_list(field.attname, flat=True)) - set(kept[goal]):  # what a kept row needs
                    kept[goal][parent], growing = "in_use", True
                if _belongs(model, field):
                    hanging = model._base_manager.filter(pk__in=created[model], **{f"{field.attname}__in": list(kept[goal])})
                    for pk in set(hanging.values_list("pk", flat=True)) - set(held):  # what hangs on a kept row
                        held[pk], growing = "part_of_kept", True
    return {model._meta.db_table: held for model, held in kept.items() if held}


def _created(model: type[models.Model], job: int) -> Any:
    """The ids of the rows a job created, as a subquery: there may be millions."""
    return Change.objects.filter(job_id=job, op="I", relation=model._meta.db_table).values("row_id")


def _keys(model: type[models.Model]) -> Iterable[Any]:
    return [field for field in model._meta.concrete_fields if field.is_relation and field.related_model is not ContentType]


def _belongs(model: type[models.Model], field: Any) -> bool:
    return field.remote_field.on_delete is models.CASCADE


def _touched(model: type[models.Model], job: int) -> set[int]:
    """Changed by other work after the import."""
    there = model._base_manager.filter(pk__in=_created(model, job)).values("pk")
    rows = Change.objects.filter(relation=model._meta.db_table, row_id__in=there, op="U").exclude(job_id=job)
    return set(rows.values_list("row_id", flat=True))


def _used_elsewhere(model: type[models.Model], job: int) -> set[int]:
    """Named by a row this job neither created nor pointed there."""
    found: set[int] = set()
    for relation in model._meta.get_fields(include_hidden=True):
        if not (relation.auto_created and not relation.concrete and (relation.one_to_many or relation.one_to_one)):
            continue
        other: Any = relation.related_model
        if other not in _UNASKED and not other._meta.proxy:
            found |= _named_in(other, str(relation.field.column), "", model, job)  # type: ignore[union-attr]
    if ContentType.objects.filter(app_label=model._meta.app_label, model=model._meta.model_name).exists():
        subject = f"AND o.subject_type_id = {int(ContentType.objects.get_for_model(model).pk)}"
        for other in (Interaction, Task):
            found |= _named_in(other, "subject_id", subject, model, job)
    return found


def _named_in(other: Any, column: str, condition: str, model: type[models.Model], job: int) -> set[int]:
    table, pk = other._meta.db_table, other._meta.pk.column
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT DISTINCT o."{column}" FROM "{table}" o
            JOIN core_change n ON n.job_id = %(job)s AND n.relation = %(created)s AND n.op = 'I' AND n.row_id = o."{column}"
            JOIN "{model._meta.db_table}" t ON t.id = n.row_id
            WHERE true {condition} AND NOT EXISTS (
                SELECT 1 FROM core_change c WHERE c.job_id = %(job)s AND c.relation = %(table)s AND c.row_id = o."{pk}"
                AND (c.op = 'I' OR (c.op = 'U' AND c.after ? %(column)s)))""",  # noqa: S608 - names from the models
            {"job": job, "created": model._meta.db_table, "table": table, "column": column},
        )
        return {row[0] for row in cursor.fetchall()}
