"""Consents in the demo: how the people of our customers came to get the newsletter, and some who no longer want it (D14)."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse

from contacts.consent_steps import confirm_consent, object_to, record_consent, request_consent, withdraw_consent
from contacts.consent_words import wordings
from contacts.models import ConsentWording, Party
from contacts.parts import main
from contacts.reach import EMAIL, PHONE, Reach, reach
from contacts.sign_up import digest_of
from crm.demo.life import Say, World
from crm.demo.plan import at_work

HOW = ["talk", "talk", "phone", "letter"]


def agree(dice: random.Random, world: World, now: datetime, say: Say) -> int:
    """Seven of ten get the newsletter, some of them more; a few ended it or objected. Returns how many addresses get it."""
    by_mail = {row.purpose.key: row for row in wordings("de", EMAIL)}
    by_phone = {row.purpose.key: row for row in wordings("de", PHONE)}
    count = 0
    for owner, party in _people(world):
        drawn = dice.random()
        if drawn > 0.76:
            continue
        to = reach(EMAIL, main(party.emails).address)
        at = at_work(now - timedelta(days=dice.randint(20, 500)), dice, now)
        words = [by_mail["newsletter"]] + [by_mail[key] for key, share in (("news", 0.3), ("invitations", 0.25)) if dice.random() < share]
        if drawn < 0.4:
            _by_form(dice, to, words, at, party)
        else:
            record_consent(to, words, how=dice.choice(HOW), by=world.people[owner], at=at, party=party, note=dice.choice(["", "", "am Messestand", "nach dem Besuch"]))
        if 0.66 < drawn < 0.7 and (phone := main(party.phones)):
            record_consent(reach(PHONE, phone.number), [by_phone["news"]], how="talk", by=world.people[owner], at=at, party=party)
        if drawn > 0.74:
            object_to(to, None, how=dice.choice(["mail", "phone"]), by=world.people[owner], at=at + timedelta(days=15), party=party)
        elif drawn > 0.71:
            withdraw_consent(to, [by_mail["newsletter"].purpose], how="link", by=None, at=at + timedelta(days=dice.randint(3, 18)), party=party)
        else:
            count += 1
    say(f"{count} people get the newsletter")
    return count


def _people(world: World) -> Iterator[tuple[str, Party]]:
    for owner, firms in world.customers.items():
        for _organisation, staff in firms:
            for party in staff:
                yield owner, party


def _by_form(dice: random.Random, to: Reach, words: list[ConsentWording], at: datetime, party: Party) -> None:
    """The form, and some minutes later the link."""
    facts: dict[str, Any] = {"request": uuid.UUID(int=dice.getrandbits(128)), "message_id": f"<{dice.getrandbits(96):024x}@rheintal.example>", "source": reverse("consent-sign-up")}
    connection = digest_of(f"198.51.100.{dice.randint(1, 250)}")
    request_consent(to, words, at=at, connection=connection, **facts)
    confirm_consent(to, words, at=at + timedelta(minutes=dice.randint(1, 50), seconds=dice.randint(0, 59)), party=party, connection=connection, **facts)
