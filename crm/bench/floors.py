"""The best SQL a hand could write for the same rows. Where two plans compete both are given, and the faster one counts."""

from __future__ import annotations

from typing import Any

from django.db.models import Model

from crm.bench.measure import Sql
from crm.bench.personas import Persona

PAGE = 51  # a page of fifty and one more, to know whether there is another

# What a list of people shows beside the party itself: one statement instead of one per kind.
PERSON = """
SELECT p.id, p.name, p.number, p.state, p.kind, mail.address, phone.number, place.city, firm.legal_name, job.function, a.last_at, u.first_name, u.last_name
FROM page JOIN contacts_party p USING (id)
LEFT JOIN LATERAL (SELECT address FROM contacts_emailaddress x WHERE x.party_id = p.id AND is_primary) mail ON true
LEFT JOIN LATERAL (SELECT number FROM contacts_phonenumber x WHERE x.party_id = p.id AND is_primary) phone ON true
LEFT JOIN LATERAL (SELECT city FROM contacts_postaladdress x WHERE x.party_id = p.id AND is_primary) place ON true
LEFT JOIN contacts_affiliation job ON job.person_id = p.id AND job.is_primary
LEFT JOIN contacts_party firm ON firm.id = job.organisation_id
LEFT JOIN contacts_partyactivity a ON a.party_id = p.id
LEFT JOIN accounts_user u ON u.id = p.owner_id
"""


class Gate:
    """What one reader may see of a table with owner and team, or do with it, as SQL over the alias `p`."""

    def __init__(self, persona: Persona, model: type[Model], entity: str, action: str = "view") -> None:
        reach = persona.reach(entity, action)
        self.table = model._meta.db_table
        self.everything = reach.everything
        self.teams, self.owners = sorted(reach.teams), sorted(reach.owners)
        self.shared = [] if reach.everything else persona.shared(model, action)

    def walk(self) -> tuple[str, list[Any]]:
        """A condition for one row after the other, in the order of an index."""
        if self.everything:
            return "true", []
        return "(p.team_id = ANY(%s) OR p.owner_id = ANY(%s) OR p.id = ANY(%s))", [self.teams, self.owners, self.shared]

    def keys(self) -> tuple[str, list[Any]]:
        """The keys first: best for whoever sees little."""
        if self.everything:
            return "true", []
        of = f"SELECT id FROM {self.table} WHERE"
        return f"p.id IN ({of} team_id = ANY(%s) UNION {of} owner_id = ANY(%s) UNION SELECT unnest(%s::bigint[]))", [self.teams, self.owners, self.shared]

    def plans(self) -> list[tuple[str, list[Any]]]:
        """Both of them; one for whoever sees everything."""
        return [self.walk()] if self.everything else [self.walk(), self.keys()]

    def arms(self, columns: str, where: str, order: str, params: list[Any], limit: int = PAGE) -> Sql | None:
        """The first rows of each team, of one's own and of the shared ones, merged. None for whoever sees everything or a great many teams."""
        if self.everything or len(self.teams) > 12:
            return None
        each = [("p.team_id = %s", [team]) for team in self.teams]
        each += [("p.owner_id = ANY(%s) AND NOT p.team_id = ANY(%s)", [self.owners, self.teams])]
        each += [("p.id = ANY(%s) AND NOT p.team_id = ANY(%s) AND NOT coalesce(p.owner_id = ANY(%s), false)", [self.shared, self.teams, self.owners])]
        parts = [f"(SELECT {columns} FROM {self.table} p WHERE {arm} AND {where} ORDER BY {order} LIMIT {limit})" for arm, _ in each]
        values = [value for _, mine in each for value in [*mine, *params]]
        return Sql(" UNION ALL ".join(parts), values)


def pages(gate: Gate, columns: str, where: str, order: str, params: list[Any], rest: str, limit: int = PAGE) -> list[Sql]:
    """A page in order with what `rest` adds to it: by walking, by keys, by arms. `columns` begin with the id; `order` is over `p`."""
    outer = order.replace("p.", "page.")
    found = []
    for condition, mine in gate.plans():
        inner = f"SELECT {columns} FROM {gate.table} p WHERE {condition} AND {where} ORDER BY {order} LIMIT {limit}"
        found.append(Sql(f"WITH page AS ({inner}) {rest} ORDER BY {outer}", [*mine, *params]))
    arms = gate.arms(columns, where, order, params, limit)
    if arms is not None:
        merged = f"SELECT * FROM ({arms.text}) p ORDER BY {order} LIMIT {limit}"
        found.append(Sql(f"WITH page AS ({merged}) {rest} ORDER BY {outer}", arms.params))
    return found


def counts(gate: Gate, where: str, params: list[Any], cap: int) -> list[Sql]:
    """How many, counted no further than `cap`."""
    found = []
    for condition, mine in gate.plans():
        found.append(Sql(f"SELECT count(*) FROM (SELECT 1 FROM {gate.table} p WHERE {condition} AND {where} LIMIT {cap + 1}) x", [*mine, *params]))
    return found


def checks(gate: Gate, pk: int) -> list[Sql]:
    """Is this one row among those?"""
    condition, mine = gate.walk()
    return [Sql(f"SELECT p.id FROM {gate.table} p WHERE p.id = %s AND {condition}", [pk, *mine])]
