"""The roof as an app (commands, catalogue) and the admin site behind our own sign-in."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class RoofConfig(AppConfig):
    name = "crm"
    default = True


class LotseAdminConfig(admin_apps.AdminConfig):
    default = False
    default_site = "crm.core.admin_site.LotseAdminSite"
