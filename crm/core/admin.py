"""The admin site behind our own sign-in: reference data and set-up only, opened by the verb on "setup" (D19)."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext_lazy as _

from crm.core.access import scope_of


class LotseAdminSite(admin.AdminSite):
    """Who holds `view_setup` may enter; there is one sign-in page for everything."""

    site_header = _("Lotse set-up")
    site_title = _("Lotse set-up")
    index_title = _("Set-up")
    enable_nav_sidebar = True

    def has_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and scope_of(request.user).may("view", "setup"))

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        if request.user.is_authenticated:
            raise PermissionDenied
        return redirect_to_login(request.get_full_path())


class Gate:
    """The verbs on "setup" decide what a CRM manager may do with any row of set-up."""

    entity = "setup"

    def _may(self, request: HttpRequest, verb: str) -> bool:
        return scope_of(request.user).may(verb, self.entity)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._may(request, "view")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "view")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "add")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "change")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "delete")


class GatedAdmin(Gate, admin.ModelAdmin):
    """The base of every admin page."""

    save_on_top = False
    list_per_page = 50


class GatedInline(Gate, admin.TabularInline):
    """The base of every table inside an admin page."""

    extra = 0
