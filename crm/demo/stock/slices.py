"""One slice of the stock: ten thousand contacts with all that hangs on them, made from seeded dice alone (D14).

A slice knows nothing of the others, so that a stock can be grown further and an interrupted one goes on. What is skewed in life is skewed
here: a few customers have most of the history, a few branches most of the customers.
"""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import accumulate
from typing import Any

from contacts.models import Affiliation, EmailAddress, Interaction, Party, PartyActivity, PartyRole, PhoneNumber, PostalAddress, Task
from crm.core.bulk import Rows
from crm.demo import names
from crm.demo.stock import words
from crm.demo.stock.house import Branch
from sales.models import Opportunity, StageTransition
from service.models import Case, CaseStep

PARTIES = 10_000
FIRMS = 1_500
OPPORTUNITIES = 5_000
OPEN_SHARE = 0.33
INTERACTIONS = 50_000
CASES = 2_000
LONGEST_HISTORY = 10_000  # entries of the very first firm
YEARS = 4
SOURCE = "Bestand"  # told from the contacts the firm met itself


@dataclass(frozen=True)
class House:
    """What the rows of a slice refer to: ids of teams, people and reference data."""

    now: datetime
    branches: list[Branch]
    industries: list[int]
    products: list[int]
    stages: list[int]  # in their order
    reasons: list[int]
    desk: Branch
    causes: list[int]
    remedies: list[int]
    touchpoints: list[int]
    rules: list[int]
    types: Mapping[str, int]  # model name → content type


@dataclass(frozen=True)
class Place:
    """Which slice this is, the ids of each kind, and the human numbers."""

    number: int
    party: list[int]
    opportunity: list[int]
    case: list[int]
    numbers: Mapping[str, list[str]]


