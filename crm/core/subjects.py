"""What anything may hang on: interactions, tasks, mails and events name a subject by (content type, id); the roof knows the rest."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.urls import reverse

from crm.core.access import Rows, Scope, entity_of, scope_of
from crm.core.wiring import table


@dataclass(frozen=True)
class SubjectKind:
    """One kind of record other records may hang on. `url_name` takes the primary key; `icon` is a Tabler icon; `erase` is the service that deletes one."""

    model: type[models.Model]
    label: Any
    url_name: str
    icon: str
    erase: Callable[..., None]

    def url(self, pk: int) -> str:
        """Where the record is looked at."""
        return reverse(self.url_name, args=[pk])


def kinds() -> list[SubjectKind]:
    """The roof's table."""
    found: list[SubjectKind] = table("LOTSE_SUBJECTS")
    return found


def kind_of(content_type_id: int | None) -> SubjectKind | None:
    """The table's row for a content type, or None."""
    if content_type_id is None:
        return None
    model = ContentType.objects.get_for_id(content_type_id).model_class()
    return next((kind for kind in kinds() if kind.model is model), None)


def name_subject(record: models.Model) -> dict[str, Any]:
    """The two columns that name `record` as a subject."""
    concrete = type(record)._meta.concrete_model
    assert concrete is not None
    return {"subject_type": ContentType.objects.get_for_model(concrete), "subject_id": record.pk}


def of_subject(record: models.Model) -> Q:
    """Rows that hang on `record`."""
    return Q(**name_subject(record))


def subject_visible(user: Any) -> Q:
    """Rows whose subject the user may see, or that have none. Asked row by row (EXISTS): a page of a history never reads all opportunities."""
    kept = scope_of(user).kept
    if "subjects" not in kept:
        kept["subjects"] = _subject_visible(user)
    return kept["subjects"]


def _subject_visible(user: Any) -> Q:
    seen = Q(subject_type__isnull=True)
    for kind in kinds():
        content_type = ContentType.objects.get_for_model(kind.model)
        manager: Any = kind.model._default_manager
        seen |= Q(subject_type=content_type) & Q(Exists(manager.visible_to(user).filter(pk=OuterRef("subject_id"))))  # Postgres asks in this order
    return seen


class SubjectAccess:
    """History and tasks: visible when the party is and the subject is, too. Writing needs the verb on `entity`.

    With `person` the row also belongs to that user, who always sees it. Reach "own" means rows the user (or whom the user stands in for) wrote or has to do.
    """

    def __init__(self, parent: str, *, entity: str, person: str = "") -> None:
        self.parent = parent
        self._entity = entity
        self.person = person

    def entity(self, model: type[models.Model]) -> str:
        return self._entity

    def filter(self, rows: Rows, scope: Scope, action: str) -> Rows:
        parents: Any = rows.model._meta.get_field(self.parent).related_model
        reach = scope.reach("view", entity_of(parents))
        if reach is not None and reach.everything:
            on_parent = Q(**{f"{self.parent}__isnull": False})
        else:
            on_parent = Q(Exists(parents.objects.visible_to(scope.user).filter(pk=OuterRef(self.parent))))
        on_subject_alone = Q(**{f"{self.parent}__isnull": True}, subject_type__isnull=False)
        seen = (on_parent | on_subject_alone) & subject_visible(scope.user)
        if self.person:
            seen = Q(**{self.person: scope.user_id}) | seen
        rows = rows.filter(seen)
        if action in {"view", "export"}:
            return rows
        reach = scope.reach(action, self._entity)
        if reach is None:
            return rows.none()
        if reach.everything or reach.teams:
            return rows
        mine = Q(created_by_id__in=reach.owners)
        if self.person:
            mine |= Q(**{f"{self.person}__in": reach.owners})
        return rows.filter(mine)

    def hangs_on(self, model: type[models.Model], records: Mapping[type[models.Model], Collection[int]]) -> Q:
        """The rows of `model` whose contact or subject is among `records`, given by their keys."""
        parent: Any = model._meta.get_field(self.parent).related_model
        found = Q(**{f"{self.parent}__in": records.get(parent._meta.concrete_model, ())})
        for kind in kinds():
            if kind.model in records:
                found |= Q(subject_type=ContentType.objects.get_for_model(kind.model), subject_id__in=records[kind.model])
        return found
