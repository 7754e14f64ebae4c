"""The shape of the code: imports and keys point down, one place for each thing, no forbidden habits."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection

ROOT = Path(__file__).resolve().parents[2]
APPS = ["accounts", "contacts", "sales", "service", "campaigns", "analytics", "crm"]
LEVEL = {"core": 0, "accounts": 1, "catalog": 2, "contacts": 3, "sales": 4, "service": 4, "campaigns": 5, "analytics": 6, "crm": 7}


def sources() -> Iterator[Path]:
    for app in APPS:
        yield from (path for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts)


def test_imports_point_down() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_foreign_keys_point_down() -> None:
    """A key may point to the same app or a lower one; what hangs on anything names a subject instead."""
    wrong = []
    for model in apps.get_models(include_auto_created=True):
        here = LEVEL.get(model._meta.app_label)
        for field in model._meta.get_fields():
            if here is None or not field.is_relation or field.auto_created or field.related_model in (None, "self"):
                continue
            there = LEVEL.get(field.related_model._meta.app_label)
            # users and teams are known everywhere: core's records name them through settings, as Django itself does
            if there is not None and there > here and field.related_model._meta.label not in {"accounts.User", "accounts.Team"}:
                wrong.append(f"{model._meta.label}.{field.name} → {field.related_model._meta.label}")
    assert not wrong


@pytest.mark.parametrize("name", ["signals.py", "utils.py", "helpers.py"])
def test_no_junk_drawers(name: str) -> None:
    assert not [path for path in sources() if path.name == name]
    assert not [path for app in APPS for path in (ROOT / app).rglob("common") if path.is_dir()]


def test_modules_stay_short() -> None:
    long = {str(path.relative_to(ROOT)): n for path in sources() if (n := len(path.read_text(encoding="utf-8").splitlines())) > 400}
    assert not long


def test_the_crud_stays_small() -> None:
    assert len((ROOT / "crm/core/views.py").read_text(encoding="utf-8").splitlines()) <= 300


def calls(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node.func.attr


def test_tasks_start_after_commit_through_one_bell() -> None:
    """`.delay(`, `.apply_async(` and `send_task(` appear in `crm.core.tasks.ring` alone."""
    found = {
        str(path.relative_to(ROOT))
        for path in sources()
        if {"delay", "apply_async", "send_task"} & set(calls(ast.parse(path.read_text(encoding="utf-8"))))
    }
    assert found <= {"crm/core/tasks.py"}


# Each thing exists once: the pattern and the single module (or package) it may appear in (D16).
ONCE = {
    r"EmailMessage\(|send_mail\(": {"accounts/adapter.py"},  # the adapter overrides allauth's hook of that name: it writes our row
    r"smtplib": {"crm/core/mail/"},
    r"cryptography": {"crm/core/seal.py"},
    r"dns\.resolver": {"crm/core/mail/"},
    r"weasyprint": {"crm/core/pdf.py", "crm/devstack/"},
    r"SELECT normalize|translate\(normalize": {"crm/core/fold.py"},
    r"phonenumbers": {"crm/core/phone.py"},
    r"csv\.(reader|writer)": {"crm/core/tables/"},
    r"get_objects_for_user|ObjectPermissionChecker": set(),
    r"sentry_sdk": {"crm/core/reporting.py"},
    r"prometheus_client": {"crm/core/monitoring.py", "crm/gunicorn.py"},
    r"\bos\.environ\b": {"crm/env.py", "crm/gunicorn.py", "crm/devstack/", "crm/celery.py", "crm/wsgi.py", "crm/core/pdf.py"},
    r"mark_safe\(": {"crm/core/templatetags/lotse.py"},
    r"csrf_exempt": {"crm/core/door.py"},
    r"\.raw\(|\.extra\(": set(),
    # What leans on a session: behind a pooler there is none (tests/core/test_pooled.py).
    r"set_config\([^)]*false\)|pg_(try_)?advisory_(un)?lock|\"(UN)?LISTEN |CREATE TEMP|\"SET (?!LOCAL)[a-z_.]+ ": set(),
    r"PREPARE \{": {"crm/core/mail/run.py"},
}


@pytest.mark.parametrize("pattern", sorted(ONCE))
def test_each_thing_exists_once(pattern: str) -> None:
    found = {str(path.relative_to(ROOT)) for path in sources() if re.search(pattern, path.read_text(encoding="utf-8"))}
    assert not {path for path in found if not any(path.startswith(home) for home in ONCE[pattern])}


def test_pages_start_at_the_gate() -> None:
    """Views name rows through `visible_to`: `.objects.all()`, `.objects.filter(` and `unrestricted()` are for services, tasks and admin."""
    wrong = []
    for path in sources():
        if path.name in {"views.py", "pages.py", "crud.py", "filters.py", "panels.py", "searchables.py"}:
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                if re.search(r"\.(unrestricted\(|_base_manager|objects\.(all|filter|get|exclude)\()", line) and "# the gate:" not in line:
                    wrong.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")
    assert not wrong


def test_templates_hold_no_inline_code() -> None:
    """The content policy forbids them; so no page may need them."""
    wrong = []
    for path in (ROOT / "templates").rglob("*.html"):
        if path.parts[-2] == "pdf":
            continue  # never sent to a browser
        text = path.read_text(encoding="utf-8")
        for pattern in (r"\sstyle=", r"\son[a-z]+=", r"hx-on", r"js:", r"<script(?![^>]*(src=|nonce=|application/json))", r"<style(?![^>]*nonce=)", r"\|safe\b"):
            wrong += [f"{path.relative_to(ROOT)}: {pattern}"] if re.search(pattern, text) else []
    assert not wrong


def test_the_driver_is_psycopg2() -> None:
    """Django silently prefers psycopg 3 if a dependency brings it."""
    assert connection.Database.__name__ == "psycopg2"


@pytest.mark.django_db
def test_migrations_are_complete() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_no_third_party_code_in_the_repo() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    assert not [name for name in tracked if re.search(r"(^|/)(node_modules|vendor|third_party)/|\.min\.(js|css)$", name)]


def test_top_level_is_what_was_agreed() -> None:
    agreed = {
        "manage.py", "pyproject.toml", *APPS, "templates", "static", "tests", "docker-compose.yml", "README.md", "package.json", "package-lock.json",
        "requirements.lock", "requirements-production.lock", "requirements-extras.lock", "Dockerfile", "LICENSE", "CHANGELOG.md", "SECURITY.md", "docs", "lotse",
    }
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    assert {name.split("/")[0] for name in tracked if not name.startswith(".")} <= agreed
