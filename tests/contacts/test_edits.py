"""Changing contacts: two people at once, in place, in bulk, and back again; what stays, who knows, who may."""

from __future__ import annotations

import pytest
from django.urls import reverse

from accounts.models import FieldRule, Role
from contacts.models import EmailAddress, Interaction, Organisation, Party, PartySearch, Person
from contacts.search import index_parties
from contacts.services import share_party
from crm.core.errors import RuleBroken
from crm.core.models import Notification, Undo
from crm.core.why import explain
from tests.factories import AddressFactory, EmailFactory, OpportunityFactory, OrganisationFactory, PersonFactory, PhoneFactory, grant_share


@pytest.fixture
def anke(cast):
    person = PersonFactory(first_name="Anke", last_name="Vogel", owner=cast.anna)
    EmailFactory(party=person, address="anke@vogel.example")
    PhoneFactory(party=person, number="0221 98765-0")
    AddressFactory(party=person, city="Köln", postcode="50667", street="Weg 1")
    index_parties()
    return person


def fields(browser, person):
    """What the edit form holds, as a browser would send it back."""
    form = browser.get(reverse("person-update", args=[person.pk])).context["form"]
    sent = {}
    for bound in form:
        value = bound.value()
        if value not in (None, ""):
            sent[bound.html_name] = value
    return sent


def update(browser, person, data):
    return browser.post(reverse("person-update", args=[person.pk]), data)


def test_two_people_change_different_things_and_both_stay(cast, sign_in, anke):
    anna, ben = sign_in(cast.anna), sign_in(cast.ben)
    first, second = fields(anna, anke), fields(ben, anke)
    assert update(anna, anke, {**first, "last_name": "Vogelsang", "phone": "0221 11111"}).status_code == 302
    assert update(ben, anke, {**second, "email": "neu@vogel.example", "city": "Bonn"}).status_code == 302
    fresh = Person.objects.get(pk=anke.pk)
    assert (fresh.name, fresh.phones.get().number, fresh.emails.get().address, fresh.addresses.get().city) == ("Anke Vogelsang", "0221 11111", "neu@vogel.example", "Bonn")
    assert fresh.addresses.get().street == "Weg 1"


def test_two_people_change_the_same_and_see_both_values(cast, sign_in, anke):
    anna, ben = sign_in(cast.anna), sign_in(cast.ben)
    first, second = fields(anna, anke), fields(ben, anke)
    update(anna, anke, {**first, "last_name": "Vogelsang", "email": "anna@vogel.example"})
    answer = update(ben, anke, {**second, "last_name": "Vogt", "email": "ben@vogel.example", "phone": "0221 22222"})
    text = answer.content.decode()
    assert answer.status_code == 409
    for words in ("Vogelsang", "Vogt", "anna@vogel.example", "ben@vogel.example", "Anna Probe"):
        assert words in text
    fresh = Person.objects.get(pk=anke.pk)
    assert (fresh.last_name, fresh.phones.get().number) == ("Vogelsang", "0221 98765-0")  # nothing of the second is saved yet
    merged = {**second, "version": str(answer.context["version"]), "last_name": "Vogelsang", "email": "ben@vogel.example", "phone": "0221 22222"}
    assert update(ben, anke, merged).status_code == 302
    fresh = Person.objects.get(pk=anke.pk)
    assert (fresh.last_name, fresh.emails.get().address, fresh.phones.get().number) == ("Vogelsang", "ben@vogel.example", "0221 22222")


def test_a_saved_change_is_found_and_can_be_taken_back(cast, sign_in, anke):
    anna = sign_in(cast.anna)
    update(anna, anke, {**fields(anna, anke), "last_name": "Uhlenhorst", "phone": "0221 4711471"})
    assert {"uhlenhorst", "492214711471"} <= set(PartySearch.objects.get(party=anke.pk).words.split())
    anna.post(reverse("undo", args=[Undo.objects.latest("pk").token]))
    fresh = Person.objects.get(pk=anke.pk)
    assert (fresh.name, fresh.phones.get().number) == ("Anke Vogel", "0221 98765-0")
    assert "vogel" in PartySearch.objects.get(party=anke.pk).words.split()


