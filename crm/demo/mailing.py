"""Campaigns in the demo: one that was sent some weeks ago and shows what came of it, and a draft to go on with (D14)."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from accounts.models import User
from campaigns.models import Campaign, CampaignCost, Delivery, MailDesign, Segment, Variant
from campaigns.segments.services import create_segment
from campaigns.sending import begin, finish, tell_history, write_down
from campaigns.services import decide_release, release_campaign
from contacts.diary import log_interaction
from contacts.models import ConsentPurpose
from crm.core.conditions import Tree
from crm.core.models import Job, OutgoingMail
from crm.core.work import work
from crm.demo.life import Say

AGO = timedelta(days=18)
ANSWERS = ["Ja, gern im Oktober. Bitte rufen Sie mich an.", "Klingt gut, was kostet es bei zwei Anlagen?", "Bei uns bitte erst im neuen Jahr.", "Termin am Dienstag würde passen."]
MAILS = [
    ("Zeit für einen Blick auf Ihre Anlage", "Ihre Anlage läuft. Damit das so bleibt."),
    ("Zwei Stunden, die Stillstand sparen", "Zwei Stunden, die Stillstand sparen"),
]


def mail_out(dice: random.Random, people: dict[str, User], now: datetime, say: Say) -> None:
    """The imprint, the sent campaign with its answers, and the draft."""
    clara, jonas = people["Neumann"], people["Weber"]
    with work(by=jonas):
        imprint = "Rheintal Fördertechnik GmbH\nHafenstraße 4, 28217 Bremen\nGeschäftsführung: Ulrike Brandt\nAmtsgericht Bremen, HRB 00000"
        MailDesign.objects.update_or_create(pk=1, defaults={"imprint": imprint})
    purpose = ConsentPurpose.objects.get(key="newsletter")
    tree: Tree = {"all": [{"all": [{"field": "kind", "op": "in", "value": ["person"]}, {"field": "email", "op": "set"}]}]}
    segment = create_segment(by=clara, name="Personen mit E-Mail", note="Mails an alle, die eingewilligt haben", tree=tree, at=now - AGO - timedelta(days=1))
    sent = _campaign("Wartung im Herbst", "Wartungstermine im Oktober füllen", segment, purpose, clara, now - AGO - timedelta(hours=20), control=15, budget=Decimal(2500))
    _send(sent, clara, jonas, now - AGO)
    _answers(dice, sent, people)
    with work(by=clara):
        for what, amount in (("Text und Bilder", "850.00"), ("Abstimmung mit dem Service", "420.00")):
            CampaignCost.objects.create(campaign=sent, what=what, amount=Decimal(amount), created_by=clara, updated_by=clara)
    _campaign("Einladung zur Hausmesse", "Besucher für die Hausmesse im Frühjahr", segment, purpose, clara, now - timedelta(hours=26))
    say("2 campaigns")


def _campaign(name: str, goal: str, segment: Segment, purpose: ConsentPurpose, by: User, at: datetime, **facts: Any) -> Campaign:
    with work(by=by):
        row = Campaign.objects.create(name=name, goal=goal, segment=segment, purpose=purpose, owner=by, team=by.team, created_by=by, updated_by=by, **facts)
        Campaign.objects.filter(pk=row.pk).update(created_at=at)
        for position, (subject, heading) in enumerate(MAILS):
            blocks = [
                {"kind": "heading", "text": heading},
                {"kind": "text", "text": "{salutation},\n\nnach einigen Jahren sind Lager und Gurte meist kurz vor dem Wechsel; oft fällt das erst beim Stillstand auf.\n\n- Durchsicht in zwei Stunden\n- 290 € fest"},
                {"kind": "button", "text": "Termin vorschlagen", "url": "https://rheintal.example/wartung"},
                {"kind": "text", "text": "Antworten Sie einfach auf diese Mail, oder rufen Sie {owner|uns} an."},
            ]
            Variant.objects.create(campaign=row, position=position, subject=subject, blocks=blocks, created_by=by, updated_by=by)
    return row


def _send(row: Campaign, clara: User, jonas: User, at: datetime) -> None:
    """As it went some weeks ago: asked, released by a second person, written down, accepted."""
    if release_campaign(row, recipients=1_000, by=clara, at=at - timedelta(hours=3)) is not None:
        decide_release(row, granted=True, by=jonas, at=at - timedelta(hours=2))
    begin(row.pk, at)
    row.refresh_from_db()
    assert row.job is not None
    with work(by=jonas):
        while not write_down(row.job):
            pass
    Job.objects.filter(pk=row.job.pk).update(state=Job.State.DONE, finished_at=timezone.now())
    OutgoingMail.objects.filter(delivery__campaign=row).update(state=OutgoingMail.State.ACCEPTED, handed_at=at + timedelta(minutes=4), attempts=1)
    tell_history(row.pk)
    finish(row.pk, at + timedelta(minutes=10))


def _answers(dice: random.Random, row: Campaign, people: dict[str, User]) -> None:
    """Some write back, a few more to the second mail."""
    for one in Delivery.objects.unrestricted().filter(campaign=row, arm__gte=0).select_related("party__owner").order_by("pk"):
        if dice.random() < (0.08, 0.13)[one.arm or 0]:
            at = row.started_at + timedelta(hours=dice.uniform(2, 200))
            log_interaction(one.party, kind="email", body=dice.choice(ANSWERS), by=one.party.owner or people["Neumann"], at=at, direction="in", heading="Re: Wartung")
