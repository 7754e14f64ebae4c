"""The accounts app: users, teams, roles and rights."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("Users and rights")

    def ready(self) -> None:
        """Codenames on Team follow the roof's list of entities after every migrate (Django's own hook; none of ours)."""
        from accounts.grants import ensure_permissions

        post_migrate.connect(ensure_permissions, sender=self, dispatch_uid="accounts.permissions")
