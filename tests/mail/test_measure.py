"""The measure of sending is measured: a right sender passes, each wrong one is caught, the wire breaks where it was told to."""

from __future__ import annotations

import random
import smtplib
import sys
import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.db import connection

from tests.mail.killer import Crowd, Role
from tests.mail.proxy import ANSWERS, CUTS, SLOW, Fault, Proxy
from tests.mail.sink import Mail, Sink
from tests.mail.strategies import SCHEMA
from tests.mail.verdict import Verdict, judge

HOST = "127.0.0.1"


def mail_to(address: str, body: str, number: int = 1) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"], mail["Message-ID"] = "house@lotse.test", address, "Grüße", f"<{number}@lotse.test>"
    mail.set_content(body)
    return mail


def kept(to: str, body: str, message_id: str = "<1@lotse.test>") -> Mail:
    return Mail((to,), "house@lotse.test", message_id, "A1", 0, bytes(mail_to(to, body)))


# --- the verdict ------------------------------------------------------------------------------------------------------
MEANT = {"a@x.test": "Guten Tag, A.", "b@x.test": "Guten Tag, B."}


@pytest.mark.parametrize(
    ("accepted", "flaw"),
    [
        ([kept("a@x.test", "Guten Tag, A.")], {"lost": ("b@x.test",)}),
        ([kept("a@x.test", "Guten Tag, A."), kept("b@x.test", "Guten Tag, B."), kept("b@x.test", "Guten Tag, B.")], {"double": ("b@x.test",)}),
        ([kept("a@x.test", "Guten Tag, A."), kept("b@x.test", "Guten Tag, A.")], {"wrong": ("b@x.test",)}),
        ([kept("a@x.test", "Guten Tag, A."), kept("b@x.test", "Guten Tag, B."), kept("c@x.test", "?")], {"stray": ("c@x.test",)}),
    ],
)
def test_the_verdict_names_each_flaw(accepted: list[Mail], flaw: dict[str, tuple[str, ...]]) -> None:
    verdict = judge(accepted, MEANT)
    assert {name: getattr(verdict, name) for name in ("double", "lost", "wrong", "stray") if getattr(verdict, name)} == flaw
    assert not verdict.holds


def test_the_verdict_lets_the_right_one_pass() -> None:
    assert judge([kept("a@x.test", "Guten Tag, A."), kept("b@x.test", "Guten Tag, B.")], MEANT).holds
    assert judge([kept("a@x.test", "Guten Tag, A.")], MEANT, excused=["b@x.test"]).holds


# --- the mail server --------------------------------------------------------------------------------------------------
def test_the_sink_keeps_what_it_accepts(tmp_path: Path) -> None:
    with Sink(tmp_path) as sink:
        with smtplib.SMTP(HOST, sink.port, local_hostname="house", timeout=10) as server:
            server.send_message(mail_to("a@x.test", "Zeile mit Ümlaut\n.\n..Punkt am Anfang\n"))
            with pytest.raises(smtplib.SMTPRecipientsRefused):
                server.send_message(mail_to("refuse-550-b@x.test", "nie"))
            for _ in range(2):
                with pytest.raises(smtplib.SMTPRecipientsRefused):
                    server.send_message(mail_to("later-450-2-c@x.test", "beim dritten Mal"))
            server.send_message(mail_to("later-450-2-c@x.test", "beim dritten Mal", 2))
        assert judge(sink.accepted(), {"a@x.test": "Zeile mit Ümlaut\n.\n..Punkt am Anfang", "later-450-2-c@x.test": "beim dritten Mal"}).holds
        log = sink.maillog.read_text()
        assert "message-id=<1@lotse.test>" in log and "(queue active)" in log and "NOQUEUE: reject" in log


def test_what_the_sink_has_taken_it_keeps_when_the_sender_dies(tmp_path: Path) -> None:
    """As a real server does: the last dot decides, not whether the 250 is heard."""
    with Sink(tmp_path, taking=0.2) as sink:
        server = smtplib.SMTP(HOST, sink.port, local_hostname="house", timeout=10)
        server.ehlo()
        server.mail("house@lotse.test")
        server.rcpt("a@x.test")
        server.docmd("DATA")
        server.send(bytes(mail_to("a@x.test", "weg")).replace(b"\n", b"\r\n") + b"\r\n.\r\n")
        time.sleep(0.1)
        server.close()
        until = time.monotonic() + 5
        while not sink.count():
            assert time.monotonic() < until
            time.sleep(0.02)


