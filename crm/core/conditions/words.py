"""The words of conditions: what can be asked of a row, checked by forms, and how asking becomes a query of two values, true or false."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.lookups import Contains
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from crm.core import formats
from crm.core.days import on_days
from crm.core.fold import Begins, Fold, fold
from crm.core.saving import said

OPERATORS: dict[str, Any] = {
    "set": gettext_lazy("is filled in"),
    "unset": gettext_lazy("is empty"),
    "is": gettext_lazy("is"),
    "is_not": gettext_lazy("is not"),
    "at_least": gettext_lazy("is at least"),
    "at_most": gettext_lazy("is at most"),
    "contains": gettext_lazy("contains"),
    "begins": gettext_lazy("begins with"),
    "in": gettext_lazy("is one of"),
    "not_in": gettext_lazy("is none of"),
    "within": gettext_lazy("within the last … days"),
    "ago": gettext_lazy("more than … days ago"),
    "ahead": gettext_lazy("within the next … days"),
}
DAY_OPERATORS = {**OPERATORS, "at_least": pgettext_lazy("day", "on … or later"), "at_most": pgettext_lazy("day", "on … or earlier")}
OPS = {
    "choice": ("in", "not_in", "set", "unset"),
    "text": ("contains", "begins", "set", "unset"),
    "number": ("at_least", "at_most", "set", "unset"),
    "money": ("at_least", "at_most", "set", "unset"),
    "day": ("within", "ago", "ahead", "at_least", "at_most", "set", "unset"),
    "moment": ("within", "ago", "ahead", "at_least", "at_most", "set", "unset"),
}
OPPOSITE = {"unset": "set", "not_in": "in", "is_not": "is"}
WITHOUT_VALUE = {"set", "unset"}
RELATIVE = {"within", "ago", "ahead"}
MOST_DAYS = 36_500


Ask = Callable[[QuerySet[Any], str], Q]  # the rows that these rows name by this column


def row_by_row(rows: QuerySet[Any], whose: str) -> Q:
    """Best for few rows, and where it must hold anyway: then Postgres makes a join of it."""
    return Q(Exists(rows.filter(**{whose: OuterRef("pk")})))


@dataclass(frozen=True)
class Place:
    """Where a word's value stands: a field path of the row itself, or of `rows`, whose column `whose` names it."""

    path: str
    rows: QuerySet[Any] | None = None
    whose: str = ""

    def holds(self, test: Callable[[str], Q], ask: Ask = row_by_row) -> Q:
        """Does a value here pass the test?"""
        return test(self.path) if self.rows is None else ask(self.rows.filter(test(self.path)), self.whose)