class Slice:
    """The rows of one slice, table by table in the order in which keys point; `tables` are to be written as they stand."""

    def __init__(self, house: House, place: Place) -> None:
        self.house, self.place = house, place
        self.dice = random.Random(place.number * 7919 + 1)  # noqa: S311 - the same stock every time
        self.shares = list(accumulate(branch.share for branch in house.branches))
        owned = ("owner_id", "team_id", "created_at", "created_by_id")
        self.party = Rows(Party, "id", "kind", "number", "state", "salutation", "first_name", "last_name", "legal_name", "industry_id", "employees", "website", "language", "source", *owned)
        self.role = Rows(PartyRole, "party_id", "role")
        self.affiliation = Rows(Affiliation, "person_id", "organisation_id", "function", "is_primary")
        self.email = Rows(EmailAddress, "party_id", "address", "label", "is_primary")
        self.phone = Rows(PhoneNumber, "party_id", "number", "key", "label", "is_primary")
        self.postal = Rows(PostalAddress, "party_id", "street", "postcode", "city", "country", "label", "is_primary")
        self.opportunity = Rows(
            Opportunity, "id", "number", "name", "party_id", "product_id", "state", "stage_id", "stage_since", "rank", "amount", "opened_on", "expected_close", "closed_on", "lost_reason_id", *owned
        )  # fmt: skip
        self.transition = Rows(StageTransition, "opportunity_id", "kind", "from_stage_id", "to_stage_id", "at", "by_id", "amount")
        self.case = Rows(
            Case, "id", "number", "type", "heading", "description", "party_id", "organisation_id", "channel", "priority", "touchpoint_id", "product_id", "state", "opened_at", "rule_id", "due_ack",
            "due_solution", "ack_at", "solved_at", "closed_at", "cause_id", "remedy_id", "goodwill", *owned,
        )  # fmt: skip
        self.step = Rows(CaseStep, "case_id", "kind", "at", "by_id")
        self.interaction = Rows(Interaction, "party_id", "kind", "direction", "occurred_at", "heading", "body", "subject_type_id", "subject_id", "created_by_id")
        self.task = Rows(Task, "party_id", "owner_id", "text", "due_at", "subject_type_id", "subject_id", "created_by_id")
        self.activity = Rows(PartyActivity, "party_id", "last_at")
        self.tables = [
            self.party, self.role, self.affiliation, self.email, self.phone, self.postal, self.opportunity, self.transition, self.case, self.step, self.interaction, self.task, self.activity,
        ]  # fmt: skip
        self.owners: list[tuple[int | None, int]] = []  # of each party
        self.employer: list[int] = []  # place of the firm in the slice, -1 for none; one per party
        self.last: dict[int, datetime] = {}  # party → newest entry

    def fill(self) -> Slice:
        """Make all rows."""
        for index in range(PARTIES):
            self._firm(index) if index < FIRMS else self._person(index)
        for index in range(OPPORTUNITIES):
            self._opportunity(index)
        for index in range(CASES):
            self._case(index)
        for index in range(INTERACTIONS):
            self._interaction(self._someone(), index)
        for index in range(LONGEST_HISTORY if self.place.number == 0 else 0):
            self._interaction(0, index)
        for index, at in self.last.items():
            self.activity.add(self.place.party[index], at)
        return self

    # --- dice ---------------------------------------------------------------------------------------------------------
    def _pick(self, things: Any) -> Any:
        return things[int(len(things) * self.dice.random())]

    def _ago(self, years: float = YEARS) -> datetime:
        """A moment in the past, later ones more likely, by day."""
        days = years * 365 * (1 - self.dice.random() ** 0.6)
        at = self.house.now - timedelta(days=days)
        return at.replace(hour=7 + int(10 * self.dice.random()), minute=int(60 * self.dice.random()), second=0, microsecond=0) - timedelta(days=1)

    def _someone(self) -> int:
        """The place of a party: the first ones of each kind come far more often."""
        skewed = self.dice.random() ** 3
        return int(FIRMS * skewed) if self.dice.random() < 0.35 else FIRMS + int((PARTIES - FIRMS) * skewed)

    def _branch(self) -> Branch:
        return self.house.branches[min(bisect(self.shares, self.dice.random()), len(self.shares) - 1)]

    def _own(self, branch: Branch) -> tuple[int | None, int]:
        owner = None if self.dice.random() < 0.03 else self._pick(branch.people)
        self.owners.append((owner, branch.team))
        return owner, branch.team

    # --- contacts -----------------------------------------------------------------------------------------------------
    def _firm(self, index: int) -> None:
        _name, _industry, postcode, city, _employees = self._pick(words.FIRMS)
        name, pk, created = words.firm(self.dice, city), self.place.party[index], self._ago()
        domain = f"{words.slug(name)}.example"
        owner, team = self._own(self._branch())
        self.employer.append(-1)
        self.party.add(pk, "organisation", self.place.numbers["party"][index], self._state(), "", "", "", name, self._pick(self.house.industries), int(3000 * self.dice.random() ** 3) + 5, f"https://www.{domain}", "de", SOURCE, owner, team, created, owner)
        self._reach(pk, f"info@{domain}", city, postcode, street=1.0, second=0.12)
        if self.dice.random() < 0.06:
            self.role.add(pk, self._pick(("supplier", "competitor", "partner")))

    def _person(self, index: int) -> None:
        salutation = "ms" if self.dice.random() < 0.42 else "mr"
        first, last = words.given(self.dice, salutation), words.surname(self.dice)
        pk, created = self.place.party[index], self._ago()
        firm = int(FIRMS * self.dice.random() ** 3) if self.dice.random() < 0.82 else -1
        if firm >= 0:
            owner, team = self.owners[firm]
            self.owners.append((owner, team))
        else:
            owner, team = self._own(self._branch())
        self.employer.append(firm)
        self.party.add(pk, "person", self.place.numbers["party"][index], self._state(), salutation, first, last, "", None, None, "", "de" if self.dice.random() < 0.9 else "en", SOURCE, owner, team, created, owner)
        _name, _industry, postcode, city, _employees = self._pick(words.FIRMS)
        self._reach(pk, f"{words.slug(first)}.{words.slug(last)}{int(900 * self.dice.random()) + 100}@post.example", city, postcode, street=0.3, second=0.15)
        if firm >= 0:
            self.affiliation.add(pk, self.place.party[firm], self._pick(names.FUNCTIONS), True)

    def _state(self) -> str:
        drawn = self.dice.random()
        return "prospect" if drawn < 0.45 else "customer" if drawn < 0.9 else "former"

    def _reach(self, pk: int, email: str, city: str, postcode: str, *, street: float, second: float) -> None:
        """Addresses of a contact. Telephone numbers begin with 0199, which nobody has."""
        drawn = self.dice.random
        if drawn() < 0.93:
            self.email.add(pk, email, "office", True)
        if drawn() < second:
            self.email.add(pk, f"zweit.{email}", "private", False)
        if drawn() < 0.85:
            digits = 1_000_000 + int(9_000_000 * drawn())
            self.phone.add(pk, f"0199 {digits}", f"+49199{digits}", "office", True)
        if drawn() < second:
            digits = 1_000_000 + int(9_000_000 * drawn())
            self.phone.add(pk, f"0199 {digits}", f"+49199{digits}", "mobile", False)
        if drawn() < street:
            self.postal.add(pk, f"{self._pick(names.STREETS)} {int(180 * drawn()) + 1}", postcode, city, "DE", "office", True)
        if drawn() < second * street:
            self.postal.add(pk, f"{self._pick(names.STREETS)} {int(180 * drawn()) + 1}", postcode, city, "DE", "invoice", False)

    # --- opportunities ------------------------------------------------------------------------------------------------
    def _opportunity(self, index: int) -> None:
        house, drawn, pk = self.house, self.dice.random, self.place.opportunity[index]
        who = self._someone()
        owner, team = self.owners[who]
        name = f"{self._pick(names.PROJECTS)[0]} {self._pick(names.PLACES)}".strip()
        amount = round(2_000 + 60_000 * drawn() ** 2.5 + 400_000 * drawn() ** 12, 2)
        is_open = drawn() < OPEN_SHARE
        reached = int(len(house.stages) * drawn())
        days = [1 + 40 * drawn() ** 2 for _ in range(reached + 1)]
        end = house.now - timedelta(days=60 * drawn() ** 2) if is_open else self._ago()
        moments = [end - timedelta(days=sum(days[step:])) for step in range(reached + 1)]
        won = (not is_open and reached == len(house.stages) - 1) or (not is_open and drawn() < 0.35)
        state = "open" if is_open else "won" if won else "lost"
        closed: date | None = None if is_open else end.date()
        expected = (house.now + timedelta(days=150 * drawn() - 20)).date() if is_open else closed
        reason = self._pick(house.reasons) if state == "lost" else None
        self.opportunity.add(
            pk, self.place.numbers["opportunity"][index], name, self.place.party[who], self._pick(house.products) if drawn() < 0.8 else None, state, house.stages[reached], moments[-1],
            (self.place.number * OPPORTUNITIES + index) * 16, amount, moments[0].date(), expected, closed, reason, owner, team, moments[0], owner,
        )  # fmt: skip
        for step, at in enumerate(moments):
            self.transition.add(pk, "move" if step else "open", house.stages[step - 1] if step else None, house.stages[step], at, owner, amount)
        if not is_open:
            self.transition.add(pk, "win" if won else "lose", house.stages[reached], house.stages[reached], end, owner, amount)
        elif owner and drawn() < 0.6:
            due = house.now + timedelta(days=30 * drawn() - 8)
            self.task.add(self.place.party[who], owner, self._pick(words.STEPS), due, house.types["opportunity"], pk, owner)
        for _ in range(1 + int(3 * drawn() ** 2)):
            self._entry(who, moments[0] + (end - moments[0]) * drawn(), owner, house.types["opportunity"], pk)

    # --- cases --------------------------------------------------------------------------------------------------------
    def _case(self, index: int) -> None:
        house, drawn, pk = self.house, self.dice.random, self.place.case[index]
        who = self._someone()
        agent = self._pick(house.desk.people)
        settled = drawn() < 0.94
        opened = self._ago() if settled else house.now - timedelta(days=20 * drawn() ** 3, hours=1)
        acknowledged = opened + timedelta(hours=1 + 6 * drawn())
        solved = opened + timedelta(hours=8 + 150 * drawn() ** 2)
        taken = settled or drawn() < 0.7
        kind = self._pick(("complaint", "complaint", "fault", "question", "request"))
        state = "closed" if settled else "open" if taken else "new"
        firm = self.employer[who] if who >= FIRMS else who
        settled_by = (self._pick(house.causes), self._pick(house.remedies)) if settled else (None, None)
        self.case.add(
            pk, self.place.numbers["case"][index], kind, self._pick(words.COMPLAINTS), self._pick(words.SAID), self.place.party[who], self.place.party[firm] if firm >= 0 else None,
            self._pick(("phone", "mail", "mail", "form")), self._pick((2, 3, 3, 3, 4)), self._pick(house.touchpoints), self._pick(house.products), state, opened, self._pick(house.rules),
            opened + timedelta(hours=4), opened + timedelta(days=5), acknowledged if taken else None, solved if settled else None, solved if settled else None, *settled_by,
            int(400 * drawn() ** 6) if settled else 0, agent if taken else None, house.desk.team, opened, agent,
        )  # fmt: skip
        self.step.add(pk, "open", opened, agent)
        if taken:
            self.step.add(pk, "take", acknowledged, agent)
            self.step.add(pk, "ack", acknowledged, agent)
        if settled:
            self.step.add(pk, "solve", solved, agent)
            self.step.add(pk, "close", solved, agent)
        self._entry(who, acknowledged if taken else opened, agent, house.types["case"], pk)

    # --- the history --------------------------------------------------------------------------------------------------
    def _interaction(self, who: int, index: int) -> None:
        owner, _team = self.owners[who]
        self._entry(who, self._ago() if index % 40 else self.house.now - timedelta(hours=1 + 300 * self.dice.random()), owner, None, None)

    def _entry(self, who: int, at: datetime, by: int | None, subject_type: int | None, subject: int | None) -> None:
        drawn = self.dice.random()
        kind = "call" if drawn < 0.35 else "email" if drawn < 0.7 else "note" if drawn < 0.85 else "meeting" if drawn < 0.95 else "visit"
        direction = "" if kind in ("note", "meeting", "visit") else "in" if drawn * 1000 % 1 < 0.4 else "out"
        self.interaction.add(self.place.party[who], kind, direction, at, self._pick(words.HEADINGS), self._pick(words.SAID), subject_type, subject, by)
        for touched in {who, self.employer[who]} - {-1}:  # what happens with somebody counts for the firm, too
            known = self.last.get(touched)
            if known is None or at > known:
                self.last[touched] = at
