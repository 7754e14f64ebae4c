"""Sharing one record: it opens to whom it is shared with, if they hold the verb, and to nobody else."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils import timezone

from accounts.models import Role
from contacts.models import Interaction, Party
from crm.core.access import one_request
from crm.core.errors import RuleBroken
from crm.core.sharing import share_record, shares_of, unshare_record
from crm.core.subjects import name_subject
from crm.core.undo import offer_undo, take_back
from crm.core.work import work
from sales.models import Opportunity
from tests.factories import OpportunityFactory, PersonFactory


@pytest.fixture
def row(cast):
    return OpportunityFactory(owner=cast.anna)


def sees(user, row, action="view"):
    return Opportunity.objects.visible_to(user, action).filter(pk=row.pk).exists()


def test_a_share_with_a_person_opens_the_record_until_it_is_taken_back(cast, row):
    assert not sees(cast.david, row)
    share_record(row, cast.david, by=cast.anna)
    assert sees(cast.david, row) and not sees(cast.david, row, "change")
    share_record(row, cast.david, by=cast.anna, actions=["change"])
    assert sees(cast.david, row, "change")
    assert [(s.label, s.actions, s.is_role) for s in shares_of(row)] == [("David Probe", ("view", "change"), False)]
    unshare_record(row, cast.david, by=cast.anna)
    assert not sees(cast.david, row) and not shares_of(row)


def test_a_share_with_a_role_opens_it_to_everyone_who_has_the_role(cast, row):
    role = Role.objects.get(key="rep")
    share_record(row, role.group, by=cast.anna)
    assert sees(cast.david, row) and not sees(cast.mia, row)
    assert shares_of(row)[0].label == str(role)


def test_a_share_counts_at_once_also_within_the_request_that_gives_it(cast, row):
    with one_request():
        assert not sees(cast.david, row)
        share_record(row, cast.david, by=cast.anna)
        assert sees(cast.david, row)
        unshare_record(row, cast.david, by=cast.anna)
        assert not sees(cast.david, row)


def test_who_may_not_change_may_not_share(cast, row):
    with pytest.raises(PermissionDenied):
        share_record(row, cast.david, by=cast.ben)
    with pytest.raises(PermissionDenied):
        unshare_record(row, cast.david, by=cast.greta)


@pytest.mark.parametrize("name", ["anna", "frieda", "mia"])
def test_a_share_that_opens_nothing_is_refused(cast, row, name):
    with pytest.raises(RuleBroken):
        share_record(row, getattr(cast, name), by=cast.anna)


def test_what_hangs_on_a_shared_record_opens_within_the_same_request(cast, row):
    """Entries of a history about it are seen as soon as it is: nothing made of the rights of before is kept."""
    party = PersonFactory(owner=cast.david)
    entry = Interaction.objects.create(party=party, kind="system", heading="Gewonnen", occurred_at=timezone.now(), **name_subject(row))
    with one_request():
        assert not Interaction.objects.visible_to(cast.david).filter(pk=entry.pk).exists()
        share_record(row, cast.david, by=cast.anna)
        assert Interaction.objects.visible_to(cast.david).filter(pk=entry.pk).exists()


@pytest.mark.parametrize("lost", [False, True])
def test_a_share_is_not_given_back_by_whoever_lost_the_record(cast, lost):
    person = PersonFactory(owner=cast.anna)
    share_record(person, cast.david, by=cast.anna)
    with work(by=cast.anna):
        unshare_record(person, cast.david, by=cast.anna)
        undo = offer_undo(cast.anna, "x")
    if lost:
        Party.objects.filter(pk=person.pk).update(owner=cast.mia, team=cast.mia.team)
        with pytest.raises(Http404):
            take_back(undo, by=cast.anna)
    else:
        take_back(undo, by=cast.anna)
    assert Party.objects.visible_to(cast.david).filter(pk=person.pk).exists() is not lost
