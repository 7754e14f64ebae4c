"""A walk through the house: from where a reader begins, along the links of each page, to see which page asks too much of the database.

What is measured by name was thought of; this finds what was not.
"""

from __future__ import annotations

import html
import re
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic
from urllib.parse import parse_qs, urljoin, urlsplit

from django.db import connection
from django.urls import Resolver404, resolve

from crm.bench.measure import spending
from crm.bench.operations import client_of
from crm.bench.personas import Persona

MUCH = 100_000  # buffers of one page
SAME, SAME_VIEW = 2, 14  # pages with the same parameters, and of one view: what differs in its values costs the same
SECONDS = 60  # of one walk
_LINK = re.compile(r'(?:href|hx-get|src)="([^"#]+)"')
_LEFT_ALONE = re.compile(r"/(logout|static|media|export|pdf)(/|$)")  # they end the walk, are no page, or are measured by the row


@dataclass(frozen=True)
class Page:
    """What one page cost one reader, and how it was answered."""

    persona: str
    url: str
    status: int
    ms: float
    buffers: int
    queries: int

    @property
    def holds(self) -> bool:
        """Answered, and without reading half the house."""
        return self.status < 500 and self.buffers <= MUCH

    def line(self) -> str:
        """For the terminal."""
        return f"{self.persona[:17]:<18}{self.ms:>9.0f} ms{self.buffers:>12,} buffers{self.queries:>5} statements  {self.status} {self.url[:120]}{'' if self.holds else '  <-'}"


def walk(persona: Persona) -> Iterator[Page]:
    """Page after page, the nearest first."""
    connection.check_constraints()  # of whatever was written before: no page pays for it
    browser, todo, seen, begin = client_of(persona), deque(["/"]), set[str](), monotonic()
    browser.raise_request_exception = False  # a page that falls is told, not the end of the walk
    alike, of_view = Counter[tuple[str, tuple[str, ...]]](), Counter[str]()
    while todo and monotonic() - begin < SECONDS:
        url = todo.popleft()
        parts = urlsplit(url)
        if url in seen or parts.scheme or parts.netloc or _LEFT_ALONE.search(parts.path):
            continue
        seen.add(url)
        try:
            view = resolve(parts.path).view_name
        except Resolver404:
            continue
        kind = view, tuple(sorted(parse_qs(parts.query)))
        if alike[kind] >= SAME or of_view[view] >= SAME_VIEW:
            continue
        alike[kind] += 1
        of_view[view] += 1
        with spending() as spent:
            answer = browser.get(url)
            body = "" if answer.streaming else answer.content.decode(errors="replace")
        yield Page(persona.name, url, answer.status_code, spent.ms, spent.buffers, spent.queries)
        if answer.has_header("Location"):
            todo.append(answer["Location"])
        todo.extend(urljoin(url, html.unescape(link)) for link in _LINK.findall(body))
