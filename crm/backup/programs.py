"""pg_dump, pg_restore and psql: of the Postgres this checkout brings, else of the machine."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.conf import settings
from django.db import OperationalError, connection
from django.db.backends.postgresql.client import DatabaseClient

from crm import env
from crm.backup import Refused
from crm.core.seal import PIECE


def go_direct() -> None:
    """From here on this process speaks with Postgres itself, if LOTSE_BACKUP_DATABASE_URL names it.

    Through a pooler in transaction mode pg_dump would leave its settings to whoever gets that session next, and COMMIT might meet another one than BEGIN.
    """
    if not settings.BACKUP_DATABASE:
        if settings.DATABASE_POOLED:
            raise Refused("DATABASE_URL leads to a pooler (LOTSE_DB_POOLED=1), and this cannot be done through one: name Postgres itself in LOTSE_BACKUP_DATABASE_URL.")
        return
    before = dict(connection.settings_dict)
    connection.close()
    connection.settings_dict.update(settings.BACKUP_DATABASE)
    try:
        connection.ensure_connection()
    except OperationalError as error:
        connection.settings_dict.update(before)
        raise Refused(f"LOTSE_BACKUP_DATABASE_URL does not lead to Postgres: {str(error).strip()}") from error


def command(program: str, *options: str) -> list[str]:
    """The program with what names our database."""
    words = DatabaseClient.settings_to_cmd_args_env(connection.settings_dict, [])[0]
    return [path_of(program), "--no-password", *options, *words[1:]]


def path_of(program: str) -> str:
    """Where the program lies."""
    try:
        from crm.devstack.engines import postgres_folder
        from crm.devstack.places import Stack
    except ModuleNotFoundError:  # the production image leaves crm/devstack out
        found = None
    else:
        found = shutil.which(program, path=str(postgres_folder(Stack())))
    if found := found or shutil.which(program):
        return found
    raise Refused(f"{program} is not installed here: it comes with the client package of the server's version, for instance postgresql-client-18.")


@contextmanager
def running(words: list[str], **pipes: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A program at work. It is ended with the block; what it complained of is the sentence if it failed."""
    variables = DatabaseClient.settings_to_cmd_args_env(connection.settings_dict, [])[1] or {}
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(words, stderr=complaints, env=env.of_process(**variables), **pipes)  # noqa: S603 - programs of Postgres
        try:
            yield process
            if process.stdin:
                process.stdin.close()
            code = process.wait()
        except BrokenPipeError:  # it gave up before it had read everything, and its complaint says why; or another one did
            with suppress(subprocess.TimeoutExpired):
                process.wait(1)
            code = process.returncode or 0
            if not code:
                raise
        finally:
            process.kill()
            for pipe in filter(None, (process.stdin, process.stdout)):
                with suppress(BrokenPipeError):
                    pipe.close()
            process.wait()
        if code:
            complaints.seek(0)
            lines = complaints.read().decode(errors="replace").strip().splitlines()
            raise Refused(next((line for line in lines if "ERROR" in line or "error" in line), f"{words[0]} ended with {code}"))


def output_of(words: list[str]) -> Iterator[bytes]:
    """What the program writes, piece by piece."""
    with running(words, stdout=subprocess.PIPE) as process:
        assert process.stdout
        while piece := process.stdout.read(PIECE):
            yield piece
