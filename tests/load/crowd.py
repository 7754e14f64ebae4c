"""Very many people who want the newsletter, and a campaign to all of them, as marketing would send it.

    python -m tests.load.crowd gather COUNT
    python -m tests.load.crowd send COUNT
"""

from __future__ import annotations

import sys

import django

django.setup()

from accounts.models import User  # noqa: E402
from campaigns.models import MailDesign  # noqa: E402
from campaigns.services import release_campaign  # noqa: E402
from contacts.models import EmailAddress, Party  # noqa: E402
from contacts.search import index_parties  # noqa: E402
from crm.core.numbers import take_numbers  # noqa: E402
from crm.core.work import work  # noqa: E402
from crm.demo.sign_ins import DOMAIN  # noqa: E402
from tests.campaigns.conftest import agree, purpose  # noqa: E402
from tests.factories import CampaignFactory, VariantFactory  # noqa: E402

STEP = 5_000


def address_of(number: int) -> str:
    return f"leser-{number}@kunden.example"


def gather(count: int) -> None:
    """So many people with an address each, who agreed."""
    by = _marketer()
    purpose()
    for first in range(1, count + 1, STEP):
        numbers = range(first, min(first + STEP, count + 1))
        with work(by=by):
            people = Party.objects.bulk_create(
                Party(kind="person", number=kept, first_name="Ada", last_name=f"Öztürk-{n}", salutation="ms", team=by.team)
                for n, kept in zip(numbers, take_numbers("party", len(numbers)), strict=True)
            )
            EmailAddress.objects.bulk_create(EmailAddress(party=party, address=address_of(n)) for n, party in zip(numbers, people, strict=True))
            index_parties(party.pk for party in people)
            for n in numbers:
                agree(address_of(n), by=by)


def send_to_all(count: int) -> None:
    """Release a mail to everybody; the house does the rest."""
    by = _marketer()
    with work(by=by):
        MailDesign.objects.update_or_create(pk=1, defaults={"imprint": "Rheintal GmbH, Hafenstraße 4, 28217 Bremen", "four_eyes_above": count + 1})
        row = CampaignFactory(owner=by, team=by.team, purpose=purpose(), control=0)
        VariantFactory(campaign=row, position=0)
    release_campaign(row, recipients=count, by=by)


def _marketer() -> User:
    return User.objects.get(last_name="Neumann", email__endswith=f"@{DOMAIN}")


if __name__ == "__main__":
    {"gather": gather, "send": send_to_all}[sys.argv[1]](int(sys.argv[2]))