@dataclass(frozen=True)
class Word:
    """Something that can be asked of a row. `kind` is choice, text, number, money, day or moment (a point in time, asked by days).

    A word with several places or rows holds if one of its values does; `unset` and `not_in` are the exact opposites of `set` and `in`.
    `choices` are (value, label) pairs. `says` maps operators to clauses of their own, with %(value)s. `ops` narrows what is offered.
    """

    key: str
    label: Any
    kind: str
    places: tuple[Place, ...]
    choices: Callable[[], list[tuple[Any, Any]]] | None = None
    group: Any = ""
    ops: tuple[str, ...] = ()
    says: Mapping[str, Any] = field(default_factory=dict)

    @property
    def operators(self) -> tuple[str, ...]:
        """What is offered to be asked of this word."""
        return self.ops or OPS[self.kind]

    def says_op(self, op: str) -> str:
        """The operator in words."""
        return str((DAY_OPERATORS if self.kind in {"day", "moment"} else OPERATORS)[op])

    def form_field(self, op: str) -> forms.Field | None:
        """The form field that checks a value for `op`; None where no value is asked."""
        if op in WITHOUT_VALUE:
            return None
        if op in RELATIVE:
            return forms.IntegerField(min_value=0, max_value=MOST_DAYS)
        if self.kind == "choice":
            gone = {"invalid_choice": gettext_lazy("One of the chosen values is not there any more."), "required": gettext_lazy("Please choose at least one.")}
            return forms.MultipleChoiceField(choices=[(str(value), label) for value, label in self.options()], error_messages=gone)
        if self.kind == "text":
            return forms.CharField(max_length=80, validators=[_has_letters])
        if self.kind in {"number", "money"}:
            return forms.DecimalField(max_digits=14, decimal_places=2 if self.kind == "money" else 0)
        return forms.DateField(validators=[_in_our_time])

    def options(self) -> list[tuple[Any, Any]]:
        """(value, label) of a choice."""
        return list(self.choices()) if self.choices else []

    def clean(self, op: str, value: Any) -> Any:
        """The value as Python has it. Raises ValidationError in words."""
        if op not in OPS[self.kind]:
            raise ValidationError(_("This condition cannot be understood."))
        checked = self.form_field(op)
        if checked is None:
            return None
        if isinstance(checked, forms.MultipleChoiceField):
            if not isinstance(value, list):
                raise ValidationError(_("This condition cannot be understood."))
        elif isinstance(value, list | dict | bool):
            raise ValidationError(_("This condition cannot be understood."))
        return checked.clean(value)

    def stored(self, op: str, value: Any) -> Any:
        """A cleaned value as the tree keeps it."""
        if isinstance(value, date):
            return value.isoformat()
        return str(value) if isinstance(value, Decimal) else value

    def query(self, op: str, value: Any, today: date, ask: Ask = row_by_row) -> Q:
        """The rows of which it holds; never unknown. `ask` is how other rows are asked about these."""
        positive = OPPOSITE.get(op, op)
        found = Q(pk__in=[])
        for place in self.places:
            found |= place.holds(lambda path: self._test(path, positive, value, today), ask)
        return found if op == positive else opposite(found)

    def _test(self, path: str, op: str, value: Any, today: date) -> Q:
        filled = Q(**{f"{path}__isnull": False})
        if self.kind == "text":
            text = Fold(F(path))
            return filled & (~Q(**{path: ""}) if op == "set" else Q(Contains(text, fold(value)) if op == "contains" else Begins(text, fold(value))))
        if op == "set":
            return filled & ~Q(**{path: ""}) if self.kind == "choice" and self._of_letters() else filled
        if op == "in":
            return filled & Q(**{f"{path}__in": value})
        if self.kind in {"number", "money"}:
            return filled & Q(**{f"{path}__{'gte' if op == 'at_least' else 'lte'}": value})
        first, last = days_of(op, value, today)
        ends = {f"{path}__{end}": day for end, day in (("gte", first), ("lte", last)) if day is not None} if self.kind == "day" else on_days(path, first, last)
        return filled & Q(**ends)

    def _of_letters(self) -> bool:
        return any(isinstance(value, str) for value, _label in self.options())

    def said(self, op: str, value: Any) -> str:
        """The value in words and numbers of the reader's language."""
        if self.kind == "choice":
            labels = {str(key): str(label) for key, label in self.options()}
            return _(" or ").join(labels.get(str(one), "?") for one in value or [])
        if op in RELATIVE:
            return formats.number(int(value))
        if self.kind in {"day", "moment"}:
            return formats.day(date.fromisoformat(value))
        if self.kind in {"number", "money"}:
            return formats.number(Decimal(str(value)))
        return str(value)


@dataclass(frozen=True)
class FieldWord(Word):
    """A plain field of a model: its own label, its own checks."""

    field: Any = None

    @property
    def operators(self) -> tuple[str, ...]:
        return ("set", "unset", "is", "is_not", "at_least", "at_most", "contains", "in")

    def clean(self, op: str, value: Any) -> Any:
        if op not in self.operators:
            raise ValidationError(_("This condition cannot be understood."))
        if op in WITHOUT_VALUE:
            return None
        values = value if op == "in" else [value]
        if not isinstance(values, list) or not all(isinstance(one, str | int | float) for one in values):  # JSON has no other single values
            raise ValidationError(_("This condition cannot be understood."))
        column = self.field.target_field if self.field.is_relation else self.field
        try:
            for one in values:
                column.to_python(one)
        except (TypeError, ValueError, OverflowError) as error:  # a number where a day belongs, an endless one
            raise ValidationError(_("This condition cannot be understood.")) from error
        return value

    def query(self, op: str, value: Any, today: date, ask: Ask = row_by_row) -> Q:
        name = self.field.name
        if op in WITHOUT_VALUE:
            empty = Q(**{f"{name}__isnull": True}) if self.field.null else Q(pk__in=[])
            if isinstance(self.field, models.CharField | models.TextField):
                empty |= Q(**{name: ""})
            return empty if op == "unset" else ~empty
        lookups = {"is": "exact", "is_not": "exact", "at_least": "gte", "at_most": "lte", "contains": "icontains", "in": "in"}
        found = Q(**{f"{name}__{lookups[op]}": value})
        return ~found if op == "is_not" else found

    def said(self, op: str, value: Any) -> str:
        values = value if isinstance(value, list) else [value]
        return ", ".join(said(self.field, one, None) for one in values)


