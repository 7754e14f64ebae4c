"""Opens and clicks: only of those who agreed, only while they agree, led on in any case, told apart from machines, forgotten afterwards."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core import signing
from django.db import Error, transaction
from django.db.models import Q
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from campaigns import reactions, tracking
from campaigns.models import Campaign, Delivery, Touch
from campaigns.sending import tend_campaigns
from campaigns.services import count_touches, release_campaign
from contacts.consent_steps import object_to, record_consent, withdraw_consent
from contacts.consent_words import wordings
from contacts.models import ConsentEvent, ConsentPurpose, Interaction, Suppression
from contacts.reach import reach
from contacts.services import delete_party
from crm.core.door import door_token
from crm.core.errors import RuleBroken
from crm.core.models import DoorBucket, OutgoingMail
from crm.core.work import work
from tests.campaigns.agents import APPLE_PROXY, CHROME, EDGE, GMAIL_PROXY
from tests.campaigns.conftest import purpose, run
from tests.proofs import Figures

pytestmark = pytest.mark.django_db
BLOCKS = [
    {"kind": "text", "text": "{salutation},\n\nes ist Zeit."},
    {"kind": "button", "text": "Termin", "url": "https://shop.example/termin?a=1&b=2"},
    {"kind": "button", "text": "Preise", "url": "https://shop.example/preise"},
    {"kind": "button", "text": "Noch einmal", "url": "https://shop.example/preise"},
    {"kind": "button", "text": "Anrufen", "url": "tel:+49421123"},
]
LINKS = re.compile(r"https?://[^\s\"'<>)]+")


@pytest.fixture(autouse=True)
def asked_for(cast: Any) -> ConsentPurpose:
    """A house that asks whether opens and clicks may be counted."""
    ConsentPurpose.objects.filter(key="tracking").update(active=True)
    found: ConsentPurpose = ConsentPurpose.objects.get(key="tracking")
    return found


def agree_to_count(n: int, by: Any) -> None:
    words = next(row for row in wordings("de") if row.purpose.key == "tracking")
    record_consent(reach("email", f"ada{n}@kunde.example"), [words], how="talk", by=by)


@pytest.fixture
def counted(cast: Any, campaign: Any, audience: Any) -> Any:
    """A campaign to so many people, the first `agreed` of whom may be counted, handed over an hour ago."""

    def make(people: int = 2, agreed: int = 1, *, counts: bool = True, **facts: Any) -> Campaign:
        audience(people)
        for n in range(agreed):
            agree_to_count(n, cast.mia)
        row = campaign(control=0, counts=counts, **facts)
        for variant in row.variants.all():
            variant.blocks = BLOCKS
            variant.save(update_fields=["blocks"])
        done: Campaign = run(row, cast.mia).row
        handed = timezone.now() - timedelta(hours=1)
        OutgoingMail.objects.filter(delivery__campaign=done).update(state="accepted", handed_at=handed)
        Campaign.objects.filter(pk=done.pk).update(started_at=handed - timedelta(minutes=1))
        done.refresh_from_db()
        return done

    return make


def mail_of(row: Campaign, n: int) -> OutgoingMail:
    return OutgoingMail.objects.get(delivery__campaign=row, to=f"ada{n}@kunde.example")


def doors(row: Campaign, n: int) -> dict[str, str]:
    """What a counted mail holds: links "1", "2", the picture "open" and the link nobody sees "trap", as paths."""
    html = mail_of(row, n).html
    links = list(dict.fromkeys(re.findall(r'href="https?://[^/"]+(/to/[^"]+)"', html)))
    trap = re.search(r'<a href="https?://[^/"]+(/to/[^"]+)" style="display:none"', html)
    picture = re.search(r'<img src="https?://[^/"]+(/point/[^"]+)" width="1"', html)
    assert trap and picture
    return {"trap": trap[1], "open": picture[1]} | {str(number): url for number, url in enumerate((url for url in links if url != trap[1]), 1)}


def touch(row: Campaign, n: int, kind: str, link: int = 0, agent: str = CHROME, at: datetime | None = None) -> Touch | None:
    delivery = Delivery.objects.get(campaign=row, address=f"ada{n}@kunde.example")
    return tracking.keep_touch(delivery.pk, kind, link, agent=agent, at=at)


def figures_of(row: Campaign) -> dict[str, int]:
    return dict(reactions.of_arms(row).get(0, {}))


# --- the mails --------------------------------------------------------------------------------------------------------------------------


def personal(row: Campaign) -> tuple[int, int]:
    """Of the mails of those who did not agree: (personal links or pictures that are not the two of the law, mails that are not plain)."""
    mails = [mail_of(row, n) for n in range(1, 4)]
    own = [set(LINKS.findall(mail.html + mail.body)) for mail in mails]
    shared = set.intersection(*own)
    strange = sum(len({url for url in urls - shared if "/consent/" not in url}) for urls in own)
    bare = {(mail.heading, LINKS.sub("LINK", mail.html), LINKS.sub("LINK", mail.body)) for mail in mails}
    return strange, len(bare) - 1 + sum("<img" in mail.html or BLOCKS[2]["url"] not in mail.html for mail in mails)


@pytest.mark.proof("stop")
def test_who_did_not_agree_gets_no_personal_id_beside_those_who_did(counted: Any, figures: Figures) -> None:
    row = counted(people=4, agreed=1)
    assert [one.address for one in Delivery.objects.filter(campaign=row, counted=True)] == ["ada0@kunde.example"]
    strange, other = personal_of_one_name(row)
    figures.record("in a campaign that counts, who did not agree: personal ids but for the two links of the law", strange, goal="0", holds=strange == 0)
    figures.record("and mails that differ otherwise or are not plain", other, goal="0", holds=other == 0)


def personal_of_one_name(row: Campaign) -> tuple[int, int]:
    """The same, with the names of people taken out: they differ on purpose."""
    for mail in OutgoingMail.objects.filter(delivery__campaign=row):
        mail.html, mail.body = (re.sub(r"Öz\d+", "Öz", text) for text in (mail.html, mail.body))
        mail.save(update_fields=["html", "body"])
    return personal(row)


@pytest.mark.proof("stop")
def test_without_asking_for_consent_the_measure_fails(counted: Any, figures: Figures, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking, "counted", lambda *_address: Q())
    strange, _other = personal_of_one_name(counted(people=4, agreed=1))
    figures.record("red control, everybody counted: personal ids of those who did not agree", strange, goal="> 0", holds=strange > 0)


def test_who_agreed_gets_links_through_our_door_and_a_picture_of_ours(counted: Any, settings: Any) -> None:
    row = counted(people=2, agreed=1)
    mail, found = mail_of(row, 0), doors(row, 0)
    assert set(found) == {"1", "2", "open", "trap"}  # one link twice is one link; a telephone number is none
    hosts = {urlsplit(url).netloc for url in LINKS.findall(mail.html) if "w3.org" not in url}
    assert hosts == {urlsplit(settings.BASE_URL).netloc}
    assert "shop.example" not in mail.html + mail.body and "tel:+49421123" in mail.html and "{" not in mail.body
    assert "/point/" not in mail.body and mail.body.count("/to/") == 3


def test_out_of_the_box_nobody_is_counted(counted: Any) -> None:
    row = counted(people=2, agreed=1, counts=False)
    assert not Delivery.objects.filter(counted=True).exists() and "/to/" not in mail_of(row, 0).html


# --- the doors --------------------------------------------------------------------------------------------------------------------------


def test_a_link_leads_to_where_the_mail_says_and_nowhere_else(counted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    row, client = counted(), Client(headers={"user-agent": CHROME})
    found, said = doors(row, 0), ConsentEvent.objects.count()
    answer = client.get(found["1"])
    assert (answer.status_code, answer["Location"]) == (302, BLOCKS[1]["url"])
    assert client.head(found["2"])["Location"] == BLOCKS[2]["url"]
    assert client.get(found["trap"]).status_code == 204
    picture = client.get(found["open"])
    assert (picture["Content-Type"], picture.content[:6]) == ("image/gif", b"GIF89a") and "no-store" in picture["Cache-Control"]
    kept = list(Touch.objects.order_by("pk").values_list("kind", "link", "agent", "verdict", "reason"))
    assert kept == [("click", 1, "browser", "human", "plain"), ("click", 2, "browser", "machine", "head"), ("trap", 0, "browser", "machine", "trap"), ("open", 0, "browser", "human", "plain")]
    assert client.post(found["1"]).status_code == 405 and ConsentEvent.objects.count() == said
    assert client.get(found["1"][:-4] + "abc/").status_code == 404 and client.get(found["open"].replace("/point/", "/to/")).status_code == 404
    facts = {"d": Delivery.objects.get(campaign=row, counted=True).pk, "v": row.variants.get().pk}
    for number in (3, -1):
        assert client.get(reverse("campaign-link", args=[door_token(tracking.LINK, **facts, n=number)])).status_code == 404
    now = signing.time.time()
    monkeypatch.setattr(signing.time, "time", lambda: now + 20 * 365 * 86_400)
    assert client.get(found["1"])["Location"] == BLOCKS[1]["url"]  # who keeps a mail for twenty years


def test_many_readers_behind_one_connection_are_all_led_on(counted: Any) -> None:
    row = counted()
    found = doors(row, 0)
    DoorBucket.objects.all().delete()
    facts = {"d": Delivery.objects.get(campaign=row, counted=True).pk, "v": row.variants.get().pk, "n": 1}
    answers = {Client().get(reverse("campaign-link", args=[door_token(tracking.LINK, **facts, language=f"{n}")])).status_code for n in range(70)}
    assert answers == {302} and Client().get(found["2"]).status_code == 302


@pytest.mark.parametrize("how", ["withdrawn", "objected", "switched off"])
def test_whose_consent_has_ended_is_led_on_and_nothing_is_kept(counted: Any, asked_for: Any, how: str) -> None:
    row, to = counted(), reach("email", "ada0@kunde.example")
    found = doors(row, 0)
    if how == "withdrawn":
        withdraw_consent(to, [asked_for], how="link", by=None)
    elif how == "objected":
        object_to(to, None, how="phone", by=None)
    else:
        ConsentPurpose.objects.filter(key="tracking").update(active=False)
    assert Client().get(found["1"])["Location"] == BLOCKS[1]["url"] and Client().get(found["open"]).status_code == 200
    assert not Touch.objects.exists()


def test_without_asking_again_it_would_be_kept(counted: Any, asked_for: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The red control of the test above."""
    row = counted()
    withdraw_consent(reach("email", "ada0@kunde.example"), [asked_for], how="link", by=None)
    monkeypatch.setattr(tracking, "counted", lambda *_address: Q())
    Client().get(doors(row, 0)["1"])
    assert Touch.objects.exists()


