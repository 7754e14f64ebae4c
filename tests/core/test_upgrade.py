"""`manage.py migrate` killed at random moments and run again: in the end the schema of a fresh install."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import psycopg2
import pytest
from django.db import connection

from crm.devstack.places import ROOT
from tests.databases import schema

COMMAND = [sys.executable, "manage.py", "migrate", "-v0"]


@pytest.fixture
def empty(db: None) -> Iterator[tuple[str, Any]]:
    """An empty database beside the tests' own: its name, and a cursor of the server outside of any transaction, which sees what goes on."""
    place = connection.settings_dict
    server = psycopg2.connect(host=place["HOST"], port=place["PORT"] or 5432, user=place["USER"], password=place["PASSWORD"], dbname="postgres")
    server.autocommit = True
    name = f"upgrade_{os.getpid()}"
    with server.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        cursor.execute(f"CREATE DATABASE {name}")
        yield name, cursor
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
    server.close()


@pytest.mark.proof("upgrade")
def test_killed_and_run_again_it_is_the_schema_of_a_fresh_install(empty: tuple[str, Any], figures: Any, prove_full: bool) -> None:
    (name, server), place = empty, connection.settings_dict
    url = f"postgresql://{quote(place['USER'])}:{quote(place['PASSWORD'])}@/{name}?host={quote(place['HOST'])}&port={place['PORT'] or 5432}"
    environment = {**os.environ, "DATABASE_URL": url}
    kills, fresh = 0, schema(place)
    assert len(fresh) > 1000 and schema(place | {"NAME": name}) != fresh  # red control
    for _ in range(25 if prove_full else 3):
        process = subprocess.Popen(COMMAND, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and not migrating(name, server):
            time.sleep(0.02)
        with suppress(subprocess.TimeoutExpired):
            process.wait(random.uniform(0.2, 2.0))
        if process.poll() is None:
            process.kill()
            kills += 1
        assert process.wait() in {0, -9}
    done = subprocess.run(COMMAND, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    same = schema(place | {"NAME": name}) == fresh
    figures.record("kills in the midst of the migrations", kills, "kills", goal="> 0", holds=kills > 0)
    figures.record("schema afterwards as of a fresh install", "yes" if same else "no", goal="yes", holds=same)


def migrating(name: str, server: Any) -> bool:
    """Whether somebody is at work in that database."""
    server.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND xact_start IS NOT NULL", [name])
    return bool(server.fetchone()[0])
