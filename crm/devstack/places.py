"""Where a checkout keeps its local data, under which account, and how the launcher speaks."""

import hashlib
import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[2]
STATE = ROOT / ".local"
MARK = "LOTSE_STACK"  # every process of a stack carries this variable, so that strays are found after a crash


def say(text: str) -> None:
    """One line on the terminal."""
    print(f"[lotse] {text}", flush=True)


def refuse(sentence: str) -> NoReturn:
    """End with exit code 1 and a sentence that says what to do."""
    raise SystemExit(f"[lotse] {sentence}")


def checkout_tag() -> str:
    """Ten letters that tell this checkout from any other on the machine."""
    return hashlib.sha256(str(ROOT).encode()).hexdigest()[:10]


def server_account() -> pwd.struct_passwd | None:
    """The account for Postgres when we are root, which Postgres refuses; None means: our own."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    refuse("Postgres does not run as root, and this machine has neither an account 'postgres' nor 'nobody'.")


def private_folder(path: Path, account: pwd.struct_passwd | None = None) -> Path:
    """A folder that only its owner (and root) may enter; one that somebody else made is refused.

    The socket folder lies in /tmp under a name anybody can guess, and whoever enters it owns the database.
    """
    owner = account.pw_uid if account else os.geteuid()
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {owner, os.geteuid()}:
        refuse(f"{path} belongs to somebody else: remove it or ask its owner.")
    if account and found.st_uid != account.pw_uid:
        os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)
    path.chmod(0o700)
    return path


@dataclass(frozen=True)
class Stack:
    """One set of services: the lasting one of `./lotse up` (slot 0), or a throw-away one of a test run (slot 1, 2, …)."""

    slot: int = 0

    @property
    def throwaway(self) -> bool:
        """True for a test run: its data may be lost with the power."""
        return self.slot > 0

    @property
    def shelf(self) -> Path:
        """What all stacks of this checkout share: below /var/lib for root, whose checkout the server account may not reach."""
        return Path("/var/lib/lotse") / checkout_tag() if os.geteuid() == 0 else STATE

    @property
    def data(self) -> Path:
        """The folder of the databases."""
        return self.shelf / "test" / str(self.slot) if self.slot else self.shelf

    @property
    def state(self) -> Path:
        """The folder of our own notes (pid file, readiness, supervisor's settings); always in the checkout, and ours alone."""
        return STATE / "test" / str(self.slot) if self.slot else STATE

    @property
    def sockets(self) -> Path:
        """A short path, because a socket's name may have 107 bytes only."""
        return Path(f"/tmp/lotse-{os.geteuid()}-{checkout_tag()}{f'-t{self.slot}' if self.slot else ''}")

    def prepare(self) -> None:
        """Make the folders."""
        self.data.mkdir(parents=True, exist_ok=True)
        if server_account():  # it must be able to pass, whatever root's umask is
            for folder in {self.shelf.parent, self.shelf, self.data.parent, self.data}:
                if folder.is_relative_to("/var/lib/lotse"):
                    folder.chmod(0o755)
        self.state.mkdir(parents=True, exist_ok=True)
        private_folder(self.sockets, server_account())
