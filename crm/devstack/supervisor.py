"""All processes of `./lotse up` under supervisor, which brings back what dies and ends all in order."""

import configparser
import contextlib
import os
import shlex
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from crm.devstack import strays
from crm.devstack.places import MARK, ROOT, Stack, server_account
from crm.devstack.services import Service

BIN = Path(sys.executable).parent
APP = "app"


def ready_file(stack: Stack) -> Path:
    """There as soon as the database is set up: the app's processes wait for it."""
    return stack.state / "ready"


@dataclass(frozen=True)
class Program:
    """One kept process. Those of one group are ended together; a higher priority starts later and ends earlier."""

    name: str
    command: list[str]
    group: str
    priority: int
    settings: dict[str, str] = field(default_factory=dict)


def service_program(service: Service) -> Program:
    """Postgres or Valkey. One that cannot start is tried again for ever: a disk may be full for hours, and supervisor would give up.

    Without `startsecs` no start counts as failed; the moment of sleep keeps a hopeless one from taking the whole machine.
    """
    settings = {"stopsignal": service.stop_signal.name.removeprefix("SIG"), "directory": "/", "startsecs": "0"}
    account = server_account()
    if account and service.name == "postgres":
        settings["user"] = account.pw_name
    command = ["/bin/sh", "-c", f"sleep 0.3; exec {shlex.join(service.command())}"]
    return Program(service.name, command, "services", 1, settings)


def app_programs(stack: Stack, bind: str, *, empty: bool, reload: bool) -> list[Program]:
    """The one-shot `setup`, and web, worker and beat, which wait until it has set up the database."""
    web = [str(BIN / "gunicorn"), "crm.wsgi", "--config", "python:crm.gunicorn", "--bind", bind, "--graceful-timeout", "5"]
    # As root, Celery advises another account at each start; here that is what the person at the terminal chose.
    celery = [sys.executable, "-W", "ignore:You're running the worker with superuser", "-m", "celery", "--quiet", "-A", "crm"]
    worker = [*celery, "worker", "-c", "2", "--loglevel", "warning", "--without-gossip", "--without-mingle"]
    beat = [*celery, "beat", "--loglevel", "warning", "--pidfile=", "--schedule", str(stack.state / "beat-schedule")]
    setup = [sys.executable, "-m", "crm.devstack", "setup", "--bind", bind, *(["--empty"] if empty else [])]
    return [
        Program("setup", setup, "setup", 2, {"autorestart": "unexpected", "startsecs": "0"}),
        Program("web", after_setup(stack, [*web, *(["--reload"] if reload else [])]), APP, 3),
        Program("worker", after_setup(stack, worker), APP, 3),
        Program("beat", after_setup(stack, beat), APP, 3),
    ]


def after_setup(stack: Stack, command: list[str]) -> list[str]:
    """The command, begun as soon as the database is set up."""
    return ["/bin/sh", "-c", f"until [ -e {shlex.quote(str(ready_file(stack)))} ]; do sleep 0.1; done; exec {shlex.join(command)}"]


def configuration(stack: Stack, programs: list[Program]) -> configparser.RawConfigParser:
    """supervisor's settings. Output goes as events to `crm.devstack.prefix`, which puts the name before each line."""
    config = configparser.RawConfigParser()
    config["supervisord"] = {
        "nodaemon": "true",
        "loglevel": "warn",  # says what died, not what started
        "logfile": "/dev/null",
        "logfile_maxbytes": "0",
        "pidfile": str(stack.state / "supervisord.pid"),
        "childlogdir": str(stack.state),
        **({"user": "root"} if os.geteuid() == 0 else {}),
    }
    for program in programs:
        config[f"program:{program.name}"] = {
            "command": _escaped(shlex.join(program.command)),
            "directory": str(ROOT),
            "autorestart": "true",
            "startsecs": "1",
            "startretries": "20",
            "stopwaitsecs": "15",
            "redirect_stderr": "true",
            "stdout_logfile": "NONE",
            "stdout_events_enabled": "true",
            **program.settings,
        }
    for group in dict.fromkeys(program.group for program in programs):
        members = [program for program in programs if program.group == group]
        config[f"group:{group}"] = {"programs": ",".join(program.name for program in members), "priority": str(members[0].priority)}
    config["eventlistener:prefix"] = {
        "command": _escaped(shlex.join([sys.executable, str(Path(__file__).with_name("prefix.py")), *(["--colour"] if sys.stdout.isatty() else [])])),
        "events": "PROCESS_LOG",
        "buffer_size": "10000",
        "priority": "0",
        "stderr_logfile": "/dev/fd/1",
        "stderr_logfile_maxbytes": "0",
    }
    return config


def _escaped(command: str) -> str:
    return command.replace("%", "%%")


def run(stack: Stack, programs: list[Program], environment: dict[str, str]) -> int:
    """Keep the programs running until Ctrl-C, SIGTERM or a closed terminal; then end every process of the stack.

    supervisor has a session of its own: it takes SIGHUP as "read your settings anew", and would get each Ctrl-C beside us.
    """
    ready = ready_file(stack)
    ready.unlink(missing_ok=True)
    path = stack.state / "supervisord.conf"
    with path.open("w") as file:
        configuration(stack, programs).write(file)
    child = subprocess.Popen(
        [sys.executable, str(BIN / "supervisord"), "-c", str(path)],
        env={**os.environ, **environment, MARK: str(stack.data)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: child.terminate())
    _pass_on(child)
    code = child.wait()
    strays.end(stack)
    set_up = ready.exists()
    ready.unlink(missing_ok=True)
    return code if set_up else code or 1


def _pass_on(child: "subprocess.Popen[bytes]") -> None:
    """Copy its output to ours until it ends. supervisor opens its output anew by name, which it may not do with our terminal
    (after `su`) and which would overwrite lines in a file."""
    assert child.stdout
    while piece := os.read(child.stdout.fileno(), 65536):
        with contextlib.suppress(OSError):  # the terminal is closed
            sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
