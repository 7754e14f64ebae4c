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
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}}
GERMAN_NUMBER = re.compile(r"""(?:href|action|value|id|name|for|hx-[a-z-]+|data-[a-z-]+)="[^"]*[/=_-]1\d\.\d{3}(?:[/&"?]|$)""")


def findings(page: Any) -> list[str]:
    """What axe-core has to say about the page as it stands."""
    page.evaluate(AXE)
    result = page.evaluate("rules => axe.run(document, rules)", RULES)
    return [f"{v['id']}: {n['html'][:160]}" for v in result["violations"] for n in v["nodes"]]


@pytest.mark.browser
@pytest.mark.proof("looks")
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_page_is_clean(world: Any, open_as: Callable[..., Any], figures: Any, dark: bool) -> None:
    page = open_as(world.cast.emil, dark=dark)
    Job.objects.filter(pk=world.own.job.pk).update(by=world.cast.emil)  # a job is seen by who started it
    wrong: dict[str, list[str]] = {}
    seen = 0
    for name, address in pages(world, world.own).items():
        answer = page.goto(address)
        if answer is None or answer.status != 200 or "html" not in answer.headers.get("content-type", ""):
            if answer is not None and answer.status >= 400:
                wrong[address] = [f"status {answer.status}"]
            continue
        page.wait_for_load_state("networkidle")
        seen += 1
        found = findings(page) + page.errors + [f"foreign {url}" for url in page.foreign] + page.reports
        found += [f"German number {m}" for m in GERMAN_NUMBER.findall(page.content())]
        if found:
            wrong[f"{name} {address}"] = found
        page.errors.clear(), page.foreign.clear(), page.reports.clear()
    theme = "dark" if dark else "light"
    for address, found in wrong.items():
        print(address, *found, sep="\n   ")
    figures.record(f"pages looked at, {theme}", seen, "pages", goal="> 30", holds=seen > 30)
    figures.record(f"pages with a finding, {theme}", len(wrong), "pages", goal="0", holds=not wrong)


@pytest.mark.browser
@pytest.mark.proof("looks")
def test_nothing_scrolls_sideways_on_a_phone(world: Any, open_as: Callable[..., Any], figures: Any) -> None:
    page = open_as(world.cast.emil, width=390, height=844)
    wide = []
    for name, address in pages(world, world.own).items():
        if name.startswith("admin:"):
            continue  # Django's own pages scroll their tables
        answer = page.goto(address)
        if answer is None or answer.status != 200 or "html" not in answer.headers.get("content-type", ""):
            continue
        page.wait_for_load_state("networkidle")
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if over > 0:
            wide.append(f"{name} {address}: {over} px")
    for line in wide:
        print(line)
    figures.record("pages wider than 390 px", len(wide), "pages", goal="0", holds=not wide)


@pytest.mark.browser
@pytest.mark.proof("looks")
def test_red_control_axe_finds_what_is_wrong(world: Any, open_as: Callable[..., Any]) -> None:
    page = open_as(world.cast.emil)
    page.goto("/")
    page.evaluate("document.querySelector('main').innerHTML = '<img src=\"/static/favicon.svg\"><button></button>'")
    assert findings(page)


