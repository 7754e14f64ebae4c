"""The admin site behind our own sign-in, and the bases of its pages: reference data and set-up only, opened by the verbs on "setup" (D19)."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import get_fields_from_path
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import BadRequest, PermissionDenied, ValidationError
from django.db import models
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext_lazy as _

from crm.core.access import scope_of
from crm.core.keys import free_key, taken_keys

NEW_ROWS = 100
View = Callable[..., HttpResponseBase]


class LotseAdminSite(admin.AdminSite):
    """Who holds `view_setup` may enter; there is one sign-in page for everything, and no page that is not on the gate."""

    site_header = _("Set-up")
    site_title = _("Set-up · Lotse")
    index_title = _("Set-up")
    enable_nav_sidebar = False  # ours stands around every page (templates/admin/base_site.html)

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self.disable_action("delete_selected")  # reference rows are switched off, or deleted one by one

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """What libraries register for themselves is not on the gate and stays out."""
        if admin_class is not None and issubclass(admin_class, Gate):
            super().register(model_or_iterable, admin_class, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and scope_of(request.user).may("view", "setup"))

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        """Signed in without the right: 403, not the sign-in page again."""
        inner = super().admin_view(view, cacheable)

        def gated(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.user.is_authenticated and not self.has_permission(request):
                raise PermissionDenied
            return inner(request, *args, **kwargs)

        return update_wrapper(gated, inner)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[dict[str, Any]]:
        """With what each page is for."""
        found: list[dict[str, Any]] = super().get_app_list(request, app_label)
        for area in found:
            for model in area["models"]:
                model["about"] = getattr(self._registry[model["model"]], "about", "")
        return found

    def get_urls(self) -> list[Any]:
        """Without password pages: people choose their passwords by a link in a mail. Strangers go straight to the one sign-in page."""
        urls = [url for url in super().get_urls() if not str(getattr(url, "name", "") or "").startswith("password_change")]
        for view in filter(None, (getattr(url, "callback", None) for url in urls)):
            vars(view).pop("login_url", None)
        return urls

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        if request.user.is_authenticated:
            raise PermissionDenied
        return redirect_to_login(request.get_full_path())


class Gate:
    """The verbs on "setup" decide what a CRM manager may do with any row of set-up."""

    entity = "setup"
    about: Any = ""  # what the page is for, in one sentence on the index of the set-up

    def _may(self, request: HttpRequest, verb: str) -> bool:
        return scope_of(request.user).may(verb, self.entity)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return scope_of(request.user).may("view", "setup")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return scope_of(request.user).may("view", "setup")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "add")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "change")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "delete")

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Related rows are chosen here and made on their own pages: no windows that pop up. Amounts are read as the reader writes them."""
        if isinstance(db_field, models.DecimalField):
            kwargs["localize"] = True  # a comma is a comma where people write one
        field = super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]
        if field is not None and isinstance(field.widget, admin.widgets.RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget
        return field


class GatedAdmin(Gate, admin.ModelAdmin):
    """The base of every admin page."""

    save_on_top = False
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    def changeform_view(self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: dict[str, Any] | None = None) -> Any:
        """One way to save, on one clean page."""
        plain = {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().changeform_view(request, object_id, form_url, {**plain, **(extra_context or {})})

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Only what the list offers: Django lets every column of the table be asked letter by letter, also one that no page shows."""
        return lookup in offered(self.model, self.get_list_filter(request), self.date_hierarchy)

    def get_changelist_formset(self, request: HttpRequest, **kwargs: Any) -> Any:
        """No more rows than a page shows, whatever number is sent: Django would build two thousand forms."""
        return super().get_changelist_formset(request, max_num=self.list_max_show_all, absolute_max=self.list_max_show_all, **kwargs)

    def response_action(self, request: HttpRequest, queryset: Any) -> Any:
        """What was ticked must be rows: Django asks the database for whatever is sent."""
        key: Any = self.model._meta.pk
        try:
            for ticked in request.POST.getlist(ACTION_CHECKBOX_NAME):
                key.clean(ticked, None)
        except ValidationError:
            raise BadRequest from None
        return super().response_action(request, queryset)


def offered(model: type[models.Model], filters: Any, date_hierarchy: str | None) -> set[str]:
    """The parameters in which a list's filters speak: a custom one's own name, a field's path as Django's filters end it, the steps through dates."""
    found = {f"{date_hierarchy}__{step}" for step in ("year", "month", "day", "gte", "lt")} if date_hierarchy else set()
    for one in filters:
        if isinstance(one, type):
            found.add(one.parameter_name)
            continue
        path = one if isinstance(one, str) else one[0]
        field: Any = get_fields_from_path(model, path)[-1]
        ends = ("exact", "isnull", "gte", "lt") if not field.is_relation else (f"{field.target_field.name}__exact", "isnull")
        found |= {path, *(f"{path}__{end}" for end in ends)}
    return found


class GatedInline(Gate, admin.TabularInline):
    """The base of every table inside an admin page. One empty row is there without JavaScript, too."""

    extra = 1

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """As many rows as there are, and so many new ones at once."""
        found: Any = super().get_formset(request, obj, **kwargs)
        if request.method == "POST":
            there = 0 if obj is None or obj.pk is None else self.get_queryset(request).filter(**{found.fk.name: obj}).count()
            found.max_num = found.absolute_max = there + NEW_ROWS
        return found


class LabelledAdmin(GatedAdmin):
    """Reference rows with a German and an English name; the key is made of the name, once."""

    fields: Any = ["label_de", "label_en", "active"]
    list_display: Any = ["label_de", "label_en", "position", "active"]
    list_editable: Any = ["position", "active"]
    ordering = ["position", "key"]

    def save_model(self, request: HttpRequest, obj: Any, form: forms.ModelForm, change: bool) -> None:
        if not change:
            rows = type(obj)._default_manager
            obj.key = free_key(obj.label_en, taken_keys(rows))
            obj.position = 1 + max(rows.values_list("position", flat=True), default=0)
        super().save_model(request, obj, form, change)


class SingleAdmin(GatedAdmin):
    """The one row of a `Single`: it is changed, never added or deleted."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class LookOnly(GatedAdmin):
    """What the house wrote down itself: to be looked at, not changed by hand."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
