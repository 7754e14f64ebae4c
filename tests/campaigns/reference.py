"""The measure of segments: a generated world, a generator of trees, and a slow reading of a tree over one contact at a time.

Nothing here knows the engine: rows are read as plain dictionaries, conditions are read aloud in Python. The rules it states:

- A word may have several values (roles, addresses); a condition on it holds if it holds for one of them. `unset` and `not_in` are the exact
  opposites of `set` and `in`; a missing value is never in a range.
- Days are days of the house's clock. "within n" are today and the n days before it, "ago n" is earlier than that, "ahead n" are today and the n days after it.
- A person's industry, number of employees, opportunities, purchases and cases are also those of the main employer the reader may see.
- Events the house wrote itself are no interactions; a case merged into another is no case of its own.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from crm.core.fold import fold

ZONE = ZoneInfo("Europe/Berlin")
TODAY = date(2026, 11, 3)  # nine days behind the end of summer time
Tree = dict[str, Any]
Row = dict[str, Any]


class World:
    """All rows as dictionaries, and who may see which."""

    def __init__(self, rows: dict[str, list[Row]], sees: Callable[[Row], bool]) -> None:
        self.parties = {row["id"]: row for row in rows["party"] if sees(row)}
        self.roles = rows["role"]
        self.tags = rows["tag"]
        self.emails = rows["email"]
        self.addresses = rows["address"]
        self.activity = {row["party_id"]: row["last_at"] for row in rows["activity"]}
        self.employer = {
            row["person_id"]: row for row in rows["job"] if row["is_primary"] and row["person_id"] in self.parties and row["organisation_id"] in self.parties
        }
        self.interactions = [row for row in rows["interaction"] if row["party_id"] in self.parties and row["kind"] != "system"]
        self.opportunities = [row for row in rows["opportunity"] if sees(row)]
        self.cases = [row for row in rows["case"] if sees(row) and row["merged_into_id"] is None]
        self.rates = rows["rate"]

    def firms(self, party: Row) -> list[Row]:
        """The contact itself and, of a person, the main employer."""
        job = self.employer.get(party["id"])
        return [party, self.parties[job["organisation_id"]]] if job else [party]

    def members(self, tree: Tree) -> set[int]:
        """The ids of all contacts the tree holds for."""
        return {pk for pk, party in self.parties.items() if self.holds(tree, party, self.of_party)}

    def holds(self, tree: Tree, row: Row, values: Callable[[Row, str], list[Any]]) -> bool:
        """Read the tree aloud over one row."""
        if not tree:
            return True
        if "all" in tree:
            return all(self.holds(part, row, values) for part in tree["all"])
        if "any" in tree:
            return any(self.holds(part, row, values) for part in tree["any"])
        if "not" in tree:
            return not self.holds(tree["not"], row, values)
        if "related" in tree:
            found = [other for other in self.related(tree["related"], row) if self.holds(tree.get("where", {}), other, self.of_other)]
            amount = len(found) if tree["measure"] == "count" else sum((self.worth(other) or Decimal(0) for other in found), Decimal(0))
            wanted = Decimal(str(tree["value"]))
            return amount >= wanted if tree["op"] == "at_least" else amount <= wanted
        return self.meets(values(row, tree["field"]), tree["op"], tree.get("value"))

    @staticmethod
    def meets(values: list[Any], op: str, wanted: Any) -> bool:
        """Does one of these values meet the condition?"""
        values = [value for value in values if value not in (None, "")]
        if op in ("set", "unset"):
            return bool(values) == (op == "set")
        if op in ("in", "not_in"):
            return any(str(value) in {str(one) for one in wanted} for value in values) == (op == "in")
        if op == "contains":
            return any(fold(wanted) in fold(value) for value in values)
        if op == "begins":
            return any(fold(value).startswith(fold(wanted)) for value in values)
        days = [value.astimezone(ZONE).date() if isinstance(value, datetime) else value for value in values]
        if op == "within":
            return any(TODAY - timedelta(days=int(wanted)) <= day <= TODAY for day in days)
        if op == "ago":
            return any(day < TODAY - timedelta(days=int(wanted)) for day in days)
        if op == "ahead":
            return any(TODAY <= day <= TODAY + timedelta(days=int(wanted)) for day in days)
        if not days:
            return False
        if isinstance(days[0], date):
            wanted = date.fromisoformat(wanted)
        else:
            days, wanted = [Decimal(str(value)) for value in days], Decimal(str(wanted))
        return any(day >= wanted for day in days) if op == "at_least" else any(day <= wanted for day in days)

    def of_party(self, party: Row, word: str) -> list[Any]:
        """The values of one word of a contact."""
        mine = lambda rows: [row for row in rows if row["party_id"] == party["id"]]  # noqa: E731
        if word == "role":
            return [row["role"] for row in mine(self.roles)]
        if word == "tag":
            return [row["tag_id"] for row in mine(self.tags)]
        if word == "email":
            return [row["address"] for row in mine(self.emails)]
        if word in ("city", "postcode", "country"):
            return [row[word] for row in mine(self.addresses)]
        if word in ("industry", "employees"):
            return [firm["industry_id" if word == "industry" else word] for firm in self.firms(party)]
        if word == "function":
            return [self.employer[party["id"]]["function"]] if party["id"] in self.employer else []
        if word == "last_contact":
            return [self.activity.get(party["id"])]
        return [party[{"owner": "owner_id", "team": "team_id"}.get(word, word)]]

    def of_other(self, row: Row, word: str) -> list[Any]:
        """The values of one word of an interaction, opportunity or case."""
        if word == "amount":
            return [self.worth(row)]
        if word == "progress":
            return ["closed" if row["state"] in ("solved", "closed") else "open"]
        return [row[{"stage": "stage_id", "product": "product_id", "cause": "cause_id"}.get(word, word)]]

    def related(self, name: str, party: Row) -> list[Row]:
        """The interactions, opportunities, purchases or cases of a contact, each once."""
        if name == "interaction":
            return [row for row in self.interactions if row["party_id"] == party["id"]]
        ids = {firm["id"] for firm in self.firms(party)}
        if name == "case":
            return [row for row in self.cases if row["party_id"] in ids or row["organisation_id"] in ids]
        return [row for row in self.opportunities if row["party_id"] in ids and (name == "opportunity" or row["state"] == "won")]

    def worth(self, row: Row) -> Decimal | None:
        """An opportunity's amount in euro, to the cent, at the rate of the day it closed (an open one: of today)."""
        if row["amount"] is None:
            return None
        if row["currency_id"] == "EUR":
            return Decimal(row["amount"])
        day = row["closed_on"] or TODAY
        rates = [rate for rate in self.rates if rate["currency_id"] == row["currency_id"] and rate["valid_from"] <= day]
        if not rates:
            return None
        rate = max(rates, key=lambda one: one["valid_from"])["value"]
        return (row["amount"] * rate).quantize(Decimal("0.01"), ROUND_HALF_UP)


