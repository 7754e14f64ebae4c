"""Stops that come at random instants of a running campaign: nothing is handed over after their commit, and untracked mails carry no personal id."""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from django.db import connection

from campaigns import services
from campaigns.models import Campaign
from contacts.consent_steps import object_to, suppress_address, withdraw_consent
from contacts.reach import reach
from crm.core.mail.kinds import always
from crm.core.mail.run import Run
from crm.core.models import OutgoingMail
from crm.mails import MAILS
from tests.campaigns.conftest import purpose, run
from tests.proofs import Figures

STOPS: dict[str, Callable[[str], None]] = {
    "unsubscribed by link": lambda address: withdraw_consent(reach("email", address), [purpose()], how="link", by=None),
    "unsubscribed from all": lambda address: withdraw_consent(reach("email", address), None, how="link", by=None),
    "objected by telephone": lambda address: object_to(reach("email", address), None, how="phone", by=None),
    "reported as spam": lambda address: suppress_address(reach("email", address), "complaint", by=None),
    "bounced": lambda address: suppress_address(reach("email", address), "bounced", by=None),
}


def now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        found: datetime = cursor.fetchone()[0]
        return found


def sent(begun: threading.Event, pace: float = 0.0) -> None:
    """A worker without a wire: claims, marks, accepts, until nothing is due; each mail takes `pace` seconds."""
    worker = Run()
    try:
        while rows := worker.claim(""):
            for mail in rows:
                if worker.mark_handing(mail, None):
                    OutgoingMail.objects.filter(pk=mail.pk).update(state="accepted", worker="", lease_until=None)
                begun.set()
                time.sleep(pace)
    finally:
        worker.close()
        connection.close()


def stopped_at(addresses: list[str], dice: random.Random, begun: threading.Event, noted: dict[str, datetime]) -> None:
    """Somebody stops, again and again, while mails leave; the instant after each commit is written down."""
    try:
        begun.wait(20)
        for address in addresses:
            STOPS[dice.choice(list(STOPS))](address)
            noted[address] = now()
    finally:
        connection.close()


def trial(row: Campaign, seed: int, stops: int) -> tuple[int, int, int]:
    """(mails handed over after the commit of their stop, mails withdrawn, mails accepted)."""
    dice, begun, noted = random.Random(seed), threading.Event(), dict[str, datetime]()
    addresses = list(OutgoingMail.objects.filter(delivery__campaign=row).values_list("to", flat=True))
    threads = [threading.Thread(target=sent, args=(begun,)) for _ in range(2)]
    threads.append(threading.Thread(target=stopped_at, args=(dice.sample(addresses, stops), dice, begun, noted)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    mails = OutgoingMail.objects.filter(delivery__campaign=row)
    late = sum(mail.handed_at is not None and mail.handed_at > noted[mail.to] for mail in mails.filter(to__in=noted))
    return late, mails.filter(state="withdrawn").count(), mails.filter(state="accepted").count()


@pytest.mark.proof("stop")
@pytest.mark.django_db(transaction=True)
def test_nothing_is_handed_over_after_a_stop(cast: Any, campaign: Any, audience: Any, figures: Figures, prove_full: bool) -> None:
    people, stops = (400, 150) if prove_full else (120, 45)
    audience(people)
    late, withdrawn, accepted = trial(run(campaign(control=0), cast.mia).row, 1, stops)
    figures.record(f"{people} mails, {stops} stops of five kinds at random instants: handed over after the commit", late, "mails", goal="0", holds=late == 0)
    figures.record("withdrawn at the last moment", withdrawn, "mails", goal="> 0", holds=withdrawn > 0)
    assert accepted + withdrawn == people


@pytest.mark.proof("stop")
@pytest.mark.django_db(transaction=True)
def test_without_the_last_word_the_measure_fails(cast: Any, campaign: Any, audience: Any, figures: Figures) -> None:
    at = next(number for number, kind in enumerate(MAILS) if kind.key == "campaign")
    audience(120)
    row, kept = run(campaign(control=0), cast.mia).row, MAILS[at]
    MAILS[at] = replace(kept, still=always)
    try:
        late, _withdrawn, _accepted = trial(row, 1, 45)
    finally:
        MAILS[at] = kept
    figures.record("red control, asked only when recipients were written down: handed over after the commit", late, "mails", goal="> 0", holds=late > 0)


def rest(row: Campaign, by: Any, how: str) -> tuple[int, int]:
    """Pause or cancel while a worker hands over: (handed over after that, never handed over)."""
    begun = threading.Event()
    worker = threading.Thread(target=sent, args=(begun, 0.004))
    worker.start()
    begun.wait(20)
    (services.pause_campaign if how == "pause" else services.cancel_campaign)(row, by=by)
    rested = now()
    worker.join()
    mails = OutgoingMail.objects.filter(delivery__campaign=row)
    return mails.filter(handed_at__gt=rested).count(), mails.filter(handed_at__isnull=True).count()


@pytest.mark.proof("stop")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("how", ["pause", "cancel"])
def test_a_pause_and_an_end_hold_as_well(cast: Any, campaign: Any, audience: Any, figures: Figures, how: str) -> None:
    audience(120)
    late, left = rest(run(campaign(control=0), cast.mia).row, cast.mia, how)
    figures.record(f"handed over after {how}", late, "mails", goal="0", holds=late == 0)
    figures.record(f"never handed over after {how}", left, "mails", goal="> 0", holds=left > 0)


@pytest.mark.proof("stop")
@pytest.mark.django_db(transaction=True)
def test_without_the_last_word_a_pause_does_not_hold(cast: Any, campaign: Any, audience: Any, figures: Figures) -> None:
    at = next(number for number, kind in enumerate(MAILS) if kind.key == "campaign")
    audience(120)
    row, kept = run(campaign(control=0), cast.mia).row, MAILS[at]
    MAILS[at] = replace(kept, still=always)
    try:
        late, _left = rest(row, cast.mia, "pause")
    finally:
        MAILS[at] = kept
    figures.record("red control, without the last word: handed over after a pause", late, "mails", goal="> 0", holds=late > 0)


@pytest.mark.proof("stop")
@pytest.mark.django_db
def test_untracked_mails_carry_no_personal_id(cast: Any, campaign: Any, audience: Any, figures: Figures) -> None:
    """Two people of one name get the same mail, letter for letter, but for the two links the law asks for."""
    people = audience(2)
    for person in people:
        person.last_name = "Öz"
        person.save(update_fields=["last_name"])
    row = run(campaign(control=0), cast.mia).row
    one, other = OutgoingMail.objects.filter(delivery__campaign=row).order_by("pk")
    links = re.compile(r"https?://[^\s\"'<>)]+")
    bare = [(mail.heading, links.sub("LINK", mail.html), links.sub("LINK", mail.body), sorted(mail.headers)) for mail in (one, other)]
    figures.record("mails of two people differ elsewhere than in the links to unsubscribe", int(bare[0] != bare[1]), goal="0", holds=bare[0] == bare[1])
    own = [set(links.findall(mail.html)) for mail in (one, other)]
    personal = (own[0] | own[1]) - (own[0] & own[1])
    figures.record("personal links in each", len(personal) / 2, "links", goal="2: unsubscribe, preferences", holds=len(personal) == 4)
    assert not re.search(r"<img[^>]+https?:", one.html)