def test_the_ledger_is_not_changed(counted: Any) -> None:
    touch(counted(), 0, "click", 1)
    for change in (lambda: Touch.objects.update(verdict="machine"), lambda: Touch.objects.all().delete()):
        with pytest.raises(Error, match="append-only"), transaction.atomic():
            change()


# --- what is said of it -----------------------------------------------------------------------------------------------------------------


def test_people_stand_in_one_place_and_machines_apart(counted: Any, cast: Any, sign_in: Any) -> None:
    row = counted(people=7, agreed=6)
    at = timezone.now() - timedelta(minutes=30)
    touch(row, 0, "open", at=at)
    touch(row, 0, "click", 2, at=at + timedelta(seconds=20))
    touch(row, 1, "open", at=at)
    touch(row, 2, "open", agent=GMAIL_PROXY)
    touch(row, 3, "open", agent=APPLE_PROXY)
    for number, kind in enumerate(["click", "click", "trap"]):  # a scanner in the dress of a browser: the last touch tells
        touch(row, 4, kind, (1, 2, 0)[number], EDGE, at + timedelta(seconds=3 * number))
    assert touch(row, 6, "click", 1) is None
    assert figures_of(row) == {"counted": 6, "clicked": 1, "opened": 2, "untold": 1, "machines": 2}
    page, mia = reverse("campaign-detail", args=[row.pk]), sign_in(cast.mia)
    assert "Nur Maschinen" in mia.get(page).content.decode()
    for what, who, words in [("clicked", {0}, "https://shop.example/preise"), ("opened", {0, 1}, ""), ("untold", {2}, ""), ("machines", {3, 4}, "Apple Mail"), ("counted", {0, 1, 2, 3, 4, 5}, "")]:
        named = mia.get(reverse("campaign-left-out", args=[row.pk]), {"reason": what, "mail": "0"}).content.decode()
        assert {n for n in range(7) if f"Öz{n}<" in named} == who and words in named
    assert "Öz" not in mia.get(reverse("campaign-left-out", args=[row.pk]), {"reason": "clicked", "mail": "1"}).content.decode()


