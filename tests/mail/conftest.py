"""A house with a mail server: the sink, perhaps behind the breaking wire, and a way to work until nothing waits."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from crm.core.mail import Recipient, plan_mail, queue, sending
from crm.core.models import MailSetup, OutgoingMail
from tests.mail.sink import Sink

LEASE = 0.05


@pytest.fixture(params=[True])
def sink(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sink]:
    """A mail server that takes commands in one packet, as most do; `one_by_one` asks for one that does not."""
    with Sink(tmp_path / "sink", pipelining=request.param) as server:
        yield server


one_by_one = pytest.mark.parametrize("sink", [False, True], indirect=True, ids=["one by one", "together"])


@pytest.fixture
def house(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`house(port, log=…)`: mail goes to that port; leases and waits are as good as none."""
    monkeypatch.setattr(queue, "STEPS", [queue.timedelta(0)])
    monkeypatch.setattr(sending, "TROUBLE", queue.timedelta(0))
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.EMAIL_FILE_PATH = tmp_path / "mail"
    settings.MAIL_LEASE = LEASE
    settings.EMAIL_TIMEOUT = 1

    def use(port: int = 0, *, log: Any = "") -> None:
        settings.SMTP_HOST, settings.EMAIL_PORT, settings.SMTP_LOG = "127.0.0.1" if port else "", port, str(log)

    use()
    return use


def write(address: str, **facts: Any) -> OutgoingMail:
    """A mail to a bare address, with words of its own."""
    return plan_mail(Recipient(address, "de"), **{"once": address, "heading": "Grüße aus Mannheim", "body": f"Guten Tag,\n\n{address} ist gemeint.\n.\nEnde", **facts})


def meant(*mails: OutgoingMail) -> dict[str, str]:
    """Address → text, for the verdict."""
    return {mail.to: mail.body for mail in mails}


def work_off(rounds: int = 400) -> None:
    """Send, tend and send again until nothing waits or is held."""
    for _ in range(rounds):
        sending.send_due()
        if not OutgoingMail.objects.filter(state__in=[*OutgoingMail.WAITING, *OutgoingMail.HELD]).exists():
            return
        if OutgoingMail.objects.filter(state__in=OutgoingMail.HELD).exists():
            time.sleep(LEASE * 1.2)
        sending.tend()
    raise AssertionError(f"still waiting: {list(OutgoingMail.objects.values_list('state', 'answer')[:5])}, {MailSetup.current().trouble}")
