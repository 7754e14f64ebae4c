"""People at work over real connections: they write by the product's own forms, remember what was acknowledged, and send again what was not."""

from __future__ import annotations

import http.client
import itertools
import re
import secrets
import string
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from tests.pageforms import PageForm, forms_of

PAGES = ["/today/", "/contacts/people/", "/contacts/organisations/{own}/", "/sales/opportunities/", "/sales/board/", "/service/cases/", "/search/?q=Werk"]
HEALED = 60  # seconds after which everything works again by itself
PATIENCE = 20  # seconds somebody waits for an answer
WORDS = ("Datenbank", "Speicherplatz", "ein Teil von Lotse", "zu lange gedauert")  # a refusal says what is gone
Fields = Mapping[str, Any]


def until(holds: Callable[[], object], seconds: float) -> float:
    """Wait until it holds; returns how long that took: for ever if it did not within `seconds`."""
    begin = time.monotonic()
    while not holds():
        if time.monotonic() - begin > seconds:
            return float("inf")
        time.sleep(0.05)
    return time.monotonic() - begin


def plain(page: str) -> str:
    """The words of a page."""
    return " ".join(re.sub(r"<[^>]+>", " ", page.partition("<main")[2] or page).split())


@dataclass(frozen=True)
class Answer:
    """What came back; status 0 if nothing did."""

    status: int
    text: str
    location: str
    began: float
    ended: float

    @property
    def said(self) -> bool:
        """Whether it is a page, or a refusal that says in words what is gone."""
        return (self.status < 500 and self.status != 0) or (self.status == 503 and any(word in self.text for word in WORDS))


