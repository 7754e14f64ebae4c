"""Who takes back a deletion: the record is judged by what they may do to it now, and what hangs on it by the record."""

from __future__ import annotations

import pytest
from django.http import Http404

from accounts.grants import sync_grants
from accounts.models import Membership, Role, RoleRight
from contacts.models import Affiliation, Interaction, Party, PhoneNumber
from contacts.services import delete_party
from crm.core.sharing import share_record, unshare_record
from crm.core.subjects import name_subject, of_subject
from crm.core.undo import offer_undo, take_back
from crm.core.work import work
from sales.models import Opportunity
from sales.services import delete_opportunity
from service.services import delete_case, open_case
from tests.factories import CaseFactory, InteractionFactory, OpportunityFactory, OrganisationFactory, PersonFactory, PhoneFactory
from tests.world import mail_of


@pytest.fixture
def person(cast):
    """A contact of hers, with a number and an entry that somebody else wrote."""
    person = PersonFactory(owner=cast.anna)
    PhoneFactory(party=person, number="0221 1")
    InteractionFactory(party=person, kind="call", body="Hat gut getan", created_by=cast.clara)
    return Party.objects.get(pk=person.pk)


def deleted(what, by):
    """The way back to something that was deleted."""
    with work(by=by):
        what()
        return offer_undo(by, "x")


def take(undo, user, left):
    """Take it back; refused where they hold no role anywhere any more."""
    if not left:
        take_back(undo, by=user)
        return
    Membership.objects.filter(user=user).delete()
    sync_grants()
    with pytest.raises(Http404):
        take_back(undo, by=user)


@pytest.mark.parametrize("left", [False, True])
def test_a_contact_comes_back_with_what_others_wrote_but_not_to_whoever_left(cast, person, left):
    undo = deleted(lambda: delete_party(person, by=cast.anna), cast.anna)
    take(undo, cast.anna, left)
    for model in (Interaction, PhoneNumber):
        assert model.objects.unrestricted().filter(party=person.pk).exists() is not left
    assert Party.objects.filter(pk=person.pk).exists() is not left


@pytest.mark.parametrize("left", [False, True])
def test_a_part_comes_back_to_a_contact_they_may_still_change(cast, person, left):
    undo = deleted(person.phones.get().delete, cast.anna)
    take(undo, cast.anna, left)
    assert person.phones.exists() is not left


@pytest.mark.parametrize("left", [False, True])
def test_an_opportunity_comes_back_with_the_entries_of_others(cast, person, left):
    row = OpportunityFactory(party=person, owner=cast.anna)
    entry = InteractionFactory(party=person, kind="note", body="Rabatt zugesagt", created_by=cast.clara, **name_subject(row))
    undo = deleted(lambda: delete_opportunity(row, by=cast.anna), cast.anna)
    here = Interaction.objects.unrestricted().filter(of_subject(row))
    assert not here.exists()
    take(undo, cast.anna, left)
    assert Opportunity.objects.unrestricted().filter(pk=row.pk).exists() is not left
    assert list(here) == ([] if left else [entry])


def test_a_complaint_comes_back_with_what_was_said_and_written_in(cast, person):
    case = open_case(CaseFactory.build(owner=cast.sven, party=OrganisationFactory(owner=cast.sven), number=""), by=cast.sven)
    mail = mail_of(case, "Vogel")
    InteractionFactory(party=case.party, kind="note", created_by=cast.clara, **name_subject(case))
    here = Interaction.objects.unrestricted().filter(of_subject(case))
    before = set(here.values_list("pk", flat=True))
    undo = deleted(lambda: delete_case(case, by=cast.sven), cast.sven)
    assert not here.exists()
    take_back(undo, by=cast.sven)
    assert set(here.values_list("pk", flat=True)) == before and mail.entry in before


def test_an_employer_taken_out_comes_back_though_the_firm_is_somebody_elses(cast):
    person = PersonFactory(owner=cast.mia)
    Affiliation.objects.create(person=person, organisation=OrganisationFactory(owner=cast.anna), is_primary=True)
    undo = deleted(lambda: Affiliation.objects.all().delete(), cast.mia)
    take_back(undo, by=cast.mia)
    assert Affiliation.objects.get().person_id == person.pk
    undo = deleted(lambda: Affiliation.objects.all().delete(), cast.mia)
    Party.objects.filter(pk=person.pk).update(owner=cast.anna)
    with pytest.raises(Http404):
        take_back(undo, by=cast.mia)


def test_an_employer_who_cannot_be_seen_any_more_stays_out(cast):
    firm, person = OrganisationFactory(owner=cast.david, team=cast.firm.south), PersonFactory(owner=cast.anna)
    share_record(firm, cast.anna, by=cast.david)
    Affiliation.objects.create(person=person, organisation=firm, is_primary=True)
    undo = deleted(lambda: Affiliation.objects.all().delete(), cast.anna)
    unshare_record(firm, cast.anna, by=cast.david)
    with pytest.raises(Http404):
        take_back(undo, by=cast.anna)
    share_record(firm, cast.anna, by=cast.david)
    take_back(undo, by=cast.anna)
    assert Affiliation.objects.get().organisation_id == firm.pk


def test_whoever_may_delete_but_not_change_may_take_it_back(cast, person):
    role = Role.objects.get(key="rep")
    RoleRight.objects.filter(role=role, entity="party", verb="change").delete()
    sync_grants()
    undo = deleted(lambda: delete_party(person, by=cast.anna), cast.anna)
    take_back(undo, by=cast.anna)
    assert Party.objects.filter(pk=person.pk).exists()


def test_what_a_work_made_and_deleted_itself_is_nothing_to_bring_back(cast, person):
    def work_of_it():
        PhoneFactory(party=person, number="0221 2", is_primary=False).delete()
        PhoneFactory(party=person, number="0221 3", is_primary=False)

    take_back(deleted(work_of_it, cast.anna), by=cast.anna)
    assert person.phones.get().number == "0221 1"


def test_the_shares_of_an_opportunity_come_back_with_it(cast):
    row = OpportunityFactory(owner=cast.anna)
    share_record(row, cast.david, by=cast.anna)
    undo = deleted(lambda: delete_opportunity(row, by=cast.anna), cast.anna)
    take_back(undo, by=cast.anna)
    assert Opportunity.objects.visible_to(cast.david).get() == row


def test_an_entry_of_somebody_else_is_not_brought_back_by_itself(cast, person):
    undo = deleted(lambda: person.interactions.unrestricted().all().delete(), cast.anna)
    with pytest.raises(Http404):
        take_back(undo, by=cast.anna)
    assert not person.interactions.exists()
