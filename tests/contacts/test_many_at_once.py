"""Very many contacts at once: taken into a file, given away in one go, and taken back, in a handful of statements."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.http import Http404
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.grants import sync_grants
from contacts import services
from contacts.models import EmailAddress, Party, PartyActivity, PartySearch, PartyTag, Person, Tag
from contacts.search import index_parties
from contacts.tags import tag_parties
from crm.core import paging
from crm.core.bulk import change_rows
from crm.core.errors import RuleBroken
from crm.core.models import Undo
from crm.core.undo import offer_undo, restore_work, take_back
from crm.core.work import work
from tests.factories import EmailFactory, PersonFactory


def crowd(owner: Any, count: int) -> list[Party]:
    return Party.objects.bulk_create(
        Party(kind="person", number=f"B-{owner.pk}-{place}", first_name="Erika", last_name=f"Reihe {place:05}", owner=owner, team=owner.team) for place in range(count)
    )


def exported(browser: Any, query: str) -> list[str]:
    text = b"".join(browser.get(reverse("person-export") + query).streaming_content).decode("utf-8-sig")
    return [row[0] for row in csv.reader(io.StringIO(text, newline=""), delimiter=";")][1:]


def test_a_file_has_the_order_of_its_list_and_its_keys_are_found_once(cast: Any, sign_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also backwards, with those never spoken with at the end. However many rows, what narrows and orders them is asked once."""
    rows = crowd(cast.anna, 9)
    for place in (1, 4, 6):
        PartyActivity.objects.create(party=rows[place], last_at=timezone.now() - timedelta(days=place))
    anna = sign_in(cast.anna)
    for query in ("", "?sort=-last_contact", "?sort=last_contact", "?sort=-name"):
        shown = [str(row["object"]) for row in anna.get(reverse("person-list") + query).context["rows"]]
        monkeypatch.setattr(paging, "AT_A_TIME", 2)
        with CaptureQueriesContext(connection) as seen:
            assert exported(anna, query) == shown and len(shown) == 9
        asked = [one["sql"] for one in seen if 'FROM "contacts_party"' in one["sql"]]
        by_key = [sql for sql in asked if '"contacts_party"."id" = ANY' in sql]
        assert (len(by_key), len(asked) - len(by_key)) == (5, 2 if "last_contact" in query else 1), asked
        assert not any('"accounts_user"' in sql for sql in by_key)  # the owners are few: they are read once
        assert not any("OFFSET" in one["sql"] for one in seen)


def test_a_whole_view_is_given_away_as_one_field(cast: Any, sign_in: Any) -> None:
    """More than a form may have fields: the question carries them all, and the answer is one statement for all of them."""
    rows = crowd(cast.anna, 2_100)
    clara = sign_in(cast.clara)
    assert "whole_label" in clara.get(reverse("person-list")).context
    question = clara.post(reverse("person-assign"), {"all": "1", "query": ""})
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', question.content.decode()))
    assert question.status_code == 200 and len(unescape(fields["pk"]).split(",")) == 2_100
    with CaptureQueriesContext(connection) as seen:
        assert clara.post(reverse("person-assign"), {"pk": fields["pk"], "owner": cast.ben.pk}).status_code == 302
    assert Party.objects.filter(pk__in=[row.pk for row in rows], owner=cast.ben).count() == 2_100
    assert sum('UPDATE "contacts_party"' in one["sql"] for one in seen) == 1


