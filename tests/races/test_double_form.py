"""The form on the web has no session to hold a key: sent twelve times at once it is one case with one receipt. The red control sends twelve pages."""

from __future__ import annotations

import threading
import time
import uuid
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from crm.core.door import door_token
from crm.core.models import IncomingMail, OutgoingMail
from crm.core.throttle import Limit
from service import public_form
from service.models import Case, DeskSetup

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.proof("double")]
AT_ONCE = 12


@pytest.fixture(autouse=True)
def opened(cast: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    DeskSetup.current()
    DeskSetup.objects.update(form_open=True, team=cast.firm.service)
    monkeypatch.setattr(public_form, "ADDRESS", Limit(100, at_once=50))


def write(pages: list[str]) -> list[int]:
    """Send the same words from each of these pages, all at the same moment; the status of each answer."""
    answers: list[int] = []
    gate = threading.Barrier(len(pages))

    def send(page: str) -> None:
        gate.wait()
        try:
            facts = {"kind": "fault", "heading": "Bahn 2 steht", "words": "Seit heute früh.", "name": "Eva Kunz", "email": "eva@kunde.test", "begun": page}
            answers.append(Client(raise_request_exception=False).post("/write/", facts).status_code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=send, args=[page]) for page in pages]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def page() -> str:
    return door_token(public_form.PAGE, page=uuid.uuid4().hex, at=int(time.time()) - 60)


def test_twelve_clicks_are_one_case(figures: Any) -> None:
    answers = write([page()] * AT_ONCE)
    found = (Case.objects.count(), IncomingMail.objects.count(), OutgoingMail.objects.filter(kind="receipt").count())
    figures.record("clicks on the public form at once, cases", found[0], "cases", goal="1", holds=found == (1, 1, 1) and answers == [302] * AT_ONCE)


def test_red_control_twelve_pages_are_twelve_cases(figures: Any) -> None:
    answers = write([page() for _ in range(AT_ONCE)])
    figures.record("red control: from pages of their own, cases", Case.objects.count(), "cases", goal=str(AT_ONCE), holds=Case.objects.count() == AT_ONCE and answers == [302] * AT_ONCE)
