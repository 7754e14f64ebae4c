"""The demo firm lives: contacts, opportunities, talks and next steps, each by the service the pages call, at its own time (D14)."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from accounts.models import Role, User
from contacts.addresses import KINDS, add_address
from contacts.diary import complete_task, log_interaction
from contacts.forms import OrganisationForm, PartyForm, PersonForm
from contacts.models import Affiliation, Industry, Party, PartyRole, Task
from contacts.services import save_party, share_party
from crm.catalog.models import Product
from crm.core.sharing import share_record
from crm.core.subjects import of_subject
from crm.demo import names
from crm.demo.firm import latin
from crm.demo.plan import Course, courses
from sales.models import LostReason, Opportunity, Stage
from sales.services import lose_opportunity, move_opportunity, open_opportunity, win_opportunity

Say = Callable[[str], None]


@dataclass
class World:
    """Who and what there is while the firm lives."""

    people: dict[str, User]
    prices: dict[str, tuple[Product, Decimal]]  # article number → product and its list price
    customers: dict[str, list[tuple[Party, list[Party]]]]  # last name of the owner → (organisation, its people)
    competitors: list[Party]
    stages: dict[str, Stage]
    reasons: dict[str, LostReason]


REPS = {"north": ["Möller", "Möller", "Krämer", "Yıldız"], "south": ["Huber", "Steiner"]}  # Katrin has twice as many


def save_contact(form_class: type[PartyForm], by: User, **facts: Any) -> Party:
    """Save a contact as its page would; wrong facts are an error in the demo, and said."""
    form = form_class({"state": "prospect", "language": "de", **facts}, user=by)
    if not form.is_valid():
        raise ValueError(f"{facts}: {form.errors.as_json()}")
    return save_party(form, by=by)


def read_world(people: dict[str, User]) -> World:
    """The firm as it stands in the database."""
    today = timezone.localdate()
    prices = {product.number: (product, price.amount) for product in Product.objects.order_by("pk") if (price := product.price_on(today, "EUR"))}
    everybody = {party.pk: party for party in Party.objects.unrestricted().select_related("owner").order_by("pk")}
    rivals = set(PartyRole.objects.unrestricted().filter(role=PartyRole.Role.COMPETITOR).values_list("party", flat=True))
    staff: dict[int, list[Party]] = defaultdict(list)
    for organisation, person in Affiliation.objects.unrestricted().order_by("person").values_list("organisation", "person"):
        staff[organisation].append(everybody[person])
    customers: dict[str, list[tuple[Party, list[Party]]]] = {name: [] for name in people}
    for party in everybody.values():
        if not party.is_person and party.pk not in rivals and party.owner is not None:
            customers[party.owner.last_name].append((party, staff[party.pk]))
    stages = {stage.key: stage for stage in Stage.objects.filter(pipeline__key="projects")}
    reasons = {reason.key: reason for reason in LostReason.objects.all()}
    return World(people, prices, customers, [everybody[pk] for pk in sorted(rivals)], stages, reasons)


def meet_customers(dice: random.Random, people: dict[str, User], say: Say) -> None:
    """All organisations with two people each, looked after by the reps of their region; and four competitors."""
    industries = dict(Industry.objects.values_list("key", "pk"))
    taken: set[str] = set()
    for region, firms in (("north", names.NORTH), ("south", names.SOUTH)):
        for number, firm in enumerate(firms):
            owner = REPS[region][number % len(REPS[region])]
            organisation = _organisation(dice, firm, people[owner], region, industries)
            staff = [_person(dice, organisation, people[owner], region, taken) for _ in range(2 + (number % 6 == 0))]
            _more_addresses(number, organisation, staff[0], people[owner], region)
        say(f"{len(firms)} organisations {'in the north' if region == 'north' else 'in the south'}")
    for firm in names.COMPETITORS:
        _organisation(dice, firm, people["Weber"], "", industries, roles=["competitor"])


def _organisation(dice: random.Random, firm: tuple[str, str, str, str, int], by: User, region: str, industries: dict[str, int], **more: Any) -> Party:
    name, industry, postcode, city, employees = firm
    site = f"{_site(name)}.example"
    facts = {
        "legal_name": name, "industry": str(industries[industry]), "postcode": postcode, "city": city, "country": "DE", "employees": str(employees), "email": f"info@{site}",
        "website": f"https://{site}", "phone": _phone(dice, region), "street": f"{dice.choice(names.STREETS)} {dice.randint(1, 120)}", "source": dice.choice(["Messe", "Website", "Empfehlung", "Kaltakquise"]),
    }  # fmt: skip
    return save_contact(OrganisationForm, by, **facts, **more)


def _person(dice: random.Random, organisation: Party, by: User, region: str, taken: set[str]) -> Party:
    while True:
        salutation, first = dice.choice([("ms", dice.choice(names.WOMEN)), ("mr", dice.choice(names.MEN))])
        last = dice.choice(names.LAST)
        if f"{first} {last}" not in taken:
            taken.add(f"{first} {last}")
            break
    facts = {
        "salutation": salutation, "first_name": first, "last_name": last, "title": "Dr." if dice.random() < 0.1 else "", "employer": organisation.number,
        "function": dice.choice(names.FUNCTIONS), "email": f"{latin(first)}.{latin(last)}@{_site(organisation.name)}.example", "phone": _phone(dice, region),
    }  # fmt: skip
    return save_contact(PersonForm, by, **{**facts, **_as_in_life(len(taken), salutation)})


def _as_in_life(number: int, salutation: str) -> dict[str, str]:
    """Of some people nobody has told the salutation, of some it was typed wrong, with some we are on first-name terms."""
    if number % 11 == 0:
        return {"salutation": ""}
    if number % 29 == 0:
        return {"salutation": "mr" if salutation == "ms" else "ms"}
    return {"form_of_address": "du"} if number % 17 == 0 else {}


def _more_addresses(number: int, organisation: Party, person: Party, by: User, region: str) -> None:
    """Every second buyer has a mobile telephone, every third firm reads invoices elsewhere, every fifth takes goods at a gate of its own."""
    if number % 2 == 0:
        add_address(person, KINDS["phone"], {"number": f"{names.MOBILES[region]}{number:02d}", "label": "mobile"}, by=by)
    if number % 3 == 0:
        add_address(organisation, KINDS["email"], {"address": f"rechnung@{_site(organisation.name)}.example", "label": "invoice"}, by=by)
    if number % 5 == 0:
        main = organisation.addresses.get()
        add_address(organisation, KINDS["postal"], {"street": f"Industriestraße {number + 7}, Tor 2", "postcode": main.postcode, "city": main.city, "country": "DE", "label": "delivery"}, by=by)


def _site(name: str) -> str:
    """A firm's name as the first part of a web address: its first two telling words."""
    words = [word for word in latin(name).replace("&", " ").replace(".", " ").split() if word not in {"gmbh", "co", "kg", "ag", "eg", "ohg", "gbr", "ggmbh", "von", "am", "und"}]
    return "-".join(word for word in words[:2] if word.isascii())