def test_a_view_nobody_counted_to_its_end_is_not_offered_whole(cast: Any, sign_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd(cast.anna, 60)
    monkeypatch.setattr(paging.capped_count, "__defaults__", (55,))
    monkeypatch.setattr(services, "AT_ONCE", 55)
    clara = sign_in(cast.clara)
    context = clara.get(reverse("person-list")).context
    assert context["count"] == 55 and context["more"] and "whole_label" not in context
    assert clara.post(reverse("person-assign"), {"all": "1", "query": ""}).status_code == 422


@pytest.mark.parametrize("way", ["owner", "tag", "untag"])
def test_taking_many_back_costs_what_taking_few_back_costs(cast: Any, way: str) -> None:
    """One statement for the rows of a table and not one per row; and what nobody searches by is not searched anew."""
    tag = Tag.objects.create(key="messe", label_de="Messe", label_en="Fair")

    def statements(count: int) -> int:
        rows = crowd(cast.anna, count)
        keys = [row.pk for row in rows]
        if way == "untag":
            tag_parties(keys, tag, by=cast.clara)
        with work(by=cast.clara):
            if way == "owner":
                services.assign_parties(keys, cast.ben, by=cast.clara)
            else:
                tag_parties(keys, tag, by=cast.clara, take=way == "untag")
            undo = offer_undo(cast.clara, "x")
        with CaptureQueriesContext(connection) as seen:
            take_back(undo, by=cast.clara)
        mine = Party.objects.filter(pk__in=keys)
        assert mine.filter(owner=cast.anna).count() == count and PartyTag.objects.filter(party__in=keys).count() == (count if way == "untag" else 0)
        assert set(mine.values_list("version", flat=True)) == {4 if way == "untag" else 3}
        assert not [one["sql"] for one in seen if "contacts_partysearch" in one["sql"]]
        mine.delete()
        return len(seen)

    assert statements(40) == statements(4)


def test_rows_that_changed_places_are_taken_back_one_after_the_other(cast: Any) -> None:
    """Only one address is the main one: the one that became it makes room first."""
    person = PersonFactory(owner=cast.anna)
    first, second = EmailFactory(party=person, is_primary=True), EmailFactory(party=person, is_primary=False)
    with work(by=cast.anna) as done:
        EmailAddress.objects.filter(pk=first.pk).update(is_primary=False)
        EmailAddress.objects.filter(pk=second.pk).update(is_primary=True)
    with work(by=cast.anna):
        restore_work({"work": done.id}, by=cast.anna)
    assert EmailAddress.objects.get(party=person, is_primary=True) == first
    assert Person.objects.get(pk=person.pk).emails.count() == 2 and not Undo.objects.exists()


def renamed(cast: Any, *names: str, rows: int = 1) -> tuple[list[Party], Undo]:
    """Contacts of anna's that got these last names one after the other in one piece of work, and the way back."""
    people = [PersonFactory(owner=cast.anna, last_name="Vorher") for _ in range(rows)]
    with work(by=cast.anna):
        for name in names:
            for person in people:
                Party.objects.filter(pk=person.pk).update(last_name=name, name=f"Erika {name}", sort_name=name.lower())
        return people, offer_undo(cast.anna, "x")


def test_a_row_changed_twice_comes_back_as_it_was_first(cast: Any) -> None:
    (person,), undo = renamed(cast, "Mitte", "Nachher")
    take_back(undo, by=cast.anna)
    assert Party.objects.get(pk=person.pk).last_name == "Vorher"


def test_a_name_that_comes_back_is_found_again(cast: Any) -> None:
    people, undo = renamed(cast, "Nachher")
    index_parties([people[0].pk])
    take_back(undo, by=cast.anna)
    assert "vorher" in PartySearch.objects.get(party=people[0].pk).words


def test_one_of_many_that_is_gone_is_said_in_words(cast: Any) -> None:
    people, undo = renamed(cast, "Nachher", rows=3)
    Party.objects.filter(pk=people[1].pk).delete()
    with pytest.raises(RuleBroken, match=r"deleted meanwhile|inzwischen"):
        take_back(undo, by=cast.anna)
    assert Party.objects.get(pk=people[0].pk).last_name == "Nachher"


def test_one_of_many_beyond_reach_keeps_all_of_them(cast: Any) -> None:
    people, undo = renamed(cast, "Nachher", rows=3)
    Party.objects.filter(pk=people[1].pk).update(owner=cast.david, team=cast.david.team)
    with pytest.raises(Http404):
        take_back(undo, by=cast.anna)
    assert Party.objects.get(pk=people[0].pk).last_name == "Nachher"


def given_away(cast: Any) -> tuple[list[int], Undo]:
    """Contacts of the north that its lead gave to somebody of the south, whom she does not see, and the way back."""
    rows = [row.pk for row in crowd(cast.anna, 3)]
    with work(by=cast.clara):
        services.assign_parties(rows, cast.david, by=cast.clara)
        undo = offer_undo(cast.clara, "x")
    assert not Party.objects.visible_to(cast.clara, "change").filter(pk__in=rows).exists()
    return rows, undo


def test_what_was_given_beyond_ones_own_reach_can_be_taken_back(cast: Any) -> None:
    rows, undo = given_away(cast)
    take_back(undo, by=cast.clara)
    assert Party.objects.visible_to(cast.clara, "change").filter(pk__in=rows, owner=cast.anna, team=cast.anna.team).count() == 3


def test_what_was_given_away_stays_so_for_whoever_lost_the_right_meanwhile(cast: Any) -> None:
    """Back where it was, it would be beyond reach as well: nothing moves."""
    rows, undo = given_away(cast)
    cast.clara.memberships.all().delete()
    sync_grants()
    with pytest.raises(Http404):
        take_back(undo, by=cast.clara)
    assert Party.objects.filter(pk__in=rows, owner=cast.david).count() == 3


def test_what_was_given_away_stays_with_whoever_has_worked_on_it(cast: Any) -> None:
    rows, undo = given_away(cast)
    with work(by=cast.david):
        change_rows(Party, [{"id": rows[1], "website": "https://neu.example"}], by=cast.david)
    with pytest.raises(RuleBroken, match=r"changed the record meanwhile|inzwischen"):
        take_back(undo, by=cast.clara)
    assert Party.objects.filter(pk__in=rows, owner=cast.david).count() == 3
