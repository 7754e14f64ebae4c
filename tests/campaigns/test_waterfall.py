"""The waterfall: every selected contact ends in exactly one place, the one a slow reading finds, and the sums add up."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from campaigns.models import FrequencyCap
from campaigns.waterfall import Place, at, place, recipients, waterfall
from contacts.consent_gate import why_not
from contacts.consent_steps import object_to, record_consent, suppress_address, withdraw_consent
from contacts.models import ConsentPurpose, ConsentWording, EmailAddress, Party
from contacts.reach import reach
from crm.core.errors import RuleBroken
from crm.core.mail import kinds as mail_kinds
from crm.core.mail.kinds import MailKind
from crm.core.models import OutgoingMail
from crm.core.work import work
from tests.factories import EmailFactory, PersonFactory

pytestmark = pytest.mark.django_db
PURPOSE = "newsletter"


@pytest.fixture(autouse=True)
def advertising(monkeypatch: pytest.MonkeyPatch) -> None:
    """One kind of mail is advertising."""
    plain = mail_kinds.kinds()
    monkeypatch.setattr("campaigns.waterfall.kinds", lambda: [*plain, MailKind("ad", "ad", advertising=True)])


def world(cast: Any, number: int = 120, seed: int = 3) -> None:
    """Contacts in every state an address can be in; some share one, in other letters."""
    rng = random.Random(seed)
    now = timezone.now()
    purpose = ConsentPurpose.objects.get(key=PURPOSE)
    wordings = [ConsentWording.objects.filter(purpose=purpose, channel="email", language="de").order_by("-version")[0]]
    with work(by=cast.emil):
        for n in range(number):
            person = PersonFactory()
            if rng.random() < 0.15:
                continue
            shared = rng.random() < 0.3
            address = f"{'Gemeinsam' if rng.random() < 0.5 else 'gemeinsam'}{rng.randrange(12)}@firma.test" if shared else f"p{n}@firma.test"
            EmailFactory(party=person, address=address)
            if rng.random() < 0.2:
                EmailFactory(party=person, address=f"zweit{n}@firma.test", is_primary=False)
            way = reach("email", address)
            with suppress(RuleBroken):  # an objection to a shared address stands
                if rng.random() < 0.75:
                    record_consent(way, wordings, how="talk", note="Messe", party=person, by=cast.emil)
            if rng.random() < 0.1:
                withdraw_consent(way, [purpose], how="phone", party=person, by=cast.emil)
            if rng.random() < 0.08:
                object_to(way, None, how="phone", party=person, by=cast.emil)
            if rng.random() < 0.08:
                suppress_address(way, "bounced", by=cast.emil)
            for k in range(rng.choice([0, 0, 0, 1, 2, 3])):
                mail = OutgoingMail.objects.create(
                    kind=rng.choice(["ad", "ad", "case"]), to=address.lower(), domain="firma.test", heading="x", body="x", message_id=f"<{n}-{k}@x>", once=f"{n}-{k}", state=rng.choice(["accepted", "planned", "refused", "withdrawn"])
                )
                OutgoingMail.objects.filter(pk=mail.pk).update(planned_at=now - timedelta(days=rng.choice([1, 6, 8])))


def slow(now: Any) -> dict[int, Place]:
    """One contact after the other, in the order they were entered."""
    cap = FrequencyCap.current()
    taken: set[str] = set()
    ends = {}
    for party in Party.objects.order_by("pk"):
        main = EmailAddress.objects.filter(party=party, is_primary=True).annotate(why=why_not(PURPOSE)).first()
        address = main.address.lower() if main else ""
        since = now - timedelta(days=cap.days)
        had = sum(1 for mail in OutgoingMail.objects.filter(kind="ad") if mail.to.lower() == address and mail.planned_at > since and mail.state not in ("refused", "withdrawn"))
        ends[party.pk] = place(address, main.why if main else "", had, cap.mails, first=address not in taken)
        if ends[party.pk] == Place.LEFT:
            taken.add(address)
    return ends


@pytest.mark.proof("segments")
def test_the_waterfall_equals_the_slow_reading(cast: Any, figures: Any) -> None:
    world(cast)
    now = timezone.now()
    expected = slow(now)
    found = waterfall(Party.objects.all(), PURPOSE, now)
    assert {cut.place: cut.n for cut in found.cuts} == {key: n for key, n in Counter(expected.values()).items() if key != Place.LEFT}
    wrong = [pk for where in Place for pk in at(Party.objects.all(), PURPOSE, where, now).values_list("pk", flat=True) if expected[pk] != where]
    figures.record("contacts of the waterfall that end elsewhere than read aloud", len(wrong), "contacts", goal="0", holds=not wrong)
    total = found.left + sum(cut.n for cut in found.cuts)
    figures.record("contacts selected but in no place, or in two", found.found - total, "contacts", goal="0", holds=found.found == total == len(expected))
    reached = list(recipients(Party.objects.all(), PURPOSE, now).values_list("to", flat=True))
    assert len(reached) == len(set(reached)) == found.left > 10
    assert {cut.place for cut in found.cuts} >= {Place.NO_ADDRESS, Place.BOUNCED, Place.NO_CONSENT, Place.WITHDRAWN, Place.OBJECTED, Place.CAPPED, Place.TWICE}


@pytest.mark.parametrize(
    ("address", "hindrance", "had", "first", "ends"),
    [("", "", 0, True, Place.NO_ADDRESS), ("", "objected", 9, False, Place.NO_ADDRESS), ("a", "bounced", 9, False, Place.BOUNCED), ("a", "", 2, False, Place.CAPPED), ("a", "", 1, False, Place.TWICE), ("a", "", 1, True, Place.LEFT)],
)
def test_the_order(address: str, hindrance: str, had: int, first: bool, ends: Place) -> None:
    assert place(address, hindrance, had, 2, first=first) is ends


def test_of_nobody_nothing_is_left(cast: Any) -> None:
    assert waterfall(Party.objects.none(), PURPOSE) == waterfall(Party.objects.filter(pk=0), PURPOSE)


def test_the_cap_is_set_up(cast: Any, sign_in: Any) -> None:
    emil = sign_in(cast.emil)
    assert emil.post("/admin/campaigns/frequencycap/1/change/", {"mails": "3", "days": "14"}).status_code == 302
    assert (FrequencyCap.current().mails, FrequencyCap.current().days) == (3, 14)
    assert emil.post("/admin/campaigns/frequencycap/1/change/", {"mails": "0", "days": "14"}).status_code == 200
    assert emil.get("/admin/campaigns/frequencycap/add/").status_code == 403
    assert sign_in(cast.mia).get("/admin/campaigns/frequencycap/1/change/").status_code in (302, 403)
