"""The processes of a stack: found by the mark in their environment, ended in the right order."""

import contextlib
import signal
import time
from pathlib import Path

import psutil

from crm.devstack.places import MARK, Stack


def processes(stack: Stack) -> list[psutil.Process]:
    """All living processes of the stack, whoever started them; the calling process is left out."""
    found = {process.pid: process for process in psutil.process_iter() if process.pid != psutil.Process().pid and _marked(process, stack)}
    if postmaster := _postmaster(stack):  # under another account its environment may be hidden
        found[postmaster.pid] = postmaster
    return list(found.values())


def supervisor(stack: Stack) -> psutil.Process | None:
    """The living supervisor of the stack."""
    return next((process for process in processes(stack) if any("supervisord" in Path(part).name for part in _command(process)[:2])), None)


def end(stack: Stack, seconds: float = 15) -> int:
    """End every process of the stack: first those that use the services, then the services. Returns how many there were."""
    found = processes(stack)
    servers = [process for process in found if is_server(process)]
    others = [process for process in found if process not in servers]
    for group in (others, servers):
        for process in group:
            _signal(process, signal.SIGINT if is_server(process, "postgres") else signal.SIGTERM)
        _kill(_alive_after(seconds, group))
    if not _kill(_sessions(stack)):
        # Left by a killed one. The number in them may be somebody else's by now, or a dead child's nobody asked about: no new one would start.
        for lock in (stack.data / "postgres" / "postmaster.pid", *stack.sockets.glob(".s.PGSQL.*.lock")):
            lock.unlink(missing_ok=True)
    return len(found)


def _kill(group: list[psutil.Process]) -> list[psutil.Process]:
    """End them at once. Returns those that live on."""
    for process in group:
        _signal(process, signal.SIGKILL)
    return _alive_after(5, group)


def _alive_after(seconds: float, group: list[psutil.Process]) -> list[psutil.Process]:
    """Wait until all have ended. One that its parent has not yet asked about counts as ended: in a container nobody may ever ask."""
    until = time.monotonic() + seconds
    while alive := [process for process in group if is_alive(process)]:
        if time.monotonic() > until:
            return alive
        time.sleep(0.02)
    return []


def is_alive(process: psutil.Process) -> bool:
    """Whether it still does something."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _marked(process: psutil.Process, stack: Stack) -> bool:
    try:
        return bool(process.environ().get(MARK) == str(stack.data))
    except (psutil.Error, OSError):
        return False


def _postmaster(stack: Stack) -> psutil.Process | None:
    try:
        pid = int((stack.data / "postgres" / "postmaster.pid").read_text().split()[0])
        process = psutil.Process(pid)
        return process if str(stack.data / "postgres") in process.cmdline() else None
    except (OSError, ValueError, IndexError, psutil.Error):
        return None


def _sessions(stack: Stack) -> list[psutil.Process]:
    """What works in Postgres's folder; its children carry no mark. One in a long query outlives a killed postmaster, and no new one starts beside it."""
    folder = str((stack.data / "postgres").resolve())
    return [process for process in psutil.process_iter() if _works_in(process, folder) and is_alive(process)]


def _works_in(process: psutil.Process, folder: str) -> bool:
    try:
        return bool(process.name() == "postgres" and process.cwd() == folder)  # somebody's shell may stand there, too
    except (psutil.Error, OSError):
        return False


def _command(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


def is_server(process: psutil.Process, *names: str) -> bool:
    """Whether it is Postgres or Valkey (or the one named)."""
    program = Path(next(iter(_command(process)), "")).name
    return program in (names or ("postgres", "valkey-server", "redis-server"))


def _signal(process: psutil.Process, number: int) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(number)
