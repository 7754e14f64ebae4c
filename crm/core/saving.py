"""Saving facts without losing anyone's: a stale form is merged field by field, and a real conflict is shown, not swallowed (D7)."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models.fields import BLANK_CHOICE_DASH
from django.http import Http404
from django.utils.translation import gettext as _

from crm.core import formats
from crm.core.access import ReferenceAccess, hidden_fields, may, seen_row
from crm.core.models import Change
from crm.core.work import work


class FactsForm(forms.ModelForm):
    """A form over facts. It carries the version it was rendered from, offers only rows the user may see and no hidden field.

    Construct it with `user`: choices of every relation are narrowed by `visible_to`, so nobody attaches a record to one
    they cannot see by guessing its number. Where the row hangs on a record the user cannot see the field is not offered: it would be
    drawn empty, and come back as if it had been cleared.
    """

    half: ClassVar[frozenset[str]] = frozenset()  # fields that stand two beside each other where there is room

    version = forms.IntegerField(required=False, min_value=0, max_value=2**31 - 1, widget=forms.HiddenInput)

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        self.user = user
        self.closed: dict[str, str] = {}
        super().__init__(*args, **kwargs)
        self.fields["version"].initial = self.instance.version if self.instance.pk else 0
        for name in hidden_fields(user, self._meta.model) & set(self.fields):
            del self.fields[name]
        for name, field in list(self.fields.items()):
            if isinstance(field, forms.CharField) and not isinstance(field.widget, forms.Textarea):
                field.validators = [*field.validators, one_line]
            if isinstance(field, forms.ModelChoiceField) and hasattr(field.queryset, "visible_to"):
                field.queryset = field.queryset.visible_to(user)
                if hangs_on_unseen(self.instance, name, user):
                    self.close(name)
            if isinstance(field, forms.ModelChoiceField) and field.empty_label == BLANK_CHOICE_DASH[0][1]:
                field.empty_label = formats.DASH

    def close(self, name: str) -> None:
        """Offer this field no more: what it names cannot be seen."""
        if name in self.fields:
            self.closed[name] = str(self.fields.pop(name).label or name)

    def clean(self) -> dict[str, Any]:
        """Whoever was still offered a field that is closed by now is told that the entry was left out."""
        facts = super().clean() or self.cleaned_data
        for name, label in self.closed.items():
            if str(self.data.get(self.add_prefix(name)) or "").strip():
                self.add_error(None, _("“%(field)s” was changed meanwhile to something you cannot see, and your entry there was left out. Please save again.") % {"field": label})
        return facts

    def clean_version(self) -> int | None:
        """An edit must say what it was typed over; without that it could write over somebody unseen."""
        version: int | None = self.cleaned_data.get("version")
        if self.instance.pk and version is None:
            raise forms.ValidationError(_("This form is incomplete. Please reload the page and try again."))
        return version

    @property
    def facts(self) -> list[str]:
        """The names of the model's own fields in this form."""
        columns = {f.name for f in self._meta.model._meta.concrete_fields}
        return [name for name in self.fields if name in columns and name != "version"]


def hangs_on_unseen(row: Any, name: str, reader: Any) -> bool:
    """Does this relation of a row that exists name a record the reader cannot see? What everybody may read is not looked up."""
    if row.pk is None or name not in {field.name for field in row._meta.concrete_fields}:
        return False
    key, related = getattr(row, _column(type(row), name)), row._meta.get_field(name).related_model
    return key is not None and not isinstance(related.access, ReferenceAccess) and seen_row(reader, related, key) is None


def one_line(text: str) -> None:
    """A browser sends no line break from a field of one line; who does it otherwise wants to begin a line in a mail or a file."""
    if any(unicodedata.category(letter) == "Cc" for letter in text):
        raise forms.ValidationError(_("Please write this in one line, without control characters."))


@dataclass(frozen=True)
class Difference:
    """One field two people changed (`conflict`) or only they did: what it was, what it is now and by whom, what you typed."""

    name: str
    label: str
    base: str
    theirs: str
    mine: str
    theirs_by: str
    theirs_at: datetime
    conflict: bool


class Stale(Exception):
    """Somebody else changed the same fields meanwhile. `differences` shows both; `current` is the row as it is now."""

    def __init__(self, current: models.Model, differences: list[Difference]) -> None:
        super().__init__("stale")
        self.current = current
        self.differences = differences


