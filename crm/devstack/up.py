"""`./lotse up`: everything in one terminal. `./lotse stop`: everything ended."""

import os
import socket

from crm.devstack import strays, supervisor, system
from crm.devstack.environment import local_environment
from crm.devstack.places import STATE, Stack, refuse, say
from crm.devstack.services import Postgres, local_services, locked

ANYWHERE = {"0.0.0.0", "[::]"}


def up(*, empty: bool) -> int:
    """Run until Ctrl-C. Returns 0, or 1 if the set-up failed."""
    stack = Stack()
    stack.prepare()
    with locked(STATE / "up.lock", wait=False) as ours:
        if not ours or strays.supervisor(stack):
            refuse("Lotse already runs from this folder. ./lotse stop ends it.")
        if found := strays.end(stack):
            say(f"Left over from an earlier start and ended: {found} processes.")
        services = local_services(stack)
        for service in services:
            service.prepare()
        empty = begun_empty(stack, empty)
        bind = free_address(os.environ.get("LOTSE_BIND") or "127.0.0.1:8000")
        environment = {**system.environment(), **local_environment(stack), **page_environment(bind, empty=empty)}
        programs = [supervisor.service_program(service) for service in services]
        programs += supervisor.app_programs(stack, bind, empty=empty, reload=os.environ.get("LOTSE_DEBUG") == "1")
        return supervisor.run(stack, programs, environment)


def stop() -> int:
    """End every process of this checkout's stacks, except those of a test run that is still going on."""
    count = strays.end(Stack(), seconds=30)
    for lock in STATE.glob("test-*.lock"):
        with locked(lock, wait=False) as free:
            if free:
                count += strays.end(Stack(int(lock.stem.removeprefix("test-"))))
    say(f"Processes ended: {count}." if count else "Nothing runs.")
    return 0


def free_address(wanted: str) -> str:
    """`host:port` as wanted, or with the next free port of the following fifty."""
    host, _, port = wanted.rpartition(":")
    if not host or not port.isdigit():
        refuse(f"LOTSE_BIND must be host:port, not {wanted!r}.")
    for candidate in range(int(port), int(port) + 50):
        if _is_free(host.strip("[]"), candidate):
            if candidate != int(port):
                say(f"Port {port} is taken: using {candidate}.")
            return f"{host}:{candidate}"
    refuse(f"No free port from {port} on {host}. Name another in LOTSE_BIND.")


def _is_free(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError):
            return False
    return True


def begun_empty(stack: Stack, wanted: bool) -> bool:
    """Whether this copy gets no demo data: decided by its first start and kept, because later it holds somebody's own data.

    A database that DATABASE_URL names gets demo data only if LOTSE_DEMO=1 says so.
    """
    if os.environ.get("DATABASE_URL", "") not in {"", Postgres(stack).url}:
        return wanted or os.environ.get("LOTSE_DEMO") != "1"
    note = stack.data / "begun"
    if not note.exists():
        note.write_text("empty" if wanted else "demo")
    empty = note.read_text() == "empty"
    if wanted and not empty:
        refuse(f"This copy holds demo data already. To begin anew move {stack.data} away, then ./lotse up --empty.")
    return empty


def page_environment(bind: str, *, empty: bool) -> dict[str, str]:
    """As in production (no debug pages, hashed static files), unless the environment says otherwise."""
    host = bind.rpartition(":")[0]
    ours = {
        "LOTSE_DEBUG": "0",
        "LOTSE_STATIC": "plain" if os.environ.get("LOTSE_DEBUG") == "1" else "hashed",
        "LOTSE_HOSTS": "*" if host in ANYWHERE else ",".join(dict.fromkeys(["localhost", "127.0.0.1", host])),
        "LOTSE_BASE_URL": f"http://{bind}",
        "LOTSE_DEMO": "0" if empty else "1",
    }
    return {name: value for name, value in ours.items() if not os.environ.get(name)}
