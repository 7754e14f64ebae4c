"""Beside the tests' own database: what is asked of its server."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import psycopg2

from crm.devstack.engines import postgres_folder
from crm.devstack.places import ROOT, Stack

SERVER = os.environ["DATABASE_URL"]  # as it is now: a drill gives its processes another
MIGRATED = "lotse_migrated"


def run_sql(statement: str, **place: str) -> None:
    """On the server, beside every database of a test or (`dbname`) in one, outside of any transaction."""
    with closing(psycopg2.connect(SERVER, **place)) as server:
        server.autocommit = True
        with server.cursor() as cursor:
            cursor.execute(statement)


def end_sessions(database: str) -> None:
    """End what a thread of a race or of the live server left open: a database in use is neither copied nor dropped."""
    run_sql(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{database}' AND backend_type = 'client backend'")


def copy_migrated(name: str, run: str) -> None:
    """Make the database of one of the processes of a run: a copy of the one that the first of them migrates while the others wait."""
    with closing(psycopg2.connect(SERVER)) as server:
        server.autocommit = True
        with server.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(4711)")
            cursor.execute("SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [MIGRATED])
            if cursor.fetchone() != (run,):
                cursor.execute(f"DROP DATABASE IF EXISTS {MIGRATED}")
                cursor.execute(f"CREATE DATABASE {MIGRATED}")
                url = urlsplit(SERVER)._replace(path=f"/{MIGRATED}").geturl()
                subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env={**os.environ, "DATABASE_URL": url}, check=True)
                cursor.execute(f"COMMENT ON DATABASE {MIGRATED} IS %s", [run])
            cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            cursor.execute(f"CREATE DATABASE {name} TEMPLATE {MIGRATED} STRATEGY file_copy")


def schema(place: Mapping[str, Any]) -> list[str]:
    """What pg_dump says of a database, named as in Django's settings, and which migrations it has."""
    program = [postgres_folder(Stack()) / "pg_dump", "-h", place["HOST"], "-p", place["PORT"] or "5432", "-U", place["USER"]]
    environment = {**os.environ, "PGPASSWORD": place["PASSWORD"]}

    def dump(*what: str) -> str:
        return subprocess.run([*program, *what, place["NAME"]], capture_output=True, text=True, env=environment).stdout

    applied = sorted(set(re.findall(r"VALUES \(\d+, ('[^']+', '[^']+')", dump("-a", "--inserts", "-t", "django_migrations"))))
    return [line for line in dump("-s", "-O").splitlines() if not line.startswith(("\\restrict", "\\unrestrict", "--"))] + applied
