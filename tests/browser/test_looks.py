"""Every page in both themes: no accessibility finding, no foreign host, no report of the content policy, no script error, no German number in an address."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crm.core.models import Job
from tests.access.addresses import pages

AXE = (Path(__file__).resolve().parents[2] / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}, "resultTypes": ["violations"]}
STILL = "html:not(:has(.htmx-request))"  # all that the page fetches by itself has come
PARTS, THEMES = 4, ("light", "dark")
DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
GERMAN_NUMBER = re.compile(r"""(?:href|action|value|id|name|for|hx-[a-z-]+|data-[a-z-]+)="[^"]*[/=_-]1\d\.\d{3}(?:[/&"?]|$)""")


def findings(page: Any) -> list[str]:
    """What axe-core has to say about the page as it stands."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    result = page.evaluate("rules => axe.run(document, rules)", RULES)
    return [f"{v['id']}: {n['html'][:160]}" for v in result["violations"] for n in v["nodes"]]


def width_over(page: Any) -> int:
    """By how many pixels the page is wider than a phone, once charts have taken their new size."""
    page.set_viewport_size(PHONE)
    for _ in range(20):
        over: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if over <= 0:
            break
        page.wait_for_timeout(100)
    page.set_viewport_size(DESK)
    return over


@pytest.mark.browser
@pytest.mark.proof("looks")
@pytest.mark.parametrize("part", range(PARTS))
def test_every_page_is_clean(world: Any, open_as: Callable[..., Any], figures: Any, part: int) -> None:
    """Each page is in one of the parts. It is opened in one theme, turned to the other, then made as narrow as a phone."""
    page = open_as(world.cast.emil)
    Job.objects.filter(pk=world.own.job.pk).update(by=world.cast.emil)  # a job is seen by who started it
    wrong: dict[str, list[str]] = {}
    wide = []
    seen = 0
    for name, address in list(pages(world, world.own).items())[part::PARTS]:
        themes = THEMES if seen % 2 else THEMES[::-1]
        page.emulate_media(color_scheme=themes[0])
        answer = page.goto(address)
        if answer is None or answer.status != 200 or "html" not in answer.headers.get("content-type", ""):
            if answer is not None and answer.status >= 400:
                wrong[address] = [f"status {answer.status}"]
            continue
        page.wait_for_selector(STILL, state="attached")
        seen += 1
        found = []
        for theme in themes:
            page.emulate_media(color_scheme=theme)
            page.wait_for_selector(f"html[data-bs-theme={theme}]", state="attached")
            found += [f"{theme}: {finding}" for finding in findings(page)]
        if not name.startswith("admin:") and (over := width_over(page)) > 0:  # Django's own pages scroll their tables
            wide.append(f"{name} {address}: {over} px")
        found += page.errors + [f"foreign {url}" for url in page.foreign] + page.reports
        found += [f"German number {m}" for m in GERMAN_NUMBER.findall(page.content())]
        if found:
            wrong[f"{name} {address}"] = found
        page.errors.clear(), page.foreign.clear(), page.reports.clear()
    for address, found in wrong.items():
        print(address, *found, sep="\n   ")
    print(*wide, sep="\n")
    which = f", part {part + 1} of {PARTS}"
    figures.record("pages looked at in both themes" + which, seen, "pages", goal="> 15", holds=seen > 15)
    figures.record("pages with a finding" + which, len(wrong), "pages", goal="0", holds=not wrong)
    figures.record("pages wider than 390 px" + which, len(wide), "pages", goal="0", holds=not wide)


@pytest.mark.browser
@pytest.mark.proof("looks")
def test_red_control_axe_finds_what_is_wrong(world: Any, open_as: Callable[..., Any]) -> None:
    page = open_as(world.cast.emil)
    page.goto("/")
    page.evaluate("document.querySelector('main').innerHTML = '<img src=\"/static/favicon.svg\"><button></button>'")
    assert findings(page)


@pytest.mark.browser
@pytest.mark.proof("looks")
def test_red_controls_of_theme_and_width(world: Any, open_as: Callable[..., Any]) -> None:
    """What is wrong in one theme alone is found, and so is what is too wide."""
    page = open_as(world.cast.emil)
    page.goto("/")
    page.evaluate("document.querySelector('main').innerHTML = '<p id=\"pale\">Blass</p><p id=\"long\">kurz</p>'; document.querySelector('#pale').style.color = '#ddd'")
    found = []
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        page.wait_for_selector(f"html[data-bs-theme={theme}]", state="attached")
        found.append(any("pale" in finding for finding in findings(page)))
    assert found == [True, False]
    assert width_over(page) == 0
    page.evaluate("document.querySelector('#long').textContent = 'x'.repeat(400)")
    assert width_over(page) > 0
