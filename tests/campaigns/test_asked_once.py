"""A segment is asked as sets, and its members are worked out once for all that a page shows of them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from campaigns import audience as audiences
from campaigns.segments import members, vocabulary_for
from campaigns.segments.services import create_segment, keep_segment
from contacts.models import ConsentPurpose, Party
from crm.bench.segments import six_conditions
from crm.core.conditions import to_query
from crm.core.once import ask_once
from tests.factories import OrganisationFactory, PersonFactory

pytestmark = pytest.mark.django_db
NEVER = {"field": "source", "op": "contains", "value": "unmistakable"}
TREE = {"all": [{"not": {"any": [NEVER]}}]}


def times_asked(seen: CaptureQueriesContext) -> int:
    """How often the statements work out who is in the segment."""
    return sum(query["sql"].count("unmistakable") for query in seen.captured_queries)


@pytest.mark.parametrize("page", ["segment-detail", "segment-update"])
def test_a_page_works_out_its_members_once(cast: Any, sign_in: Any, page: str) -> None:
    people = [PersonFactory(owner=cast.anna), OrganisationFactory(owner=cast.anna)]
    segment = create_segment(by=cast.mia, name="Alle", tree=TREE)
    for _ in range(3):
        keep_segment(segment, by=cast.mia)
    mia, url = sign_in(cast.mia), reverse(page, args=[segment.pk])
    mia.get(url)
    with CaptureQueriesContext(connection) as seen:
        shown = mia.get(url)
    assert shown.context["standing"].count == len(people) and "<b>2</b>" in shown.content.decode()
    assert times_asked(seen) == 1


@pytest.mark.parametrize("step", ["goal", "content", "check"])
def test_a_campaign_works_out_its_audience_once(cast: Any, sign_in: Any, campaign: Any, audience: Any, step: str) -> None:
    audience(3)
    row = campaign(segment=create_segment(by=cast.mia, name="Alle", tree=TREE))
    mia, url = sign_in(cast.mia), f"{reverse('campaign-update', args=[row.pk])}?step={step}"
    mia.get(url)
    with CaptureQueriesContext(connection) as seen:
        shown = mia.get(url)
    assert shown.context["preview"]["total"] == 3 and shown.context["preview"]["person"] is not None
    assert times_asked(seen) == 1


def test_a_campaign_that_takes_too_long_to_count_says_so(cast: Any, sign_in: Any, campaign: Any, audience: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    audience(2)
    row = campaign()
    assert audiences.look(row, cast.mia).recipients == 2
    monkeypatch.setattr(audiences, "PATIENCE", 0.0)
    mia = sign_in(cast.mia)
    for step in ("goal", "check"):
        page = mia.get(f"{reverse('campaign-update', args=[row.pk])}?step={step}&audience=1")
        assert page.status_code == 200 and "mehr zu zählen, als eine Seite warten darf" in page.content.decode()
        assert "Niemand bekäme" not in page.content.decode()
    assert mia.get(reverse("campaign-preview", args=[row.pk])).status_code == 200
    assert audiences.look(row, cast.mia, exactly=True).recipients == 2  # what is released is counted


@pytest.mark.parametrize("step", ["goal", "content", "check"])
def test_a_count_that_takes_a_while_comes_behind_the_step(cast: Any, sign_in: Any, campaign: Any, audience: Any, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    people, row = audience(2), campaign()
    monkeypatch.setattr(audiences, "SOON", 0.0)
    mia, url = sign_in(cast.mia), f"{reverse('campaign-update', args=[row.pk])}?step={step}"
    page = mia.get(url)
    later = page.context["later_url"]
    assert f'hx-get="{later}"'.replace("&", "&amp;") in page.content.decode() and "Empfänger werden gezählt" in page.content.decode()
    assert "Niemand bekäme" not in page.content.decode() and "person=0" in page.context["preview"]["url"]
    assert mia.get(page.context["preview"]["url"]).status_code == 200
    behind = mia.get(later)
    assert behind.context["preview"]["person"] == people[0] and behind.context["preview"]["total"] == 2 and "werden gezählt" not in behind.content.decode()
    if step != "content":
        assert 'id="counted"' in page.content.decode() and 'id="counted"' in behind.content.decode()


def test_what_took_a_while_is_believed_for_a_moment(cast: Any, campaign: Any, audience: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the same reader, of the same conditions; never where it is released."""
    people = audience(3)
    row = campaign(segment=create_segment(by=cast.mia, name="Alle", tree=TREE))
    monkeypatch.setattr(audiences, "SOON", 0.0)
    first = audiences.look(row, cast.mia)
    with CaptureQueriesContext(connection) as seen:
        again, beyond = audiences.look(row, cast.mia, number=2, at_once=True), audiences.look(row, cast.mia, number=99)
    assert times_asked(seen) == 0 and first.person == people[0] and (again.person, beyond.person) == (people[1], people[2]) and again.waterfall == first.waterfall
    with CaptureQueriesContext(connection) as seen:
        assert audiences.look(row, cast.mia, exactly=True).recipients == 3 and audiences.look(row, cast.emil).recipients == 3
    assert times_asked(seen) == 2
    nobody = campaign(segment=create_segment(by=cast.mia, name="Keine", tree={"all": [NEVER]}))
    assert (audiences.look(nobody, cast.mia).recipients, audiences.look(row, cast.mia).recipients) == (0, 3)
    row.purpose = ConsentPurpose.objects.exclude(pk=row.purpose.pk)[0]
    assert audiences.look(row, cast.mia).recipients == 0


