"""The whole product on services of its own, for measurements in which Postgres and the broker are struck, too."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import redis

from crm.devstack import strays, supervisor
from crm.devstack.places import MARK, Stack
from crm.devstack.services import NAME, Postgres, Valkey, start, throwaway_stack
from tests.mail.imap import closed_port
from tests.mail.killer import Role
from tests.mail.sink import ROOT, Sink


@dataclass
class House:
    """Services that run, a database, and the environment in which processes of the product find them."""

    stack: Stack
    folder: Path
    environment: dict[str, str]

    def roles(self, *, workers: int = 2) -> list[Role]:
        """worker, beat and web as `./lotse up` starts them."""
        programs = {program.name: program.command for program in supervisor.app_programs(self.stack, f"127.0.0.1:{closed_port()}", empty=True, reload=False)}
        commands = {name: programs[name][2].partition("done; exec ")[2] for name in ("worker", "beat", "web")}
        shell = {name: ["/bin/sh", "-c", f"exec {command}"] for name, command in commands.items()}
        return [Role("worker", shell["worker"], workers, with_children=True), Role("beat", shell["beat"]), Role("web", shell["web"], with_children=True)]

    def run(self, *arguments: str) -> None:
        """A command of the product's Python."""
        subprocess.run([sys.executable, *arguments], cwd=ROOT, env={**os.environ, **self.environment}, check=True)

    def begin(self, *arguments: str) -> subprocess.Popen[bytes]:
        """The same, beside others."""
        return subprocess.Popen([sys.executable, *arguments], cwd=ROOT, env={**os.environ, **self.environment})

    def ask(self, sql: str) -> list[Any]:
        """The rows of a query; none while the database is down."""
        with contextlib.suppress(psycopg2.Error):
            connection = Postgres(self.stack).connect(NAME)
            try:
                with connection.cursor() as cursor:
                    cursor.execute(sql)
                    return list(cursor.fetchall()) if cursor.description else []
            finally:
                connection.close()
        return []

    def states(self) -> dict[str, int]:
        """How many mails are in which state."""
        return dict(self.ask("SELECT state, count(*) FROM core_outgoingmail GROUP BY state"))

    def open_mails(self) -> int:
        """Mails that wait or are held; -1 while nobody knows."""
        found = self.ask("SELECT count(*) FROM core_outgoingmail WHERE state IN ('planned', 'claimed', 'handing', 'deferred')")
        return int(found[0][0]) if found else -1

    def flush_valkey(self) -> None:
        """The broker forgets everything."""
        with contextlib.suppress(redis.ConnectionError), redis.Redis(unix_socket_path=str(Valkey(self.stack).socket)) as client:
            client.flushall()

    def strike(self, program: str) -> None:
        """kill -9 on a server and all its children."""
        mine = [process for process in strays.processes(self.stack) if strays.is_server(process, program)]
        for server in mine:  # held still first: a child born meanwhile would live on, and wait for ever for a lock that the dead hold
            with contextlib.suppress(psutil.NoSuchProcess):
                server.suspend()
            for process in [*_children(server), server]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
        psutil.wait_procs(mine, 10)

    def hold_down(self, program: str, seconds: float) -> None:
        """Strike it again as often as it comes back within that time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.strike(program)
            time.sleep(0.05)

    def strike_postgres(self) -> None:
        """The same, and start it again."""
        self.strike("postgres")
        start(self.stack, [Postgres(self.stack)])


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return list(process.children(recursive=True))
    except psutil.NoSuchProcess:
        return []


@contextlib.contextmanager
def empty_house(folder: Path, **further: str) -> Iterator[House]:
    """A house whose database has no table yet; `further` for the environment of its processes."""
    with throwaway_stack() as stack:
        postgres, valkey = Postgres(stack), Valkey(stack)
        start(stack, [postgres, valkey])
        _forget(postgres)
        postgres.create_database()
        environment = {MARK: str(stack.data), "DATABASE_URL": postgres.url, "REDIS_URL": valkey.url, "LOTSE_MEDIA_ROOT": str(folder / "media"), **further}
        house = House(stack, folder, environment)
        house.flush_valkey()
        yield house
        with contextlib.suppress(psycopg2.Error):
            _forget(postgres)  # the stack is kept for the next run, and this may be large


def _forget(postgres: Postgres) -> None:
    with contextlib.closing(postgres.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")


@contextlib.contextmanager
def house_with(sink: Sink, folder: Path, *, connections: int) -> Iterator[House]:
    """A house whose mail server is the sink, with the tables of this version."""
    further = {
        "DJANGO_SETTINGS_MODULE": "tests.mail.settings",
        "LOTSE_SMTP_HOST": "127.0.0.1",
        "LOTSE_SMTP_PORT": str(sink.port),
        "LOTSE_SMTP_LOG": str(sink.maillog),
        "LOTSE_MAIL_FROM": "Haus <haus@lotse.test>",
    }
    with empty_house(folder, **further) as house:
        house.run("manage.py", "migrate", "-v0")
        house.ask(f"UPDATE core_mailsetup SET connections = {connections}")
        yield house