# --- the wire ---------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sink]:
    with Sink(tmp_path_factory.mktemp("sink")) as sink:
        yield sink


TAKEN = {Fault("answer"), Fault("done")}


@pytest.mark.parametrize("fault", [*CUTS, *ANSWERS, *SLOW], ids=lambda fault: f"{fault.step}-{fault.what[:4]}")
def test_the_wire_breaks_where_it_should(server: Sink, fault: Fault) -> None:
    """The server has accepted the mail exactly when the fault comes behind its acceptance."""
    before = server.count()
    with Proxy(server.port, pace=0.002) as proxy:
        proxy.coming = [fault]
        failed = False
        try:
            with smtplib.SMTP(HOST, proxy.port, local_hostname="house", timeout=5) as client:
                client.send_message(mail_to("a@x.test", "Guten Tag.\n" * 50))
        except (OSError, smtplib.SMTPException):
            failed = True
        assert proxy.met[fault] >= 1
    if fault.step == "ehlo" and fault.what[:1] in "45" and fault.what[:3] != "421":
        assert failed
    assert server.count() - before == int(fault in TAKEN or fault.what == "slow")
    assert failed or fault == Fault("done") or fault.what == "slow"


# --- the killer, and the three that must be caught --------------------------------------------------------------------
def run_strategy(strategy: str, tmp_path: Path, *, recipients: int, kills: int, seed: int = 1) -> tuple[Verdict, int]:
    """Send to all while workers are killed; the verdict and the number of kills."""
    options = connection.settings_dict
    dsn = psycopg2.extensions.make_dsn(host=options["HOST"], port=options["PORT"] or None, user=options["USER"], password=options["PASSWORD"] or None, dbname=options["NAME"])
    meant = {f"n{number}@x.test": f"Guten Tag, Nummer {number}.\nSie sind gemeint." for number in range(1, recipients + 1)}
    own = psycopg2.connect(dsn)
    own.autocommit = True
    with own.cursor() as cursor, Sink(tmp_path, before=0.03, after=0.03) as sink:
        cursor.execute(SCHEMA)
        cursor.executemany("INSERT INTO measured (id, address, body, message_id) VALUES (%s, %s, %s, %s)", [(n, a, b, f"<{n}@lotse.test>") for n, (a, b) in enumerate(meant.items(), 1)])

        def through() -> bool:
            last = sink.count()
            time.sleep(0.7)
            if sink.count() != last:
                return False
            cursor.execute("SELECT count(*) FROM measured WHERE NOT sent" if strategy != "cursor" else "SELECT (last < %s)::int FROM pointer", [recipients])
            return cursor.fetchone()[0] == 0  # type: ignore[no-any-return]

        worker = Role("worker", [sys.executable, "-m", "tests.mail.strategies", strategy, dsn, str(sink.port)], count=3)
        with Crowd([worker], {}, tmp_path / "workers.log", random.Random(seed)) as crowd:
            assert crowd.kill_until(through, kills, every=0.25, seconds=60), (tmp_path / "workers.log").read_text()[-2000:]
        verdict = judge(sink.accepted(), meant)
        cursor.execute("DROP TABLE measured, pointer")
    own.close()
    return verdict, sum(crowd.killed.values())


@pytest.mark.django_db
@pytest.mark.proof("sending")
@pytest.mark.parametrize(("strategy", "flaw"), [("after", "double"), ("before", "lost"), ("cursor", "lost")])
def test_red_control_the_measure_sees_wrong_senders(strategy: str, flaw: str, tmp_path: Path, figures: Any) -> None:
    verdict, kills = run_strategy(strategy, tmp_path, recipients=400, kills=15)
    seen = len(getattr(verdict, flaw))
    figures.record(f"red control: {flaw} when marked {strategy if strategy != 'cursor' else 'by a cursor'}", seen, f"of 400, {kills} kills", "> 0", seen > 0)
