"""The two commands on a bare Debian 12, as root and as an ordinary user: `./lotse prove start --full`."""

import os
import re
import shutil
from collections.abc import Iterator

import pytest

from crm.devstack.places import ROOT
from tests.devstack.fresh_machine import Machine, Visitor, until
from tests.proofs import Figures

BOARD = "/sales/board/"
CARD = re.compile('<li class="l-panel l-card"')


@pytest.fixture(scope="module", params=["root", "anna"])
def machine(request: pytest.FixtureRequest, prove_full: bool) -> Iterator[Machine]:
    """A bare system whose package managers have seen our packages once."""
    if not prove_full:
        pytest.skip("takes minutes: ./lotse prove start --full")
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        pytest.skip("needs root and debootstrap")
    fresh = Machine(request.param)
    try:
        fresh.clone("seen-before")
        terminal = fresh.terminal("cd ~/seen-before && ./lotse stop && rm -rf ~/seen-before")
        assert terminal.wait(900) == 0, terminal.output
        yield fresh
    finally:
        fresh.remove()


@pytest.mark.proof("start")
def test_up(machine: Machine, figures: Figures) -> None:
    who = f"{machine.account}: "
    machine.clone("lotse")
    terminal = machine.terminal("cd ~/lotse && exec ./lotse up", LOTSE_BIND="127.0.0.1:18000")
    try:
        address = terminal.address(600)
        first_page = terminal.seconds
        visitor = Visitor(address)
        until(visitor.sign_in_as_demo_user, 120)
        signed_in = terminal.seconds
        until(lambda: len(CARD.findall(visitor.get(BOARD))) >= 10, 300)
        filled = terminal.seconds
        figures.record(who + "./lotse up to the first page", round(first_page, 1), "s")
        figures.record(who + "./lotse up to signed in", round(signed_in, 1), "s")
        until(lambda: "demo data: " in terminal.output, 300)

        for program in ("postgres", "valkey-server", "gunicorn", "celery"):
            killed = next(process for process in machine.processes() if any(word.endswith(program) for word in (process.info["cmdline"] or ())[:5]))
            killed.kill()
        back = until(lambda: CARD.search(visitor.get(BOARD)), 60)
        figures.record(who + "page back after four killed processes", round(back, 1), "s", "30 s", back <= 30)

        machine.clone("second")
        second = machine.terminal("cd ~/second && exec ./lotse up", LOTSE_BIND="127.0.0.1:18000")
        beside = second.address(600)
        both = beside != address and bool(Visitor(beside).get("/")) and bool(CARD.search(visitor.get(BOARD)))
        figures.record(who + "a second copy runs beside it", beside, goal="another port, both pages", holds=both)
        second.press_ctrl_c()
        assert second.wait(60) == 0

        terminal.press_ctrl_c()
        code = terminal.wait(60)
        left = [process.info["name"] for process in machine.processes()]
        figures.record(who + "processes left after Ctrl-C", len(left), goal="0, exit code 0", holds=not left and code == 0)
        # Last, because on a busy machine it fails while everything before it holds.
        figures.record(who + "./lotse up to a filled board", round(filled, 1), "s", "60 s, package cache warm", filled <= 60)
    except BaseException:
        print(terminal.output[-5000:])
        raise
    finally:
        terminal.kill()


@pytest.mark.proof("start")
def test_test(machine: Machine, figures: Figures) -> None:
    who = f"{machine.account}: "
    machine.clone("tested")
    terminal = machine.terminal("cd ~/tested && exec ./lotse test", CI="true")
    try:
        green = terminal.wait(3600) == 0
        print("" if green else terminal.output[terminal.output.find("= FAILURES") :][:60_000])
        counts = re.findall(r"=+ (.* in [0-9.:()hms ]+) =+", terminal.output)
        figures.record(who + "./lotse test", round(terminal.seconds / 60, 1), "min", f"green ({counts[-1] if counts else 'no count'})", green)
    except BaseException:
        print(terminal.output[-8000:])
        raise
    finally:
        terminal.kill()


@pytest.mark.proof("start")
def test_image(machine: Machine, figures: Figures) -> None:
    """The Dockerfile's steps on a bare Debian, whose Python is older than the image's; the npm step's result is taken from here."""
    if machine.account != "root":
        pytest.skip("an image is built as root")
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", "")
    steps = [step for step in re.findall(r"^RUN (.*)$", dockerfile, re.MULTILINE) if not step.startswith(("npm ", "rm "))]
    machine.clone("image")
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").split() if line.startswith("!")]
    before = f"ln -s python3 /usr/bin/python && cd ~/image && cp -r {' '.join(allowed)} /app && rm -r /app/crm/devstack && cd /app && export PATH=/opt/venv/bin:$PATH"
    shutil.copytree(ROOT / "node_modules", machine.folder / "app" / "node_modules", symlinks=True)
    terminal = machine.terminal(" && ".join([before, *steps]))
    code = terminal.wait(900)
    assert code == 0, terminal.output[-5000:]
    figures.record("steps of the Dockerfile done", len(steps), goal=f"{len(steps)}, exit code 0", holds=code == 0)
    service = "SECRET_KEY=x DATABASE_URL=postgresql:/// REDIS_URL=unix:/// LOTSE_HOSTS=localhost"
    check = machine.terminal(f"cd /app && chroot --userspec=lotse --skip-chdir / env {service} /opt/venv/bin/python -c 'import weasyprint, crm.wsgi'")
    code = check.wait(60)
    assert code == 0, check.output
    figures.record("app and PDF load as the image's account: exit code", code, goal="0", holds=code == 0)
