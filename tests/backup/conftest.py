"""Houses of their own: a database copied from the empty test database, a folder of uploads, a folder of backups."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import pytest
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection, transaction
from django.test import override_settings

from accounts.models import Team, User
from contacts.models import Party
from crm.backup.drilling import LOCALE, PREFIX
from crm.core.digest import digest_everything
from crm.core.mail.lock import keep_turn
from crm.devstack.places import ROOT
from tests.databases import SERVER, end_sessions, run_sql
from tests.factories import EmailFactory, OpportunityFactory, PersonFactory, UserFactory

Make = Callable[..., "House"]


@dataclass
class House:
    """One place that a backup may come from or go to."""

    database: str
    folder: Path

    @property
    def media(self) -> Path:
        """Its uploads."""
        return self.folder / "media"

    @property
    def backups(self) -> Path:
        """Where it keeps its backups."""
        return self.folder / "backups"

    @property
    def environment(self) -> dict[str, str]:
        """For a process of its own."""
        url = urlsplit(SERVER)._replace(path=f"/{self.database}").geturl()
        return {**os.environ, "DATABASE_URL": url, "LOTSE_MEDIA_ROOT": str(self.media), "LOTSE_BACKUP_FOLDER": str(self.backups), "LOTSE_LOG_LEVEL": "ERROR"}

    def enter(self) -> House:
        """From here on this process works in this house."""
        leave(self.database)
        settings.MEDIA_ROOT, settings.BACKUP_FOLDER = self.media, self.backups
        return self

    def command(self, *words: str) -> subprocess.Popen[str]:
        """`manage.py` in a process of its own."""
        return subprocess.Popen([sys.executable, "manage.py", *words], cwd=ROOT, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def upload(self, name: str, content: bytes) -> Path:
        """An uploaded file."""
        path = self.media / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def live(self) -> None:
        """Somebody works here: people with addresses, an opportunity, uploads."""
        call_command("seed")
        user = UserFactory(username="greta", is_superuser=True)
        for number in range(40):
            person = PersonFactory(owner=user, team=Team.objects.get(parent=None), first_name="Jürgen", last_name=f"Groß-{number}")
            EmailFactory(party=person, address=f"j{number}@kunde.example")
        OpportunityFactory(owner=user, team=Team.objects.get(parent=None), party=Party.objects.order_by("pk")[0])
        keep_turn()
        self.upload("imports/ab/one", b"Name;Ort\n" * 2_000)
        self.upload("imports/cd/again", b"Name;Ort\n" * 2_000)
        self.upload("imports/ef/Grüße.csv", os.urandom(3_000_000))
        self.upload("imports/ef/empty", b"")


def greta() -> User:
    """Who works there."""
    return User.objects.get(username="greta")


def contents() -> dict[str, Any]:
    """Every table but the one into which the drill writes its result."""
    with transaction.atomic(), connection.cursor() as cursor:
        found = digest_everything(cursor)
    return {name: table for name, table in found.items() if name != "core_drill"}


def drill_databases() -> list[str]:
    """What a drill may have left."""
    with closing(psycopg2.connect(SERVER)) as server, server.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [PREFIX])
        return [name for (name,) in cursor.fetchall()]


@pytest.fixture(scope="session")
def lived_once(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The house in which somebody works, made once and copied from then on."""
    template = connection.settings_dict["NAME"]
    house = House(f"house_{secrets.token_hex(6)}", tmp_path_factory.mktemp("lived"))
    with django_db_blocker.unblock():
        connection.close()
        end_sessions(template)
        run_sql(f"CREATE DATABASE {house.database} TEMPLATE {template} STRATEGY file_copy")
        with override_settings(MEDIA_ROOT=house.media, BACKUP_FOLDER=house.backups):
            house.enter()
            house.live()
        leave(template)
    yield house
    run_sql(f"DROP DATABASE {house.database} WITH (FORCE)")


def leave(database: str) -> None:
    """Back to the tests' own database."""
    connection.close()
    connection.settings_dict["NAME"] = database
    ContentType.objects.clear_cache()


@pytest.fixture
def houses(transactional_db: None, lived_once: House, settings: Any, tmp_path: Path) -> Iterator[Make]:
    """Make houses: with the tables of the product, `bare` with nothing at all, or `lived` with people in it."""
    own, made = connection.settings_dict["NAME"], []
    settings.DRILL_DATABASE = os.environ["DATABASE_URL"]

    def make(*, bare: bool = False, lived: bool = False) -> House:
        house = House(f"house_{secrets.token_hex(6)}", tmp_path / f"house-{len(made)}")
        connection.close()
        end_sessions(own)
        run_sql(f"CREATE DATABASE {house.database} " + (LOCALE if bare else f"TEMPLATE {lived_once.database if lived else own} STRATEGY file_copy"))
        made.append(house)
        if lived:
            shutil.copytree(lived_once.media, house.media)
        return house

    settings.DRILL_DATABASE = SERVER
    settings.BACKUPS_EXPECTED = False  # a new house has made none yet, like a checkout
    before = settings.MEDIA_ROOT, settings.BACKUP_FOLDER
    try:
        yield make
    finally:
        settings.MEDIA_ROOT, settings.BACKUP_FOLDER = before
        leave(own)
        for house in made:
            run_sql(f"DROP DATABASE {house.database} WITH (FORCE)")


@pytest.fixture
def lived(houses: Make) -> House:
    """A house with something in it, entered."""
    return houses(lived=True).enter()