def cell(browser, party, name, **data):
    return browser.post(reverse("party-cell", args=[party.pk, name]), data, htmx=True)


def test_a_cell_is_edited_in_place(cast, sign_in, anke):
    anna = sign_in(cast.anna)
    form = anna.get(reverse("party-cell", args=[anke.pk, "phone"]), htmx=True).content.decode()
    assert 'value="0221 98765-0"' in form and 'name="old"' in form
    answer = cell(anna, anke, "phone", old="0221 98765-0", phone="0221 98765-9")
    assert answer.status_code == 200 and "0221 98765-9" in answer.content.decode() and Undo.objects.count() == 1
    assert Person.objects.get(pk=anke.pk).version == 2
    answer = cell(anna, anke, "email", old="anke@vogel.example", email="kein-mail")
    assert answer.status_code == 422 and 'value="kein-mail"' in answer.content.decode()
    assert cell(anna, anke, "state", old="prospect", state="customer").status_code == 200
    assert Person.objects.get(pk=anke.pk).state == "customer"


def test_a_cell_that_somebody_else_changed_shows_both_values(cast, sign_in, anke):
    cell(sign_in(cast.ben), anke, "phone", old="0221 98765-0", phone="0221 1")
    for name, old, mine, now in (("phone", "0221 98765-0", "0221 2", "0221 1"), ("last_name", "Vogt", "Vogtherr", "Vogel")):
        answer = cell(sign_in(cast.anna), anke, name, old=old, **{name: mine})
        text = answer.content.decode()
        assert answer.status_code == 409 and mine in text and now in text and f'name="old" value="{now}"' in text
    assert "Ben Probe" in cell(sign_in(cast.anna), anke, "phone", old="x", phone="0221 2").content.decode()
    assert cell(sign_in(cast.anna), anke, "phone", old="0221 1", phone="0221 2").status_code == 200
    assert anke.phones.get().number == "0221 2"


def test_cells_keep_to_rights_and_names(cast, sign_in, anke):
    assert cell(sign_in(cast.david), anke, "phone", old="", phone="1").status_code == 404
    assert cell(sign_in(cast.greta), anke, "phone", old="", phone="1").status_code == 403
    read = sign_in(cast.greta).get(reverse("party-cell", args=[anke.pk, "phone"]), htmx=True).content.decode()
    assert "0221 98765-0" in read and "<form" not in read
    for name in ("owner", "version", "number", "pk", "nothing", "employees"):
        assert cell(sign_in(cast.anna), anke, name, old="", **{name: "1"}).status_code == 400


def test_what_others_need_is_not_deleted_and_says_why(cast, sign_in, anke):
    OpportunityFactory(party=Party.objects.get(pk=anke.pk), owner=cast.anna)
    anna = sign_in(cast.anna)
    for answer in (anna.get(reverse("person-delete", args=[anke.pk])), anna.post(reverse("person-delete", args=[anke.pk]))):
        assert "Verkaufschancen: 1" in answer.content.decode() or "opportunities: 1" in answer.content.decode()
    assert Person.objects.filter(pk=anke.pk).exists()


def test_a_deleted_contact_comes_back_whole(cast, sign_in, anke):
    share_party(anke, cast.david, by=cast.anna)
    Interaction.objects.create(party_id=anke.pk, kind="note", body="Bleibt")
    anna = sign_in(cast.anna)
    assert anna.post(reverse("person-delete", args=[anke.pk])).status_code == 302
    assert not Party.objects.filter(pk=anke.pk).exists() and not PartySearch.objects.exists() and not EmailAddress.objects.exists()
    anna.post(reverse("undo", args=[Undo.objects.latest("pk").token]))
    back = Person.objects.get(pk=anke.pk)
    assert back.emails.get().address == "anke@vogel.example" and back.interactions.get().body == "Bleibt" and back.activity.last_at
    assert "vogel" in PartySearch.objects.get(party=anke.pk).words
    assert Person.objects.visible_to(cast.david).filter(pk=anke.pk).exists()


