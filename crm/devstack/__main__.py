"""The commands of `./lotse`, in the environment that the launcher has made."""

import argparse
import os
import sys
from pathlib import Path

from crm.devstack.places import ROOT


def main(argv: list[str]) -> int:
    """Run one command; the exit code is the program's."""
    command, rest = argv[0], argv[1:]
    if command in {"manage", "backup", "restore", "audit"}:
        words = rest if command == "manage" else argv
        os.execv(sys.executable, [sys.executable, str(ROOT / "manage.py"), *words])
    if command == "drill":
        from crm.devstack.drill import drill

        return drill(rest)
    if command == "test":
        from crm.devstack.testing import test

        return test(rest)
    options = _parser().parse_args(argv)
    if command == "prove":
        from crm.devstack.testing import prove

        return prove(options.names, full=options.full, json_file=options.json, real_files=options.real_files)
    if command == "setup":
        from crm.devstack.setup import run

        return run(options.bind, empty=options.empty)
    from crm.devstack.up import stop, up

    return up(empty=options.empty) if command == "up" else stop()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lotse")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up")
    up.add_argument("--empty", action="store_true", help="no demo data: begin with the set-up wizard")
    commands.add_parser("stop")
    prove = commands.add_parser("prove")
    prove.add_argument("names", nargs="*", metavar="NAME")
    prove.add_argument("--full", action="store_true", help="the long form of each proof")
    prove.add_argument("--json", type=Path, metavar="FILE", help="keep the figures")
    prove.add_argument("--from", type=Path, metavar="DIR", dest="real_files", help="real files to prove on")
    setup = commands.add_parser("setup")
    setup.add_argument("--bind", required=True)
    setup.add_argument("--empty", action="store_true")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
