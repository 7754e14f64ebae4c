"""The promise of incoming mail: the worker killed at any moment, the mailbox counted anew, and every mail once, in its thread, with no loop."""

from __future__ import annotations

import json
import random
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from imapclient import IMAPClient

from tests.mail.dovecot import Dovecot, program
from tests.mail.imap import Imap
from tests.mail.incoming import mail
from tests.mail.killer import Crowd
from tests.mail.mailin import Sent, judge, post
from tests.mail.sink import Sink
from tests.mail.stack import house_with

pytestmark = pytest.mark.proof("mailin")
ENTRIES = "SELECT body, subject_id FROM contacts_interaction WHERE direction = 'in' OR (kind = 'note' AND created_by_id IS NULL)"
RECEIPTS = "SELECT subject_id FROM core_outgoingmail WHERE kind = 'receipt'"


@pytest.mark.parametrize("server", [Imap, Dovecot])
def test_each_mail_once_in_its_thread_whatever_is_killed(server: type[Imap | Dovecot], tmp_path: Path, figures: Any, prove_full: bool) -> None:
    if server is Dovecot and not (prove_full and program()):  # the long form alone measures other people's software, where it is installed
        pytest.skip("takes minutes and needs dovecot-imapd: ./lotse prove mailin --full")
    total, kills, known = (3_000, 20, 40) if prove_full else (200, 5, 8)
    box: Imap | Dovecot
    with Sink(tmp_path / "sink") as sink, server() as box, house_with(sink, tmp_path, connections=2) as house:
        house.run("-m", "tests.mail.mailin", str(box.port), str(tmp_path / "known.json"), str(known))
        sent = post([tuple(row) for row in json.loads((tmp_path / "known.json").read_text())], total)
        waiting, broken = list(sent), []

        def arrive() -> None:
            try:
                while waiting:
                    box.put(waiting.pop(0).raw)
                    time.sleep(0.004)
            except Exception as error:
                broken.append(error)
                raise

        arrival = threading.Thread(target=arrive, daemon=True)
        arrival.start()

        def done() -> bool:
            assert not broken, broken  # or we would wait for mail that never comes
            if waiting:
                return False
            found = dict(house.ask("SELECT state, count(*) FROM core_incomingmail GROUP BY state"))
            return sum(found.values()) >= len({one.mark for one in sent}) and not found.get("waiting")

        roles = [role for role in house.roles() if role.name in ("worker", "beat")]
        between = {kills // 2: box.count_anew}
        began = time.monotonic()
        with Crowd(roles, house.environment, tmp_path / "house.log", random.Random()) as crowd:
            ended = crowd.kill_until(done, kills, every=1.0 if not prove_full else 4, seconds=120 if not prove_full else 1800, between=between)
        seconds = time.monotonic() - began
        states = dict(house.ask("SELECT state, count(*) FROM core_incomingmail GROUP BY state"))
        verdict = judge(sent, house.ask(ENTRIES), [case for (case,) in house.ask(RECEIPTS)])
        reasons = house.ask("SELECT state, reason FROM core_incomingmail WHERE state <> 'filed' LIMIT 5")
        unseen, name = len(box.unseen()), server.__name__
    assert ended, (states, reasons, (tmp_path / "house.log").read_text()[-3000:])
    figures.record(f"{name}: mails", len(sent), f"{len({one.mark for one in sent})} different, {len({one.thread for one in sent})} threads")
    figures.record(f"{name}: kill -9", sum(crowd.killed.values()), ", ".join(f"{n} {role}" for role, n in sorted(crowd.killed.items())), f"≥ {kills}", sum(crowd.killed.values()) >= kills)
    figures.record(f"{name}: lost", len(verdict.lost), "mails", "0", not verdict.lost)
    figures.record(f"{name}: double", len(verdict.double), "mails", "0", not verdict.double)
    figures.record(f"{name}: not in their thread", len(verdict.astray), "threads", "0", not verdict.astray)
    figures.record(f"{name}: loops", len(verdict.loops), "answers", "0", not verdict.loops)
    figures.record(f"{name}: left in the mailbox unread", unseen, "mails", "0", not unseen)
    figures.record(f"{name}: all through after", round(seconds), "s")


class Death(BaseException):
    """As good as kill -9: nothing behind it runs."""


def naive(box: Imap, store: Any) -> None:
    """How it is often done: fetch what is unseen, which marks it, then store it."""
    client = IMAPClient("127.0.0.1", box.port, ssl=False)
    client.login("service", "geheim")
    try:
        client.select_folder("INBOX")
        with box.lock:
            unseen = [one.uid for one in box.mails if "\\Seen" not in one.flags]
        found = client.fetch(unseen, ["BODY[]"]) if unseen else {}
        for uid in sorted(found):
            store(found[uid][b"BODY[]"])
    finally:
        client.shutdown()


def test_marking_before_storing_loses(figures: Any) -> None:
    """The red control: the same deaths, and mails are gone."""
    stored: list[bytes] = []

    def store(raw: bytes) -> None:
        if len(stored) == 3 and raw not in stored:
            raise Death
        stored.append(raw)

    with Imap() as box:
        raws = [mail(f"Nr. {number}.", message_id=f"<m{number}@kunde.test>") for number in range(8)]
        for raw in raws:
            box.put(raw)
        for _start in range(3):
            try:
                naive(box, store)
            except Death:
                stored.append(b"")  # the next worker gets further
    lost = [raw for raw in raws if raw not in stored]
    figures.record("lost where mail is marked before it is stored", len(lost), "of 8 mails", "more than 0", bool(lost))


def test_the_verdict_sees_what_went_wrong() -> None:
    """The judge itself: a loss, a double, a mail astray and a loop are each seen."""
    sent = [Sent(b"", "Nr. 1.", "a", True), Sent(b"", "Nr. 2.", "a"), Sent(b"", "Nr. 3.", "case 7"), Sent(b"", "Nr. 4.", "b")]
    fine = [("Nr. 1. x", 1), ("Nr. 2. x", 1), ("Nr. 3. x", 7), ("Nr. 4. x", 2)]
    right = judge(sent, fine, [1])
    assert not (right.lost or right.double or right.astray or right.loops)
    assert judge(sent, fine[1:], []).lost == ["Nr. 1."]
    assert judge(sent, [*fine, fine[0]], []).double == ["Nr. 1."]
    assert judge(sent, [fine[0], ("Nr. 2. x", 9), *fine[2:]], []).astray == ["a"]
    assert judge(sent, [*fine[:2], ("Nr. 3. x", 8), fine[3]], []).astray == ["case 7"]
    assert judge(sent, [*fine[:3], ("Nr. 4. x", 1)], []).astray
    assert judge(sent, fine, [1, 1]).loops and judge(sent, fine, [2]).loops