def test_unsubscribes_and_mails_that_came_back_are_shown_for_each_mail(counted: Any, cast: Any, sign_in: Any) -> None:
    row = counted(people=16, agreed=0, counts=False, mails=2)  # so many that both mails have readers, however the dice fall
    by_arm: dict[int, list[Delivery]] = {arm: list(Delivery.objects.filter(campaign=row, arm=arm).order_by("pk")) for arm in (0, 1)}
    arm = 0 if len(by_arm[0]) >= 3 else 1
    leaver, objector, bounced = by_arm[arm][:3]
    link = re.search(r'href="https?://[^/"]+(/consent/stop/[^"]+)"', OutgoingMail.objects.get(delivery=leaver).html)
    assert link and Client().get(link[1]).status_code == 200 and "unsubscribed" not in reactions.of_arms(row)[arm]
    for _twice in range(2):
        assert Client().post(link[1]).status_code == 200
    choices = re.search(r'href="https?://[^/"]+(/consent/choices/[^"]+)"', OutgoingMail.objects.get(delivery=objector).html)
    assert choices and Client().post(choices[1], {"all": "1"}).status_code == 200
    withdraw_consent(reach("email", by_arm[1 - arm][0].address), [purpose()], how="phone", by=None)  # not through this mail
    OutgoingMail.objects.filter(delivery=bounced).update(state="returned", answer="550 unknown")
    found = reactions.of_arms(row)
    assert dict(found[arm]) == {"unsubscribed": 2, "returned": 1} and not found[1 - arm]
    mia = sign_in(cast.mia)
    assert "Abgemeldet" in mia.get(reverse("campaign-detail", args=[row.pk])).content.decode()
    named = mia.get(reverse("campaign-left-out", args=[row.pk]), {"reason": "unsubscribed", "mail": str(arm)})
    assert [one["party"].pk for one in named.context["rows"]] == [leaver.party_id, objector.party_id]
    assert Interaction.objects.filter(party=leaver.party_id, kind="system", heading__startswith="Einwilligung widerrufen").count() == 1


