"""`./lotse drill`: the drill of `manage.py`, restoring into a Postgres of its own that goes with it."""

import os
import subprocess
import sys

from crm.devstack.places import ROOT
from crm.devstack.services import Postgres, start, throwaway_stack


def drill(arguments: list[str]) -> int:
    """Run it; LOTSE_DRILL_DATABASE_URL may name another server."""
    command = [sys.executable, str(ROOT / "manage.py"), "drill", *arguments]
    if os.environ.get("LOTSE_DRILL_DATABASE_URL"):
        return subprocess.run(command).returncode
    with throwaway_stack() as stack:
        postgres = Postgres(stack)
        start(stack, [postgres])
        return subprocess.run(command, env={**os.environ, "LOTSE_DRILL_DATABASE_URL": postgres.url}).returncode
