"""The report: answers, opportunities and revenue against those held out, costs, and "no winner yet" in words."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.grants import sync_grants
from accounts.models import FieldRule, Role, RoleRight
from campaigns.models import Campaign, CampaignCost, Delivery
from campaigns.report import verdict_words
from campaigns.results import results
from contacts.diary import log_interaction
from contacts.models import Affiliation
from crm.core.models import IncomingMail, MailFile, OutgoingMail
from crm.core.work import work
from sales.models import Stage
from tests.analytics.test_overview import sections
from tests.campaigns.conftest import agree, run
from tests.factories import CampaignFactory, EmailFactory, OpportunityFactory, OrganisationFactory, PersonFactory

pytestmark = pytest.mark.django_db


def accepted(row: Campaign, ago: timedelta = timedelta(days=3)) -> None:
    """All of its mails left so long ago."""
    at = timezone.now() - ago
    Campaign.objects.filter(pk=row.pk).update(started_at=at - timedelta(minutes=1))
    OutgoingMail.objects.filter(delivery__campaign=row).update(state="accepted", handed_at=at)
    row.refresh_from_db()


def answer(party: Any, by: Any, *, ago: timedelta = timedelta(days=1), direction: str = "in") -> None:
    log_interaction(party, kind="email", body="Ja, gern.", by=by, at=timezone.now() - ago, direction=direction)


def test_answers_count_within_their_days_and_once(cast: Any, campaign: Any, audience: Any) -> None:
    people = audience(8)
    row = run(campaign(control=0, days=2), cast.mia).row
    accepted(row)
    answer(people[0], cast.anna, ago=timedelta(days=2))
    answer(people[0], cast.anna, ago=timedelta(days=1, hours=12))
    answer(people[1], cast.anna, ago=timedelta(hours=1))  # too late: three days after the mail
    answer(people[2], cast.anna, ago=timedelta(days=4))  # before it
    answer(people[3], cast.anna, ago=timedelta(days=2), direction="out")  # ours
    answer(people[4], cast.anna, ago=timedelta(days=2))
    entry = people[4].interactions.get(direction="in")
    raw = MailFile.objects.create(digest="0" * 64, data=b"From: x")
    IncomingMail.objects.create(entry=entry.pk, nature="automatic", identity="x", uidvalidity=1, uid=1, raw=raw)  # a machine
    found = results(row)
    assert (found.whole.people, found.whole.answers, found.verdict.kind) == (8, 1, "alone")


def test_what_a_firm_buys_counts_once_for_who_got_the_mail_first(cast: Any, campaign: Any) -> None:
    with work(by=cast.mia):
        firm = OrganisationFactory(owner=cast.anna, team=cast.anna.team)
        for n in range(3):
            person = PersonFactory(owner=cast.anna, team=cast.anna.team)
            Affiliation.objects.create(person=person, organisation=firm)
            EmailFactory(party=person, address=f"wir{n}@firma.example")
            agree(f"wir{n}@firma.example", by=cast.mia)
    row = run(campaign(control=0), cast.mia).row
    accepted(row)
    today, stage = timezone.localdate(), Stage.objects.order_by("position")[0]
    facts = {"party": firm, "owner": cast.anna, "team": cast.anna.team, "stage": stage}
    with work(by=cast.anna):
        OpportunityFactory(amount=Decimal(1000), opened_on=today, **facts)
        OpportunityFactory(amount=Decimal(5000), opened_on=today - timedelta(days=30), **facts)
        OpportunityFactory(amount=Decimal(700), opened_on=today, state="won", closed_on=today, **facts)
    found = results(row)
    assert (found.whole.opportunities, found.whole.revenue, found.firms) == (2, Decimal(700), 1)
    assert found.gain is None  # nobody was held out


def test_the_control_group_shows_what_would_have_come_anyway(cast: Any, campaign: Any, audience: Any) -> None:
    audience(120)
    row = run(campaign(control=40), cast.mia).row
    accepted(row)
    stage, today = Stage.objects.order_by("position")[0], timezone.localdate()
    with work(by=cast.anna):
        for delivery in Delivery.objects.filter(campaign=row):
            worth = 300 if delivery.arm == 0 else 100
            OpportunityFactory(party_id=delivery.party_id, owner=cast.anna, team=cast.anna.team, stage=stage, amount=worth, opened_on=today, state="won", closed_on=today)
        CampaignCost.objects.create(campaign=row, what="Texter", amount=1000)
    found = results(row)
    assert found.gain is not None and found.gain.value == pytest.approx(200)
    assert found.back is not None and found.back.value == pytest.approx((200 * found.firms - 1000) / 1000)


def test_no_winner_yet_is_said_in_words(cast: Any, campaign: Any, audience: Any, sign_in: Any) -> None:
    people = audience(20)
    row = run(campaign(mails=2, control=0), cast.mia).row
    accepted(row)
    answer(people[0], cast.anna)
    assert "Noch kein Sieger" in verdict_words(row, results(row))
    page = sign_in(cast.mia).get(reverse("campaign-detail", args=[row.pk])).content.decode()
    assert "Noch kein Sieger" in page and "Niemand wird verfolgt" in page
    late = results(Campaign(**{**{f.attname: getattr(row, f.attname) for f in row._meta.concrete_fields if f.attname != "sort_name"}, "ended_at": timezone.now()}), now=timezone.now() + timedelta(days=60))
    assert late.over


def test_a_clear_winner_is_named(cast: Any, campaign: Any, audience: Any) -> None:
    audience(120)
    row = run(campaign(mails=2, control=0, effect=100), cast.mia).row
    accepted(row)
    for delivery in Delivery.objects.filter(campaign=row, arm=1).select_related("party")[:45]:
        answer(delivery.party, cast.anna)
    found = results(row)
    assert (found.verdict.kind, found.verdict.winner) == ("winner", 1) and "Mail B wirkt besser" in verdict_words(row, found)


def test_costs_are_written_down_and_taken_away(cast: Any, campaign: Any, audience: Any, sign_in: Any) -> None:
    audience(2)
    row, mia = run(campaign(control=0), cast.mia).row, sign_in(cast.mia)
    url = reverse("campaign-cost", args=[row.pk])
    assert mia.post(url, {"what": "Texter", "amount": "250.50"}).status_code == 302
    assert mia.post(url, {"what": "", "amount": "-1"}).status_code == 422
    assert results(row).cost == Decimal("250.50")
    mia.post(url, {"remove": row.costs.get().pk})
    assert results(row).cost == 0


def test_who_got_nothing_is_named_as_far_as_the_reader_sees(cast: Any, campaign: Any, sign_in: Any) -> None:
    with work(by=cast.mia):
        bare = PersonFactory(owner=cast.anna, team=cast.anna.team, last_name="Ohnepost")
        cold = PersonFactory(owner=cast.anna, team=cast.anna.team, last_name="Ohneja")
        EmailFactory(party=cold, address="nein@kunde.example")
    row, mia = run(campaign(), cast.mia).row, sign_in(cast.mia)
    page = mia.get(reverse("campaign-detail", args=[row.pk])).content.decode()
    assert "keine E-Mail-Adresse" in page
    assert str(bare) in mia.get(reverse("campaign-left-out", args=[row.pk], query={"reason": "no_address"})).content.decode()
    assert str(cold) in mia.get(reverse("campaign-left-out", args=[row.pk], query={"reason": "no_consent"})).content.decode()
    for odd in ("", "nonsense", "control", "refused", "stopped"):
        assert mia.get(reverse("campaign-left-out", args=[row.pk], query={"reason": odd})).status_code == 200


@pytest.mark.parametrize(("reach", "shown"), [(None, False), ("team", False), ("all", True)])
def test_sales_are_shown_to_who_sees_all_of_them(cast: Any, campaign: Any, sign_in: Any, reach: str | None, shown: bool) -> None:
    """A report of a campaign to one contact would otherwise tell what that contact buys."""
    with work(by=cast.mia):
        person = PersonFactory(owner=cast.anna, team=cast.anna.team)
        EmailFactory(party=person, address="eine@kunde.example")
        agree("eine@kunde.example", by=cast.mia)
    role = Role.objects.get(key="marketing")
    role.rights.filter(entity="opportunity").delete()
    if reach:
        RoleRight.objects.create(role=role, entity="opportunity", verb="view", reach=reach)
    sync_grants()
    row = run(campaign(control=0), cast.mia).row
    accepted(row)
    with work(by=cast.anna):
        OpportunityFactory(party=person, owner=cast.anna, team=cast.anna.team, amount=Decimal(48711), opened_on=timezone.localdate(), state="won", closed_on=timezone.localdate())
    page = sign_in(cast.mia).get(reverse("campaign-detail", args=[row.pk])).content.decode()
    assert ("48.711" in page) is shown and ("Verkaufschancen</th>" in page) is shown


def test_hidden_facts_are_not_shown(cast: Any, campaign: Any, sign_in: Any) -> None:
    row = campaign(goal="GEHEIMES Ziel", budget=Decimal(31415))
    url = reverse("campaign-detail", args=[row.pk])
    assert "GEHEIMES" in (page := sign_in(cast.mia).get(url).content.decode()) and "31.415" in page
    for name in ("goal", "budget"):
        FieldRule.objects.create(role=Role.objects.get(key="marketing"), entity="campaign", field=name)
    page = sign_in(cast.mia).get(url).content.decode() + sign_in(cast.mia).get(reverse("campaign-list")).content.decode()
    assert "GEHEIMES" not in page and "31.415" not in page


def test_the_overview_shows_what_they_brought_to_those_who_see_them(cast: Any, sign_in: Any, campaign: Any, audience: Any) -> None:
    assert "campaigns" not in sections(cast.greta)
    people = audience(4)
    row = run(campaign(control=0), cast.mia).row
    accepted(row, ago=timedelta(hours=1))
    answer(people[0], cast.anna, ago=timedelta(minutes=5))
    OpportunityFactory(party=people[1], owner=cast.anna, team=cast.anna.team, amount=Decimal(700), opened_on=timezone.localdate(), state="won", closed_on=timezone.localdate())
    CampaignCost.objects.create(campaign=row, what="Texter", amount=50)
    old = CampaignFactory(owner=cast.mia, name="Vorjahr", purpose=row.purpose, state="running", released_by=cast.mia, released_at=timezone.now(), started_at=timezone.now() - timedelta(days=400))
    [line] = sections(cast.greta)["campaigns"].campaigns
    assert (line["name"], line["people"], line["answers"], line["opportunities"], line["revenue"], line["cost"]) == (row.name, 4, 1, 1, Decimal(700), Decimal(50))
    assert [figure["value"] for figure in sections(cast.greta)["campaigns"].figures][:3] == ["1", "4", "1"] and "campaigns" in sections(cast.greta, "export")
    assert "campaigns" not in sections(cast.anna)
    page = sign_in(cast.greta).get(reverse("overview")).content.decode()
    assert row.name in page and old.name not in page
