"""A working day at the house, for Locust: people of all roles who look, write and move as fast as people do.

    LOTSE_LOAD_PEOPLE=people.json locust -f tests/load/locustfile.py --headless --host http://127.0.0.1:8000 -u 60 -t 15m

`people.json` names sessions by role, {"rep": ["…"], "lead": […], …}: `tests.load.people` writes it. Every answer that is not the page
asked for is an error, the sign-in page that a lost session leads to as well. LOTSE_LOAD_PAUSE=0.2 makes everybody five times as hasty.
"""

from __future__ import annotations

import json
import os
import random
import re
import secrets
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from locust import between, events, task
from locust.contrib.fasthttp import FastHttpUser

from tests.pageforms import PageForm, forms_of

PEOPLE: dict[str, list[str]] = json.loads(Path(os.environ["LOTSE_LOAD_PEOPLE"]).read_text())
PAUSE = float(os.environ.get("LOTSE_LOAD_PAUSE", "1"))  # times the pauses of people who read what they see
LETTERS = ["mül", "sch", "gmbh", "för", "ber", "han", "köl", "wei", "kra", "xyz"]
NUMBER = re.compile(r"/\d+/")


def general(path: str) -> str:
    """The name under which an address is counted: without numbers and what is asked."""
    return NUMBER.sub("/…/", urlsplit(path).path)


@events.request.add_listener
def write_down_failures(name: str, exception: BaseException | None, **_: Any) -> None:
    """What went wrong, beside how often."""
    if exception is not None and (path := os.environ.get("LOTSE_LOAD_FAILED")):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(f"{name}: {exception}\n")


class Colleague(FastHttpUser):
    """Somebody signed in, with the pauses of a person who reads what she sees: before each click, a list's and a form's as well."""

    abstract = True
    role = ""
    wait_time = between(2 * PAUSE, 8 * PAUSE)
    connection_timeout = network_timeout = 30.0

    def on_start(self) -> None:
        """Take a seat."""
        self.token = secrets.token_hex(16)
        self.headers = {"Cookie": f"lotse={random.choice(PEOPLE[self.role])}; lotse-csrf={self.token}", "Accept-Language": "de", "Accept-Encoding": "gzip"}

    def look(self, path: str, *, htmx: bool = False) -> str:
        """A page or a fragment of one; '' if it did not come."""
        headers = self.headers | ({"HX-Request": "true"} if htmx else {})
        with self.client.get(path, headers=headers, name=general(path), allow_redirects=False, catch_response=True) as answer:
            if answer.status_code != 200:
                answer.failure(f"{answer.status_code} {answer.headers.get('Location', '') if answer.headers else ''}")
                return ""
            return str(answer.text)

    def send(self, form: PageForm, typed: dict[str, Any], lawful: tuple[int, ...] = (302,)) -> None:
        """Send a form of a page, when it is filled in, with what is typed. `lawful`: what the product may answer to it."""
        self.wait()
        body = urlencode({**form.values, **typed, "_key": str(uuid.uuid4())}, doseq=True)
        headers = self.headers | {"X-CSRFToken": self.token, "Referer": f"{self.host}{form.action}", "Content-Type": "application/x-www-form-urlencoded"}
        with self.client.post(form.action, body, headers=headers, name=f"{general(form.action)} (form)", allow_redirects=False, catch_response=True) as answer:
            location = (answer.headers.get("Location") or "") if answer.headers else ""
            if answer.status_code not in lawful or "/accounts/login" in location:
                answer.failure(f"{answer.status_code} {location}")
            else:
                answer.success()

    def form(self, page: str, here: str, holds: str) -> PageForm | None:
        """The form of a page with this field."""
        return next((form for form in forms_of(page, here) if form.method == "post" and holds in [*form.fields, *form.uploads]), None)

    def one_of(self, page: str, pattern: str) -> str:
        """The address of some record the page leads to; '' if it leads to none."""
        found = re.findall(rf'href="({pattern})(?:["?#])', page)
        return str(random.choice(found)) if found else ""

    def open_one(self, listed: str, pattern: str) -> tuple[str, str]:
        """From a list to one of its records: (address, page)."""
        address = self.one_of(self.look(listed), pattern)
        if not address:
            return "", ""
        self.wait()
        return address, self.look(address)

    @task(2)
    def begin_the_day(self) -> None:
        """What is due, and what runs."""
        self.look("/today/")
        self.wait()
        self.look("/notifications/")

    @task(2)
    def search(self) -> None:
        """Three letters into the palette."""
        self.look(f"/search/?q={random.choice(LETTERS)}", htmx=True)


