"""The roof as an app (commands, catalogue) and the admin site behind our own sign-in."""

from django.apps import AppConfig
from django.conf import settings
from django.contrib.admin import apps as admin_apps


class RoofConfig(AppConfig):
    name = "crm"
    default = True

    def ready(self) -> None:
        """Every process reports its errors, if a collector is named."""
        if settings.ERRORS_DSN:
            from crm.core.reporting import begin

            begin()


class LotseAdminConfig(admin_apps.AdminConfig):
    default = False
    default_site = "crm.core.admin_site.LotseAdminSite"
