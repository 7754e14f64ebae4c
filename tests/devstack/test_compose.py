"""docker-compose.yml, Dockerfile and .env.example, checked without an engine: shape, references, names, commands."""

import ast
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from crm.devstack.places import ROOT
from crm.devstack.services import DISCREET, INITDB_LOCALE, LASTING, THROWAWAY
from crm.devstack.system import PANGO

COMPOSE = ROOT / "docker-compose.yml"
STANZA = re.compile(r"^([a-z0-9-]+==\S+)(.*?)(?=^\S|\Z)", re.MULTILINE | re.DOTALL)
# Of other images; ours must be installed here.
FOREIGN_PROGRAMS = {"postgres", "valkey-server", "valkey-cli", "pg_isready", "/mailpit", "sh", "test"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return dict(yaml.safe_load(COMPOSE.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return dict(compose["services"])


def example_variables() -> dict[str, str]:
    """What .env.example names, with its values."""
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def settings_variables() -> set[str]:
    """Every environment variable that crm/settings.py reads through crm.env."""
    tree = ast.parse((ROOT / "crm" / "settings.py").read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    return {
        str(call.args[0].value)
        for call in calls
        if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name) and call.func.value.id == "env"
        if isinstance(call.args[0], ast.Constant)
    }


def strings(value: Any) -> Iterator[str]:
    """Every string below a piece of the file."""
    if isinstance(value, dict):
        for part in value.values():
            yield from strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from strings(part)
    elif isinstance(value, str):
        yield value


def test_the_file_follows_the_compose_specification() -> None:
    command = [str(Path(sys.executable).parent / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(COMPOSE)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_reference_exists(compose: dict[str, Any], services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        unknown = set(service.get("depends_on", {})) - set(services)
        assert not unknown, f"{name} depends on {unknown}"
        for needed, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "healthcheck" in services[needed]
        for volume in service.get("volumes", []):
            assert volume.split(":")[0] in compose["volumes"]


def test_every_variable_is_in_the_example(compose: dict[str, Any]) -> None:
    used = {name for text in strings(compose) for name in re.findall(r"(?<!\$)\$\{([A-Z_]+)", text)}
    assert used - set(example_variables()) == set()


def test_lasting_services_have_a_health_check(services: dict[str, dict[str, Any]]) -> None:
    lasting = {name for name, service in services.items() if service.get("restart") != "no"}
    assert {name for name in lasting if "healthcheck" not in services[name]} == set()


def test_what_is_on_its_way_may_end(services: dict[str, dict[str, Any]]) -> None:
    """Docker kills after ten seconds where nothing else is said: gunicorn gives its requests longer than that."""
    from crm.gunicorn import graceful_timeout

    patience = {name: int(service.get("stop_grace_period", "10s").removesuffix("s")) for name, service in services.items()}
    assert patience["web"] > graceful_timeout
    assert min(patience["worker"], patience["postgres"]) > patience["web"]


def test_ports_are_unique_and_private(services: dict[str, dict[str, Any]]) -> None:
    ports = [re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", port) for service in services.values() for port in service.get("ports", [])]
    outside = [port.rsplit(":", 1)[0] for port in ports]
    assert len(outside) == len(set(outside))
    assert all(port.startswith("127.0.0.1:") for port in outside)


def test_every_program_is_installed(services: dict[str, dict[str, Any]]) -> None:
    programs = set()
    for service in services.values():
        for command in (service.get("command"), service.get("healthcheck", {}).get("test")):
            words = list(command or [])
            if words[:1] == ["CMD"]:
                words = words[1:]
            elif words[:1] == ["CMD-SHELL"]:
                words = shlex.split(words[1])
            programs.update(words[:1])
    ours = {program for program in programs - FOREIGN_PROGRAMS if not (Path(sys.executable).parent / program).exists()}
    assert ours == set()
    assert FOREIGN_PROGRAMS - {"/mailpit", "postgres", "pg_isready", "valkey-cli", "valkey-server"} <= {name for name in FOREIGN_PROGRAMS if shutil.which(name)}


def test_the_database_is_made_like_the_local_one(services: dict[str, dict[str, Any]]) -> None:
    postgres = services["postgres"]
    assert postgres["environment"]["POSTGRES_INITDB_ARGS"].split() == INITDB_LOCALE
    assert postgres["volumes"] == ["database:/var/lib/postgresql"]  # since 18 the image keeps a folder per version below it


def test_no_database_that_lasts_logs_what_stood_in_a_statement(services: dict[str, dict[str, Any]]) -> None:
    assert services["postgres"]["command"] == ["postgres", *(word for name, value in DISCREET.items() for word in ("-c", f"{name}={value}"))]
    assert DISCREET.items() <= LASTING.items() and not DISCREET.keys() & THROWAWAY.keys()


def test_no_log_grows_for_ever(services: dict[str, dict[str, Any]]) -> None:
    assert {name for name, service in services.items() if not {"max-size", "max-file"} <= service.get("logging", {}).get("options", {}).keys()} == set()


def test_the_variables_of_the_settings_are_all_named(services: dict[str, dict[str, Any]]) -> None:
    """What the settings read = what .env.example offers and compose fixes; nothing more, nothing less."""
    fixed = set(services["web"]["environment"])
    of_compose_alone = {"POSTGRES_PASSWORD", "LOTSE_BIND", "LOTSE_EXTRAS"}
    assert (set(example_variables()) | fixed) - of_compose_alone == settings_variables()


def test_the_readme_names_the_variables_of_the_settings() -> None:
    readme = ROOT / "README.md"
    if not readme.exists():
        pytest.skip("there is no README yet")
    rows = re.findall(r"^\| *`([A-Z_]+)`", readme.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(rows) >= settings_variables()
    assert len(rows) == len(set(rows))


def test_the_image_has_what_pdfs_need_and_nothing_of_development() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert " ".join(PANGO) in dockerfile
    assert "USER lotse" in dockerfile
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert "crm/devstack" in ignored and "!tests" not in ignored and "!crm" in ignored


def test_every_build_has_the_extras_that_env_names(services: dict[str, dict[str, Any]]) -> None:
    """An upgrade must not leave out what a house uses: so it is said in .env, and not in the words of a build."""
    built = [service["build"] for service in services.values() if "build" in service]
    assert built and all(build == {"context": ".", "args": {"EXTRAS": "${LOTSE_EXTRAS:-0}"}} for build in built)
    assert "ARG EXTRAS=0" in (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()


def test_the_volume_is_filled_with_every_folder(services: dict[str, dict[str, Any]]) -> None:
    """From the image, while the volume is empty: what is written below it by Lotse finds a folder of its own there (docs/backup.md)."""
    needed = {value for value in services["worker"]["environment"].values() if value.startswith("/var/lib/lotse/")}
    made = re.search(r"install -d -o lotse (.*)$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert made and needed == set(made.group(1).split())


def test_everything_the_image_copies_is_let_through() -> None:
    """The .dockerignore forbids all but a list: every folder with an installed app and every file that is copied is on it."""
    from django.conf import settings

    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").split() if line.startswith("!")}
    ours = {app.split(".")[0] for app in settings.INSTALLED_APPS if (ROOT / app.split(".")[0]).is_dir()}
    copied = {name for line in re.findall(r"^COPY (?!--from)(.*) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE) for name in line.split()}
    assert ours | (copied - {"."}) | {"static", "templates", "manage.py"} <= allowed
    assert {name for name in allowed if not (ROOT / name).exists()} == set()


def test_production_installs_the_tested_versions() -> None:
    """The production lock is a part of the lock that the tests ran with: same versions, same hashes, no addresses."""
    everything, production, extras = (dict(STANZA.findall((ROOT / name).read_text())) for name in ("requirements.lock", "requirements-production.lock", "requirements-extras.lock"))
    assert {name for name, hashes in (production | extras).items() if everything.get(name) != hashes} == set()
    assert production and extras and not set(production) & set(extras)
    assert all("--hash=sha256:" in hashes for hashes in everything.values())
    assert "://" not in (ROOT / "requirements.lock").read_text()


def test_the_locks_hold_what_pyproject_asks_for() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    asked = {re.split(r"[\[<>=~ ]", line)[0].lower().replace("_", "-") for line in project["project"]["dependencies"]}
    for group in project["dependency-groups"].values():
        every = asked | {re.split(r"[\[<>=~ ]", line)[0].lower().replace("_", "-") for line in group}
        assert every - {name.split("==")[0] for name, _ in STANZA.findall((ROOT / "requirements.lock").read_text())} == set()
    assert asked - {name.split("==")[0] for name, _ in STANZA.findall((ROOT / "requirements-production.lock").read_text())} == set()
    extras = {re.split(r"[\[<>=~ ]", line)[0].lower() for lines in project["project"]["optional-dependencies"].values() for line in lines}
    assert extras - {name.split("==")[0] for name, _ in STANZA.findall((ROOT / "requirements-extras.lock").read_text())} == set()
