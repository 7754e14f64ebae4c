"""The version before brings what is in its database, by its own code: `python …/fill.py PEOPLE CONTACTS FILE` in its folder.

Tables first, then the demo firm with so many contacts more, or with none a small firm. FILE tells who works: a session of each by an
organisation of their own.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

if __name__ == "__main__":
    import django

    django.setup()

from django.core.management import call_command

from accounts.grants import sync_grants
from accounts.models import Membership, Role, Team
from contacts.models import Organisation
from tests.browser.conftest import session_of
from tests.factories import EmailFactory, OpportunityFactory, OrganisationFactory, PersonFactory, UserFactory

RECORDS = 10  # of each who sells


def settle(people: int) -> None:
    """A small firm: so many who sell, and their customers."""
    team, role = Team.objects.create(name="Nord", parent=Team.objects.get(parent=None)), Role.objects.get(key="rep")
    sellers = UserFactory.create_batch(people, team=team)
    for seller in sellers:
        Membership.objects.create(user=seller, team=team, role=role)
    sync_grants()
    for seller in sellers:
        for _ in range(RECORDS):
            customer = OrganisationFactory(owner=seller)
            EmailFactory(party=PersonFactory(owner=seller))
            OpportunityFactory(owner=seller, party=customer)


def staff(people: int) -> dict[int, str]:
    """Sessions of so many who sell, each by an organisation they look after."""
    found: dict[int, str] = {}
    for member in Membership.objects.filter(role__key__in=["rep", "lead"], user__is_active=True).select_related("user").order_by("user_id"):
        own = Organisation.objects.unrestricted().filter(owner=member.user).order_by("pk").values_list("pk", flat=True).first()
        if own and len(found) < people:
            found[own] = session_of(member.user)
    return found


if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    call_command("seed")
    if contacts := int(sys.argv[2]):
        call_command("demo", size="large", contacts=contacts)
    else:
        settle(int(sys.argv[1]))
    Path(sys.argv[3]).write_text(json.dumps(staff(int(sys.argv[1]))))
