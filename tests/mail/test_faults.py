"""The wire breaks at every step: nobody is written to twice, nobody is forgotten, and what nobody can know is shown."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from crm.core.mail import kinds, sending
from crm.core.models import OutgoingMail
from tests.mail.conftest import meant, one_by_one, work_off, write
from tests.mail.mails import MAILS
from tests.mail.proxy import ANSWERS, CUTS, SLOW, Fault, Proxy, spread
from tests.mail.sink import Sink
from tests.mail.verdict import judge

pytestmark = [pytest.mark.django_db, pytest.mark.proof("sending")]
State = OutgoingMail.State


@pytest.fixture(autouse=True)
def advertising(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kind that must never be sent twice, as campaigns will bring it."""
    monkeypatch.setattr(kinds, "table", lambda _name: MAILS)


def through_the_wire(sink: Sink, house: Callable[..., None], faults: list[Fault], times: int, *, kind: str, log: bool) -> tuple[Any, dict[str, int], Proxy]:
    """Send one mail per fault (and as many that pass) through the breaking wire; the verdict and the number of rows per state."""
    with Proxy(sink.port, pace=0.15) as proxy:
        house(proxy.port, log=sink.maillog if log else "")
        proxy.coming = spread([fault for fault in faults if fault.what != "slow"], times, random.Random(7))
        proxy.coming += [fault for fault in faults if fault.what == "slow"]  # once each: they take their time
        mails = [write(f"n{number}@x.test", kind=kind) for number in range(len(proxy.coming))]
        work_off(len(proxy.coming) * 3)
        assert not proxy.coming
    states = {state: OutgoingMail.objects.filter(state=state).count() for state in State.values}
    shown = OutgoingMail.objects.filter(state__in=[State.REFUSED, State.UNCLEAR]).values_list("to", flat=True)
    return judge(sink.accepted(), meant(*mails), excused=shown), states, proxy


@one_by_one
def test_with_a_log_nothing_is_doubled_lost_or_unclear(sink: Sink, house: Any, figures: Any, prove_full: bool) -> None:
    faults = [*CUTS, *ANSWERS, *(SLOW if prove_full else [Fault("dot", "slow"), Fault("rcpt", "slow")])]
    verdict, states, proxy = through_the_wire(sink, house, faults, 20 if prove_full else 2, kind="advertising", log=True)
    figures.record("faults on the wire, log readable", sum(proxy.met.values()), "faults", f"> {len(faults)}", sum(proxy.met.values()) > len(faults))
    assert set(proxy.met) == set(faults)  # each of them was really met
    figures.record("… sent twice", len(verdict.double), "mails", "0", not verdict.double)
    figures.record("… lost", len(verdict.lost), "mails", "0", not verdict.lost)
    figures.record("… with wrong content", len(verdict.wrong), "mails", "0", not verdict.wrong)
    figures.record("… unclear", states["unclear"], "mails", "0", states["unclear"] == 0)
    refused = sum(proxy.met[fault] for fault in faults if (fault.what[:1] == "5" and fault.step in ("rcpt", "data", "dot")) or fault == Fault("mail", "552 5.2.2 full"))
    figures.record("… refused as the server said", states["refused"], "mails", str(refused), states["refused"] == refused and verdict.reached == states["accepted"])


def test_without_a_log_advertising_is_never_doubled_and_what_is_unclear_is_shown(sink: Sink, house: Any, figures: Any, prove_full: bool) -> None:
    verdict, states, proxy = through_the_wire(sink, house, [*CUTS, *ANSWERS], 20 if prove_full else 2, kind="advertising", log=False)
    figures.record("without a log: sent twice (advertising)", len(verdict.double), "mails", "0", not verdict.double)
    figures.record("… lost without being shown", len(verdict.lost), "mails", "0", not verdict.lost)
    unknowable = sum(proxy.met[Fault(step)] for step in ("body", "dot", "answer"))
    figures.record("… shown as unclear", states["unclear"], "mails", f"1 to {unknowable}", 0 < states["unclear"] <= unknowable)


def test_without_a_log_service_mail_is_never_missing(sink: Sink, house: Any, figures: Any, prove_full: bool) -> None:
    verdict, states, proxy = through_the_wire(sink, house, CUTS, 20 if prove_full else 3, kind="notification", log=False)
    figures.record("without a log: lost (service mail)", len(verdict.lost) + states["unclear"], "mails", "0", not verdict.lost and not states["unclear"])
    figures.record("… sent twice", len(verdict.double), "mails", f"at most {proxy.met[Fault('answer')]}", len(verdict.double) <= proxy.met[Fault("answer")])
    figures.record("… of these under two Message-IDs", len(verdict.split), "mails", "0", not verdict.split)


def test_red_control_a_log_that_is_not_read_right_doubles(sink: Sink, house: Any, figures: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the log taken for silent, mails it shows as accepted would go again: the measure sees that."""
    monkeypatch.setattr(sending.maillog, "accepted", lambda lines: {})
    verdict, _states, _proxy = through_the_wire(sink, house, [Fault("answer")], 5, kind="advertising", log=True)
    figures.record("red control: doubles when the log is misread", len(verdict.double), "mails", "> 0", len(verdict.double) > 0)


def test_red_control_taking_the_unknown_for_accepted_loses(sink: Sink, house: Any, figures: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "_decide", lambda row, server: sending.queue.settle(row, State.ACCEPTED))
    verdict, _states, _proxy = through_the_wire(sink, house, [Fault("body")], 5, kind="advertising", log=True)
    figures.record("red control: lost when the unknown counts as accepted", len(verdict.lost), "mails", "> 0", len(verdict.lost) > 0)
