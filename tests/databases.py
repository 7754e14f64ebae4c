"""Beside the tests' own database: what is asked of its server."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from urllib.parse import urlsplit

import psycopg2

from crm.devstack.places import ROOT

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
