"""Static files: the allow-list of node_modules and the names of production."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.management import call_command

from crm.core.assets import NODE_FILES, NodeFinder


def test_every_allowed_pattern_finds_a_file() -> None:
    folder = settings.BASE_DIR / "node_modules"
    assert [pattern for pattern in NODE_FILES if not list(folder.glob(pattern))] == []


def test_an_allowed_file_is_served() -> None:
    place = finders.find("htmx.org/dist/htmx.min.js")
    assert place and Path(place).stat().st_size > 10_000


def test_every_file_that_a_template_names_is_there() -> None:
    """In production a missing one breaks the page."""
    templates = [path for folder in ("templates", "*/templates", "crm/*/templates") for path in settings.BASE_DIR.glob(f"{folder}/**/*.*")]
    named = {(path.name, name) for path in templates for name in re.findall(r"""{% static ['"]([^'"]+)['"]""", path.read_text(encoding="utf-8"))}
    assert named
    assert {(template, name) for template, name in named if not finders.find(name)} == set()


@pytest.mark.parametrize("path", ["htmx.org/package.json", "echarts/dist/echarts.js", "../package.json", "htmx.org/dist/../package.json", ""])
def test_nothing_else_is(path: str) -> None:
    assert NodeFinder().find(path) == []
    assert NodeFinder().find(path, find_all=True) == []


def test_hashed_names(settings: Any, tmp_path: Path) -> None:
    """Everything is collected, the modules import each other by hashed names, and fonts are found from the style sheets."""
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": "crm.core.assets.HashedStorage"}}
    call_command("collectstatic", interactive=False, verbosity=0)
    names = json.loads((tmp_path / "staticfiles.json").read_text())["paths"]
    assert names["@tabler/core/dist/css/tabler.min.css"] != "@tabler/core/dist/css/tabler.min.css"
    icons = (tmp_path / names["@tabler/icons-webfont/dist/tabler-icons.min.css"]).read_text()
    assert Path(names["@tabler/icons-webfont/dist/fonts/tabler-icons.woff2"]).name in icons
    for module in (settings.BASE_DIR / "static" / "js").glob("*.js"):
        collected = (tmp_path / names[f"js/{module.name}"]).read_text()
        assert "from './" not in collected
