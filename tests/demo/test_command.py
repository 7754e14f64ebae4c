"""The demo keeps out of installations with users of their own, and goes on where it was interrupted."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from campaigns.models import Journey
from contacts.models import ConsentEvent
from crm.core.models import Event
from crm.demo import firm
from sales.models import Opportunity
from service.models import Case

pytestmark = pytest.mark.django_db


def test_it_moves_into_an_empty_installation_only(cast: Any) -> None:
    before = User.objects.count()
    with pytest.raises(CommandError):
        call_command("demo", stdout=StringIO())
    assert User.objects.count() == before and not Opportunity.objects.exists()


def test_an_interrupted_one_goes_on(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    call_command("seed")
    monkeypatch.setattr("crm.demo.plan.CLOSED", 6)
    monkeypatch.setattr("crm.demo.names.NORTH", firm_names(8))
    monkeypatch.setattr("crm.demo.names.SOUTH", firm_names(2, "Süd"))
    firm.found_firm()
    call_command("demo", stdout=StringIO())
    assert User.objects.count() == len(firm.PEOPLE) and Opportunity.objects.count() > 60


def test_one_interrupted_after_its_board_is_filled_goes_on_with_the_desk(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    """Begun on tables `migrate` alone has made: what every installation needs comes with it."""
    monkeypatch.setattr("crm.demo.plan.CLOSED", 6)
    monkeypatch.setattr("crm.demo.names.NORTH", firm_names(8))
    monkeypatch.setattr("crm.demo.names.SOUTH", firm_names(2, "Süd"))
    with monkeypatch.context() as cut, pytest.raises(KeyboardInterrupt):
        cut.setattr("crm.demo.desk.serve", interrupted)
        call_command("demo", stdout=StringIO())
    sold = Opportunity.objects.count()
    assert sold > 60 and not ConsentEvent.objects.exists() and not Case.objects.exists()
    call_command("demo", stdout=StringIO())
    cases = Case.objects.count()
    assert (Opportunity.objects.count(), cases > 50, Journey.objects.count()) == (sold, True, 1)
    call_command("demo", stdout=StringIO())
    assert Case.objects.count() == cases and not Event.objects.filter(done_at__isnull=True).exists()


def interrupted(*_args: Any) -> None:
    raise KeyboardInterrupt


def firm_names(count: int, where: str = "Nord") -> list[tuple[str, str, str, str, int]]:
    """Some customers, quickly."""
    return [(f"Werk {where} {number} GmbH", "food", "20457", "Hamburg", 10) for number in range(count)]