@dataclass(frozen=True)
class Measure:
    """What is reckoned over related rows: `path` is summed; `kind` is number or money."""

    label: Any
    path: str
    kind: str = "money"


@dataclass(frozen=True)
class Link:
    """What belongs to somebody else counts for a row, too: `rows` say whose (`other`), at most one for each row of the subject (`subject`)."""

    rows: QuerySet[Any]
    subject: str
    other: str


@dataclass(frozen=True)
class Relation:
    """Things that belong to a row: `rows` are all that the reader sees; each belongs to the row its `ways` name, and to those linked to that.

    `label` is their plural. Every relation can be counted; `measures` can be summed besides.
    """

    key: str
    label: Any
    rows: QuerySet[Any]
    ways: tuple[str, ...]
    vocabulary: Vocabulary
    measures: Mapping[str, Measure] = field(default_factory=dict)
    group: Any = ""
    link: Link | None = None


@dataclass(frozen=True)
class Vocabulary:
    """All words one reader may use about the rows of a model, and what belongs to them.

    `closed` are words that exist but not for this reader (key → label): a tree that holds one is refused in words. `nouns` name the rows:
    "" for all of them, else by the single value of the word `noun_word`. `today` is the day relative words start from. `asked` is about how
    many rows ("one", "few", "all"): of one and of few the related rows are looked up, of all they are read as sets; what is added up, of few, too.
    """

    model: type[models.Model]
    words: Mapping[str, Word] = field(default_factory=dict)
    relations: Mapping[str, Relation] = field(default_factory=dict)
    closed: Mapping[str, Any] = field(default_factory=dict)
    nouns: Mapping[str, Any] = field(default_factory=dict)
    noun_word: str = ""
    today: date = field(default_factory=timezone.localdate)
    asked: str = "one"

    def word(self, name: Any) -> Word:
        """The word of this name. Raises ValidationError in words."""
        if isinstance(name, str) and name in self.words:
            return self.words[name]
        raise self._unknown(name)

    def relation(self, name: Any) -> Relation:
        """The related things of this name. Raises ValidationError in words."""
        if isinstance(name, str) and name in self.relations:
            return self.relations[name]
        raise self._unknown(name)

    def _unknown(self, name: Any) -> ValidationError:
        if isinstance(name, str) and name in self.closed:
            return ValidationError(_("You may not see “%(name)s”, so this condition cannot be answered for you.") % {"name": self.closed[name]})
        return ValidationError(_("There is no field “%(name)s”.") % {"name": str(name)[:60]})


class _Plain(Vocabulary):
    """The own fields of a model, each a word."""

    def word(self, name: Any) -> Word:
        try:
            found: Any = self.model._meta.get_field(name) if isinstance(name, str) else None
        except FieldDoesNotExist:
            found = None
        if found is None or not getattr(found, "concrete", False):
            raise self._unknown(name)
        return FieldWord(found.name, found.verbose_name, "text", (Place(found.name),), field=found)


def plain(words: Vocabulary | type[models.Model]) -> Vocabulary:
    """A model's own fields as a vocabulary; a vocabulary stays what it is."""
    return words if isinstance(words, Vocabulary) else _Plain(words)


def opposite(found: Q) -> Q:
    """The rows of which it does not hold. "None of these" is said of each by itself: so Postgres leaves the rows of each out by a join."""
    if found.negated:
        return Q(*found.children, _connector=found.connector)
    if found.connector != Q.OR:
        return ~found
    rest = ~Q(pk__in=[])
    for part in found.children:
        rest &= opposite(part if isinstance(part, Q) else Q(part))  # type: ignore[arg-type]  # a lookup or an expression
    return rest


def days_of(op: str, value: Any, today: date) -> tuple[date | None, date | None]:
    """The first and the last day of a range, both included; None is open. Relative ranges are counted from `today`."""
    if op == "within":
        return today - timedelta(days=value), today
    if op == "ahead":
        return today, today + timedelta(days=value)
    if op == "ago":
        return None, today - timedelta(days=value + 1)
    return (value, None) if op == "at_least" else (None, value)


def _has_letters(text: str) -> None:
    if not fold(text).strip():
        raise ValidationError(_("Please enter at least one letter or digit."))


def _in_our_time(day: date) -> None:
    if not 1900 <= day.year <= 2199:
        raise ValidationError(_("Please enter a day between 1900 and 2199."))
