"""Counting a segment: what its page, its builder and a campaign begin with. Six conditions of one sentence, one of them an "or", one a "not"."""

from __future__ import annotations

from datetime import timedelta

from django.urls import reverse
from django.utils import timezone

from campaigns.models import Segment
from campaigns.segments import members
from contacts.models import Industry, Party
from crm.bench.floors import Gate
from crm.bench.measure import Sql
from crm.bench.personas import Persona
from crm.core.conditions import Tree
from crm.core.days import midnight
from sales.models import Opportunity
from service.models import Case

SILENT, COMPLAINED, DEALS, REGION = 90, 365, 2, "2"
STATES = ["customer", "former"]


def _industries() -> list[int]:
    return list(Industry.objects.filter(key__in=["mechanical", "furniture"]).values_list("pk", flat=True))


def six_conditions() -> Tree:
    """Customers, also former ones, in two industries or one region, not spoken with for a while, with deals and an address, who did not complain."""
    complaint = [{"field": "type", "op": "in", "value": ["complaint"]}, {"field": "opened_at", "op": "within", "value": COMPLAINED}]
    return {"all": [
        {"all": [
            {"field": "state", "op": "in", "value": STATES},
            {"field": "last_contact", "op": "ago", "value": SILENT},
            {"related": "opportunity", "measure": "count", "op": "at_least", "value": DEALS},
            {"field": "email", "op": "set"},
        ]},
        {"any": [{"field": "industry", "op": "in", "value": [str(pk) for pk in _industries()]}, {"field": "postcode", "op": "begins", "value": REGION}]},
        {"not": {"any": [{"related": "case", "measure": "count", "op": "at_least", "value": 1, "where": {"all": complaint}}]}},
    ]}  # fmt: skip


def counted(persona: Persona) -> int:
    """As the engine counts."""
    return members(six_conditions(), persona.user).count()


def by_hand(persona: Persona) -> list[Sql]:
    """The same number. Deals and complaints are those of the contact and of its main employer, each as far as the reader sees it; deals are
    grouped once and looked up, or made a set of their own first."""
    people, deals, cases = Gate(persona, Party, "party"), Gate(persona, Opportunity, "opportunity"), Gate(persona, Case, "case")
    found: list[Sql] = []
    for way in ("walk", "keys"):
        (seen, mine), (deal, dealt), (case, cased) = (gate.walk() if way == "walk" else gate.keys() for gate in (people, deals, cases))
        jobs, of_jobs = "a.is_primary", []
        if not people.everything:
            jobs += f" AND a.person_id IN (SELECT p.id FROM contacts_party p WHERE {seen}) AND a.organisation_id IN (SELECT p.id FROM contacts_party p WHERE {seen})"
            of_jobs = [*mine, *mine]
        own = f"SELECT p.party_id AS who, count(*) AS n FROM sales_opportunity p WHERE {deal} AND p.party_id IS NOT NULL GROUP BY 1"
        firms = f"SELECT a.person_id, o.n FROM contacts_affiliation a JOIN ({own}) o ON o.who = a.organisation_id WHERE {jobs}"
        enough, of_deals = f"SELECT who FROM ({own} UNION ALL {firms}) x GROUP BY who HAVING sum(n) >= {DEALS}", [*dealt, *dealt, *of_jobs]
        old, since = midnight(timezone.localdate() - timedelta(days=SILENT)), midnight(timezone.localdate() - timedelta(days=COMPLAINED))
        until = midnight(timezone.localdate() + timedelta(days=1))
        complaint = f"{case} AND p.type = 'complaint' AND p.merged_into_id IS NULL AND p.opened_at >= %s AND p.opened_at < %s"
        told = [*cased, since, until]
        where, params = [seen, "p.state = ANY(%s)"], [*mine, STATES]
        where += ["EXISTS (SELECT FROM contacts_partyactivity t WHERE t.party_id = p.id AND t.last_at < %s)", "EXISTS (SELECT FROM contacts_emailaddress m WHERE m.party_id = p.id)"]
        params += [old]
        of_firm = f"SELECT FROM contacts_affiliation a WHERE a.person_id = q.id AND {jobs} AND a.organisation_id IN"
        where.append(
            f"(q.industry_id = ANY(%s) OR EXISTS ({of_firm} (SELECT p.id FROM contacts_party p WHERE p.industry_id = ANY(%s))) "
            "OR EXISTS (SELECT FROM contacts_postaladdress x WHERE x.party_id = q.id AND x.postcode LIKE '2%%'))"
        )
        params += [_industries(), *of_jobs, _industries()]
        for column in ("party_id", "organisation_id"):
            where.append(f"NOT EXISTS (SELECT FROM service_case p WHERE p.{column} = q.id AND {complaint})")
            where.append(f"NOT EXISTS ({of_firm} (SELECT p.{column} FROM service_case p WHERE {complaint}))")
            params += [*told, *of_jobs, *told]
        rest = " AND ".join(where[:4]).replace("p.", "q."), " AND ".join(where[4:])
        found.append(Sql(f"SELECT count(*) FROM contacts_party q WHERE {rest[0]} AND {rest[1]} AND (q.id IN ({enough})) IS TRUE", [*params, *of_deals]))
        found.append(Sql(f"WITH enough AS MATERIALIZED ({enough}) SELECT count(*) FROM enough JOIN contacts_party q ON q.id = enough.who WHERE {rest[0]} AND {rest[1]}", [*of_deals, *params]))
        if people.everything:
            break
    return found


def page_of(persona: Persona) -> str:
    """A segment of these conditions; made for the measure alone, within its transaction."""
    user = persona.user
    segment, _new = Segment.objects.unrestricted().get_or_create(name="bench", owner=user, team=user.team, defaults={"tree": six_conditions()})
    return reverse("segment-detail", args=[segment.pk])


def sees_segments(persona: Persona) -> bool:
    """Segments are seen by whoever sees campaigns."""
    return persona.scope.may("view", "campaign")
