"""The commands of docker-compose.yml with its variables, run here: on services of our own, with hosts and paths exchanged."""

import json
import os
import re
import shlex
import socket
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from crm.devstack.places import ROOT
from crm.devstack.services import Postgres, Valkey, start, throwaway_stack
from tests.devstack.fresh_machine import Visitor, until
from tests.devstack.test_compose import COMPOSE, example_variables


class Production:
    """Runs a service's command as compose would."""

    def __init__(self, exchanged: dict[str, str], variables: dict[str, str], logs: Path) -> None:
        self.exchanged, self.logs = exchanged, logs
        self.services: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]
        fixed = {name: self.local(value) for name, value in self.services["web"]["environment"].items()}
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        chosen = {name: value for name, value in example_variables().items() if value}
        self.environment = {"PATH": path, "HOSTNAME": socket.gethostname(), **chosen, **fixed, **variables}

    def local(self, text: str) -> str:
        """The text with this machine's hosts, ports and folders, and what compose replaces."""
        text = re.sub(r"\$\{[A-Z_]+:\?[^}]*\}", "secret", text).replace("$$", "$")
        text = re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", text)
        return re.sub("|".join(map(re.escape, self.exchanged)), lambda found: self.exchanged[found.group()], text)

    def start(self, service: str) -> "subprocess.Popen[bytes]":
        """The service's command."""
        command = [self.local(word) for word in self.services[service]["command"]]
        with (self.logs / f"{service}.log").open("w") as log:
            return subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log, stderr=log)

    def is_healthy(self, service: str) -> bool:
        """What its health check says."""
        kind, *words = self.services[service]["healthcheck"]["test"]
        command = [self.local(word) for word in (words if kind == "CMD" else ["sh", "-c", *words])]
        return subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True).returncode == 0


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Production]:
    """Set up: migrated, reference rows written, static files collected."""
    folder = tmp_path_factory.mktemp("production")
    with throwaway_stack() as stack, socket.socket() as probe:
        postgres, valkey = Postgres(stack), Valkey(stack)
        start(stack, [postgres, valkey])
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        exchanged = {
            "postgresql://lotse:secret@postgres:5432/lotse": postgres.url,
            "redis://valkey:6379/0": valkey.url,
            "0.0.0.0:8000": f"127.0.0.1:{port}",
            "127.0.0.1:8000": f"127.0.0.1:{port}",
            "/var/lib/lotse": str(folder),
            "/app/staticfiles": str(folder / "static"),
            "/tmp": str(folder),
        }
        # Packing takes a minute; the names are the same.
        variables = {
            "LOTSE_STATIC": "hashed",
            "LOTSE_HOSTS": "localhost,127.0.0.1",
            "LOTSE_BASE_URL": f"http://127.0.0.1:{port}",
            "SECRET_KEY": "not the one of development",
            "LOTSE_METRICS_TOKEN": "monitor",
        }
        made = Production(exchanged, variables, folder)
        assert made.start("set-up").wait(180) == 0, (folder / "set-up.log").read_text()
        collect = [sys.executable, "manage.py", "collectstatic", "--noinput", "-v0"]
        subprocess.run(collect, cwd=ROOT, env=made.environment, check=True)
        yield made


def counted(production: Production) -> float:
    """How many pages /metrics has counted."""
    request = urllib.request.Request(f"{production.environment['LOTSE_BASE_URL']}/metrics", headers={"Authorization": "Bearer monitor"})
    with urllib.request.urlopen(request) as answer:
        text = answer.read().decode()
    assert "lotse_database_up 1.0" in text
    return sum(float(value) for value in re.findall(r'^lotse_requests_total\{.*route="ready".*\} (\S+)$', text, re.MULTILINE))


def test_the_services_run(production: Production) -> None:
    """Web, worker and beat start with nothing but the documented variables, and their health checks pass."""
    with ExitStack() as running:
        for service in ("web", "worker", "beat"):
            process = production.start(service)
            running.callback(process.wait, 30)
            running.callback(process.terminate)
        for service in ("web", "worker", "beat"):
            until(partial(production.is_healthy, service), 60)
        visitor = Visitor(production.environment["LOTSE_BASE_URL"])
        assert visitor.get("/ready/") == '{"database": "ok", "broker": "ok"}'
        page = visitor.get("/")
        style = re.search(r'href="(/static/css/lotse\.[0-9a-f]{12}\.css)"', page)
        assert style and visitor.get(style.group(1)), page
        assert counted(production) == counted(production) > 0  # both processes' counts together, whoever answers
    lines = [json.loads(line) for line in (production.logs / "web.log").read_text().splitlines()]
    assert [line["status"] for line in lines if line.get("path") == "/ready/"] == [200]  # once, and gunicorn's own lines are of the same form
    assert any("Listening at" in line["message"] for line in lines)
    for service in ("worker", "beat"):
        told = [line for line in (production.logs / f"{service}.log").read_text().splitlines() if line.startswith("{")]
        assert told and [line for line, times in Counter(told).items() if times > 1] == []  # what two tasks say has two moments


def test_without_a_key_it_refuses_to_start(production: Production) -> None:
    without = {name: value for name, value in production.environment.items() if name != "SECRET_KEY"}
    done = subprocess.run([sys.executable, "manage.py", "check"], cwd=ROOT, env=without, capture_output=True, text=True)
    assert done.returncode != 0
    assert "SECRET_KEY is not set" in done.stderr


def test_the_health_check_of_the_web_service_notices_a_dead_page(production: Production) -> None:
    """Red control."""
    assert not production.is_healthy("web")
    assert shlex.join(production.services["web"]["healthcheck"]["test"]).count("/health/") == 1