def save_facts(form: FactsForm, *, by: Any) -> Any:
    """Save a valid form: create, or update under lock with the version it was read at.

    Returns the saved record. Raises `Stale` if somebody changed one of the fields you changed to something else; changes to
    different fields are merged without asking. The gate is asked again inside the transaction.
    """
    instance = form.instance
    model = type(instance)
    with work(by=by):
        if instance.pk is None:
            if not may(by, "add", model):
                raise PermissionDenied
            instance.created_by = instance.updated_by = by
            instance.save()
            form._save_m2m()
        else:
            current = model._base_manager.select_for_update().filter(pk=instance.pk).first()
            if current is None or not model.objects.visible_to(by, "change").filter(pk=instance.pk).exists():
                raise Http404
            _merge(form, current)
            if all(getattr(instance, _column(model, name)) == getattr(current, _column(model, name)) for name in form.facts):
                return current
            instance.version = current.version + 1
            instance.updated_by = by
            columns = {name: getattr(instance, name) for name in form.facts}
            instance.save(update_fields=[*columns, "version", "updated_by", "updated_at"])
        if not model.objects.visible_to(by, "view").filter(pk=instance.pk).exists():
            raise PermissionDenied
        return instance


def _merge(form: FactsForm, current: models.Model) -> None:
    """Bring a stale form up to the row as it is: fields you left alone take the current value; a clash raises `Stale`."""
    seen: int = form.cleaned_data.get("version") or 0
    if seen == current.version or "version" not in form.fields:  # type: ignore[attr-defined]
        return  # nothing happened since, or a single field that compares its own old value
    instance, model = form.instance, type(current)
    theirs = changes_since(current, seen)
    differences = []
    for name in form.facts:
        column = _column(model, name)
        now, typed = getattr(current, column), getattr(instance, column)
        change = theirs.get(column)
        if change is None:
            continue  # nobody else touched it: what you typed stands
        base = model._meta.get_field(name).to_python(change.base)
        if typed in (base, now):
            setattr(instance, column, now)
            if typed != now:
                differences.append(_difference(form, name, change, current, conflict=False))
            continue
        differences.append(_difference(form, name, change, current, conflict=True))
    if any(difference.conflict for difference in differences):
        raise Stale(current, differences)


@dataclass(frozen=True)
class _Theirs:
    base: Any
    by: str
    at: datetime


def changes_since(current: models.Model, version: int) -> dict[str, _Theirs]:
    """Column → what it was at `version` and who changed it last since, read from the audit."""
    rows = Change.objects.filter(relation=type(current)._meta.db_table, row_id=current.pk, op="U", before__version__gte=version).order_by("id")
    found: dict[str, _Theirs] = {}
    actors = get_user_model().objects.in_bulk({row.actor_id for row in rows if row.actor_id})
    for row in rows:
        who = str(actors.get(row.actor_id, "")) if row.actor_id else ""
        for column, was in (row.before or {}).items():
            base = found[column].base if column in found else was
            found[column] = _Theirs(base, who, row.at)
    return found


def _difference(form: FactsForm, name: str, change: _Theirs, current: models.Model, *, conflict: bool) -> Difference:
    field = form.fields[name]
    model_field = type(current)._meta.get_field(name)
    return Difference(
        name,
        str(field.label or name),
        said(model_field, change.base, form.user),
        said(model_field, getattr(current, model_field.attname), form.user),
        said(model_field, getattr(form.instance, model_field.attname), form.user),
        change.by,
        change.at,
        conflict,
    )


def said(field: Any, value: Any, reader: Any) -> str:
    """A column's value in words: the choice's label, the name of the related record if the reader sees it, a dash for nothing. `reader` is
    None for what somebody wrote into the set-up for everybody."""
    if value in (None, ""):
        return "–"
    if field.choices:
        return str(dict(field.flatchoices).get(value, value))
    if field.is_relation:
        found = seen_row(reader, field.related_model, value) if reader else field.related_model._base_manager.filter(pk=value).first()
        return str(found or _("(not visible to you)"))
    return str(value)


def _column(model: type[models.Model], name: str) -> str:
    return str(model._meta.get_field(name).attname)  # type: ignore[union-attr]
