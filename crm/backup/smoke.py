"""Whether this database carries the product: migrations complete, the sign-in page and the main pages answer."""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.test import Client, override_settings
from django.urls import reverse

from accounts.models import User
from contacts.models import Party
from crm.core.access import scope_of
from crm.navigation import GROUPS

# Nothing but the database is tried here: no broker, no host names.
ALONE: dict[str, Any] = {"ALLOWED_HOSTS": ["*"], "CACHES": {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}}


def open_pages() -> tuple[int, list[str]]:
    """(pages that were opened, what was wrong in words). Nothing it writes stays."""
    executor = MigrationExecutor(connection)
    troubles = [f"Migration {migration} is missing." for migration, _backwards in executor.migration_plan(executor.loader.graph.leaf_nodes())]
    people = User.objects.filter(is_active=True).order_by("-is_superuser", "pk")
    user = next((one for one in people if scope_of(one).may("view", "setup")), people.first())
    with override_settings(**ALONE), transaction.atomic():
        pages = [*_open(Client(raise_request_exception=False), ["account_login" if user else "setup"], troubles)]
        if user:
            browser = Client(raise_request_exception=False)
            browser.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
            scope = scope_of(user)
            names = [item.url_name for _label, _icon, items in GROUPS for item in items if not item.entity or scope.may(item.verb, item.entity)]
            pages += _open(browser, [*names, *(["admin:index"] if scope.may("view", "setup") else [])], troubles)
            if party := Party.objects.visible_to(user).order_by("pk").first():
                pages += _open(browser, ["party-detail"], troubles, party.pk)
        transaction.set_rollback(True)
    return len(pages), troubles


def _open(browser: Client, names: list[str], troubles: list[str], *args: Any) -> list[str]:
    for name in names:
        with transaction.atomic():  # one page that fails in the database does not take the others with it
            answer = browser.get(reverse(name, args=args), follow=True)
            transaction.set_rollback(True)
        if answer.status_code != 200:
            troubles.append(f"{reverse(name, args=args)} answers {answer.status_code}.")
    return names
