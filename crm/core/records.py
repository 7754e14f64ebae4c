"""What every table of ours has in common: who and when, a version against lost updates, and the gate as its manager."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar, Self, TypeVar

from django.apps import apps
from django.conf import settings
from django.db import connection, models
from django.http import Http404
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from crm.core.access import Access, OwnedAccess, array_of, scope_of
from crm.core.work import work

M = TypeVar("M", bound=models.Model)


class RecordQuerySet(models.QuerySet[M]):
    """A queryset that knows the gate. Pages start with `visible_to`; services that act for the house use `unrestricted`."""

    def visible_to(self, user: Any, action: str = "view", among: Collection[int] | None = None) -> Self:
        """The rows on which this user may do `action` (view, add, change, delete, export, assign, merge); with `among` those of these keys."""
        access: Access = self.model.access  # type: ignore[attr-defined]
        if among is None:
            return access.filter(self, scope_of(user), action)
        return access.filter(self.filter(pk__any=array_of(among)), scope_of(user).at(self.model, among), action)

    def unrestricted(self) -> Self:
        """All rows, said out loud: for services, tasks and ledgers, never for a page."""
        return self

    def held(self, pk: Any) -> M:
        """The row as it is now, locked until the transaction ends; Http404 if somebody deleted it since it was read."""
        found = self.select_for_update(of=("self",)).filter(pk=pk).first()
        if found is None:
            raise Http404
        return found


class Record(models.Model):
    """An editable row. `version` rises with every save through `crm.core.saving`; `created_by` is empty for the house itself."""

    created_at = models.DateTimeField(_("created"), auto_now_add=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, editable=False, related_name="+", db_index=False, verbose_name=_("created by")
    )
    updated_at = models.DateTimeField(_("changed"), auto_now=True, editable=False)
    updated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, editable=False, related_name="+", db_index=False, verbose_name=_("changed by")
    )
    version = models.PositiveIntegerField(default=1, editable=False)

    objects = RecordQuerySet.as_manager()
    access: ClassVar[Access]

    class Meta:
        abstract = True


class Owned(Record):
    """A customer's record: one owner (may be vacant), one team. The gate reads both."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("owner"))
    team = models.ForeignKey("accounts.Team", models.PROTECT, related_name="+", verbose_name=_("team"))

    access: ClassVar[Access] = OwnedAccess()

    class Meta:
        abstract = True


class Single(models.Model):
    """A table of one row, number 1: something that is set up once for the house. Every migrate makes the row (`ensure_singles`)."""

    class Meta:
        abstract = True

    @classmethod
    def current(cls) -> Self:
        """The row; if it is gone it is made again."""
        rows = cls._default_manager
        row = rows.filter(pk=1).first()
        if row is None:
            with work():
                row = rows.get_or_create(pk=1)[0]
        return row


def ensure_singles(**_: Any) -> None:
    """One row in each of these tables, so that no page has to make it on a look; runs after every migrate."""
    there = connection.introspection.table_names()
    for model in apps.get_models():
        if issubclass(model, Single) and model._meta.db_table in there:
            model.current()


class Labelled(models.Model):
    """Reference data with a German and an English name; `key` is stable and never shown."""

    key = models.SlugField(_("key"), unique=True, max_length=60)
    label_de = models.CharField(_("label (German)"), max_length=120)
    label_en = models.CharField(_("label (English)"), max_length=120)
    position = models.PositiveIntegerField(_("position"), default=0)
    active = models.BooleanField(_("active"), default=True)

    class Meta:
        abstract = True
        ordering = ["position", "key"]

    named_by = ("label_de", "label_en")

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """The name in the reader's language."""
        return self.label_en if (get_language() or "de").startswith("en") else self.label_de
