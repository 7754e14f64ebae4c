"""The pytest plugin that brings Postgres and Valkey where DATABASE_URL and REDIS_URL name none.

Each run takes a throw-away stack of its own, kept below `.local/test` (for root below /var/lib/lotse) so that the next run
starts in a second; runs side by side take one each. Named in pyproject's `addopts`, because the settings must be able to
import before any conftest is.
"""

import os
from contextlib import ExitStack
from pathlib import Path

import pytest

from crm.devstack import system
from crm.devstack.catalogues import compile_catalogues
from crm.devstack.services import local_services, start, throwaway_stack

LIVE_ADDRESS = "DJANGO_LIVE_TEST_SERVER_ADDRESS"  # by number: a bare machine knows no "localhost"
_held = ExitStack()


def _take_services() -> None:
    stack = _held.enter_context(throwaway_stack())
    services = local_services(stack)
    start(stack, services)
    os.environ.update({service.variable: service.url for service in services})
    for variable, folder in {"LOTSE_STATIC_ROOT": "static", "LOTSE_MEDIA_ROOT": "media", "LOTSE_MAIL_FOLDER": "mail", "LOTSE_BACKUP_FOLDER": "backups"}.items():
        (stack.data / folder).mkdir(exist_ok=True)
        os.environ.setdefault(variable, str(stack.data / folder))


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    """Before Django's settings are read: services, a key, plain static files, compiled catalogues."""
    compile_catalogues()
    os.environ.update(system.environment())
    for variable, value in {"SECRET_KEY": "tests", "LOTSE_STATIC": "plain", "LOTSE_HOSTS": "*", LIVE_ADDRESS: "127.0.0.1"}.items():
        os.environ.setdefault(variable, value)
    if not (os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL")):
        _take_services()


def pytest_unconfigure() -> None:
    """End our services (in the process that started them; xdist's workers have none)."""
    _held.close()


def _need(there: bool, what: str) -> None:
    if not there:
        reason = f"{what} is missing on this machine (see README: ./lotse test)"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)


@pytest.fixture(scope="session")
def chromium_path() -> Path:
    """The browser for `playwright.chromium.launch(executable_path=…)`; missing: skipped here, failed in CI."""
    found = system.chromium()
    _need(bool(found), "Chromium")
    return Path(str(found))


@pytest.fixture(scope="session")
def pango() -> None:
    """Ask for it in tests that make a PDF; missing: skipped here, failed in CI."""
    _need(system.pango_works(), "Pango")
