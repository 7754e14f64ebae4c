"""What every template keeps to: it compiles, its icons exist, and nothing in it needs a looser content policy."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template import engines

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted(
    path
    for folder in (ROOT / "templates", *ROOT.glob("*/templates"), *ROOT.glob("crm/*/templates"))
    for path in folder.rglob("*")
    if path.suffix in {".html", ".txt"}
)
ICON = re.compile(r"""\{% icon ["']([a-z0-9-]+)["']|\bti-([a-z0-9-]+)""")
FORBIDDEN = re.compile(r"""\sstyle=|\shx-on|\son[a-z]+=|["']js:|javascript:|<style|<script(?![^>]*\ssrc=)|https?://(?!www\.w3\.org)""")
FORM = re.compile(r"<form[^>]*method=[\"']post[\"'].*?</form>", re.S)


def names(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", TEMPLATES, ids=names)
def test_it_compiles(path):
    engines["django"].from_string(path.read_text(encoding="utf-8"))


def test_icons_exist():
    known = set(
        re.findall(
            r"\.ti-([a-z0-9-]+):before", (settings.BASE_DIR / "node_modules/@tabler/icons-webfont/dist/tabler-icons.min.css").read_text()
        )
    )
    used = {(a or b, names(path)) for path in TEMPLATES for a, b in ICON.findall(path.read_text(encoding="utf-8"))}
    assert not {(icon, place) for icon, place in used if icon not in known}


def test_no_inline_code_and_no_foreign_host():
    assert not [(names(path), found.group()) for path in TEMPLATES if (found := FORBIDDEN.search(path.read_text(encoding="utf-8")))]


def test_every_post_form_carries_token_and_key():
    """A form without its key would take effect twice when it is sent twice. That of a 503 carries the ones it was sent with."""
    bare = [
        names(path)
        for path in TEMPLATES
        for form in FORM.findall(path.read_text(encoding="utf-8"))
        if path.name != "503.html"
        if "{% csrf_token %}" not in form or "{% form_key %}" not in form
    ]
    assert not bare


def test_every_hx_get_has_its_address():
    """What htmx fetches can also be reached without it: a link's href, a form's action, or a field within such a form (`hx-include` sends it along)."""
    bare = [
        (names(path), tag[:80])
        for path in TEMPLATES
        for tag in re.findall(r"<[a-z]+\b[^>]*\shx-get=[^>]*>", path.read_text(encoding="utf-8"))
        if not re.search(r"\s(href|action|hx-include)=", tag) and 'role="combobox"' not in tag
    ]
    assert not bare