def test_sharing_opens_tells_and_ends(cast, sign_in, anke):
    anna, david = sign_in(cast.anna), sign_in(cast.david)
    page = reverse("person-detail", args=[anke.pk])
    assert david.get(page).status_code == 404
    assert anna.post(reverse("party-share", args=[anke.pk]), {"who": f"user-{cast.david.pk}", "action": "view"}).status_code == 302
    assert david.get(page).status_code == 200 and david.get(reverse("person-update", args=[anke.pk])).status_code == 404
    note = Notification.objects.get(user=cast.david)
    assert "Anke Vogel" in note.text and david.get(note.url).status_code == 302
    assert "David Probe" in anna.get(reverse("party-share", args=[anke.pk]), htmx=True).content.decode()
    assert anna.post(reverse("party-unshare", args=[anke.pk]), {"user": cast.david.pk}).status_code == 302
    assert david.get(page).status_code == 404
    role = Role.objects.get(key="rep")
    anna.post(reverse("party-share", args=[anke.pk]), {"who": f"role-{role.pk}", "action": "change"})
    assert david.get(reverse("person-update", args=[anke.pk])).status_code == 200
    refused = anna.post(reverse("party-share", args=[anke.pk]), {"who": f"user-{cast.frieda.pk}", "action": "view"})
    assert refused.status_code == 422 and "who" in refused.context["form"].errors
    with pytest.raises(RuleBroken):
        share_party(anke, cast.frieda, by=cast.anna)


def test_why_says_the_arm_or_what_is_missing(cast, sign_in, anke):
    for user in (cast.anna, cast.ben, cast.clara, cast.david, cast.greta, cast.emil, cast.frieda):
        for verdict in explain(anke, user):
            assert verdict.holds == Party.objects.visible_to(user, verdict.action).filter(pk=anke.pk).exists() and verdict.reasons
    url = reverse("party-why", args=[anke.pk])
    assert sign_in(cast.anna).get(url).status_code == 200
    assert not sign_in(cast.anna).get(url, {"who": cast.frieda.pk}).context["people"]  # only who sees the set-up asks about others
    assert sign_in(cast.emil).get(url, {"who": cast.frieda.pk}).context["who"] == cast.frieda
    assert sign_in(cast.david).get(url).status_code == 404


def test_the_history_tells_of_the_contact_and_its_parts_and_hides_what_is_hidden(cast, sign_in, anke):
    anna = sign_in(cast.anna)
    update(anna, anke, {**fields(anna, anke), "last_name": "Vogelsang", "phone": "0221 4711", "email": ""})
    url = reverse("party-changes", args=[anke.pk])
    text = anna.get(url).content.decode()
    for words in ("Vogel", "Vogelsang", "0221 4711", "0221 98765-0", "anke@vogel.example", "Anna Probe"):
        assert words in text
    assert "sort_name" not in text and "party_id" not in text
    FieldRule.objects.create(role=Role.objects.get(key="rep"), entity="party", field="phone")
    text = anna.get(url).content.decode()
    assert "0221 4711" not in text and "Vogelsang" in text


def test_hidden_fields_are_hidden_everywhere(cast, sign_in, anke):
    FieldRule.objects.create(role=Role.objects.get(key="rep"), entity="party", field="phone")
    anna = sign_in(cast.anna)
    pages = [reverse("person-list") + "?columns=phone", reverse("person-detail", args=[anke.pk]), reverse("person-update", args=[anke.pk]), reverse("person-export") + "?columns=phone"]
    for page in pages:
        answer = anna.get(page)
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        assert answer.status_code == 200 and b"98765" not in body
    assert anna.get(reverse("party-cell", args=[anke.pk, "phone"]) + "?read=1", htmx=True).status_code == 400


