"""Beside the tests' own database: what is asked of its server."""

from __future__ import annotations

import os
from contextlib import closing

import psycopg2

SERVER = os.environ["DATABASE_URL"]  # as it is now: a drill gives its processes another


def run_sql(statement: str) -> None:
    """On the server, beside every database of a test."""
    with closing(psycopg2.connect(SERVER)) as server:
        server.autocommit = True
        with server.cursor() as cursor:
            cursor.execute(statement)


def end_sessions(database: str) -> None:
    """End what a thread of a race or of the live server left open: a database in use is neither copied nor dropped."""
    run_sql(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{database}' AND backend_type = 'client backend'")
