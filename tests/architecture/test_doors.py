"""Doors: every route is guarded by the gate or named public; nobody gets in without signing in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from crm.core.views import Gated
from tests.access.routes import ACCOUNT, PUBLIC

EXAMPLES = {"id": 4711, "uuid": "6f1c1c9e-5a4e-4f5e-9f0e-2d7a5f9b1a11", "str": "x", "slug": "x", "int": 4711, "path": "x"}


def routes(patterns: Any = None, prefix: str = "") -> Iterator[tuple[str, URLPattern, str]]:
    """(name, pattern, address with example values) of every route."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            space = f"{pattern.namespace}:" if pattern.namespace else ""
            yield from ((space + name, found, address) for name, found, address in routes(pattern.url_patterns, prefix + str(pattern.pattern)))
        else:
            yield pattern.name or "", pattern, prefix + str(pattern.pattern)


def address_of(name: str, pattern: URLPattern) -> str | None:
    values = {key: EXAMPLES.get(next((k for k in EXAMPLES if k in type(conv).__name__.lower()), "str"), "x") for key, conv in pattern.pattern.converters.items()}
    try:
        return reverse(name, kwargs=values) if name else None
    except Exception:
        return None


def guarded(view: Any) -> bool:
    """A view of the gate: a Gated class, an `@action`, or a `@gated` page."""
    if issubclass(getattr(view, "view_class", type(None)), Gated):
        return True
    while view is not None:
        if getattr(view, "gated", None):
            return True
        view = getattr(view, "__wrapped__", None)
    return False


@pytest.mark.proof("doors")
def test_every_route_is_guarded_or_named_public(figures: Any) -> None:
    open_doors, seen = [], 0
    for name, pattern, address in routes():
        seen += 1
        if name.startswith("admin:") or name in ACCOUNT:
            continue  # behind LotseAdminSite.has_permission and allauth's own sign-in; each page is a cell of the access matrix
        if name not in PUBLIC and not guarded(pattern.callback):
            open_doors.append(f"{name} {address}")
    figures.record("routes", seen, "routes")
    figures.record("neither guarded nor named public", len(open_doors), "routes", goal="0", holds=not open_doors)


@pytest.mark.django_db
@pytest.mark.proof("doors")
def test_nobody_gets_in_without_signing_in(cast: Any, figures: Any) -> None:
    leaks, tried = [], 0
    for name, pattern, _address in routes():
        address = address_of(name, pattern)
        if address is None or name in PUBLIC:
            continue
        for method in ("get", "post"):
            tried += 1
            answer = getattr(Client(), method)(address)
            if not (answer.status_code in (301, 302) and "/accounts/login/" in answer.get("Location", "")) and answer.status_code not in (403, 404, 405):
                leaks.append(f"{method} {address}: {answer.status_code}")
    figures.record("addresses tried without a session", tried, "requests")
    figures.record("answered to strangers", len(leaks), "requests", goal="0", holds=not leaks)


def test_red_control_a_bare_view_is_seen() -> None:
    """The test above bites: a view without the gate is not taken for guarded."""

    def bare(request: Any) -> None: ...

    assert not guarded(bare)
