"""What manage.py and the page are told about the local services, and the catalogues they read."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from crm.devstack import environment, system, up
from crm.devstack.catalogues import compile_catalogues
from crm.devstack.places import ROOT, Stack
from crm.devstack.services import Postgres, local_services


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment that names nothing of ours."""
    for name in [name for name in os.environ if name.startswith("LOTSE_") or name in {"DATABASE_URL", "REDIS_URL", "SECRET_KEY"}]:
        monkeypatch.delenv(name)
    return monkeypatch


def test_local_services_are_named(bare: pytest.MonkeyPatch) -> None:
    found = environment.local_environment(Stack())
    assert set(found) == {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "LOTSE_COOKIE"}
    assert found["SECRET_KEY"] == environment.secret_key() and len(found["SECRET_KEY"]) > 50


def test_named_services_are_not_started(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("DATABASE_URL", "postgresql://elsewhere/lotse")
    assert [service.name for service in local_services(Stack())] == ["valkey"]
    assert "DATABASE_URL" not in environment.local_environment(Stack())


def test_help_starts_nothing(bare: pytest.MonkeyPatch) -> None:
    bare.setattr(environment, "start", lambda *_: pytest.fail("services were started"))
    for name in ("DATABASE_URL", "REDIS_URL", "LOTSE_DEBUG"):
        bare.setenv(name, "")  # so that what is lent is taken back
    environment.lend_local_services(["manage.py", "help"])


def test_the_page_is_like_production(bare: pytest.MonkeyPatch) -> None:
    found = up.page_environment("127.0.0.1:8000", empty=False)
    assert found == {"LOTSE_DEBUG": "0", "LOTSE_STATIC": "hashed", "LOTSE_HOSTS": "localhost,127.0.0.1", "LOTSE_BASE_URL": "http://127.0.0.1:8000", "LOTSE_DEMO": "1"}
    assert up.page_environment("0.0.0.0:80", empty=True)["LOTSE_HOSTS"] == "*"


def test_a_copy_begun_empty_never_gets_demo_data(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bare.setattr(Stack, "data", tmp_path)
    assert up.begun_empty(Stack(), wanted=True)
    assert up.begun_empty(Stack(), wanted=False)


def test_a_copy_with_demo_data_refuses_to_be_empty(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bare.setattr(Stack, "data", tmp_path)
    assert not up.begun_empty(Stack(), wanted=False)
    with pytest.raises(SystemExit, match="holds demo data already"):
        up.begun_empty(Stack(), wanted=True)


def test_a_database_of_somebody_elses_gets_no_demo_data(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("DATABASE_URL", "postgresql://elsewhere/lotse")
    assert up.begun_empty(Stack(), wanted=False)
    bare.setenv("LOTSE_DEMO", "1")
    assert not up.begun_empty(Stack(), wanted=False)


def test_data_of_another_postgres_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stack, "data", tmp_path)
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("9\n")
    with pytest.raises(SystemExit, match="written by Postgres 9"):
        Postgres(Stack(1)).prepare()


def test_catalogues_are_compiled_when_older(tmp_path: Path) -> None:
    source = tmp_path / "crm/locale/de/LC_MESSAGES/django.po"
    source.parent.mkdir(parents=True)
    source.write_text('msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\nmsgid "Yes"\nmsgstr "Ja"\n', encoding="utf-8")
    assert compile_catalogues(tmp_path) == [source]
    assert compile_catalogues(tmp_path) == []
    os.utime(source.with_suffix(".mo"), (0, 0))
    assert compile_catalogues(tmp_path) == [source]
    assert b"Ja" in source.with_suffix(".mo").read_bytes()


def test_unpacked_libraries_are_named_only_where_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "SYSROOT", tmp_path / "sysroot")
    monkeypatch.setattr(system, "pango_works", lambda: True)
    assert "LD_LIBRARY_PATH" not in system.environment()
    monkeypatch.setattr(system, "pango_works", lambda: False)
    assert str(tmp_path) in system.environment()["LD_LIBRARY_PATH"]


def test_without_rights_and_apt_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(system, "pango_works", lambda: False)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert not system.ensure_pango()
    assert "PDF is off" in capsys.readouterr().out


def test_an_unknown_proof_is_an_error() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "--collect-only", "-p", "no:cacheprovider", "tests/devstack", "--proof", "no-such-proof"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 4
    assert "no proof named no-such-proof" in done.stdout + done.stderr
