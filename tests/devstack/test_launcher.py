"""The launcher: when it prepares the environment, from what, and what it says."""

import importlib.machinery
import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from crm.devstack.places import ROOT


@pytest.fixture
def lotse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The launcher as a module, in a checkout of its own, with installers that only note that they were called."""
    loader = importlib.machinery.SourceFileLoader("lotse_launcher", str(ROOT / "lotse"))
    spec = importlib.util.spec_from_loader("lotse_launcher", loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    loader.exec_module(module)
    (tmp_path / "requirements.lock").write_text("a==1\n")
    (tmp_path / "package-lock.json").write_text("{}")
    (tmp_path / ".venv").mkdir()
    places = {"ROOT": tmp_path, "LOCK": tmp_path / "requirements.lock", "NPM_LOCK": tmp_path / "package-lock.json", "STAMP": tmp_path / ".venv/.stamp"}
    module.calls = []  # type: ignore[attr-defined]
    for name, value in places.items():
        monkeypatch.setattr(module, name, value)
    for name in ("install_python_packages", "install_node_packages"):
        monkeypatch.setattr(module, name, lambda name=name: module.calls.append(name))
    return module


def test_the_environment_is_made_once(lotse: ModuleType) -> None:
    lotse.make_environment()
    lotse.make_environment()
    assert lotse.calls == ["install_python_packages", "install_node_packages"]


@pytest.mark.parametrize("lock", ["requirements.lock", "package-lock.json"])
def test_a_changed_lock_makes_it_anew(lotse: ModuleType, lock: str) -> None:
    lotse.make_environment()
    (lotse.ROOT / lock).write_text("changed")
    lotse.make_environment()
    assert len(lotse.calls) == 4


def test_an_interrupted_preparation_is_done_again(lotse: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as first_time:
        first_time.setattr(lotse, "install_node_packages", interrupted)
        with pytest.raises(KeyboardInterrupt):
            lotse.make_environment()
    lotse.make_environment()
    assert lotse.calls == ["install_python_packages", "install_python_packages", "install_node_packages"]


def test_without_venv_it_says_which_package_is_missing(lotse: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lotse.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match="apt-get install python3-venv"):
        lotse.make_environment()


def test_the_lock_names_the_installer_with_its_hashes(lotse: ModuleType) -> None:
    found = lotse.only_uv((ROOT / "requirements.lock").read_text())
    assert found.startswith("uv==") and "--hash=sha256:" in found
    assert [line for line in found.splitlines() if not line.startswith((" ", "uv=="))] == []


@pytest.mark.parametrize(("arguments", "code"), [([], 2), (["nonsense"], 2), (["help"], 0)])
def test_it_names_its_commands(arguments: list[str], code: int) -> None:
    done = subprocess.run([sys.executable, str(ROOT / "lotse"), *arguments], capture_output=True, text=True)
    assert done.returncode == code
    assert all(f"./lotse {command}" in done.stdout for command in ("up", "test", "prove", "stop", "manage"))


def test_it_needs_the_standard_library_only() -> None:
    done = subprocess.run([sys.executable, "-I", "-S", str(ROOT / "lotse"), "help"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
