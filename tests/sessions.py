"""Who else is connected to the tests' own database."""

from __future__ import annotations

from django.db import connection


def end_other_sessions() -> None:
    """End what a thread of a race or of the live server left open: a database in use is neither copied nor dropped."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'")