def _phone(dice: random.Random, region: str) -> str:
    return f"{dice.choice(names.PHONES[region])}-{dice.randint(100, 999)}"


def live(dice: random.Random, world: World, now: datetime, say: Say) -> int:
    """Let all opportunities happen in the order of time. Returns how many there are."""
    planned = courses(dice, now)
    reps = [rep for region in REPS.values() for rep in region]
    happening = [step for number, course in enumerate(planned) for step in _steps(dice, world, course, reps[number % len(reps)])]
    happening.sort(key=lambda step: step[0])
    shown = 0
    for count, (_at, act) in enumerate(happening, start=1):
        act()
        if count * 4 // len(happening) > shown:
            shown = count * 4 // len(happening)
            say(f"{shown * 25} % of eighteen months lived")
    return len(planned)


def _steps(dice: random.Random, world: World, course: Course, rep: str) -> Iterator[tuple[datetime, Callable[[], Any]]]:
    """What is done about one opportunity, each with its time."""
    by = world.people[rep]
    organisation, staff = dice.choice(world.customers[rep])
    product, listed = world.prices[course.article]
    price = (listed * course.pieces * Decimal(1 - course.rebate)).quantize(Decimal("50"))
    first, opened = course.entered[0]
    opportunity = Opportunity(
        name=course.name, party=organisation, product=product, amount=price, currency_id="EUR", stage=world.stages[first], owner=by, team=by.team,
        expected_close=timezone.localdate(course.expected) if course.expected else None,
    )  # fmt: skip
    yield opened, lambda: open_opportunity(opportunity, by=by, at=opened)
    talks = [dice.choice(names.TALKS[stage]) for stage, _when in course.entered]
    for place, (stage, when) in enumerate(course.entered):
        if place:
            yield when, lambda stage=stage, when=when: move_opportunity(opportunity, world.stages[stage], by=by, at=when)  # type: ignore[misc]
        kind, words, step = talks[place]
        last = place == len(course.entered) - 1
        due = course.step_due if last and course.outcome == "open" else None if last else course.entered[place + 1][1]
        said, who = when + timedelta(minutes=5), dice.choice(staff)
        yield said, lambda kind=kind, words=words, step=step, due=due, said=said, who=who: log_interaction(  # type: ignore[misc]
            who, kind=kind, body=words, by=by, at=said, about=opportunity, direction="out" if kind in {"call", "email"} else "", next_step=step, next_at=due
        )
        if due is not None and not (last and course.outcome == "open"):
            yield due + timedelta(minutes=1), lambda due=due: _tick_off(opportunity, by, due)  # type: ignore[misc]
    if course.closed is not None:
        closed = course.closed
        if course.outcome == "won":
            yield closed, lambda: win_opportunity(opportunity, by=by, at=closed)
            if dice.random() < 0.5:
                yield closed + timedelta(minutes=2), lambda: _serve(dice, world, organisation, closed)
        else:
            rival = dice.choice(world.competitors) if course.reason in {"competitor", "price"} else None
            note = names.LOST_NOTES.get(course.reason, "")
            yield closed, lambda: lose_opportunity(opportunity, reason=world.reasons[course.reason], to=rival, note=note, by=by, at=closed)