# --- the generator of trees -----------------------------------------------------------------------------------------------------------

CITIES = ["Köln", "Mannheim", "Münster", "Bad Wörishofen", "", "Überlingen"]
DAYS = [0, 1, 5, 9, 10, 30, 90, 365]
PARTY_WORDS: dict[str, tuple[str, list[Any]]] = {
    "kind": ("choice", ["person", "organisation"]),
    "state": ("choice", ["prospect", "customer", "former"]),
    "role": ("choice", ["supplier", "competitor", "partner", "stakeholder"]),
    "industry": ("choice", ["@industry"]),
    "tag": ("choice", ["@tag"]),
    "employees": ("number", [0, 10, 249, 250, 1000]),
    "city": ("text", ["köln", "KOELN", "m", "ü", "wörish"]),
    "postcode": ("text", ["5", "50667", "68"]),
    "country": ("choice", ["DE", "AT", "CH"]),
    "language": ("choice", ["de", "en"]),
    "source": ("text", ["messe", "M", "%", "_"]),
    "name": ("text", ["mu", "MÜ", "gmbh"]),
    "function": ("text", ["leit", "Einkauf"]),
    "email": ("text", ["example.test", "info"]),
    "created_at": ("day", []),
    "last_contact": ("day", []),
    "owner": ("choice", ["@owner"]),
    "team": ("choice", ["@team"]),
}
RELATIONS: dict[str, tuple[list[str], dict[str, tuple[str, list[Any]]]]] = {
    "interaction": (["count"], {"kind": ("choice", ["note", "call", "email", "meeting", "visit"]), "direction": ("choice", ["in", "out"]), "occurred_at": ("day", [])}),
    "opportunity": (
        ["count", "amount"],
        {"state": ("choice", ["open", "won", "lost"]), "stage": ("choice", ["@stage"]), "product": ("choice", ["@product"]), "amount": ("number", [0, 1000, 5000, "99.99"]), "expected_close": ("day", []), "closed_on": ("day", [])},
    ),
    "purchase": (["count", "amount"], {"product": ("choice", ["@product"]), "amount": ("number", [0, 1000, 5000]), "closed_on": ("day", [])}),
    "case": (
        ["count"],
        {"type": ("choice", ["question", "fault", "request", "complaint"]), "progress": ("choice", ["open", "closed"]), "channel": ("choice", ["phone", "mail"]), "cause": ("choice", ["@cause"]), "product": ("choice", ["@product"]), "opened_at": ("day", [])},
    ),
}