def test_bulk_assignment_reports_the_skipped_and_can_be_taken_back(cast, sign_in, anke):
    other = PersonFactory(owner=cast.ben)
    foreign = PersonFactory(owner=cast.david)
    clara = sign_in(cast.clara)
    chosen = {"pk": [anke.pk, other.pk, foreign.pk]}
    question = clara.post(reverse("person-assign"), chosen)
    assert question.status_code == 200 and Person.objects.get(pk=anke.pk).owner == cast.anna
    nobody = clara.post(reverse("person-assign"), {**chosen, "owner": ""})  # who gets them is chosen, never whoever comes first by name
    assert nobody.status_code == 422 and nobody.context["form"].errors["owner"] and Person.objects.get(pk=anke.pk).owner == cast.anna
    answer = clara.post(reverse("person-assign"), {**chosen, "owner": cast.ben.pk}, follow=True)
    assert Person.objects.get(pk=anke.pk).owner == cast.ben and Person.objects.get(pk=foreign.pk).owner == cast.david
    text = answer.content.decode()
    assert str(Undo.objects.get().token) in text and Notification.objects.filter(user=cast.ben).count() == 1
    assert "1 " in Undo.objects.get().label and Undo.objects.get().label.count("1 ") >= 3  # one done, one had it, one beyond the rights
    clara.post(reverse("undo", args=[Undo.objects.get().token]))
    assert Person.objects.get(pk=anke.pk).owner == cast.anna
    assert sign_in(cast.anna).post(reverse("person-assign"), chosen).status_code == 403
    whole = clara.post(reverse("person-assign"), {"all": "1", "query": "q=vogel", "owner": cast.clara.pk})
    assert whole.status_code == 302 and Person.objects.get(pk=foreign.pk).owner == cast.david


def test_an_export_is_the_list_and_harmless_to_spreadsheets(cast, sign_in, anke):
    PersonFactory(first_name="=1+1", last_name="@böse", owner=cast.anna)
    PersonFactory(last_name="Fremd", owner=cast.david)
    index_parties()
    text = b"".join(sign_in(cast.anna).get(reverse("person-export")).streaming_content).decode("utf-8-sig")
    assert "Anke Vogel" in text and "Fremd" not in text and "'=1+1" in text
    only = b"".join(sign_in(cast.anna).get(reverse("person-export"), {"q": "anke", "columns": "city"}).streaming_content).decode("utf-8-sig")
    assert "Köln" in only and "=1+1" not in only and "98765" not in only
    assert sign_in(cast.greta).get(reverse("person-export")).status_code == 403


def test_an_organisation_cannot_belong_to_itself_by_way_of_others(cast, sign_in):
    top = OrganisationFactory(legal_name="Oben AG", owner=cast.anna)
    middle = OrganisationFactory(legal_name="Mitte AG", owner=cast.anna, parent=Party.objects.get(pk=top.pk))
    index_parties()
    answer = sign_in(cast.anna).post(reverse("organisation-update", args=[top.pk]), {"legal_name": "Oben AG", "state": "prospect", "parent": middle.number})
    assert answer.status_code == 422 and "parent" in answer.context["form"].errors and Organisation.objects.get(pk=top.pk).parent is None


def test_a_list_offers_cells_to_edit_only_in_rows_the_reader_may_change(cast, sign_in, anke):
    seen = PersonFactory(first_name="Detlef", last_name="Fern", owner=cast.david, team=cast.firm.south)
    lent = PersonFactory(first_name="Lene", last_name="Nah", owner=cast.david, team=cast.firm.south)
    grant_share(seen, cast.anna)
    grant_share(lent, cast.anna, "view", "change")
    page = sign_in(cast.anna).get(reverse("person-list"))
    assert {row["pk"]: row["fixed"] for row in page.context["rows"]} == {anke.pk: False, lent.pk: False, seen.pk: True}
    offered = {pk: reverse("party-cell", args=[pk, "state"]) in page.content.decode() for pk in (anke.pk, lent.pk, seen.pk)}
    assert offered == {anke.pk: True, lent.pk: True, seen.pk: False}
