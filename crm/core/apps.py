"""The core app."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class CoreConfig(AppConfig):
    name = "crm.core"
    label = "core"
    verbose_name = _("System")

    def ready(self) -> None:
        """Let every address use `<id:pk>`; the rows that every installation has are there after every migrate."""
        from crm.core import converters  # noqa: F401
        from crm.core.mail.texts import ensure_texts
        from crm.core.records import ensure_singles

        post_migrate.connect(ensure_texts, sender=self, dispatch_uid="core.texts")
        post_migrate.connect(ensure_singles, sender=self, dispatch_uid="core.singles")