class Person:
    """A signed-in browser."""

    def __init__(self, bind: str, session: str) -> None:
        self.bind, self.token = bind, secrets.token_hex(16)
        self.cookies = f"lotse={session}; lotse-csrf={self.token}"

    def _ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        began = time.monotonic()
        connection = http.client.HTTPConnection(self.bind, timeout=PATIENCE)
        try:
            connection.request(method, path, body, {"Cookie": self.cookies, "Accept-Language": "de", **headers})
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
            return Answer(answer.status, text, answer.headers.get("Location", ""), began, time.monotonic())
        except (OSError, http.client.HTTPException) as error:
            return Answer(0, repr(error), "", began, time.monotonic())
        finally:
            connection.close()

    def get(self, path: str, *, htmx: bool = False) -> Answer:
        """Look."""
        return self._ask("GET", path, None, {"HX-Request": "true"} if htmx else {})

    def post(self, path: str, fields: Fields, *, htmx: bool = False, files: Mapping[str, tuple[str, bytes]] | None = None) -> Answer:
        """Send a form. `fields` holds its key."""
        headers = {"X-CSRFToken": self.token, "Referer": f"http://{self.bind}{path}", **({"HX-Request": "true"} if htmx else {})}
        if files is None:
            return self._ask("POST", path, urlencode(fields, doseq=True).encode(), {**headers, "Content-Type": "application/x-www-form-urlencoded"})
        edge = uuid.uuid4().hex
        parts = [f'--{edge}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode() for name, value in fields.items()]
        for name, (filename, content) in files.items():
            parts.append(f'--{edge}\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\nContent-Type: text/csv\r\n\r\n'.encode() + content + b"\r\n")
        return self._ask("POST", path, b"".join([*parts, f"--{edge}--\r\n".encode()]), {**headers, "Content-Type": f"multipart/form-data; boundary={edge}"})

    def form(self, page: str, holds: str, *, htmx: bool = False) -> PageForm | None:
        """The form of a page that holds this field; none while the page does not come."""
        answer = self.get(page, htmx=htmx)
        if answer.status != 200:
            assert answer.status in (0, 503), (page, answer.status, answer.text[:300])
            return None
        return next(form for form in forms_of(answer.text, page) if form.method == "post" and holds in [*form.fields, *form.uploads])


@dataclass(frozen=True)
class Way:
    """One way to write: where the form lies (`{own}`: a record of the writer's own), what is typed into which field, what else it holds,
    and where the word is found afterwards."""

    name: str
    page: str
    field: str
    found: str  # the query that lists every word there is
    facts: Fields = field(default_factory=dict)
    htmx: bool = False  # a cell of the page: opened anew each time, saved in its place
    tail: int = 0  # letters typed behind the word


# Ways everybody has: an entry in a history, a new contact, a cell of a page.
ENTRY = Way("entry", "/contacts/organisations/{own}/", "body", "SELECT split_part(body, ' ', 1) FROM contacts_interaction", {"kind": "note"})
CONTACT = Way("contact", "/contacts/people/new/", "last_name", "SELECT last_name FROM contacts_party")
CELL = Way("cell", "/contacts/{own}/cell/vat_id/", "vat_id", "SELECT after ->> 'vat_id' FROM core_change WHERE relation = 'contacts_party' AND op = 'U'", htmx=True)
FORMS = [ENTRY, CONTACT, CELL]


@dataclass
class Ledger:
    """What several people were told, and what the page looked like meanwhile."""

    sent: set[str] = field(default_factory=set)  # every word somebody typed
    acknowledged: dict[str, list[str]] = field(default_factory=dict)  # way → words
    times: list[tuple[float, float]] = field(default_factory=list)  # (sent, acknowledged)
    looks: list[tuple[float, float, int]] = field(default_factory=list)  # (asked, answered, status)
    refusals: Counter[int] = field(default_factory=Counter)  # answers to forms that did not save, by status
    named: Counter[str] = field(default_factory=Counter)  # what these say is gone
    unsaid: list[str] = field(default_factory=list)  # refusals without words
    not_given_back: list[str] = field(default_factory=list)  # refusals on whose page what was typed is not
    wrong: list[str] = field(default_factory=list)  # forms that were refused for what they hold: a mistake of the measure

    def wait(self, holds: Callable[[], object], seconds: float) -> float:
        """`until`, as long as the measure itself is right."""
        waited = until(lambda: self.wrong or holds(), seconds)
        assert not self.wrong, self.wrong[0]
        return waited

    def work(self, forms: int) -> None:
        """Let so many more forms be acknowledged."""
        goal = len(self.times) + forms
        assert self.wait(lambda: len(self.times) >= goal, HEALED) < HEALED, self.refusals

    def saved_since(self, moment: float) -> float:
        """When a form sent after that moment was first acknowledged."""
        return min((ended for began, ended in self.times if began > moment), default=float("inf"))

    def shown_since(self, moment: float) -> float:
        """When a page asked for after that moment first came."""
        return min((ended for began, ended, status in self.looks if began > moment and status == 200), default=float("inf"))

    def refused_between(self, begin: float, end: float) -> int:
        """Pages asked for and answered within that time that did not come."""
        return sum(status != 200 for began, ended, status in self.looks if began >= begin and ended <= end)

    def missing_and_double(self, ask: Callable[[str], Sequence[Any]], ways: Iterable[Way]) -> tuple[list[str], list[str]]:
        """Words that were acknowledged and are not there, and words that are there more than once."""
        missing, double = [], []
        for way in ways:
            there = Counter(str(word) for (word,) in ask(way.found))
            missing += [word for word in self.acknowledged.get(way.name, []) if not there[word]]
            double += [word for word, times in there.items() if times > 1 and word in self.sent]
        return missing, double


class Staff:
    """People who write without a pause, and one who looks: `with Staff(…) as ledger: …` ends when each has got an answer."""

    def __init__(self, people: Mapping[int, Person], ways: Sequence[Way], pages: Sequence[str], *, pause: float = 0.0) -> None:
        """`people` by the number of the record of their own."""
        self.ways, self.pages, self.pause = ways, pages, pause
        self.ledger = Ledger()
        self._lock, self._over = threading.Lock(), threading.Event()
        self._threads = [threading.Thread(target=self._write, args=pair, daemon=True) for pair in people.items()]
        self._threads.append(threading.Thread(target=self._look, args=next(iter(people.items())), daemon=True))

    def __enter__(self) -> Ledger:
        for thread in self._threads:
            thread.start()
        return self.ledger

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(3 * PATIENCE)

    def _write(self, own: int, person: Person) -> None:
        forms: dict[str, PageForm] = {}
        for way in itertools.cycle(self.ways):
            if self._over.is_set():
                return
            page = way.page.format(own=own)
            while way.htmx or way.name not in forms:
                if self._over.is_set():
                    return
                if (form := person.form(page, way.field, htmx=way.htmx)) is not None:
                    forms[way.name] = form
                    break
                time.sleep(0.2)
            word = "".join(secrets.choice(string.ascii_lowercase) for _ in range(14))  # resembles no other: contacts alike are asked about
            self.ledger.sent.add(word)
            typed = {**forms[way.name].values, **way.facts, way.field: f"{word} {secrets.token_hex(way.tail // 2)}".strip(), "_key": str(uuid.uuid4())}
            if not self._send(person, way, forms[way.name].action, typed, word):
                return
            time.sleep(self.pause)

    def _send(self, person: Person, way: Way, action: str, typed: Fields, word: str) -> bool:
        """Until it is acknowledged or everybody goes home: whoever sees a refusal sends what the page gives back."""
        while True:
            answer = person.post(action, typed, htmx=way.htmx)
            done = answer.status == (200 if way.htmx else 302) and "/accounts/login" not in answer.location
            with self._lock:
                if done:
                    self.ledger.acknowledged.setdefault(way.name, []).append(word)
                    self.ledger.times.append((answer.began, answer.ended))
                    return True
                self.ledger.refusals[answer.status] += 1
                self.ledger.named.update(word for word in WORDS if word in answer.text)
                if 400 <= answer.status < 500:
                    self.ledger.wrong.append(f"{way.name} {answer.status} {plain(answer.text)[-3000:]}")
                    return False
                if not answer.said:
                    self.ledger.unsaid.append(f"{way.name} {answer.status} {answer.text[:200]}")
            if answer.status == 503 and not way.htmx:  # over htmx the form stays where it is
                again = next((form for form in forms_of(answer.text, action) if any(word in value for value in form.values.get(way.field, []))), None)
                if again:
                    action, typed = again.action, again.values
                else:
                    with self._lock:
                        self.ledger.not_given_back.append(way.name)
            if self._over.is_set():
                return False
            time.sleep(0.2)

    def _look(self, own: int, person: Person) -> None:
        for page in itertools.cycle(self.pages):
            if self._over.is_set():
                return
            answer = person.get(page.format(own=own))
            with self._lock:
                self.ledger.looks.append((answer.began, answer.ended, answer.status))
                if not answer.said:
                    self.ledger.unsaid.append(f"{page} {answer.status} {answer.text[:200]}")
            time.sleep(0.1)
