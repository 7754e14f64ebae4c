"""Versions of the product beside each other in one house: the one before, whose code comes out of the history, and this one."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from crm.devstack.places import ROOT
from crm.devstack.supervisor import BIN
from crm.devstack.up import page_environment
from tests.faults.hands import Person, until
from tests.mail.imap import closed_port
from tests.mail.stack import House

PEOPLE, UPGRADE = "people", "upgrade"  # by these names Postgres knows who asks: the page, and what changes the schema
MIGRATIONS = "*/migrations/*.py"
START = 180  # seconds in which a page must answer


class NoHistoryError(Exception):
    """There is no version before: no git, a tarball, or a clone without its past."""


def _git(*words: str) -> bytes:
    if not shutil.which("git"):
        raise NoHistoryError("git is missing on this machine")
    done = subprocess.run(["git", "-c", f"safe.directory={ROOT}", *words], cwd=ROOT, capture_output=True)
    if done.returncode:
        raise NoHistoryError(f"git {' '.join(words)}: {done.stderr.decode().strip()}")
    return done.stdout


def version_before() -> str:
    """The commit whose schema this version must be able to take over.

    The latest tag before this commit, if migrations came since; else where the latest migration had not come yet. LOTSE_UPGRADE_FROM names another.
    """
    if named := os.environ.get("LOTSE_UPGRADE_FROM"):
        return _commit(named)
    with contextlib.suppress(NoHistoryError):
        tag = _git("describe", "--tags", "--abbrev=0", "HEAD^").decode().strip()
        if _git("diff", "--diff-filter=A", "--name-only", tag, "HEAD", "--", MIGRATIONS):
            return _commit(tag)
    latest = _git("log", "--diff-filter=A", "-1", "--format=%H", "--", MIGRATIONS).decode().strip()
    return _commit(f"{latest}^")


def _commit(name: str) -> str:
    return _git("rev-parse", "--verify", f"{name}^{{commit}}").decode().strip()


def unpack(commit: str, folder: Path) -> Path:
    """Its files, and the packages of the front end that this checkout has."""
    folder.mkdir()
    subprocess.run(["tar", "-x", "-C", folder], input=_git("archive", "--format=tar", commit), check=True)
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    return folder


@dataclass(frozen=True)
class Version:
    """One version's code on the services of a house, under this checkout's Python."""

    house: House
    root: Path

    def begin(self, *arguments: str, name: str = UPGRADE) -> subprocess.Popen[bytes]:
        """A command, beside others."""
        with (self.house.folder / "house.log").open("ab") as log:
            return subprocess.Popen(arguments, cwd=self.root, env=self._environment(name), stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def run(self, *arguments: str) -> None:
        """A command of its Python, to its end."""
        code = self.begin(sys.executable, *arguments).wait()
        assert code == 0, (arguments, (self.house.folder / "house.log").read_text()[-3000:])

    @contextlib.contextmanager
    def web(self) -> Iterator[str]:
        """Its page as in production; gives the address, as soon as it answers there."""
        bind = f"127.0.0.1:{closed_port()}"
        page = self.begin(str(BIN / "gunicorn"), "crm.wsgi", "--config", "python:crm.gunicorn", "--bind", bind, name=PEOPLE)
        try:
            assert until(lambda: page.poll() is not None or Person(bind, "").get("/ready/").status == 200, START) < START and page.poll() is None, (
                (self.house.folder / "house.log").read_text()[-3000:]
            )
            yield bind
        finally:
            page.send_signal(signal.SIGTERM)
            page.wait(60)

    def _environment(self, name: str) -> dict[str, str]:
        ours = page_environment("127.0.0.1:0", empty=True)  # nobody asks for the address in it
        return {**os.environ, **ours, **self.house.environment, "LOTSE_DEBUG": "0", "PYTHONPATH": str(self.root), "PGAPPNAME": name}
