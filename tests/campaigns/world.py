"""Builds the generated world of segments in the database, and reads it back as plain rows for the reference."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

from accounts.models import Team
from contacts.models import (
    Affiliation,
    EmailAddress,
    Industry,
    Interaction,
    Organisation,
    Party,
    PartyActivity,
    PartyRole,
    PartyTag,
    PostalAddress,
    Tag,
)
from crm.catalog.models import Currency, Product, Rate
from crm.core.work import work
from sales.models import Opportunity, Stage
from service.models import Case, Cause, Remedy
from tests.campaigns import reference
from tests.factories import OpportunityFactory, OrganisationFactory, PersonFactory, ProductFactory


def build(cast: Any, *, seed: int = 7, firms: int = 24, people: int = 40) -> dict[str, list[int]]:
    """Fill the database; answers the ids a choice may hold, by kind."""
    rng = random.Random(seed)
    with work(by=cast.emil):
        products = [ProductFactory() for _ in range(3)]
        Currency.objects.get_or_create(code="CHF")
        Rate.objects.create(currency_id="CHF", valid_from="2026-01-01", value=Decimal("1.0437"))
        owners = [cast.anna, cast.ben, cast.david, None]
        north, south = cast.firm.north, cast.firm.south
        industries = list(Industry.objects.all()[:4])
        tags = [Tag.objects.create(key=f"tag-{n}", label_de=f"Schlagwort {n}", label_en=f"tag {n}") for n in range(3)]
        base = lambda: {"owner": (owner := rng.choice(owners)), "team": owner.team if owner else rng.choice([north, south])}  # noqa: E731
        common = lambda: {"state": rng.choice(["prospect", "customer", "former"]), "language": rng.choice(["", "de", "en"]), "source": rng.choice(["", "Messe", "100%", "a_b"])}  # noqa: E731
        organisations = [
            OrganisationFactory(legal_name=f"{rng.choice(['Müller', 'Mueller', 'Stahl'])} {n} GmbH", industry=rng.choice([None, *industries]), employees=rng.choice([None, 0, 10, 249, 250, 1000]), **base(), **common())
            for n in range(firms)
        ]
        persons = [PersonFactory(last_name=f"{rng.choice(['Mütze', 'Vogel', 'Çelik'])}{n}", **base(), **common()) for n in range(people)]
        parties: list[Any] = [*organisations, *persons]
        for person in persons:
            for n, firm in enumerate(rng.sample(organisations, rng.choice([0, 1, 1, 1, 2]))):
                Affiliation.objects.create(person=person, organisation=firm, is_primary=n == 0 and rng.random() < 0.9, function=rng.choice(["", "Leitung", "Einkauf"]))
        for n, party in enumerate(parties):
            for role in rng.sample(PartyRole.Role.values, rng.choice([0, 0, 1, 2])):
                PartyRole.objects.create(party=party, role=role)
            for tag in rng.sample(tags, rng.choice([0, 0, 1, 2])):
                PartyTag.objects.create(party=party, tag=tag)
            for k in range(rng.choice([0, 1, 1, 2])):
                EmailAddress.objects.create(party=party, address=rng.choice([f"info{n}@example.test", f"a{n}x{k}@firma.test"]) if not k else f"b{n}@firma.test", is_primary=not k)
            for k in range(rng.choice([0, 1, 1, 2])):
                PostalAddress.objects.create(party=party, postcode=rng.choice(["50667", "68159", ""]), city=rng.choice(reference.CITIES), country=rng.choice(["DE", "AT", ""]), is_primary=not k)
            if rng.random() < 0.7:
                PartyActivity.objects.update_or_create(party=party, defaults={"last_at": reference.moment(rng)})
            Party.objects.filter(pk=party.pk).update(created_at=reference.moment(rng))
            for _ in range(rng.choice([0, 0, 1, 2, 3])):
                kind = rng.choice(["note", "call", "email", "meeting", "system"])
                Interaction.objects.create(party=party, kind=kind, direction="" if kind in ("note", "system") else rng.choice(["", "in", "out"]), occurred_at=reference.moment(rng))
            for _ in range(rng.choice([0, 0, 1, 1, 2, 3])):
                _opportunity(rng, party, products, base())
            for _ in range(rng.choice([0, 0, 0, 1, 2])):
                _case(rng, party, organisations, products, base())
        _merge(rng)
        for party in rng.sample(parties, 8):  # what is deleted leaves nothing behind
            if not (Opportunity.objects.filter(party=party).exists() or Case.objects.filter(party=party).exists() or Case.objects.filter(organisation=party).exists() or Party.objects.filter(parent=party).exists()):
                party.delete()
    return {
        "industry": [one.pk for one in industries], "owner": [one.pk for one in owners if one], "team": list(Team.objects.values_list("pk", flat=True)),
        "tag": [one.pk for one in tags], "stage": list(Stage.objects.values_list("pk", flat=True)[:3]), "product": [one.pk for one in products], "cause": list(Cause.objects.values_list("pk", flat=True)[:3]),
    }  # fmt: skip


def _opportunity(rng: random.Random, party: Any, products: list[Product], base: dict[str, Any]) -> None:
    state = rng.choice(["open", "won", "lost"])
    amount = rng.choice([None, "0", "99.99", "1000", "4999.99", "5000", "12345.67"])
    if state == "won" and amount is None:
        amount = "1000"
    OpportunityFactory(
        party=party, state=state, amount=amount and Decimal(amount), product=rng.choice([None, *products]), stage=rng.choice(list(Stage.objects.all()[:3])), currency_id=rng.choice(["EUR", "EUR", "CHF"]),
        closed_on=None if state == "open" else reference.some_day(rng), expected_close=rng.choice([None, reference.some_day(rng)]), **base,
    )  # fmt: skip


def _case(rng: random.Random, party: Any, organisations: list[Organisation], products: list[Product], base: dict[str, Any]) -> None:
    state, opened = rng.choice(["new", "open", "closed"]), reference.moment(rng)
    kind = rng.choice(Case.Type.values)
    closed = {"closed_at": opened, "solved_at": opened, "remedy": Remedy.objects.first()} if state == "closed" else {}
    Case.objects.create(
        number=f"R-{rng.randrange(10**12)}", heading="x", type=kind, state=state, party=rng.choice([party, party, None]), organisation=rng.choice([None, None, rng.choice(organisations)]), opened_at=opened,
        channel=rng.choice(["phone", "mail"]), product=rng.choice([None, *products]), cause=rng.choice(list(Cause.objects.all()[:3])) if closed or rng.random() < 0.3 else None, **closed, **base,
    )  # fmt: skip


def _merge(rng: random.Random) -> None:
    closed = list(Case.objects.filter(state="closed"))
    for case in rng.sample(closed, min(4, len(closed) // 2)):
        Case.objects.filter(pk=case.pk).update(merged_into=rng.choice(list(Case.objects.exclude(pk=case.pk)[:5])))


def read(sees: Any) -> reference.World:
    """The database as plain rows, narrowed to what a reader sees by `sees(row)`."""
    tables = {
        "party": Party, "role": PartyRole, "tag": PartyTag, "email": EmailAddress, "address": PostalAddress, "activity": PartyActivity, "job": Affiliation, "interaction": Interaction,
        "opportunity": Opportunity, "case": Case, "rate": Rate,
    }  # fmt: skip
    return reference.World({name: list(model._base_manager.values()) for name, model in tables.items()}, sees)


