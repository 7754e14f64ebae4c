"""Django's `migrate`, made patient: see `crm.core.migrating`."""

from typing import Any

from django.core.management.commands import migrate

from crm.core.migrating import Patient


class Command(migrate.Command):
    """Takes the place of Django's command, also where the tests make their database."""

    def handle(self, *args: Any, **options: Any) -> None:
        migrate.MigrationExecutor = Patient  # type: ignore[misc]  # the command makes its executor by this name and offers no other way
        super().handle(*args, **options)
