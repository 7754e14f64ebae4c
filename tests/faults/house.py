"""The product as `./lotse up` runs it: everything under its supervisor, Postgres on a small disk of its own and as careful as with real data."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.contrib.contenttypes.models import ContentType
from django.db import connection

from crm.backup import programs
from crm.devstack import strays, supervisor
from crm.devstack.places import MARK, ROOT
from crm.devstack.services import NAME, Postgres, Valkey, throwaway_stack, wait_for
from crm.devstack.up import page_environment
from service.services import open_case
from tests.browser.conftest import session_of
from tests.cast import hire, the_cast
from tests.factories import CaseFactory, EmailFactory, OrganisationFactory
from tests.faults.disk import Disk
from tests.faults.hands import Person, until
from tests.faults.kept import Careful
from tests.mail.imap import closed_port
from tests.mail.sink import Sink
from tests.mail.stack import House

SIZE = 700  # megabytes
WRITERS = 8


@dataclass
class Supervised(House):
    """A house whose processes come back by themselves."""

    bind: str
    disk: Disk
    files: Disk
    sink: Sink
    staff: dict[int, Person] = field(default_factory=dict)  # by the organisation each looks after
    greta: int = 0
    case: int = 0
    customer: int = 0

    def settle(self) -> None:
        """A small firm moves in: eight sessions of the CRM manager, each with an organisation of its own, and customers of greta's."""
        with self.inside():
            hire()
            cast = the_cast()
            for _ in range(WRITERS):
                firm = OrganisationFactory(owner=cast.emil)
                self.staff[firm.pk] = Person(self.bind, session_of(cast.emil))
            customer = OrganisationFactory(owner=cast.greta)
            EmailFactory(party=customer, address="einkauf@kunde.test")
            facts = CaseFactory.build(heading="Anfrage", party=customer, owner=cast.emil, team=cast.firm.service, number="")
            self.case, self.greta, self.customer = open_case(facts, by=cast.emil).pk, cast.greta.pk, customer.pk

    def own_processes(self) -> set[int]:
        """The supervisor's children that are ours and no servers: the page, the worker, beat."""
        keeper = strays.supervisor(self.stack)
        children = keeper.children() if keeper else []
        return {child.pid for child in children if not strays.is_server(child) and "prefix.py" not in " ".join(child.cmdline())}

    def count(self, sql: str) -> int:
        """One number; -1 while nobody can say."""
        found = self.ask(sql)
        return int(found[0][0]) if found else -1

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """This process works in the house's database."""
        before = dict(connection.settings_dict)
        connection.close()
        connection.settings_dict.update(NAME=NAME, HOST=str(self.stack.sockets), USER=NAME)
        ContentType.objects.clear_cache()
        try:
            yield
        finally:
            connection.close()
            connection.settings_dict.clear()
            connection.settings_dict.update(before)
            ContentType.objects.clear_cache()


def copy_tables(into: Postgres) -> None:
    """The tests' own database, which is migrated already, into the house: a tenth of the time that its migrations take."""
    words = [programs.path_of("psql"), "-q", "-o", os.devnull, "-v", "ON_ERROR_STOP=1", "-1", "-h", str(into.stack.sockets), "-U", NAME, "-d", NAME]
    with programs.running(programs.command("pg_dump", "--no-owner"), stdout=subprocess.PIPE) as dump:
        subprocess.run(words, stdin=dump.stdout, check=True)


@contextlib.contextmanager
def supervised_house(
    folder: Path, *, size: int = SIZE, files_size: int = 40, fill: Callable[[Supervised], None] = Supervised.settle, **further: str
) -> Iterator[Supervised]:
    """A house in which a small firm works, or whom else `fill` lets move in (it must leave one of `staff`); `further` for its environment."""
    with contextlib.ExitStack() as left:
        held = left.enter_context(throwaway_stack())
        place = held.data.with_name(f"{held.slot}-careful")
        stack = Careful(held.slot, place)
        strays.end(stack)
        disk = left.enter_context(Disk(place, size))
        files = left.enter_context(Disk(place.with_name(f"{held.slot}-files"), files_size))
        bind = f"127.0.0.1:{closed_port()}"
        postgres, valkey = Postgres(stack), Valkey(stack)
        environment = {
            **page_environment(bind, empty=True),
            "LOTSE_DEBUG": "0",  # as in production, whatever the tests run with: a debug page is not in words
            MARK: str(stack.data),
            "DJANGO_SETTINGS_MODULE": "tests.faults.settings",
            "DATABASE_URL": postgres.url,
            "REDIS_URL": valkey.url,
            "LOTSE_MEDIA_ROOT": str(files.folder / "media"),
            "LOTSE_BACKUP_FOLDER": str(folder / "backups"),
            "TMPDIR": str(files.folder),
        }
        sink = left.enter_context(Sink(folder / "sink"))
        environment |= {"LOTSE_SMTP_HOST": "127.0.0.1", "LOTSE_SMTP_PORT": str(sink.port), "LOTSE_SMTP_LOG": str(sink.maillog), **further}
        log = left.enter_context((folder / "house.log").open("ab"))
        words = [sys.executable, "-m", "tests.faults.kept", str(stack.slot), str(stack.folder), bind]
        launcher = subprocess.Popen(words, cwd=ROOT, env={**os.environ, **environment}, stdout=log, stderr=log)
        left.callback(launcher.wait)
        left.callback(strays.end, stack, seconds=0.2)  # what is struck anyhow may end without ceremony
        left.callback(launcher.kill)
        house = Supervised(stack, folder, environment, bind, disk, files, sink)
        wait_for(lambda: launcher.poll() is not None or (postgres.ready() and valkey.ready()), "the house")
        postgres.create_database()
        copy_tables(postgres)
        supervisor.ready_file(stack).touch()
        fill(house)
        assert until(lambda: next(iter(house.staff.values())).get("/today/").status == 200, 60) < 60, (folder / "house.log").read_text()[-3000:]
        yield house

