"""A campaign to people with addresses, in the hands of marketing."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from campaigns.models import Campaign, MailDesign
from campaigns.sending import begin, write_down
from campaigns.services import release_campaign
from contacts.consent_steps import record_consent
from contacts.models import ConsentPurpose, ConsentWording
from contacts.reach import reach
from crm.core.models import Job
from crm.core.work import work
from tests.factories import CampaignFactory, EmailFactory, PersonFactory, VariantFactory


@pytest.fixture(autouse=True)
def sends(mail_server: None) -> None:
    """Campaigns and journeys are released in a house that has a mail server."""


@pytest.fixture
def audience(cast: Any) -> Callable[[int], list[Any]]:
    """So many people with an address each."""

    def make(count: int) -> list[Any]:
        with work(by=cast.mia):
            people = [PersonFactory(owner=cast.anna, team=cast.anna.team, first_name="Ada", last_name=f"Öz{n}", salutation="ms") for n in range(count)]
            for n, person in enumerate(people):
                EmailFactory(party=person, address=f"ada{n}@kunde.example")
                agree(f"ada{n}@kunde.example", by=cast.mia)
        return people

    return make


@pytest.fixture
def campaign(cast: Any) -> Callable[..., Campaign]:
    """A draft with its mails; `mails` of them."""

    def make(mails: int = 1, **facts: Any) -> Campaign:
        with work(by=cast.mia):
            MailDesign.objects.update_or_create(pk=1, defaults={"imprint": "Rheintal GmbH, Hafenstraße 4, 28217 Bremen", "four_eyes_above": 1_000})
            row = CampaignFactory(**{"owner": cast.mia, "team": cast.mia.team, "purpose": purpose(), **facts})
            for position in range(mails):
                VariantFactory(campaign=row, position=position, subject=f"Wartung {'ABCD'[position]}")
        return row

    return make


def purpose() -> ConsentPurpose:
    """What people agreed to, in words."""
    found, _fresh = ConsentPurpose.objects.get_or_create(key="service-news", defaults={"label_de": "Neues vom Service", "label_en": "News from service"})
    if not found.wordings.exists():
        ConsentWording.objects.create(purpose=found, channel="email", language="de", version=1, text="Ja, schreiben Sie mir.")
    return found


def agree(address: str, *, by: Any) -> None:
    """Consent stands for this address."""
    record_consent(reach("email", address), [purpose().wordings.get()], how="talk", by=by)


def run(row: Campaign, by: Any) -> SimpleNamespace:
    """Released, begun and written down."""
    release_campaign(row, recipients=1, by=by)
    assert begin(row.pk, timezone.now())
    row.refresh_from_db()
    job = row.job
    with work(by=by):
        while not write_down(job):
            pass
    Job.objects.filter(pk=job.pk).update(state=Job.State.DONE)
    row.refresh_from_db()
    return SimpleNamespace(row=row, job=job)
