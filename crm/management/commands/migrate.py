"""Django's `migrate`, made patient: see `crm.core.migrating`."""

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import connections

from crm.core.migrating import Patient, half_taken, lift_limit


class Command(migrate.Command):
    """Takes the place of Django's command, also where the tests make their database."""

    def handle(self, *args: Any, **options: Any) -> None:
        lift_limit(connections[options["database"]])
        for baseline, missing in half_taken(connections[options["database"]]):
            raise CommandError(f"This database has taken only some of the steps that {baseline} replaces; {missing[0]} is the first it lacks. Take them with commit 6ff5d07 first.")
        migrate.MigrationExecutor = Patient  # type: ignore[misc]  # the command makes its executor by this name and offers no other way
        super().handle(*args, **options)