def _tick_off(opportunity: Opportunity, by: User, at: datetime) -> None:
    task = Task.objects.unrestricted().filter(of_subject(opportunity), done_at__isnull=True).order_by("due_at").first()
    if task is not None:
        complete_task(task, by=by, at=at)


def _serve(dice: random.Random, world: World, organisation: Party, after: datetime) -> None:
    """Service looks in some weeks later."""
    at = after + timedelta(days=dice.randint(20, 60))
    if at < timezone.now():
        log_interaction(organisation, kind="call", body=dice.choice(names.SERVICE_TALKS), by=world.people[dice.choice(["Kaya", "Roth"])], at=at, direction="in")


def work_together(world: World) -> None:
    """Some records are shared across teams: a contact with a rep of the other team, one with everybody in marketing, two opportunities."""
    katrin, lena = world.people["Möller"], world.people["Huber"]
    marketing = Role.objects.get(key="marketing").group
    for organisation, _staff in world.customers["Möller"][:2]:
        share_party(organisation, lena, by=katrin)
    share_party(world.customers["Huber"][0][0], katrin, by=lena, action="change")
    share_party(world.customers["Krämer"][0][0], marketing, by=world.people["Krämer"])
    for opportunity in Opportunity.objects.unrestricted().filter(owner=katrin, state="open").order_by("-amount")[:2]:
        share_record(opportunity, lena, by=katrin)
