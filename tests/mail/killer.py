"""Processes that are killed at random and started again, as under a supervisor that never sleeps."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.mail.sink import ROOT


@dataclass
class Role:
    """One kind of process: how it is started, and whether its children are victims of their own."""

    name: str
    command: Sequence[str]
    count: int = 1
    with_children: bool = False


@dataclass
class Crowd:
    """All processes of one measurement. `with Crowd(roles, environment): …` ends every one of them."""

    roles: Sequence[Role]
    environment: Mapping[str, str]
    log: Path
    draw: random.Random = field(default_factory=random.Random)
    killed: Counter[str] = field(default_factory=Counter)
    _running: list[tuple[Role, subprocess.Popen[bytes]]] = field(default_factory=list)
    _orphans: list[psutil.Process] = field(default_factory=list)

    def __enter__(self) -> Crowd:
        for role in self.roles:
            for _ in range(role.count):
                self._start(role)
        return self

    def __exit__(self, *_: object) -> None:
        for _role, process in self._running:
            self._end(process)
        for orphan in self._orphans:
            if orphan.is_running():
                orphan.kill()

    def _start(self, role: Role) -> None:
        with self.log.open("ab") as log:
            process = subprocess.Popen(role.command, cwd=ROOT, env={**os.environ, **self.environment}, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
        self._running.append((role, process))

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """The process and all it brought forth: its session is its own."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)

    def kill_one(self) -> str:
        """Kill one process (or a child of it) with -9, and start what is missing. Returns whom it met."""
        victims = [(role, psutil.Process(process.pid)) for role, process in self._running if process.poll() is None]
        victims += [(role, child) for role, process in victims if role.with_children for child in _children(process)]
        if victims:
            role, victim = self.draw.choice(victims)
            self._orphans += _children(victim)
            try:
                victim.kill()
                self.killed[role.name] += 1
            except psutil.NoSuchProcess:
                role = Role("", ())
        self.restore()
        return role.name if victims else ""

    def restore(self) -> None:
        """Start again whatever has ended."""
        for role, process in list(self._running):
            if process.poll() is not None:
                self._running.remove((role, process))
                self._start(role)

    def kill_until(self, done: Callable[[], bool], kills: int, *, every: float, seconds: float, between: Mapping[int, Callable[[], None]] | None = None) -> bool:
        """Kill up to `kills` times, `every` seconds on average, and wait until `done`. `between` names further blows: kill number → what.

        True if it was done in time.
        """
        end = time.monotonic() + seconds
        struck = 0
        while time.monotonic() < end:
            if struck >= kills and done():
                return True
            time.sleep(self.draw.uniform(0.2, 1.8) * every if struck < kills else 0.1)
            if struck < kills and self.kill_one():
                struck += 1
                blow = (between or {}).get(struck)
                if blow:
                    blow()
            self.restore()
        return False


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return list(process.children(recursive=True))
    except psutil.NoSuchProcess:
        return []
