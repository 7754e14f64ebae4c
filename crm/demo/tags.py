"""The tags of the demo firm, and who has them."""

from __future__ import annotations

from accounts.models import User
from contacts.models import Tag
from contacts.tags import tag_parties
from crm.core.work import work
from crm.demo.life import World

TAGS = [("fair", "Hausmesse 2026", "In-house fair 2026", 4), ("reference", "Referenzkunde", "Reference customer", 9), ("framework", "Rahmenvertrag", "Framework contract", 6)]


def tag_firms(world: World, by: User) -> int:
    """Every rep has tagged some of their customers; answers how many tags there are."""
    for position, (key, german, english, every) in enumerate(TAGS, 1):
        with work(by=by):
            tag = Tag.objects.create(key=key, label_de=german, label_en=english, position=position)
        for name, customers in world.customers.items():
            if chosen := [party.pk for number, (party, _staff) in enumerate(customers) if number % every == position % every]:
                tag_parties(chosen, tag, by=world.people[name])
    return len(TAGS)