def test_a_persons_click_stands_in_the_history_once_and_a_machines_never(counted: Any) -> None:
    row = counted(people=3, agreed=3)
    at = timezone.now() - timedelta(minutes=30)
    touch(row, 0, "click", 2, at=at)
    touch(row, 0, "click", 1, at=at + timedelta(minutes=5))
    for number in (1, 2):
        touch(row, 1, "click", number, at=at + timedelta(seconds=0.2 * number))  # both links at once
    touch(row, 2, "click", 1)  # just now: what follows may still tell it is a machine's
    for _again in range(2):
        tend_campaigns()
    entries = Interaction.objects.filter(heading__startswith="Klick in der E-Mail")
    assert [(entry.party.last_name, entry.body, entry.kind, entry.direction) for entry in entries] == [("Öz0", BLOCKS[2]["url"], "system", "")]


def test_what_was_kept_is_forgotten_when_the_consent_ends(counted: Any, asked_for: Any, cast: Any) -> None:
    row = counted(people=3, agreed=3)
    for n in range(3):
        touch(row, n, "click", 1, at=timezone.now() - timedelta(minutes=30))
    tend_campaigns()
    assert Interaction.objects.filter(heading__startswith="Klick in der E-Mail").count() == 3
    withdraw_consent(reach("email", "ada0@kunde.example"), [asked_for], how="link", by=None)
    with work(by=cast.mia):
        delete_party(Delivery.objects.get(campaign=row, address="ada1@kunde.example").party, by=cast.mia)
    assert figures_of(row) == {"counted": 1, "clicked": 1, "opened": 1}  # at once
    assert reactions.forget_touches() == 2 and reactions.forget_touches() == 0
    assert list(Touch.objects.values_list("delivery__address", flat=True)) == ["ada2@kunde.example"]
    assert [entry.party.last_name for entry in Interaction.objects.filter(heading__startswith="Klick in der E-Mail")] == ["Öz2"]


def test_under_another_key_nothing_is_counted_and_nothing_forgotten(counted: Any, settings: Any) -> None:
    row = counted()
    touch(row, 0, "click", 1)
    Suppression.objects.create(channel="email", hash="0" * 64, key="0" * 8, reason="objected", since=timezone.now())
    settings.SECRET_KEY = "another" * 10
    assert touch(row, 0, "click", 1) is None and reactions.forget_touches() == 0 and Touch.objects.count() == 1


# --- the switch -------------------------------------------------------------------------------------------------------------------------


def test_the_switch_is_closed_until_people_are_asked(cast: Any, campaign: Any, audience: Any, sign_in: Any) -> None:
    audience(3)
    agree_to_count(0, cast.mia)
    row, mia = campaign(), sign_in(cast.mia)
    step, url = f"{reverse('campaign-update', args=[row.pk])}?step=check", reverse("campaign-count", args=[row.pk])
    assert "Öffnungen und Klicks zählen" in mia.get(step).content.decode()
    assert mia.post(url, {"do": "on"}).status_code == 302
    row.refresh_from_db()
    assert row.counts and "Nicht zählen" in (page := mia.get(step).content.decode()) and "zugestimmt haben: 1." in page
    mia.post(url, {"do": "off"})
    row.refresh_from_db()
    assert not row.counts
    ConsentPurpose.objects.filter(key="tracking").update(active=False)
    page = mia.get(step).content.decode()
    assert "Öffnungen und Klicks zählen" not in page and "Noch wird niemand gefragt" in page
    with pytest.raises(RuleBroken):
        count_touches(row, counts=True, by=cast.mia)
    release_campaign(row, recipients=1, by=cast.mia)
    with pytest.raises(RuleBroken):
        count_touches(row, counts=False, by=cast.mia)
