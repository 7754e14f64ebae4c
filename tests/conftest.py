"""What every test may use: the cast, and a browser-like client that sends a fresh key with every form."""

from __future__ import annotations

import gc
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import caches
from django.db import connection, transaction
from django.db.backends.postgresql.operations import DatabaseOperations
from django.test import Client
from django.utils import translation
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from tests.cast import cast, firm
from tests.databases import copy_migrated, end_sessions, run_sql

__all__ = ["cast", "firm"]

# How long one example takes says more of what else the machine does than of us; what must be quick has a proof of its own.
hypothesis_settings.register_profile("lotse", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("lotse")


def pytest_configure(config: pytest.Config) -> None:
    """Each process has a cache of its own, before the first is opened: one clears it while another counts failed sign-ins."""
    worker = getattr(config, "workerinput", {}).get("workerid")
    if worker:
        settings.CACHES["default"]["OPTIONS"] = {"db": 1 + int(worker.removeprefix("gw"))}
        with suppress(AttributeError):
            del caches["default"]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Proofs take longest: they begin first, so that no process waits for another one's at the end."""
    items.sort(key=lambda item: item.get_closest_marker("proof") is None)


def pytest_collection_finish() -> None:
    """What was loaded stays until the end: the garbage collector need not look through it again and again, nor after every few objects."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)


@pytest.fixture(autouse=True, scope="session")
def flush_may_empty_ledgers() -> None:
    """Tests with real transactions empty the database afterwards; ledgers allow that under maintenance only."""
    plain = DatabaseOperations.execute_sql_flush

    def under_maintenance(self: Any, statements: list[str]) -> None:
        with transaction.atomic(using=self.connection.alias), self.connection.cursor() as cursor:
            cursor.execute("SET LOCAL lotse.maintenance = 'on'")
            plain(self, statements)

    DatabaseOperations.execute_sql_flush = under_maintenance


@pytest.fixture(scope="session")
def django_db_keepdb(request: pytest.FixtureRequest) -> bool:
    """Of several processes each finds a database that is migrated already."""
    return hasattr(request.config, "workerinput")


@pytest.fixture(scope="session")
def django_db_modify_db_settings(request: pytest.FixtureRequest, django_db_modify_db_settings_parallel_suffix: None, django_db_keepdb: bool) -> Iterator[None]:
    """Of several processes each works in a copy of what one of them migrated."""
    if not django_db_keepdb:
        yield
        return
    name = settings.DATABASES["default"]["TEST"]["NAME"]
    copy_migrated(name, request.getfixturevalue("testrun_uid"))
    yield
    run_sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture(autouse=True, scope="session")
def nobody_keeps_the_database(request: pytest.FixtureRequest) -> Iterator[None]:
    """Before the test database is dropped."""
    if not any("django_db" in item.keywords or "db" in getattr(item, "fixturenames", ()) for item in request.session.items):
        yield
        return
    request.getfixturevalue("django_db_setup")
    yield
    connection.close()
    end_sessions(connection.settings_dict["NAME"])


@pytest.fixture(autouse=True)
def speaks_german() -> None:
    """A page in English leaves its language behind in the thread; the next test starts in the firm's."""
    translation.activate(settings.LANGUAGE_CODE)


@pytest.fixture(autouse=True)
def pages_wait_for_a_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the machine of the tests is. What comes behind a page is tested where that is said."""
    for page in ("campaigns.audience", "campaigns.segments.crud"):
        monkeypatch.setattr(f"{page}.SOON", 60.0)


@pytest.fixture(autouse=True, scope="session")
def media_of_its_own() -> None:
    """Runs side by side share a stack but not their files: what one writes beside its database must not puzzle another."""
    ours = os.environ.get("PYTEST_XDIST_WORKER", "alone")
    settings.MEDIA_ROOT, settings.BACKUP_FOLDER = Path(settings.MEDIA_ROOT) / ours, Path(settings.BACKUP_FOLDER) / ours
    shutil.rmtree(settings.BACKUP_FOLDER, ignore_errors=True)  # what an earlier run erased is no business of this one


class Browser(Client):
    """Django's client as our pages are: each POST carries an idempotency key (`key=` sets it), htmx=True asks for a fragment."""

    def generic(self, method: str, path: str, *args: Any, key: Any = None, htmx: bool = False, **extra: Any) -> Any:
        headers = dict(extra.pop("headers", None) or {})
        if method == "POST":
            headers.setdefault("Idempotency-Key", str(key or uuid.uuid4()))
        if htmx:
            headers["HX-Request"] = "true"
        return super().generic(method, path, *args, headers=headers, **extra)


@pytest.fixture
def sign_in(db: None) -> Callable[[Any], Browser]:
    """A browser in which this user is signed in."""

    def enter(user: Any) -> Browser:
        browser = Browser()
        browser.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        return browser

    return enter


@pytest.fixture
def mail_server(settings: Any) -> None:
    """The house has one: without it nothing is released."""
    settings.SMTP_HOST = "mail.test"
