"""The rep's way: find in a list, create with a warning, look at everything, write an entry with a next step."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from contacts.diary import touch_each
from contacts.models import Affiliation, Interaction, Organisation, Party, PartyActivity, Person, Task
from contacts.search import index_parties
from crm.core.models import RecentlyViewed, Undo
from tests.factories import AddressFactory, EmailFactory, OrganisationFactory, PersonFactory, PhoneFactory


@pytest.fixture
def firm_of_anna(cast):
    firm = OrganisationFactory(legal_name="Schürmann Möbelwerke GmbH", owner=cast.anna)
    EmailFactory(party=firm, address="info@moebel.example")
    AddressFactory(party=firm, city="Herford", postcode="32051", street="Am Holzhafen 12")
    index_parties()
    return firm


def test_lists_show_what_the_reader_may_see(cast, sign_in, firm_of_anna):
    person = PersonFactory(first_name="Anke", last_name="Vogel", owner=cast.anna)
    PhoneFactory(party=person, number="0221 98765")
    PersonFactory(last_name="Fremd", owner=cast.david)
    index_parties()
    page = sign_in(cast.anna).get(reverse("person-list"))
    assert page.status_code == 200
    assert b"Anke Vogel" in page.content and b"0221 98765" in page.content and b"Fremd" not in page.content
    page = sign_in(cast.anna).get(reverse("organisation-list"), {"q": "moebelw"}, htmx=True)
    assert b"Herford" in page.content and b"<html" not in page.content
    assert sign_in(cast.frieda).get(reverse("person-list")).status_code == 403


def typed(**more):
    return {"first_name": "Anke", "last_name": "Schürmann", "state": "prospect", "email": "anke@moebel.example", "phone": "05221 9834-120", "city": "Herford", **more}


def test_a_person_is_created_with_everything_that_belongs_to_it(cast, sign_in, firm_of_anna):
    browser = sign_in(cast.anna)
    answer = browser.post(reverse("person-create"), typed(employer="Schürmann Möbelwerke", function="Geschäftsführerin", roles=["partner", "stakeholder"]))
    person = Person.objects.get()
    assert answer.status_code == 302 and answer["Location"] == reverse("person-detail", args=[person.pk])
    assert (person.owner, person.team, person.number[:2]) == (cast.anna, cast.anna.team, "K-")
    assert person.emails.get().address == "anke@moebel.example" and person.phones.get().key == "+4952219834120"
    assert person.addresses.get().city == "Herford" and {role.role for role in person.roles.all()} == {"partner", "stakeholder"}
    job = person.affiliations.get()
    assert (job.organisation_id, job.function) == (firm_of_anna.pk, "Geschäftsführerin")
    page = browser.get(reverse("person-list"), {"q": "9834"})
    assert "Anke Schürmann" in page.content.decode()


def test_errors_stand_beside_their_field_and_nothing_typed_is_lost(cast, sign_in):
    answer = sign_in(cast.anna).post(reverse("person-create"), {"state": "prospect", "email": "kein-mail", "function": "Einkauf", "city": "Köln"})
    text = answer.content.decode()
    assert answer.status_code == 422 and not Party.objects.exists()
    assert {"email", "employer"} <= set(answer.context["form"].errors) and 'value="Köln"' in text and 'value="kein-mail"' in text
    answer = sign_in(cast.anna).post(reverse("person-create"), {"state": "prospect", "city": "Köln"})
    assert "last_name" in answer.context["form"].errors
    answer = sign_in(cast.anna).post(reverse("organisation-create"), {"state": "prospect", "founded": "9" * 5000})
    assert answer.status_code == 422 and {"legal_name", "founded"} <= set(answer.context["form"].errors)


def test_a_duplicate_is_shown_before_it_is_saved_and_saved_all_the_same_when_meant(cast, sign_in, firm_of_anna):
    browser = sign_in(cast.anna)
    data = {"legal_name": "Schuermann Moebelwerke", "state": "prospect", "email": "info@moebel.example"}
    live = browser.get(reverse("organisation-duplicates"), data, htmx=True).content.decode()
    assert "Schürmann Möbelwerke GmbH" in live and reverse("party-detail", args=[firm_of_anna.pk]) in live
    answer = browser.post(reverse("organisation-create"), data)
    assert answer.status_code == 422 and Organisation.objects.count() == 1 and "Schürmann Möbelwerke GmbH" in answer.content.decode()
    assert browser.post(reverse("organisation-create"), {**data, "anyway": "1"}).status_code == 302
    assert Organisation.objects.count() == 2


def test_a_duplicate_beyond_the_rights_is_counted_and_not_named(cast, sign_in, firm_of_anna):
    live = sign_in(cast.david).get(reverse("organisation-duplicates"), {"legal_name": "Schürmann Möbelwerke GmbH"}, htmx=True).content.decode()
    assert "Möbelwerke" not in live and firm_of_anna.number not in live and 'name="anyway"' in live
    assert "l-note" not in sign_in(cast.david).get(reverse("organisation-duplicates"), {"legal_name": "Etwas ganz anderes"}, htmx=True).content.decode()


def test_the_page_of_a_contact_and_an_entry_with_its_next_step(cast, sign_in, firm_of_anna):
    browser = sign_in(cast.anna)
    url = reverse("organisation-detail", args=[firm_of_anna.pk])
    assert browser.get(reverse("party-detail", args=[firm_of_anna.pk]))["Location"] == url
    page = browser.get(url).content.decode()
    for words in ("Schürmann Möbelwerke GmbH", "info@moebel.example", "Herford", firm_of_anna.number, reverse("party-log", args=[firm_of_anna.pk])):
        assert words in page
    assert RecentlyViewed.objects.get(user=cast.anna).subject_id == firm_of_anna.pk
    echo = browser.get(reverse("due-words"), {"next_step": "Mo 9 Anruf"}, htmx=True).content.decode()
    assert "Mo, " in echo and "09:00" in echo
    log = reverse("party-log", args=[firm_of_anna.pk])
    answer = browser.post(log, {"kind": "call", "body": "Will drei Angebote.", "next_step": "morgen 14:30 Angebot"}, htmx=True)
    entry, task = Interaction.objects.get(), Task.objects.get()
    assert answer.status_code == 200 and (entry.kind, entry.created_by, entry.party_id) == ("call", cast.anna, firm_of_anna.pk)
    assert (task.text, task.owner, task.party_id) == ("Angebot", cast.anna, firm_of_anna.pk)
    assert PartyActivity.objects.get().last_at == entry.occurred_at
    text = answer.content.decode()
    assert "Will drei Angebote." in text and "Angebot" in text and 'hx-swap-oob="true"' in text and str(Undo.objects.get().token) in text
    browser.post(reverse("undo", args=[Undo.objects.get().token]))
    assert not Interaction.objects.exists() and not Task.objects.exists() and not PartyActivity.objects.exists()


def test_a_wrong_day_is_said_beside_the_field_and_the_text_stays(cast, sign_in, firm_of_anna):
    browser = sign_in(cast.anna)
    for htmx in (True, False):
        answer = browser.post(reverse("party-log", args=[firm_of_anna.pk]), {"kind": "call", "body": "Wichtig", "next_step": "irgendwann mal"}, htmx=htmx)
        text = answer.content.decode()
        assert answer.status_code == 422 and "Wichtig" in text and "irgendwann mal" in text and not Interaction.objects.exists()
    assert browser.post(reverse("party-log", args=[firm_of_anna.pk]), {"kind": "note", "body": "Nur so"}).status_code == 302
    assert sign_in(cast.greta).post(reverse("party-log", args=[firm_of_anna.pk]), {"kind": "note", "body": "x"}).status_code == 403
    assert sign_in(cast.david).post(reverse("party-log", args=[firm_of_anna.pk]), {"kind": "note", "body": "x"}).status_code == 404


def test_what_was_said_with_people_stands_on_the_page_of_their_organisation(cast, sign_in, firm_of_anna):
    from contacts.diary import log_interaction
    from contacts.models import Affiliation

    person = PersonFactory(first_name="Petra", last_name="Vogelsang", owner=cast.anna)
    Affiliation.objects.create(person=person, organisation=firm_of_anna, function="Einkauf")
    for n in range(30):
        log_interaction(person, kind="note", body=f"Eintrag Nummer {n}.", by=cast.anna)
    page = sign_in(cast.anna).get(reverse("organisation-detail", args=[firm_of_anna.pk])).content.decode()
    assert "Petra Vogelsang" in page and "Eintrag Nummer 29." in page and "Eintrag Nummer 4." not in page
    more = page.split(reverse("party-timeline", args=[firm_of_anna.pk]) + "?kind=&amp;after=")[1].split('"')[0]
    rest = sign_in(cast.anna).get(reverse("party-timeline", args=[firm_of_anna.pk]) + f"?kind=&after={more}", htmx=True).content.decode()
    assert "Eintrag Nummer 4." in rest and "Eintrag Nummer 5." not in rest
    talks = sign_in(cast.anna).get(reverse("party-timeline", args=[firm_of_anna.pk]), {"kind": "talks"})
    assert "Eintrag" not in talks.content.decode()


def test_what_happened_with_people_counts_for_their_firms_and_the_latest_counts(cast):
    firm, day = OrganisationFactory(owner=cast.anna), timezone.now()
    people = [Affiliation.objects.create(organisation=firm, person=PersonFactory(owner=cast.anna)).person for _ in range(2)]
    hours = [day - timedelta(hours=hour) for hour in (3, 1, 2)]
    touch_each([(people[0].pk, hours[0]), (people[1].pk, hours[1]), (people[0].pk, hours[2])])
    touch_each([])
    touch_each([(firm.pk, day - timedelta(days=9))])
    assert dict(PartyActivity.objects.values_list("party_id", "last_at")) == {people[0].pk: hours[2], people[1].pk: hours[1], firm.pk: hours[1]}
