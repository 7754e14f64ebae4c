"""Several people who send, one who keeps working beside them, and what the measure finds in it."""

from __future__ import annotations

import itertools
import os
import re
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from crm.devstack import strays
from crm.gunicorn import GIVE_BACK_EVERY
from tests.faults.hands import Person
from tests.faults.house import Supervised
from tests.fuzz.town import KEPT_OUT, Town
from tests.fuzz.wire import Answer, Asked, Line

SENDERS = 3
WORDS = ("Datenbank", "Speicherplatz", "zu lange gedauert", "ein Teil von Lotse")


def workers(house: Supervised) -> list[int]:
    """The processes of gunicorn that answer, without the one that keeps them."""
    keeper = strays.supervisor(house.stack)
    masters = [child for child in (keeper.children() if keeper else []) if "gunicorn" in " ".join(child.cmdline())]
    return sorted(child.pid for master in masters for child in master.children() if child.status() != psutil.STATUS_ZOMBIE)


def memory(pid: int, kind: str = "Pss") -> float:
    """Megabytes of a process: its share of what it has in common with others, and all of its own (PSS). It grows also when what was shared is no
    longer, because Python counts in each object who holds it; "Anonymous" is what it holds in all, shared or not, without the files it runs from."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(rf"^{kind}:\s+(\d+) kB", lines, re.MULTILINE)
    assert found
    return int(found[1]) / 1024


def rested(town: Town) -> dict[int, tuple[float, float]]:
    """(share, all it holds): the memory of each worker after small requests, among which it gives back what is free (`crm.gunicorn`)."""
    Crowd(town, Findings()).send(lambda _number: Asked("nobody", b"GET", b"/health/", about="0 rest health"), range(4 * GIVE_BACK_EVERY))
    return {pid: (memory(pid), memory(pid, "Anonymous")) for pid in workers(town.house)}


def growth(before: dict[int, tuple[float, float]], after: dict[int, tuple[float, float]], which: int) -> float:
    """Of the worker that grew most: how much more its share (0) or all it holds (1) is."""
    return max(after[pid][which] / before[pid][which] - 1 for pid in before)


@dataclass
class Findings:
    """What came back."""

    sent: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    routes: set[str] = field(default_factory=set)
    broken: list[str] = field(default_factory=list)  # 5xx, no answer, or one that takes too long
    held_back: int = 0  # 503 that says in words why, and when to come again
    not_known: int = 0  # 501 for a way of transfer nobody knows, as RFC 9112 (6.1) asks
    told: list[str] = field(default_factory=list)  # canaries in answers to those who must not see them
    sent_away: int = 0  # signed in, and asked to sign in all the same
    signed_in: int = 0
    slowest: list[tuple[float, str]] = field(default_factory=list)
    suspected: list[str] = field(default_factory=list)

    def settle(self, town: Town) -> None:
        """What was told is a leak as long as nobody who may has let them in meanwhile."""
        with town.house.inside():
            if town.who_sees_what() == town.rights:
                self.told += self.suspected
            elif self.suspected:
                print(f"{len(self.suspected)} answers after somebody was let in, the first: {self.suspected[0]}")
        self.suspected = []


class Crowd:
    """`SENDERS` people who send whatever `make` makes of the next number, each over a connection that is kept."""

    def __init__(self, town: Town, findings: Findings) -> None:
        self.town, self.findings = town, findings
        self._lock = threading.Lock()

    def send(self, make: Callable[[int], Asked], numbers: range) -> None:
        """All of them."""
        left = iter(numbers)
        threads = [threading.Thread(target=self._work, args=(make, left, place), daemon=True) for place in range(SENDERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _work(self, make: Callable[[int], Asked], left: itertools.count[int], place: int) -> None:
        bind = self.town.house.bind
        line = Line(bind)
        for turn in itertools.count():
            with self._lock:
                number = next(left, None)
            if number is None:
                break
            asked = make(number)
            if turn % 40 == 0:  # somebody else's connection: the public doors count them
                line.close()
                line.source = (f"127.{1 + place}.{turn // 40 % 250}.1", 0)
            answer = line.ask(asked.wire(bind.encode(), self.town.cookies[asked.who]), method=asked.method, alone=asked.alone)
            with self._lock:
                self._judge(asked, answer)
        line.close()

    def _judge(self, asked: Asked, answer: Answer) -> None:
        found = self.findings
        found.sent += 1
        found.statuses[answer.status] += 1
        found.slowest = sorted([*found.slowest, (round(answer.seconds, 2), f"{asked.who} {asked.about} {asked.target[:150]!r} {answer.status}")], reverse=True)[:10]
        again = f"{answer.status} {asked.who} {asked.about}\n    {asked.repeated(self.town.house.bind)}"
        if answer.status == 503 and "Retry-After:" in answer.head and any(word in answer.body.decode(errors="replace") for word in WORDS):
            found.held_back += 1
            return
        if answer.status == 501 and (asked.raw or any(name == b"Transfer-Encoding" for name, _value in asked.headers)):
            found.not_known += 1
            return
        if answer.status >= 500 or answer.status < 0 or (answer.status == 0 and not asked.alone):
            found.broken.append(again)
        if asked.who in KEPT_OUT and self.town.mark.encode() in answer.body:
            found.suspected.append(again)
        own = asked.who != "nobody" and not any(name.lower() == b"cookie" for name, _value in asked.headers) and not asked.cookies and not asked.raw
        if own:
            found.signed_in += 1
            found.sent_away += answer.status == 302 and "/accounts/login/" in answer.head
        found.routes.add(asked.about.split(" ", 2)[2])


class Bystander:
    """Somebody who keeps loading a list and saving an entry, beside all this."""

    def __init__(self, person: Person, own: int) -> None:
        self.person, self.own = person, own
        self.times: dict[str, list[float]] = {}
        self.refused: list[str] = []
        self.phase = ""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> Bystander:
        page = f"/contacts/organisations/{self.own}/"
        form = self.person.form(page, "body")
        assert form
        self.action, self.values = form.action, form.values
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(60)

    def _work(self) -> None:
        for turn in itertools.count():
            if self._over.is_set():
                return
            phase = self.phase
            if turn % 3 == 2:
                answer = self.person.post(self.action, {**self.values, "kind": "note", "body": "Rückruf vereinbart", "_key": str(uuid.uuid4())})
            else:
                answer = self.person.get("/contacts/people/")
            if phase and phase in (self.phase, "hostile"):  # what was asked while others were hostile counts, whenever it is answered: the slowest come last
                self.times.setdefault(phase, []).append(answer.ended - answer.began)
                if answer.status not in (200, 302) or "/accounts/login" in answer.location:
                    self.refused.append(f"{answer.status} {answer.location} {answer.text[:200]}")
            time.sleep(0.03)

    def watch(self, phase: str, seconds: float) -> None:
        """Work on for a while, with nobody else there."""
        self.phase = phase
        time.sleep(seconds)
        self.phase = ""

    def percentile(self, phase: str, share: float) -> float:
        """Seconds within which that share of the answers came."""
        times = sorted(self.times.get(phase, [float("inf")]))
        return times[min(len(times) - 1, int(share * len(times)))]


class Log:
    """What the house wrote since a moment."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.begin = os.path.getsize(path)

    def tracebacks(self) -> list[str]:
        """Each with its last lines."""
        time.sleep(0.3)
        with self.path.open("rb") as file:
            file.seek(self.begin)
            text = file.read().decode(errors="replace")
        pieces = text.split("Traceback (most recent call last)")
        return [piece[-300:] + "Traceback" + after[:1500] for piece, after in itertools.pairwise(pieces)]
