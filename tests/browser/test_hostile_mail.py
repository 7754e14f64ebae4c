"""A hostile mail, read at the desk in a real browser: nothing of it runs and nothing is fetched, with and without the content policy."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from contacts.diary import log_interaction
from crm.core.mail.inbox import markup
from crm.core.models import IncomingMail, MailFile
from crm.core.subjects import name_subject
from crm.core.work import work
from service.models import Case
from service.services import open_case
from tests.factories import CaseFactory
from tests.mail.hostile import hostile
from tests.mail.incoming import multipart_mail

pytestmark = [pytest.mark.browser, pytest.mark.proof("mailin")]
BETRAYED = "http://fremd.test"


def came_in(case: Case, number: int, html: str) -> IncomingMail:
    """A mail with this HTML, filed with the case; its text, its subject, its writer's name and the name of its attachment are as hostile."""
    raw = multipart_mail(html, html, ("x.html", html.encode()), message_id=f"<h{number}@fremd.test>")
    digest = hashlib.sha256(raw).hexdigest()
    MailFile.objects.create(digest=digest, data=raw)
    entry = log_interaction(None, kind="email", direction="in", body=html, heading=html[:200], by=None, about=case)
    return IncomingMail.objects.create(
        identity=digest, uidvalidity=1, uid=number, raw_id=digest, sender="x@fremd.test", sender_name=html[:200], heading=html[:300], nature="human", state="filed",
        files=[[html[:60], "text/html", 7]], has_html=True, entry=entry.pk, **name_subject(case),
    )  # fmt: skip


def look(world: Any, open_as: Callable[..., Any], pieces: list[str], **options: Any) -> tuple[Any, list[str]]:
    """Open the case with all frames, click what can be clicked. Returns the page and what was asked for elsewhere."""
    with work():
        case = open_case(CaseFactory.build(number="", heading="Feindlich", description="", channel="mail", party=None, team=world.cast.firm.service), by=None)
        mails = [came_in(case, number, piece) for number, piece in enumerate(pieces)]
    page = open_as(world.cast.sven, **options)
    page.goto(f"/service/cases/{case.pk}/")
    page.evaluate("document.querySelectorAll('details.l-quoted').forEach(one => { one.open = true; one.querySelectorAll('iframe').forEach(frame => frame.loading = 'eager') })")
    page.wait_for_load_state("networkidle")
    assert len(page.frames) == 1 + len(mails)
    ran = [frame.url for frame in page.frames if frame.evaluate("window.ran === 1 || undefined") == 1]
    for mail in mails:  # and as a page of its own, outside the sandbox of the frame
        page.goto(f"/service/cases/{case.pk}/mails/{mail.pk}/")
        ran += [page.url] if page.evaluate("window.ran === 1 || undefined") == 1 else []
    return page, ran


@pytest.mark.parametrize("bypass", [True, False], ids=["policy off", "policy on"])
def test_nothing_runs_and_nothing_is_fetched(world: Any, open_as: Callable[..., Any], figures: Any, bypass: bool) -> None:
    pieces = hostile(BETRAYED)
    page, ran = look(world, open_as, pieces, bypass_csp=bypass)
    how = "policy off" if bypass else "policy on"
    figures.record(f"hostile HTML that ran, {how}", len(ran), f"of {len(pieces)} mails", "0", ran == [])
    figures.record(f"fetched from elsewhere, {how}", len(page.foreign), "requests", "0", page.foreign == [])
    assert page.errors == []


def test_without_cleaning_it_would(world: Any, open_as: Callable[..., Any], figures: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The red control: the same mails, not made harmless, in a browser that asks for no policy."""
    monkeypatch.setattr(markup, "harmless", lambda html: html)
    pieces = [piece for piece in hostile(BETRAYED) if "<img" in piece or "<script" in piece][:8]
    page, ran = look(world, open_as, pieces, bypass_csp=True)
    figures.record("without cleaning and policy: ran or fetched", len(ran) + len(page.foreign), "", "more than 0", bool(ran) and bool(page.foreign))
