"""How a letter begins, on the page: preview, hints with their fix, the lists that lead to them, and who sees what."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from accounts.models import FieldRule, Role
from contacts.letters import greeting, letter_to
from contacts.models import Affiliation, HintDismissal, Organisation, Party, PartySearch
from contacts.search import index_parties
from crm.core.models import Change, Installation, Undo
from tests.factories import AddressFactory, OrganisationFactory, PersonFactory

pytestmark = pytest.mark.django_db


def person(owner, **facts):
    made = PersonFactory(owner=owner, **{"first_name": "Kim", "last_name": "Weber", **facts})
    index_parties([made.pk])
    return Party.objects.get(pk=made.pk)


def section(html, key="letter"):
    """The words of a part of the page."""
    part = re.search(rf'<div[^>]*id="{key}".*?(?=<dl|</section>|<p class="mt-2"><a class="l-row l-sm"|$)', html, re.S)[0]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", part)).split())


def page(browser, party):
    return browser.get(reverse("person-detail", args=[party.pk])).content.decode()


def keys(party):
    return PartySearch.objects.get(party=party.pk).hints


def hide(field):
    FieldRule.objects.create(role=Role.objects.get(key="rep"), entity="party", field=field)


# --- the preview ----------------------------------------------------------------------------------------------------------------------


def test_the_page_shows_how_a_letter_begins(cast, sign_in):
    anna = sign_in(cast.anna)
    weber = person(cast.anna, salutation="ms", title="Prof. Dr.", suffix="MBA")
    AddressFactory(party=weber, country="")
    assert section(page(anna, weber)) == "Frau Prof. Dr. Kim Weber MBA Hauptstraße 1 50667 Köln Sehr geehrte Frau Professorin Weber , auf Deutsch"
    Party.objects.filter(pk=weber.pk).update(language="en")
    html = page(anna, weber)
    assert section(html).endswith("Dear Professor Weber , auf Englisch") and '<div lang="en">' in html
    Party.objects.filter(pk=weber.pk).update(language="", form_of_address="du")
    assert section(page(anna, weber)).endswith("Liebe Kim , auf Deutsch")
    Party.objects.filter(pk=weber.pk).update(letter_salutation="Hej Kimi")
    assert section(page(anna, weber)).endswith("Hej Kimi , auf Deutsch")


def test_without_a_language_of_its_own_a_contact_is_written_to_in_that_of_the_house(cast, sign_in):
    Installation.objects.update_or_create(pk=1, defaults={"name": "Haus", "language": "en"})
    nguyen = person(cast.anna, last_name="Nguyen")
    AddressFactory(party=nguyen, city="Wien", postcode="1010", country="AT")
    letter = letter_to(nguyen, cast.anna)
    assert (letter.salutation, letter.lines[-2:]) == ("Dear Kim Nguyen", ["1010 WIEN", "AUSTRIA"])
    firm = OrganisationFactory(owner=cast.anna, legal_name="Acme Ltd")
    assert letter_to(firm, cast.anna).salutation == "Dear Acme Ltd team"


def test_who_has_no_address_is_written_to_at_work_if_the_reader_may_know_it(cast, sign_in):
    weber, firm, hidden = person(cast.anna), OrganisationFactory(owner=cast.anna, legal_name="Werk GmbH"), OrganisationFactory(owner=cast.david, legal_name="Fremd AG")
    AddressFactory(party=firm)
    AddressFactory(party=hidden, city="Fremdstadt")
    job = Affiliation.objects.create(person_id=weber.pk, organisation_id=firm.pk)
    assert letter_to(weber, cast.anna).lines == ["Werk GmbH", "Kim Weber", "Hauptstraße 1", "50667 Köln"]
    own = AddressFactory(party=weber, street="Am Wald 2")
    assert letter_to(Party.objects.get(pk=weber.pk), cast.anna).lines == ["Kim Weber", "Am Wald 2", "50667 Köln"]
    own.street = "hauptstrasse  1"
    own.save()
    assert letter_to(Party.objects.get(pk=weber.pk), cast.anna).lines[0] == "Werk GmbH"
    own.delete()
    job.organisation = Party.objects.get(pk=hidden.pk)
    job.save()
    assert letter_to(Party.objects.get(pk=weber.pk), cast.anna).lines == ["Kim Weber"]


def test_what_a_role_hides_is_not_in_the_letter(cast, sign_in):
    weber = person(cast.anna, salutation="mr", first_name="Petra", letter_salutation="Geheime Petra")
    AddressFactory(party=weber, street="Geheimweg 3")
    for field in ("salutation", "letter_salutation", "street"):
        hide(field)
    html = page(sign_in(cast.anna), weber)
    assert "Geheim" not in html and "Herr" not in section(html)
    assert section(html, "hints") == ""
    assert "Geheim" in page(sign_in(cast.emil), weber)


def test_the_preview_follows_while_somebody_types(cast, sign_in):
    anna = sign_in(cast.anna)
    html = anna.get(reverse("person-create"), {"first_name": "Kim", "last_name": "Nguyen"}).content.decode()
    assert section(html) == "Kim Nguyen Guten Tag Kim Nguyen , auf Deutsch"
    typed = {"salutation": "mr", "first_name": "Petra", "last_name": "Vogel", "street": "Weg 1", "city": "Bonn", "postcode": "53111"}
    answer = anna.get(reverse("person-letter"), typed, htmx=True).content.decode()
    assert "Sehr geehrter Herr Vogel" in answer and "53111 Bonn" in answer and "„Herr“ passt anscheinend nicht zum Vornamen Petra." in answer
    assert "<form" not in answer and 'id="hints" hx-swap-oob="true"' in answer
    assert "<h1>" in anna.get(reverse("person-letter"), typed).content.decode()
    assert "Guten Tag" in anna.get(reverse("organisation-letter"), {"legal_name": "Werk GmbH", "last_name": "Dr. X"}, htmx=True).content.decode()
    refused = anna.post(reverse("person-create"), {**typed, "email": "kein", "state": "prospect"})
    assert refused.status_code == 422 and "Sehr geehrter Herr Vogel" in refused.content.decode()


def test_a_value_edited_in_place_brings_the_new_beginning_along(cast, sign_in):
    weber = person(cast.anna)
    answer = sign_in(cast.anna).post(reverse("party-cell", args=[weber.pk, "salutation"]), {"salutation": "mr", "old": ""}, htmx=True).content.decode()
    assert "Sehr geehrter Herr Weber" in answer and 'id="letter" hx-swap-oob="true"' in answer


def test_fields_that_are_seldom_filled_stand_on_the_page_when_they_are(cast, sign_in):
    anna, weber = sign_in(cast.anna), person(cast.anna)
    assert f"nobility-{weber.pk}" not in page(anna, weber)
    anna.post(reverse("party-cell", args=[weber.pk, "nobility"]), {"nobility": "Gräfin", "old": ""}, htmx=True)
    html = page(anna, weber)
    assert f"nobility-{weber.pk}" in html and "<h1>Kim Gräfin Weber</h1>" in html
    emptied = anna.post(reverse("party-cell", args=[weber.pk, "nobility"]), {"nobility": "", "old": "Gräfin"}, htmx=True)
    assert emptied.status_code == 200 and f"nobility-{weber.pk}" not in page(anna, weber)


def test_an_own_salutation_is_kept_without_its_comma(cast, sign_in):
    weber = person(cast.anna)
    sign_in(cast.anna).post(reverse("party-cell", args=[weber.pk, "letter_salutation"]), {"letter_salutation": " Liebe   Kim, ", "old": ""}, htmx=True)
    assert Party.objects.get(pk=weber.pk).letter_salutation == "Liebe Kim"


def test_an_organisation_bears_no_persons_fields(cast):
    firm = OrganisationFactory(owner=cast.anna, letter_salutation="Liebes Team")
    for wrong in ({"nobility": "Graf"}, {"suffix": "MBA"}, {"form_of_address": "du"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Organisation.objects.filter(pk=firm.pk).update(**wrong)


def test_mails_of_the_house_greet_by_name_alone(cast):
    assert greeting(cast.anna) == "Guten Tag Anna Probe"
    cast.anna.language = "en"
    assert greeting(cast.anna) == "Dear Anna Probe"


# --- hints ----------------------------------------------------------------------------------------------------------------------------


def test_a_hint_is_accepted_with_one_click_and_taken_back(cast, sign_in):
    anna, vogel = sign_in(cast.anna), person(cast.anna, salutation="mr", first_name="Petra", last_name="Vogel")
    html = page(anna, vogel)
    assert "„Herr“ passt anscheinend nicht zum Vornamen Petra." in section(html, "hints") and "Anrede „Frau“" in html
    (key,) = keys(vogel)
    answer = anna.post(reverse("party-hint-accept", args=[vogel.pk]), {"key": key}, follow=True)
    assert "Sehr geehrte Frau Vogel" in answer.content.decode() and section(answer.content.decode(), "hints") == ""
    vogel.refresh_from_db()
    assert (vogel.salutation, vogel.version, vogel.updated_by, keys(vogel)) == ("ms", 2, cast.anna, [])
    told = Change.objects.filter(relation="contacts_party", row_id=vogel.pk, op="U").latest("id")
    assert (told.actor_id, told.before["salutation"], told.after["salutation"]) == (cast.anna.pk, "mr", "ms")
    again = anna.post(reverse("party-hint-accept", args=[vogel.pk]), {"key": key})
    assert again.status_code == 422 and "schon erledigt" in again.content.decode()
    anna.post(reverse("undo", args=[Undo.objects.latest("pk").token]))
    vogel.refresh_from_db()
    assert vogel.salutation == "mr" and keys(vogel) == [key]


def test_a_dismissed_hint_stays_away_until_the_name_changes(cast, sign_in):
    anna, vogel = sign_in(cast.anna), person(cast.anna, salutation="mr", first_name="Petra", last_name="Vogel")
    (key,) = keys(vogel)
    for _twice in range(2):
        assert anna.post(reverse("party-hint-dismiss", args=[vogel.pk]), {"key": key}).status_code == 302
    assert HintDismissal.objects.get().created_by == cast.anna and keys(vogel) == []
    assert section(page(anna, vogel), "hints") == ""
    edit = reverse("person-update", args=[vogel.pk])
    assert "anscheinend" not in anna.get(edit).content.decode()
    typed = {"salutation": "mr", "first_name": "Petra", "last_name": "Vogel"}
    assert "anscheinend" not in anna.get(reverse("person-letter"), {**typed, "party": vogel.pk}, htmx=True).content.decode()
    assert "anscheinend" in sign_in(cast.david).get(reverse("person-letter"), {**typed, "party": vogel.pk}, htmx=True).content.decode()
    anna.post(reverse("party-cell", args=[vogel.pk, "first_name"]), {"first_name": "Sabine", "old": "Petra"}, htmx=True)
    assert "Vornamen Sabine" in page(anna, vogel) and len(keys(vogel)) == 1
    anna.post(reverse("party-cell", args=[vogel.pk, "first_name"]), {"first_name": "Petra", "old": "Sabine"}, htmx=True)
    assert keys(vogel) == []


def test_a_dismissal_can_be_taken_back(cast, sign_in):
    anna, vogel = sign_in(cast.anna), person(cast.anna, salutation="mr", first_name="Petra")
    (key,) = keys(vogel)
    anna.post(reverse("party-hint-dismiss", args=[vogel.pk]), {"key": key})
    anna.post(reverse("undo", args=[Undo.objects.latest("pk").token]))
    assert not HintDismissal.objects.exists() and keys(vogel) == [key]


def test_what_cannot_be_set_is_said_in_words(cast, sign_in):
    anna = sign_in(cast.anna)
    firm, long = person(cast.anna, first_name="", last_name="Werk GmbH"), person(cast.anna, title="x" * 38, last_name="Dr. Weber")
    html = page(anna, firm)
    assert "sieht nach einer Firma aus" in html and reverse("party-hint-accept", args=[firm.pk]) not in html
    for party in (firm, long):
        refused = anna.post(reverse("party-hint-accept", args=[party.pk]), {"key": keys(party)[0]})
        assert refused.status_code == 422
    assert Party.objects.get(pk=long.pk).last_name == "Dr. Weber"
    for nonsense in ("", "first_name:0000000000000000", "x" * 5000):
        assert anna.post(reverse("party-hint-dismiss", args=[firm.pk]), {"key": nonsense}).status_code == 422


def test_who_may_only_look_sees_the_hint_without_buttons(cast, sign_in):
    vogel = person(cast.anna, salutation="mr", first_name="Petra")
    html = page(sign_in(cast.greta), vogel)
    assert "Vornamen Petra" in html and "/hint/" not in html
    assert sign_in(cast.greta).post(reverse("party-hint-accept", args=[vogel.pk]), {"key": keys(vogel)[0]}).status_code == 403


# --- lists ----------------------------------------------------------------------------------------------------------------------------


def test_lists_lead_to_unclear_and_conspicuous_salutations(cast, sign_in):
    anna = sign_in(cast.anna)
    for number, facts in enumerate([{}, {"salutation": "mr", "first_name": "Petra"}, {"salutation": "neutral"}, {"letter_salutation": "Moin"}, {"salutation": "ms", "first_name": "Petra"}]):
        person(cast.anna, last_name=f"Fall{number}x", **facts)
    OrganisationFactory(owner=cast.anna)

    def shown(value):
        html = anna.get(reverse("person-list"), {"salutation": value}).content.decode()
        return sorted(set(re.findall(r"Fall\dx", html)))

    assert shown("unclear") == ["Fall0x"]
    assert shown("odd") == ["Fall1x"]
    odd = anna.get(reverse("person-list"), {"salutation": "odd"}).content.decode()
    assert "auffällig" in odd and "unklar" in odd
    hide("title")
    assert shown("odd") == []
    hide("salutation")
    assert len(shown("odd")) == 5


def test_the_list_and_its_file_hold_what_a_serial_letter_needs(cast, sign_in):
    emil = sign_in(cast.emil)
    person(cast.anna, salutation="ms", title="Dr.", nobility="Gräfin")
    columns = {"columns": "letter,address_line"}
    assert "Sehr geehrte Frau Dr. Gräfin Weber" in emil.get(reverse("person-list"), columns).content.decode()
    file = b"".join(emil.get(reverse("person-export"), columns).streaming_content).decode()
    assert "Briefanrede;Anschriftzeile" in file and "Sehr geehrte Frau Dr. Gräfin Weber;Frau Dr. Kim Gräfin Weber" in file