def test_whoever_comes_behind_the_first_is_looked_for(cast: Any, campaign: Any, audience: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    people = audience(4)
    row = campaign(segment=create_segment(by=cast.mia, name="Alle", tree=TREE))
    monkeypatch.setattr(audiences, "SOON", 0.0)
    monkeypatch.setattr(audiences, "LOOKED_AT", 2)
    assert [audiences.look(row, cast.mia, number=number).person for number in (1, 2, 3, 4, 9)] == [*people, people[3]]


def test_the_audience_is_read_in_the_order_of_names(cast: Any, campaign: Any, audience: Any) -> None:
    people, row = audience(4), campaign()
    found = audiences.look(row, cast.mia, number=2, most=3)
    assert found.sample == people[:3] and found.person == people[1] and (found.recipients, found.agreed) == (4, 0)
    assert audiences.look(row, cast.mia, number=99).person == people[3] and audiences.look(row, cast.mia).sample == []


def test_of_nobody_nothing_is_asked(cast: Any) -> None:
    with CaptureQueriesContext(connection) as seen:
        assert ask_once(Party.objects.none().values("id"), {"count": ("SELECT '', count(*) FROM once", ())}) == {"count": []}
    assert not seen.captured_queries


def asked_of_each(rows: Any) -> str:
    """What Postgres would look at for each contact while it counts them: the conditions of its plan, without those inside the sets."""
    text, params = rows.order_by().values("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE contacts_party, sales_opportunity, service_case, contacts_affiliation, contacts_postaladdress, contacts_partyactivity, contacts_emailaddress")
        cursor.execute(f"EXPLAIN (FORMAT JSON) SELECT count(*) FROM ({text}) AS found", params)
        todo, seen = [cursor.fetchone()[0][0]["Plan"]], []
    while todo:
        node = todo.pop()
        seen += [words for name, words in node.items() if name in ("Filter", "Join Filter", "Hash Cond", "Merge Cond", "Index Cond", "Recheck Cond")]
        todo += [below for below in node.get("Plans", []) if below["Parent Relationship"] not in ("SubPlan", "InitPlan")]
    return "\n".join(seen)


@pytest.mark.parametrize("tree", [
    six_conditions, lambda: {"not": six_conditions()}, lambda: {"any": [six_conditions(), {"related": "purchase", "measure": "amount", "op": "at_most", "value": "5000"}]},
    lambda: {"any": [{"field": "email", "op": "unset"}, {"field": "function", "op": "begins", "value": "Ein"}, {"related": "case", "measure": "count", "op": "at_most", "value": 2}]},
])  # fmt: skip
def test_nothing_is_asked_for_each_contact(cast: Any, tree: Any) -> None:
    """Whoever sees everything is answered from sets: each is read once and hashed, none is read anew for each row. (Within a set of
    purchases the rate of each one's day is looked up; that is asked of a purchase, not of a contact.)"""
    PersonFactory(owner=cast.anna)
    shown = asked_of_each(members(tree(), cast.emil))
    assert "hashed SubPlan" in shown
    assert not re.findall(r"(?<!hashed )SubPlan \d+\)", shown), shown


def test_what_is_asked_of_each_contact_is_seen(cast: Any) -> None:
    """The red control: the form meant for one contact, asked of all of them."""
    PersonFactory(owner=cast.anna)
    asked = to_query(six_conditions(), vocabulary_for(cast.emil, asked="one"))
    assert re.findall(r"(?<!hashed )SubPlan \d+\)", asked_of_each(Party.objects.filter(asked)))


def test_one_contact_is_not_answered_from_sets(cast: Any) -> None:
    """A journey that asks for one contact reads no set of all of them."""
    person = PersonFactory(owner=cast.anna)
    tree = {"any": [{"field": "city", "op": "set"}, {"related": "opportunity", "measure": "count", "op": "at_least", "value": 2}]}
    sets = [members(tree, cast.emil, only=only).query.sql_with_params()[0].count(" IN (SELECT who FROM ") for only in (person.pk, None)]
    assert sets == [0, 2], "by the statement itself: of a few rows Postgres may make a hash, too"
    one, many = (Party.objects.filter(to_query(tree, vocabulary_for(cast.emil, asked=asked))) for asked in ("one", "all"))
    assert not one.exists() and not many.exists()
