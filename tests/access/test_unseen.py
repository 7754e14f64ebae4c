"""A record hangs on a contact its editor cannot see: the edit leaves that alone, and no page names it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.urls import reverse

from accounts.grants import sync_grants
from accounts.models import Role, RoleRight
from contacts.models import Affiliation, Party
from crm.core.work import work
from sales.models import Opportunity
from tests.factories import CaseFactory, OpportunityFactory, OrganisationFactory, PersonFactory
from tests.pageforms import forms_of

pytestmark = pytest.mark.django_db
SECRET = "Geheim & Söhne KG"


@pytest.fixture
def foreign(cast: Any) -> Any:
    """A firm of the other team."""
    with work(by=cast.david):
        return OrganisationFactory(owner=cast.david, legal_name=SECRET)


def send(browser: Any, url: str, **typed: str) -> Any:
    """The form of this page as a browser sends it, with some fields typed over."""
    page = browser.get(url)
    assert SECRET.split()[0] not in page.content.decode()
    form = next(form for form in forms_of(page.content.decode(), url) if "version" in form.fields)
    return browser.post(url, {**{name: values for name, values in form.values.items() if name not in {"csrfmiddlewaretoken", "_key"}}, **typed})


def test_an_opportunity_keeps_its_contact(cast: Any, foreign: Any, sign_in: Any) -> None:
    row = OpportunityFactory(owner=cast.anna, party=foreign, name="Anlage", number="V-1")
    anna = sign_in(cast.anna)
    page = anna.get(reverse("opportunity-detail", args=[row.pk])).content.decode()
    assert "(für Sie nicht sichtbar)" in page and SECRET.split()[0] not in page
    assert send(anna, reverse("opportunity-update", args=[row.pk]), amount="99").status_code == 302
    row.refresh_from_db()
    assert (row.party_id, row.amount) == (foreign.pk, 99)


def test_a_person_keeps_the_employer_and_what_they_do_there(cast: Any, foreign: Any, sign_in: Any) -> None:
    person, anna, changes = PersonFactory(owner=cast.anna, last_name="Adler"), sign_in(cast.anna), "party-changes"
    Affiliation.objects.create(person=person, organisation=foreign, function="Betriebsrätin")
    assert "Betriebsrätin" in sign_in(cast.emil).get(reverse(changes, args=[person.pk])).content.decode()
    assert "Betriebsrätin" not in anna.get(reverse(changes, args=[person.pk])).content.decode()
    page = anna.get(reverse("person-detail", args=[person.pk])).content.decode()
    assert SECRET.split()[0] not in page and "Betriebsrätin" not in page
    assert send(anna, reverse("person-update", args=[person.pk]), last_name="Amsel").status_code == 302
    job = Affiliation.objects.get(person=person)
    assert (job.organisation_id, job.function, Party.objects.get(pk=person.pk).last_name) == (foreign.pk, "Betriebsrätin", "Amsel")


@pytest.mark.parametrize("name", ["employer", "function"])
def test_the_employer_is_not_changed_in_place_either(cast: Any, foreign: Any, sign_in: Any, name: str) -> None:
    person, anna = PersonFactory(owner=cast.anna), sign_in(cast.anna)
    Affiliation.objects.create(person=person, organisation=foreign, function="Betriebsrätin")
    cell = reverse("party-cell", args=[person.pk, name])
    answer = anna.get(cell, htmx=True)
    assert answer.status_code == 200 and "Betriebsrätin" not in answer.content.decode() and "<input" not in answer.content.decode()
    assert anna.post(cell, {name: "", "old": ""}, htmx=True).status_code == 403
    assert Affiliation.objects.get(person=person).organisation_id == foreign.pk


def test_an_organisation_keeps_whom_it_belongs_to(cast: Any, foreign: Any, sign_in: Any) -> None:
    firm = OrganisationFactory(owner=cast.anna, parent=foreign)
    assert send(sign_in(cast.anna), reverse("organisation-update", args=[firm.pk]), legal_name="Werk West").status_code == 302
    firm.refresh_from_db()
    assert (firm.parent_id, firm.legal_name) == (foreign.pk, "Werk West")


def test_a_case_keeps_its_customer(cast: Any, foreign: Any, sign_in: Any) -> None:
    RoleRight.objects.create(role=Role.objects.get(key="lead"), entity="case", verb="change", reach="team")
    sync_grants()
    case = CaseFactory(owner=cast.clara, party=foreign, reporter="Frau Öz am Telefon")
    assert send(sign_in(cast.clara), reverse("case-update", args=[case.pk]), heading="Band reißt").status_code == 302
    case.refresh_from_db()
    assert (case.party_id, case.heading) == (foreign.pk, "Band reißt")


def test_whoever_still_had_the_field_is_told_that_it_is_closed(cast: Any, foreign: Any, sign_in: Any) -> None:
    """It was read while the contact could be seen: what was typed is not dropped without a word, and nothing is saved."""
    row, mine = OpportunityFactory(owner=cast.anna, party=foreign, name="Anlage", number="V-1"), OrganisationFactory(owner=cast.anna)
    anna, url = sign_in(cast.anna), reverse("opportunity-update", args=[row.pk])
    answer = anna.post(url, {"name": "Anlage 2", "party": mine.number, "currency": row.currency_id, "version": row.version})
    assert answer.status_code == 422 and "nennt inzwischen etwas, das Sie nicht sehen" in answer.content.decode()
    row.refresh_from_db()
    assert (row.party_id, row.name) == (foreign.pk, "Anlage")


def test_a_number_made_up_as_what_was_seen_is_not_named(cast: Any, foreign: Any, sign_in: Any) -> None:
    """The page of two edits shows what stood in the form before; the browser says what that was."""
    mine, other = OrganisationFactory(owner=cast.anna, legal_name="Mein Werk"), OrganisationFactory(owner=cast.anna, legal_name="Anderes Werk")
    with work(by=cast.anna):
        person = PersonFactory(owner=cast.anna, last_name="Adler")
        Affiliation.objects.create(person=person, organisation=mine)
    answer = sign_in(cast.anna).post(
        reverse("person-update", args=[person.pk]),
        {"last_name": "Adler", "state": "prospect", "employer": other.number, "version": "0", "seen": json.dumps({"employer": str(foreign.pk)})},
    )
    assert answer.status_code == 409 and "Mein Werk" in answer.content.decode() and SECRET.split()[0] not in answer.content.decode()


def test_what_it_hung_on_before_is_not_named(cast: Any, foreign: Any, sign_in: Any) -> None:
    mine, other = OrganisationFactory(owner=cast.anna, legal_name="Mein Werk"), OrganisationFactory(owner=cast.anna, legal_name="Anderes Werk")
    row = OpportunityFactory(owner=cast.anna, party=foreign, name="Anlage", number="V-1")
    with work(by=cast.emil):
        Opportunity.objects.unrestricted().filter(pk=row.pk).update(party=mine, version=row.version + 1)
    answer = sign_in(cast.anna).post(
        reverse("opportunity-update", args=[row.pk]), {"name": "Anlage", "party": other.number, "currency": row.currency_id, "version": "0"}
    )
    assert answer.status_code == 409 and "Mein Werk" in answer.content.decode() and SECRET.split()[0] not in answer.content.decode()
