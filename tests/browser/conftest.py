"""A real Chromium on the live server. Missing on a user's machine it is skipped in words; in CI that is a failure."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from accounts.models import User
from tests.world import build

os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright keeps an event loop in this thread; our ORM calls are plain


@pytest.fixture(scope="session")
def chromium(chromium_path: Path) -> Iterator[Browser]:
    """One browser for the whole run."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium_path, args=["--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync"])
        yield browser
        browser.close()


@pytest.fixture
def world(transactional_db: None, cast: Any) -> Any:
    """The small firm, really committed."""
    return build(cast)


@pytest.fixture(params=["de", "en"])
def language(request: pytest.FixtureRequest, world: Any) -> str:
    """Everybody reads this language."""
    User.objects.update(language=request.param)
    for person in vars(world.cast).values():
        if isinstance(person, User):
            person.refresh_from_db()
    return str(request.param)


@pytest.fixture
def open_as(chromium: Browser, live_server: Any) -> Iterator[Callable[..., Page]]:
    """`open_as(user, width=…, theme=…)`: a page in which this user is signed in; it notes foreign requests, CSP reports and errors."""
    contexts: list[BrowserContext] = []

    def enter(user: Any, *, width: int = 1440, height: int = 900, dark: bool = False, **options: Any) -> Page:
        context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light", base_url=live_server.url, reduced_motion="reduce", **options)
        contexts.append(context)
        if user is not None:
            context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session_of(user), "url": live_server.url}])
        page = context.new_page()
        watch(page, live_server.url)
        return page

    yield enter
    for context in contexts:
        context.close()


def session_of(user: Any) -> str:
    """A session as signing in makes it."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "allauth.account.auth_backends.AuthenticationBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return str(session.session_key)


def watch(page: Page, home: str) -> None:
    """Collect on the page object what must not happen: `page.foreign`, `page.reports`, `page.errors`."""
    page.foreign, page.reports, page.errors = [], [], []  # type: ignore[attr-defined]
    page.on("request", lambda r: page.foreign.append(r.url) if not r.url.startswith((home, "data:", "blob:", "about:")) else None)  # type: ignore[attr-defined]
    page.on("console", lambda m: page.reports.append(m.text) if "Content Security Policy" in m.text else None)  # type: ignore[attr-defined]
    page.on("pageerror", lambda e: page.errors.append(str(e)))  # type: ignore[attr-defined]
    page.on("response", lambda r: page.errors.append(f"{r.status} {r.url}") if r.status >= 500 else None)  # type: ignore[attr-defined]
