"""A journey in the demo that began some days ago: silent contacts were written to and have a week to answer (D14)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import translation

from accounts.models import User
from campaigns.journeys import engine, mails
from campaigns.journeys.presets import PRESETS
from campaigns.journeys.services import publish_journey
from campaigns.models import Journey
from contacts.models import ConsentPurpose
from crm.core.models import OutgoingMail
from crm.core.work import work
from crm.demo.life import Say

AGO, SILENT = 4, 30  # days since it began, days of silence


def let_journeys_run(people: dict[str, User], now: datetime, say: Say) -> None:
    """The win-back journey, published by marketing, and the days since then."""
    clara = people["Neumann"]
    with translation.override("de"):
        draft = PRESETS["win_back"].make()
    draft["trigger"] |= {"days": SILENT, "longer": True}
    facts = {"owner": clara, "team": clara.team, "created_by": clara, "updated_by": clara}
    with work(by=clara):
        purpose = ConsentPurpose.objects.get(key="newsletter")
        row = Journey.objects.create(name="Stille Kontakte zurückgewinnen", note="Mit wem lange niemand sprach, der hört von uns", purpose=purpose, draft=draft, **facts)
    publish_journey(row, by=clara, at=(now - timedelta(days=AGO)).replace(hour=7))
    for ago in range(AGO, 0, -1):
        at = (now - timedelta(days=ago)).replace(hour=9, minute=0)
        engine.look(at)
        engine.work_off(at)
        OutgoingMail.objects.filter(kind=mails.KIND, state=OutgoingMail.State.PLANNED).update(state=OutgoingMail.State.ACCEPTED, handed_at=at + timedelta(minutes=4), attempts=1)
        mails.tell_history()
    say(f"1 journey with {row.runs.count()} contacts on the way")
