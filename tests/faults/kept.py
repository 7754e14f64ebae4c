"""The supervisor of a house, in a process of its own: `python -m tests.faults.kept SLOT FOLDER ADDRESS`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crm.devstack import supervisor
from crm.devstack.places import Stack
from crm.devstack.services import Postgres, Valkey


@dataclass(frozen=True)
class Careful(Stack):
    """A stack in a folder of its own whose services keep what they were given, as the lasting one does."""

    folder: Path = Path()

    @property
    def throwaway(self) -> bool:
        """Nothing may be lost with the power."""
        return False

    @property
    def data(self) -> Path:
        """On the small disk."""
        return self.folder


def main(slot: str, folder: str, bind: str) -> int:
    """Keep everything running but the set-up, which has been done."""
    stack = Careful(int(slot), Path(folder))
    stack.prepare()
    services: list[Any] = [Postgres(stack), Valkey(stack)]
    for service in services:
        service.prepare()
    programs = [supervisor.service_program(service) for service in services]
    programs += [program for program in supervisor.app_programs(stack, bind, empty=True, reload=False) if program.name != "setup"]
    return supervisor.run(stack, programs, {})


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
