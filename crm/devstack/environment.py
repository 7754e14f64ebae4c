"""What a process of this checkout must know to use the local services."""

import os
import secrets

from crm.devstack import strays
from crm.devstack.catalogues import compile_catalogues
from crm.devstack.places import STATE, Stack, checkout_tag
from crm.devstack.services import Postgres, local_services, locked, start, wait_for

NEEDS_NOTHING = {"help", "--help", "--version"}


def secret_key() -> str:
    """A key of this checkout, made once: sessions and signed links survive a restart."""
    path = STATE / "secret-key"
    with locked(STATE / "secret-key.lock"):
        if not path.exists():
            path.touch(mode=0o600)
        if not path.read_text():
            path.write_text(secrets.token_urlsafe(50))
        return path.read_text()


def local_environment(stack: Stack) -> dict[str, str]:
    """The variables for `crm.settings` that the environment does not set already."""
    ours = {
        **{service.variable: service.url for service in local_services(stack)},
        "SECRET_KEY": secret_key(),
        "LOTSE_COOKIE": f"lotse-{checkout_tag()}",  # cookies know no ports: two copies on one host must not sign each other out
    }
    return {name: value for name, value in ours.items() if not os.environ.get(name)}


def lend_local_services(argv: list[str]) -> None:
    """For manage.py: name the local services and start them quietly if they are down (`./lotse stop` ends them)."""
    if len(argv) < 2 or argv[1] in NEEDS_NOTHING:
        os.environ.setdefault("DATABASE_URL", "postgresql:///")
        os.environ.setdefault("REDIS_URL", "unix:///")
        os.environ.setdefault("LOTSE_DEBUG", "1")
        return
    stack = Stack()
    services = local_services(stack)
    if not all(service.ready() for service in services):
        with locked(STATE / "starting.lock"):
            if strays.supervisor(stack):  # `./lotse up` is on its way
                for service in services:
                    wait_for(service.ready, service.name)
                    if isinstance(service, Postgres):
                        service.create_database()
            else:
                start(stack, services)
    os.environ.update(local_environment(stack))
    os.environ.setdefault("LOTSE_DEBUG", "1")
    compile_catalogues()
