"""The processes of `./lotse up`: what dies comes back, Ctrl-C ends all, a killed supervisor leaves nothing behind."""

import io
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from crm.devstack import prefix, strays, supervisor, up
from crm.devstack.places import ROOT, Stack, private_folder
from crm.devstack.services import Postgres, Service, Valkey, throwaway_stack
from tests.proofs import Figures

SMALL_STACK = """
import sys
from crm.devstack import supervisor
from crm.devstack.places import Stack
from crm.devstack.services import Postgres, Valkey
stack = Stack(int(sys.argv[1]))
stack.prepare()
services = [Postgres(stack), Valkey(stack)]
for service in services:
    service.prepare()
sys.exit(supervisor.run(stack, [supervisor.service_program(service) for service in services], {}))
"""


def until(holds: Callable[[], object], seconds: float = 30) -> float:
    """Wait until it holds; returns how long that took."""
    begin = time.monotonic()
    while not holds():
        assert time.monotonic() - begin < seconds, "waited in vain"
        time.sleep(0.05)
    return time.monotonic() - begin


class Running:
    """Postgres and Valkey under a supervisor of their own."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.services: list[Service] = [Postgres(stack), Valkey(stack)]
        self.launcher = subprocess.Popen([sys.executable, "-c", SMALL_STACK, str(stack.slot)], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(self.ready)

    def ready(self) -> bool:
        """All answer."""
        return all(service.ready() for service in self.services)

    def server(self, program: str) -> psutil.Process:
        """The process of that program."""
        return next(process for process in strays.processes(self.stack) if process.cmdline()[0].endswith(program))

    def left(self) -> list[psutil.Process]:
        """What still runs of it."""
        return strays.processes(self.stack)


@pytest.fixture
def running() -> Iterator[Running]:
    """A small stack, ended at the end whatever happens."""
    with throwaway_stack() as stack:
        stack_of_test = Running(stack)
        try:
            yield stack_of_test
        finally:
            stack_of_test.launcher.kill()
            stack_of_test.launcher.wait()


@pytest.mark.proof("start")
def test_killed_children_come_back(running: Running, figures: Figures) -> None:
    killed = [running.server(program) for program in ("postgres", "valkey-server")]
    for process in killed:
        process.kill()
    until(lambda: not any(strays.is_alive(process) for process in killed))
    seconds = until(running.ready)
    figures.record("killed Postgres and Valkey back after", round(seconds, 1), "s", "10 s", seconds < 10)


@pytest.mark.proof("start")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_all(running: Running, figures: Figures, number: signal.Signals) -> None:
    running.launcher.send_signal(number)
    running.launcher.wait(30)
    figures.record(f"processes left after {number.name}", len(running.left()), goal="0", holds=not running.left())


@pytest.mark.proof("start")
def test_the_launcher_of_a_killed_supervisor_ends_the_orphans(running: Running, figures: Figures) -> None:
    process = strays.supervisor(running.stack)
    assert process
    process.kill()
    running.launcher.wait(30)
    figures.record("processes left after kill -9 of the supervisor", len(running.left()), goal="0", holds=not running.left())


@pytest.mark.proof("start")
def test_orphans_are_ended_by_the_next_start(running: Running, figures: Figures) -> None:
    """Launcher and supervisor are both killed: nobody is left to clean up. Red control: without `end`, two servers live on."""
    process = strays.supervisor(running.stack)
    assert process
    running.launcher.kill()
    process.kill()
    until(lambda: not strays.is_alive(process))
    orphans = strays.processes(running.stack)
    assert len([orphan for orphan in orphans if strays.is_server(orphan)]) == 2
    strays.end(running.stack)
    figures.record("orphans left by the next start", len(running.left()), f"of {len(orphans)}", "0", not running.left())


def test_two_stacks_live_side_by_side(running: Running) -> None:
    with throwaway_stack() as second:
        assert second.slot != running.stack.slot
        beside = Running(second)
        try:
            assert running.ready()
        finally:
            beside.launcher.terminate()
            beside.launcher.wait(30)
        assert running.ready()


def test_a_taken_port_is_passed_over(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        chosen = up.free_address(f"127.0.0.1:{port}")
    assert port < int(chosen.rpartition(":")[2]) <= port + 50
    assert f"Port {port} is taken" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", ["8000", "localhost:", "localhost:http", ""])
def test_a_wrong_address_is_refused_in_words(wrong: str) -> None:
    with pytest.raises(SystemExit, match="LOTSE_BIND must be host:port"):
        up.free_address(wrong)


def test_the_app_waits_for_its_database_and_ends_before_it() -> None:
    stack = Stack(1)
    programs = [supervisor.service_program(Valkey(stack)), *supervisor.app_programs(stack, "127.0.0.1:1", empty=False, reload=False)]
    config = supervisor.configuration(stack, programs)
    assert config["group:services"]["priority"] < config["group:setup"]["priority"] < config["group:app"]["priority"]
    for name in ("web", "worker", "beat"):
        assert str(supervisor.ready_file(stack)) in config[f"program:{name}"]["command"]
    assert {config[f"program:{program.name}"]["autorestart"] for program in programs} == {"true", "unexpected"}


def test_a_service_that_cannot_start_is_tried_for_ever() -> None:
    """With `startsecs` supervisor would give up after its retries, and a disk may be full for longer (`./lotse prove disk-full --full`)."""
    config = supervisor.configuration(Stack(1), [supervisor.service_program(service) for service in (Postgres(Stack(1)), Valkey(Stack(1)))])
    assert [config[f"program:{name}"]["startsecs"] for name in ("postgres", "valkey")] == ["0", "0"]


def test_a_percent_sign_survives_the_settings_file() -> None:
    program = supervisor.Program("odd", ["echo", "100 %"], "odd", 1)
    assert supervisor.configuration(Stack(1), [program])["program:odd"]["command"] == "echo '100 %%'"


def test_lines_carry_the_name_of_their_process() -> None:
    def event(name: str, written: str) -> str:
        body = f"processname:{name} groupname:{name} pid:1 channel:stdout\n{written}"
        return f"ver:3.0 server:s serial:1 pool:p poolserial:1 eventname:PROCESS_LOG_STDOUT len:{len(body)}\n{body}"

    events = io.StringIO(event("web", "Grüße …\ntw") + event("worker", "ä: 1\n") + event("web", "o\n") + event("setup", "[lotse] x\n"))
    terminal, answers = io.StringIO(), io.StringIO()
    prefix.listen(events, answers, terminal, colour=False)
    assert terminal.getvalue() == "[web] Grüße …\n[worker] ä: 1\n[web] two\n[lotse] x\n"
    assert answers.getvalue().count("RESULT 2\nOK") == 4


def test_a_socket_folder_is_private(running: Running) -> None:
    assert running.stack.sockets.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a folder of somebody else's")
def test_a_foreign_socket_folder_is_refused(tmp_path: Path) -> None:
    foreign = tmp_path / "sockets"
    foreign.mkdir()
    os.chown(foreign, 12345, 12345)
    with pytest.raises(SystemExit, match="belongs to somebody else"):
        private_folder(foreign)