class Rep(Colleague):
    """Sells."""

    role, weight = "rep", 30

    @task(5)
    def log_a_call(self) -> None:
        """Find a customer, read, and write down what was said."""
        address, page = self.open_one(f"/contacts/organisations/?q={random.choice(LETTERS[:6])}", r"/contacts/organisations/\d+/")
        if form := self.form(page, address, "body"):
            self.send(form, {"kind": "call", "body": "Angerufen, Angebot besprochen, Rückruf zugesagt."})

    @task(3)
    def read_people(self) -> None:
        """A list, its next page, one of them."""
        page = self.look("/contacts/people/?sort=name")
        more = re.search(r'href="([^"]*[?&]after=[^"]*)"', page)
        if more:
            self.wait()
            self.look("/contacts/people/" + more[1].replace("&amp;", "&").partition("/contacts/people/")[2])
        if address := self.one_of(page, r"/contacts/people/\d+/"):
            self.wait()
            self.look(address)

    @task(4)
    def work_the_board(self) -> None:
        """Look at the board and take a card a step on, or read why it may not go."""
        movable = re.findall(r'data-move="(/sales/opportunities/\d+/move/)"', self.look("/sales/board/"))
        if not movable:
            return
        move = random.choice(movable)
        self.wait()
        self.look(move.removesuffix("move/"))
        self.wait()
        if (form := self.form(self.look(move), move, "stage")) and (stages := [value for value in form.options.get("stage", []) if value]):
            # 422: this stage demands something; 409: somebody else has moved it meanwhile
            self.send(form, {"stage": random.choice(stages)}, (302, 409, 422))


class Lead(Colleague):
    """Answers for a team."""

    role, weight = "lead", 6

    @task(3)
    def read_the_forecast(self) -> None:
        """The figures and one list behind them."""
        self.look("/insights/forecast/")
        self.wait()
        self.look("/sales/opportunities/?state=won")

    @task(2)
    def read_the_board(self) -> None:
        """Everybody's cards."""
        self.look("/sales/board/")


class Agent(Colleague):
    """Answers customers."""

    role, weight = "service", 12

    @task(5)
    def answer_a_case(self) -> None:
        """Take what is on top, read, note something down."""
        address, page = self.open_one("/service/cases/", r"/service/cases/\d+/")
        if form := self.form(page, address, "body"):
            self.send(form, {"way": "note", "body": "Mit dem Werk gesprochen, Ersatzteil ist unterwegs."}, (302, 409))

    @task(3)
    def watch_the_desk(self) -> None:
        """The queue."""
        self.look("/service/desk/")


class Marketer(Colleague):
    """Writes to many."""

    role, weight = "marketing", 6

    @task(3)
    def read_a_campaign(self) -> None:
        """What came of it."""
        self.open_one("/campaigns/", r"/campaigns/\d+/")

    @task(2)
    def count_a_segment(self) -> None:
        """Whom it reaches, at once or behind the page."""
        address, page = self.open_one("/campaigns/segments/", r"/campaigns/segments/\d+/")
        if f'hx-get="{address}?count=1"' in page:
            self.look(f"{address}?count=1", htmx=True)

    @task(1)
    def follow_a_journey(self) -> None:
        """Where people are on it."""
        self.open_one("/campaigns/journeys/", r"/campaigns/journeys/\d+/")


class Manager(Colleague):
    """Keeps the house in order."""

    role, weight = "manager", 4

    @task(2)
    def look_after_imports(self) -> None:
        """The one that runs."""
        self.open_one("/sales/imports/", r"/sales/imports/\d+/")

    @task(2)
    def set_something_up(self) -> None:
        """The set-up and its list of people."""
        self.look("/admin/")
        self.wait()
        self.look("/admin/accounts/user/")

    @task(1)
    def see_what_runs(self) -> None:
        """Jobs."""
        self.look("/jobs/")


class Management(Colleague):
    """Wants to know."""

    role, weight = "management", 2

    @task(3)
    def read_the_overview(self) -> None:
        """One page of everything, and the forecast."""
        self.look("/insights/overview/")
        self.wait()
        self.look("/insights/forecast/")
