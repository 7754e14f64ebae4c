"""A house that gets mail, and the mail it gets, for the proof `mailin`.

    python -m tests.mail.mailin PORT FILE THREADS     prepares the house: the mailbox, and cases in which we have written already; FILE gets what
                                                      a mail needs to know to answer them
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.mail.incoming import mail, report


@dataclass(frozen=True)
class Sent:
    """One mail that comes in: its bytes, its mark (stands in its text once), the thread it belongs to ("" for none), whether it may be answered."""

    raw: bytes
    mark: str
    thread: str
    answerable: bool = False


@dataclass
class Verdict:
    """What became of them, by mark or thread."""

    lost: list[str] = field(default_factory=list)
    double: list[str] = field(default_factory=list)
    astray: list[str] = field(default_factory=list)
    loops: list[str] = field(default_factory=list)


def prepare(port: int, file: Path, threads: int) -> None:
    """The house, with `threads` cases in which a customer has been answered."""
    from django.core.management import call_command

    from accounts.models import Team
    from contacts.models import EmailAddress, Person
    from crm.core.mail.inbox.server import PURPOSE
    from crm.core.models import MailboxSetup, OutgoingMail
    from crm.core.numbers import take_numbers
    from crm.core.seal import seal
    from crm.core.work import work
    from service.conversation import log_entry
    from service.models import Case
    from service.services import open_case

    call_command("seed", verbosity=0)
    root = Team.objects.filter(parent=None).first() or Team.objects.create(name="Haus")
    MailboxSetup.current()
    MailboxSetup.objects.update(
        host="127.0.0.1", port=port, security="none", username="service", password=seal("geheim", PURPOSE), address="service@haus.test", active=True
    )
    found = []
    with work():
        for number in range(threads):
            person = Person.objects.create(kind="person", number=take_numbers("party")[0], last_name=f"Kunde {number}", team=root)
            EmailAddress.objects.create(party=person, address=f"kunde{number}@kunde.test")
            case = open_case(Case(heading=f"Fall {number}", channel="phone", party=person, team=root), by=None)
            log_entry(case, way="answer", body="Passt Montag?", by=None, to=f"kunde{number}@kunde.test")
            found.append([case.pk, case.number, OutgoingMail.objects.get(subject_id=case.pk, kind="case").message_id])
    OutgoingMail.objects.update(state="accepted", due_at="2026-01-01T00:00Z")
    file.write_text(json.dumps(found))


def post(known: Sequence[tuple[int, str, str]], total: int) -> list[Sent]:
    """`total` mails of all kinds, in the order of their coming; those of one thread in theirs."""
    found: list[Sent] = []
    number = 0

    def add(thread: str, *, text: str = "", answerable: bool = False, make: Any = mail, **facts: Any) -> None:
        nonlocal number
        number += 1
        mark = f"Nr. {number}."
        found.append(Sent(make(**({"body": f"Guten Tag, {mark} {text}"} if make is mail else {"told": f"550 5.1.1 User unknown {mark}"}), **facts), mark, thread, answerable))

    turn = 0
    while number < total:
        case, case_number, ours = known[turn % len(known)]
        who, mine = f"neu{turn}@kunde.test", f"<neu{turn}@kunde.test>"
        add(f"new {turn}", from_=who, message_id=mine, subject=f"Anliegen {turn}", answerable=True)
        add(f"case {case}", from_=f"kunde{turn % len(known)}@kunde.test", message_id=f"<a{turn}@kunde.test>", in_reply_to=ours, subject="Re: etwas")
        add(f"case {case}", from_=f"kunde{turn % len(known)}@kunde.test", message_id=f"<b{turn}@kunde.test>", subject=f"Zu {case_number}")
        add(f"new {turn}", from_=who, message_id="", references=mine, subject=f"Re: Anliegen {turn}", text="ohne Message-ID")
        if turn % 4 == 0:
            add(f"case {case}", from_=f"kunde{turn % len(known)}@kunde.test", message_id=f"<ooo{turn}@kunde.test>", in_reply_to=ours, head="Auto-Submitted: auto-replied", subject="Abwesenheitsnotiz: Re: etwas")
        if turn % 4 == 1:
            add(f"case {case}", make=report, of=ours, to=f"kunde{turn % len(known)}@kunde.test", status="5.2.2")
        if turn % 4 == 2:  # one Message-ID for two mails, neither of them an answer
            for _time in range(2):
                add(f"same {number}", from_=f"gleich{number}@kunde.test", message_id="<immer-gleich@kunde.test>", subject="Automat", answerable=True)
        if turn % 4 == 3:  # the same mail by two ways
            first = found[-1]
            found.append(Sent(b"Received: from umweg.test\r\n" + first.raw, first.mark, first.thread))
        turn += 1
    return found


def judge(sent: Sequence[Sent], entries: Sequence[tuple[str, int]], receipts: Sequence[int]) -> Verdict:
    """`entries` are (text, case) of everything that came in, `receipts` the cases that were confirmed."""
    verdict = Verdict()
    where: dict[str, set[int]] = defaultdict(set)
    threads: dict[str, set[int]] = defaultdict(set)
    count: dict[str, int] = defaultdict(int)
    for text, case in entries:
        place = text.find("Nr. ")
        mark = text[place : text.find(".", place + 4) + 1]
        count[mark] += 1
        where[mark].add(case)
    marks = {one.mark: one for one in sent}
    verdict.lost = sorted(mark for mark in marks if not count[mark])
    verdict.double = sorted(mark for mark, times in count.items() if times > 1)
    for mark, one in marks.items():
        threads[one.thread] |= where[mark]
    owner: dict[int, set[str]] = defaultdict(set)
    for thread, cases in threads.items():
        if len(cases) != 1 or (thread.startswith("case ") and cases != {int(thread[5:])}):
            verdict.astray.append(thread)
        for case in cases:
            owner[case].add(thread)
    verdict.astray += [f"case {case}: {sorted(names)}" for case, names in owner.items() if len(names) > 1]
    may = {next(iter(where[one.mark])) for one in marks.values() if one.answerable and where[one.mark]}
    verdict.loops = [f"case {case} confirmed {receipts.count(case)} times" for case in set(receipts) if receipts.count(case) > 1 or case not in may]
    return verdict


if __name__ == "__main__":
    import django

    django.setup()
    prepare(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
