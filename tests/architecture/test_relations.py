"""A new key to a contact, or a new table of subjects, must say what becomes of it when two contacts are merged."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.contrib.contenttypes.models import ContentType

from contacts.models import MergeRecord, Party
from contacts.relations import RELATIONS, SUBJECTS, Relation, Way, called


def keys_to_contacts() -> set[str]:
    return {
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models(include_auto_created=True)
        if not model._meta.proxy
        for field in model._meta.get_fields()
        if field.is_relation and not field.auto_created and field.related_model is not None and field.related_model._meta.concrete_model is Party  # type: ignore[union-attr]
    }


def subject_tables() -> set[str]:
    return {model._meta.label for model in apps.get_models() if any(field.name == "subject_type" and field.related_model is ContentType for field in model._meta.concrete_fields)}


def gaps(relations: Iterable[Relation] = RELATIONS) -> set[str]:
    return keys_to_contacts() ^ {relation.path for relation in relations}


def test_every_key_to_a_contact_says_what_a_merge_does_with_it() -> None:
    assert not gaps()
    assert subject_tables() == set(SUBJECTS)


def test_red_control_a_forgotten_key_is_seen() -> None:
    assert gaps(RELATIONS[1:]) == {RELATIONS[0].path}


def test_unique_columns_are_named() -> None:
    """What moves as a whole stands in no unique constraint with others; what moves once names exactly the others."""
    for relation in RELATIONS:
        model: Any = relation.model
        sets = [set(constraint.fields) for constraint in model._meta.constraints if getattr(constraint, "fields", None)] + [set(columns) for columns in model._meta.unique_together]
        with_it = [columns - {relation.field} for columns in sets if relation.field in columns]
        if relation.way is Way.MOVES:
            assert not with_it, relation.path
        elif relation.way in (Way.ONCE, Way.STAYS):
            assert with_it == [set(relation.once)], relation.path


def test_what_goes_over_has_a_name_for_people() -> None:
    """Django makes "E-Mail-Adresses" of a German word."""
    for relation in [*RELATIONS, *(Relation(f"{label}.subject_id", way) for label, way in SUBJECTS.items() if way is Way.MOVES)]:
        if relation.way in (Way.MOVES, Way.ONCE, Way.STAYS, Way.OWN) or (relation.shown and relation.way is Way.LEDGER and relation.model is not MergeRecord):
            assert called(relation.model)
