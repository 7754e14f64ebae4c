"""A few contacts of the demo firm are there twice, as it happens: written down once more by somebody else. A search has found them."""

from __future__ import annotations

from django.utils import timezone

from accounts.models import User
from contacts.forms import OrganisationForm, PersonForm
from contacts.models import Party
from contacts.pairs import search_step, start_search
from contacts.parts import read_parts
from crm.core.models import Job
from crm.demo.life import World, save_contact

SPELT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


def write_down_twice(world: World, by: User) -> int:
    """Four contacts once more, each with one slip, and the search; answers how many pairs it found."""
    customers = [pair for name in sorted(world.customers) for pair in world.customers[name] if pair[1]]
    (first, _staff), (second, _more) = customers[3 % len(customers)], customers[11 % len(customers)]
    for firm in (first, second):
        parts = read_parts(firm)
        name = firm.legal_name.partition(" GmbH")[0].partition(" AG")[0].translate(SPELT)
        save_contact(OrganisationForm, by, legal_name=name, city=parts["city"], postcode=parts["postcode"], phone=parts["phone"], source="Website")
    for place in (5, 8):
        person: Party = customers[place % len(customers)][1][0]
        parts = read_parts(person)
        save_contact(PersonForm, by, first_name=person.first_name, last_name=person.last_name.translate(SPELT), email=parts["email"], salutation=person.salutation, source="Messe")
    job = start_search(by=by)
    while not search_step(job):
        pass
    job.state, job.finished_at = Job.State.DONE, timezone.now()
    job.save()
    return int(job.result["found"])
