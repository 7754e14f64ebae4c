"""The one-shot of `./lotse up`: database, migrations, reference rows, static files; then the page; then demo data."""

import http.client
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable

from crm.devstack import system
from crm.devstack.catalogues import compile_catalogues
from crm.devstack.places import Stack, say
from crm.devstack.services import Postgres, local_services, wait_for
from crm.devstack.supervisor import ready_file


def run(bind: str, *, empty: bool) -> int:
    """Set up, say where the page is, and fill in the demo data unless the copy is meant to be empty."""
    pango = threading.Thread(target=system.ensure_pango)  # apt may take as long as the migrations
    pango.start()
    try:
        _set_up(empty=empty)
    except Exception:
        traceback.print_exc()
        say("The set-up failed, see above. Everything is ended.")
        os.kill(os.getppid(), signal.SIGTERM)
        return 1
    ready_file(Stack()).touch()
    wait_for(lambda: page_answers(bind), "The page", 120)
    say(f"Lotse runs: http://{bind}/   (Ctrl-C ends it)")
    if not empty:
        _demo()
    pango.join()
    return 0


def page_answers(bind: str) -> bool:
    """Whether the start page comes, or leads to the sign-in page."""
    connection = http.client.HTTPConnection(bind, timeout=10)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status < 400
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _set_up(*, empty: bool) -> None:
    for service in local_services(Stack()):
        wait_for(service.ready, service.name)
        if isinstance(service, Postgres):
            service.create_database()
    compile_catalogues()
    import django
    from django.core.management import call_command

    django.setup()
    _timed("migrations", lambda: call_command("migrate", verbosity=0))
    pipeline = "none" if empty else "projects"  # the wizard asks
    _timed("reference data", lambda: call_command("seed", pipeline=pipeline))
    if os.environ.get("LOTSE_STATIC") != "plain":
        _timed("static files", lambda: call_command("collectstatic", interactive=False, verbosity=0))


def _demo() -> None:
    from django.core.management import CommandError, call_command

    try:
        _timed("demo data", lambda: call_command("demo"))
    except CommandError as refusal:
        say(str(refusal))
    except Exception:
        traceback.print_exc()
        say("The demo data could not be made, see above; the page works without.")


def _timed(what: str, act: Callable[[], object]) -> None:
    begin = time.monotonic()
    act()
    say(f"{what}: {time.monotonic() - begin:.1f} s")