def trees(seed: int, number: int, ids: dict[str, list[int]]) -> Iterator[Tree]:
    """`number` trees of the whole grammar; `ids` names the records of each kind that a choice may hold."""
    rng = random.Random(seed)
    for _ in range(number):
        yield _tree(rng, ids, PARTY_WORDS, rng.choice([1, 2, 3]), related=True)


def _tree(rng: random.Random, ids: dict[str, list[int]], words: dict[str, tuple[str, list[Any]]], depth: int, *, related: bool) -> Tree:
    kind = rng.random()
    if depth and kind < 0.45:
        parts = [_tree(rng, ids, words, depth - 1, related=related) for _ in range(rng.choice([0, 1, 2, 2, 3]))]
        return {rng.choice(["all", "any"]): parts}
    if depth and kind < 0.6:
        return {"not": _tree(rng, ids, words, depth - 1, related=related)}
    if kind < 0.62:
        return {}
    if related and rng.random() < 0.5:
        return _related(rng, ids)
    return _leaf(rng, ids, words)


def _related(rng: random.Random, ids: dict[str, list[int]]) -> Tree:
    name = rng.choice(list(RELATIONS))
    measures, words = RELATIONS[name]
    measure = rng.choice(measures)
    value = rng.choice([0, 1, 1, 1, 2, 3]) if measure == "count" else rng.choice([0, 1000, "5000.00", "12345.67"])
    tree = {"related": name, "measure": measure, "op": rng.choice(["at_least", "at_least", "at_most"]), "value": value}
    if rng.random() < 0.8:
        tree["where"] = _tree(rng, ids, words, rng.choice([0, 1, 1, 2]), related=False)
    return tree


def _leaf(rng: random.Random, ids: dict[str, list[int]], words: dict[str, tuple[str, list[Any]]]) -> Tree:
    word = rng.choice(list(words))
    kind, values = words[word]
    values = [one for value in values for one in (ids[value[1:]] if isinstance(value, str) and value.startswith("@") else [value])]
    if (kind != "choice" and rng.random() < 0.2) or (kind == "choice" and rng.random() < 0.1 and word not in ("kind", "state", "type", "progress", "team")):
        return {"field": word, "op": rng.choice(["set", "unset"])}
    if kind == "choice":
        return {"field": word, "op": rng.choice(["in", "in", "not_in"]), "value": rng.sample(values, min(len(values), rng.choice([1, 1, 2, 3])))}
    if kind == "text":
        return {"field": word, "op": rng.choice(["contains", "begins"]), "value": rng.choice(values)}
    if kind == "number":
        return {"field": word, "op": rng.choice(["at_least", "at_most"]), "value": rng.choice(values)}
    if rng.random() < 0.7:
        return {"field": word, "op": rng.choice(["within", "within", "ago", "ahead"]), "value": rng.choice(DAYS)}
    return {"field": word, "op": rng.choice(["at_least", "at_most"]), "value": (TODAY - timedelta(days=rng.choice(DAYS))).isoformat()}


# --- the generated world --------------------------------------------------------------------------------------------------------------


def moment(rng: random.Random) -> datetime:
    """A moment, more often than not a second beside a midnight of the house."""
    day = TODAY - timedelta(days=rng.choice([*DAYS, 2, 8, 11, 29, 31, 91, -1, -5]))
    clock = rng.choice([time(0, 0), time(0, 0, 1), time(23, 59, 59), time(12, 0), time(rng.randrange(24), rng.randrange(60))])
    return datetime.combine(day, clock, ZONE)


def some_day(rng: random.Random) -> date:
    """A day near a limit of a range."""
    return TODAY - timedelta(days=rng.choice([*DAYS, 2, 4, 6, 89, 91, -1, -10, -30]))
