"""Several e-mail addresses, telephone numbers and postal addresses of one contact: shown, changed in place, added, put first, removed."""

from __future__ import annotations

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import FieldRule, Role
from contacts.models import Party, Person, PhoneNumber
from contacts.search import index_parties, search_parties
from crm.core.models import Undo
from tests.factories import AddressFactory, EmailFactory, PersonFactory, PhoneFactory, grant_share


@pytest.fixture
def anke(cast):
    person = PersonFactory(first_name="Anke", last_name="Vogel", owner=cast.anna)
    EmailFactory(party=person, address="anke@vogel.example")
    EmailFactory(party=person, address="rechnung@vogel.example", label="invoice", is_primary=False)
    PhoneFactory(party=person, number="0221 98765-0")
    PhoneFactory(party=person, number="0171 1234567", label="mobile", is_primary=False)
    AddressFactory(party=person, city="Köln", postcode="50667", street="Weg 1")
    AddressFactory(party=person, city="Hamburg", postcode="20457", street="Kai 9", label="delivery", is_primary=False)
    index_parties()
    return person


def at(party, kind, row=None, page=""):
    if row is None:
        return reverse("party-address-add", args=[party.pk, kind])
    return reverse(f"party-address{page}", args=[party.pk, kind, row.pk])


def mains(party):
    """The main one of each kind; a second or a missing one is an error."""
    return party.phones.get(is_primary=True).number, party.emails.get(is_primary=True).address, party.addresses.get(is_primary=True).street


def as_read(browser, url):
    """What the whole form would send if nobody typed anything."""
    return {bound.html_name: bound.value() for bound in browser.get(url).context["form"] if bound.value() not in (None, "")}


def take_back(browser):
    return browser.post(reverse("undo", args=[Undo.objects.latest("pk").token]))


# --- shown ----------------------------------------------------------------------------------------------------------------------------


def test_the_page_shows_all_of_them_the_main_one_first_and_marked(cast, sign_in, anke):
    PhoneFactory(party=anke, number="0221 98765-99", label="fax", is_primary=False)
    page = sign_in(cast.anna).get(reverse("person-detail", args=[anke.pk]))
    phones, emails, places = page.context["blocks"]
    assert [(row["text"], row["label"], row["main"]) for row in phones["rows"]] == [("0221 98765-0", "Büro", "Hauptnummer"), ("0171 1234567", "mobil", ""), ("0221 98765-99", "Fax", "")]
    assert [row["href"] for row in phones["rows"]] == ["tel:0221987650", "tel:01711234567", ""]
    assert [(row["text"], row["label"], row["main"]) for row in emails["rows"]] == [("anke@vogel.example", "Büro", "Hauptadresse"), ("rechnung@vogel.example", "Rechnung", "")]
    assert [(row["text"], row["label"]) for row in places["rows"]] == [("Weg 1, 50667 Köln, Deutschland", "Büro"), ("Kai 9, 20457 Hamburg, Deutschland", "Lieferung")]
    text = page.content.decode()
    for words in ('href="mailto:rechnung@vogel.example"', 'href="tel:01711234567"', at(anke, "email"), at(anke, "phone", anke.phones.last()), "Zur Hauptnummer machen"):
        assert words in text


def test_who_may_only_look_sees_links_and_no_button(cast, sign_in, anke):
    text = sign_in(cast.greta).get(reverse("person-detail", args=[anke.pk])).content.decode()
    assert 'href="tel:01711234567"' in text and 'href="mailto:anke@vogel.example"' in text
    assert f"/contacts/{anke.pk}/addresses/" not in text


def test_the_main_one_is_not_named_where_it_is_the_only_one(cast, sign_in):
    person = PersonFactory(owner=cast.anna)
    EmailFactory(party=person)
    text = sign_in(cast.anna).get(reverse("person-detail", args=[person.pk])).content.decode()
    assert "Hauptadresse" not in text and "keine Angabe" in text


def test_thirty_addresses_cost_what_three_cost(cast, sign_in, anke):
    anna, url = sign_in(cast.anna), reverse("person-detail", args=[anke.pk])

    def cost():
        anna.get(url)
        with CaptureQueriesContext(connection) as queries:
            assert anna.get(url).status_code == 200
        return len(queries)

    few = cost()
    for n in range(30):
        PhoneFactory(party=anke, is_primary=False)
        EmailFactory(party=anke, is_primary=False)
        AddressFactory(party=anke, street=f"Weg {n}", is_primary=False)
    assert cost() == few


# --- changed in place -----------------------------------------------------------------------------------------------------------------


def opened(browser, url):
    """What the form in place holds: the names of its fields and what it had read."""
    answer = browser.get(url, htmx=True)
    assert answer.status_code == 200
    return list(answer.context["form"].fields), answer.context["old"]


def test_one_is_changed_in_place(cast, sign_in, anke):
    anna, mobile = sign_in(cast.anna), anke.phones.get(label="mobile")
    names, old = opened(anna, at(anke, "phone", mobile))
    assert names == ["number", "label"] and json.loads(old) == {"number": "0171 1234567", "label": "mobile"}
    answer = anna.post(at(anke, "phone", mobile), {"old": old, "number": "0171 7654321", "label": "private"}, htmx=True)
    text = answer.content.decode()
    assert answer.status_code == 200 and "tel:+491717654321" in text and "privat" in text and str(Undo.objects.get().token) in text
    mobile.refresh_from_db()
    assert (mobile.number, mobile.key, mobile.label, mobile.version, mobile.updated_by) == ("0171 7654321", "+491717654321", "private", 2, cast.anna)
    assert Person.objects.get(pk=anke.pk).version == 2 and Person.objects.get(pk=anke.pk).updated_by == cast.anna
    take_back(anna)
    mobile.refresh_from_db()
    assert (mobile.number, mobile.label) == ("0171 1234567", "mobile")


def test_without_javascript_it_is_a_page(cast, sign_in, anke):
    anna, kai = sign_in(cast.anna), anke.addresses.get(label="delivery")
    page = anna.get(at(anke, "postal", kai))
    assert page.status_code == 200 and b"<html" in page.content and 'value="Kai 9"' in page.content.decode()
    data = {"old": page.context["old"], "street": "Kai 10", "postcode": "20457", "city": "Hamburg", "country": "de", "label": "delivery"}
    wrong = anna.post(at(anke, "postal", kai), {**data, "country": "xx"})
    assert wrong.status_code == 422 and 'value="Kai 10"' in wrong.content.decode() and "country" in wrong.context["form"].errors
    done = anna.post(at(anke, "postal", kai), data)
    assert done.status_code == 302 and done["Location"] == reverse("person-detail", args=[anke.pk])
    kai.refresh_from_db()
    assert (kai.street, kai.country) == ("Kai 10", "DE")
    for page in (at(anke, "postal", kai), at(anke, "postal")):
        assert anna.get(page + "?read=1")["Location"] == reverse("person-detail", args=[anke.pk])
        assert anna.get(page + "?read=1", htmx=True).status_code == 200
    stale = anna.post(at(anke, "postal", kai), {**data, "street": "Kai 12"})
    text = stale.content.decode()
    assert stale.status_code == 409 and b"<html" in stale.content and "Kai 10" in text and "Kai 12" in text and 'name="street" value="Kai 12"' in text


def test_two_people_change_the_same_and_see_both_values(cast, sign_in, anke):
    anna, ben, mobile = sign_in(cast.anna), sign_in(cast.ben), anke.phones.get(label="mobile")
    url = at(anke, "phone", mobile)
    _names, old = opened(anna, url)
    ben.post(url, {"old": old, "number": "0171 1", "label": "mobile"}, htmx=True)
    answer = anna.post(url, {"old": old, "number": "0171 2", "label": "mobile"}, htmx=True)
    text = answer.content.decode()
    assert answer.status_code == 409 and "0171 1 (mobil)" in text and "0171 2 (mobil)" in text and "Ben Probe" in text
    assert json.loads(dict(answer.context["pairs"])["old"]) == {"number": "0171 1", "label": "mobile"}
    assert anna.post(url, dict(answer.context["pairs"]), htmx=True).status_code == 200
    mobile.refresh_from_db()
    assert mobile.number == "0171 2"


def test_two_people_change_different_things_of_one_address_and_both_stay(cast, sign_in, anke):
    kai = anke.addresses.get(label="delivery")
    url, data = at(anke, "postal", kai), {"street": "Kai 9", "postcode": "20457", "city": "Hamburg", "country": "DE", "label": "delivery"}
    anna, ben = sign_in(cast.anna), sign_in(cast.ben)
    _names, old = opened(anna, url)
    assert ben.post(url, {**data, "old": old, "street": "Kai 11"}, htmx=True).status_code == 200
    assert anna.post(url, {**data, "old": old, "label": "invoice"}, htmx=True).status_code == 200
    kai.refresh_from_db()
    assert (kai.street, kai.label) == ("Kai 11", "invoice")
    assert anna.post(url, {**data, "street": "Kai 12"}, htmx=True).status_code == 409  # says nothing of what it had read


WRONG = [
    ("email", {"address": "kein-mail"}, "address"),
    ("email", {"address": "x" * 64 + "@" + "y." * 110 + "example"}, "address"),
    ("email", {"address": " Anke@VOGEL.example"}, "address"),
    ("email", {"address": ""}, "address"),
    ("email", {"address": "neu@vogel.example", "label": "delivery"}, "label"),
    ("phone", {"number": "+49 (0)221 98765-0"}, "number"),
    ("phone", {"number": "1" * 41}, "number"),
    ("phone", {"number": "   "}, "number"),
    ("postal", {"street": "weg  1", "postcode": "50667", "city": "KÖLN", "country": "de"}, "street"),
    ("postal", {"street": "Weg 3", "country": "D"}, "country"),
    ("postal", {"street": "Weg 3", "country": "ZZ"}, "country"),
    ("postal", {"street": "x" * 121}, "street"),
    ("postal", {}, "__all__"),
]


@pytest.mark.parametrize(("kind", "typed", "field"), WRONG)
def test_what_is_wrong_is_said_beside_its_field_and_nothing_typed_is_lost(cast, sign_in, anke, kind, typed, field):
    anna = sign_in(cast.anna)
    phone = PhoneFactory(party=PersonFactory(owner=cast.anna))  # somebody else's number is no double
    PhoneNumber.objects.filter(party=anke, number="0221 98765-0").update(key="+49221987650")
    answer = anna.post(at(anke, kind), {"label": "office", **typed}, htmx=True)
    assert answer.status_code == 422 and field in answer.context["form"].errors, answer.context["form"].errors
    for text in filter(None, (value.strip() for value in typed.values())):
        assert text in answer.content.decode() or text == "delivery"
    assert (anke.phones.count(), anke.emails.count(), anke.addresses.count(), Undo.objects.count()) == (2, 2, 2, 0)
    assert anna.post(at(anke, "phone"), {"number": phone.number, "label": "office"}, htmx=True).status_code == 200


def test_a_double_is_refused_when_one_is_changed_into_it(cast, sign_in, anke):
    anna, invoice = sign_in(cast.anna), anke.emails.get(label="invoice")
    _names, old = opened(anna, at(anke, "email", invoice))
    answer = anna.post(at(anke, "email", invoice), {"old": old, "address": "ANKE@vogel.example", "label": "invoice"}, htmx=True)
    assert answer.status_code == 422 and "address" in answer.context["form"].errors and answer.context["old"] == old
    assert anna.post(at(anke, "email", invoice), {"old": old, "address": "Rechnung@Vogel.example", "label": "invoice"}, htmx=True).status_code == 200


def test_one_address_may_stand_twice_for_goods_and_for_invoices(cast, sign_in, anke):
    data = {"street": "Weg 1", "postcode": "50667", "city": "Köln", "country": "DE"}
    assert sign_in(cast.anna).post(at(anke, "postal"), {**data, "label": "invoice"}).status_code == 302
    assert sign_in(cast.anna).post(at(anke, "postal"), {**data, "label": "invoice"}).status_code == 422
    assert anke.addresses.count() == 3


def test_what_only_the_database_knows_to_be_a_double_is_refused_in_words(cast, sign_in, anke, monkeypatch):
    monkeypatch.setattr("contacts.addresses.twin", lambda rows, values: None)
    for kind, typed in (("email", {"address": "Anke@vogel.example"}), ("phone", {"number": "0221 98765-0"})):
        answer = sign_in(cast.anna).post(at(anke, kind), {**typed, "label": "office"}, htmx=True)
        assert answer.status_code == 422 and answer.context["form"].non_field_errors()


# --- added, put first, removed --------------------------------------------------------------------------------------------------------


def test_a_further_one_is_added_and_the_first_one_is_the_main_one(cast, sign_in, anke):
    anna, bare = sign_in(cast.anna), PersonFactory(owner=cast.anna)
    answer = anna.post(at(anke, "phone"), {"number": "0221 4711-4711", "label": "central"}, htmx=True)
    assert answer.status_code == 200 and "Zentrale" in answer.content.decode() and answer["HX-Retarget"] == f"#reach-phone-{anke.pk}"
    assert mains(anke) == ("0221 98765-0", "anke@vogel.example", "Weg 1") and anke.phones.latest("pk").key == "+4922147114711"
    take_back(anna)
    assert anke.phones.count() == 2
    for kind, data in (("phone", {"number": "0221 4711-4711"}), ("email", {"address": "p@v.example"}), ("postal", {"street": "Am Markt 1"})):
        assert anna.post(at(bare, kind), {**data, "label": "office"}).status_code == 302
    assert mains(bare) == ("0221 4711-4711", "p@v.example", "Am Markt 1")
    first = Undo.objects.filter(label__contains="0221 4711-4711").latest("pk")
    anna.post(at(bare, "phone"), {"number": "0221 5000-100", "label": "office"})
    anna.post(reverse("undo", args=[first.token]))
    assert mains(bare)[0] == "0221 5000-100"  # the main one was taken back: what came after it takes its place


def test_another_one_is_made_the_main_one(cast, sign_in, anke):
    anna = sign_in(cast.anna)
    for kind, rows in (("phone", anke.phones), ("email", anke.emails), ("postal", anke.addresses)):
        answer = anna.post(at(anke, kind, rows.get(is_primary=False), "-main"), htmx=True)
        assert answer.status_code == 200 and answer["HX-Retarget"] == f"#reach-{kind}-{anke.pk}"
    assert "20457 Hamburg" in answer.content.decode().partition('id="letter"')[2]  # a letter goes there now
    assert mains(anke) == ("0171 1234567", "rechnung@vogel.example", "Kai 9")
    assert Person.objects.get(pk=anke.pk).version == 4
    take_back(anna)
    assert mains(anke) == ("0171 1234567", "rechnung@vogel.example", "Weg 1")
    version = Person.objects.get(pk=anke.pk).version
    assert anna.post(at(anke, "phone", anke.phones.get(is_primary=True), "-main")).status_code == 302  # it is already
    assert Person.objects.get(pk=anke.pk).version == version


def test_one_is_removed_and_after_the_main_one_comes_the_next(cast, sign_in, anke):
    anna, main = sign_in(cast.anna), anke.emails.get(is_primary=True)
    assert "anke@vogel.example“ entfernt" in anna.post(at(anke, "email", main, "-delete"), htmx=True).content.decode()
    assert anke.emails.get().address == "rechnung@vogel.example" and anke.emails.get().is_primary
    assert "anke@vogel.example" not in anke.search.words
    take_back(anna)
    assert mains(anke)[1] == "anke@vogel.example" and anke.emails.count() == 2
    assert found(cast.anna, "anke@vogel") == {anke.pk}
    for row in list(anke.addresses.all()):
        anna.post(at(anke, "postal", row, "-delete"))
    assert not anke.addresses.exists()


def test_what_somebody_removed_meanwhile_is_said(cast, sign_in, anke):
    anna, mobile = sign_in(cast.anna), anke.phones.get(label="mobile")
    urls = [at(anke, "phone", mobile, page) for page in ("", "-main", "-delete")]
    sign_in(cast.ben).post(urls[2])
    for url in urls:
        answer = anna.post(url, {"old": "{}", "number": "1", "label": "mobile"}, htmx=True)
        assert answer.status_code == 422 and "entfernt" in answer.content.decode()


def test_a_form_read_before_does_not_write_over_a_new_main_one(cast, sign_in, anke):
    anna = sign_in(cast.anna)
    url = reverse("person-update", args=[anke.pk])
    data = as_read(anna, url)
    sign_in(cast.ben).post(at(anke, "email", anke.emails.get(is_primary=False), "-main"))
    assert anna.post(url, {**data, "last_name": "Vogelsang"}).status_code == 302
    assert mains(anke)[1] == "rechnung@vogel.example" and Person.objects.get(pk=anke.pk).last_name == "Vogelsang"


def test_what_is_typed_into_the_form_and_known_as_a_further_one_becomes_the_main_one(cast, sign_in, anke):
    anna = sign_in(cast.anna)
    url = reverse("person-update", args=[anke.pk])
    data = as_read(anna, url)
    PhoneNumber.objects.filter(party=anke, label="mobile").update(key="+491711234567")
    typed = {"email": "Rechnung@vogel.example", "phone": "+49 171 1234567", "street": "Kai 9", "postcode": "20457", "city": "Hamburg"}
    assert anna.post(url, {**data, **typed}).status_code == 302
    assert mains(anke) == ("0171 1234567", "rechnung@vogel.example", "Kai 9")
    assert (anke.phones.count(), anke.emails.count(), anke.addresses.count()) == (2, 2, 2)


# --- rights ---------------------------------------------------------------------------------------------------------------------------


def test_who_may_not_change_the_contact_changes_no_address(cast, sign_in, anke):
    mobile = anke.phones.get(label="mobile")
    urls = [at(anke, "phone"), *(at(anke, "phone", mobile, page) for page in ("", "-main", "-delete"))]
    for url in urls:
        assert [sign_in(user).post(url, {"number": "1", "label": "office"}).status_code for user in (cast.david, cast.greta)] == [404, 403]
    grant_share(anke, cast.david, "view")
    assert sign_in(cast.david).post(urls[3]).status_code == 404
    assert "1234567" in sign_in(cast.david).get(reverse("person-detail", args=[anke.pk])).content.decode()
    grant_share(anke, cast.david, "change")
    assert sign_in(cast.david).post(urls[3]).status_code == 302


def test_the_address_of_another_contact_is_not_reached_through_this_one(cast, sign_in, anke):
    foreign = PhoneFactory(party=PersonFactory(owner=cast.david), number="0221 471-4711")
    for page in ("", "-main", "-delete"):
        answer = sign_in(cast.anna).post(at(anke, "phone", foreign, page), {"old": '{"number": "0221 471-4711"}', "number": "1", "label": "office"})
        assert answer.status_code == 422 and "471-4711" not in answer.content.decode()
    assert PhoneNumber.objects.get(pk=foreign.pk).number == "0221 471-4711" and mains(anke)[0] == "0221 98765-0"


def test_what_a_role_hides_is_hidden_here_too(cast, sign_in, anke):
    anna, rep, mobile, kai = sign_in(cast.anna), Role.objects.get(key="rep"), anke.phones.get(label="mobile"), anke.addresses.get(label="delivery")
    _names, old = opened(anna, at(anke, "postal", kai))
    anna.post(at(anke, "postal", kai), {"old": old, "street": "Kai 9", "postcode": "20457", "city": "Lübeck", "country": "DE", "label": "delivery"}, htmx=True)
    for name in ("phone", "city"):
        FieldRule.objects.create(role=rep, entity="party", field=name)
    page, changes = (anna.get(url).content.decode() for url in (reverse("person-detail", args=[anke.pk]), reverse("party-changes", args=[anke.pk])))
    for text in (page, changes):
        assert not any(words in text for words in ("1234567", "Hamburg", "Lübeck", "Köln"))
    assert "Kai 9, 20457" in page and "Kai 9, 20457" in changes
    for url in (at(anke, "phone"), *(at(anke, "phone", mobile, part) for part in ("", "-main", "-delete"))):
        assert anna.post(url, {"number": "1", "label": "office"}).status_code == 400
    names, old = opened(anna, at(anke, "postal", kai))
    assert names == ["street", "postcode", "country", "label"] and "Lübeck" not in old
    assert anna.post(at(anke, "postal", kai), {"old": old, "street": "Kai 11", "postcode": "20457", "country": "DE", "label": "delivery", "city": "Bonn"}, htmx=True).status_code == 200
    kai.refresh_from_db()
    assert (kai.street, kai.city) == ("Kai 11", "Lübeck")
    for name in ("street", "postcode", "country"):
        FieldRule.objects.create(role=rep, entity="party", field=name)
    text = anna.get(reverse("person-detail", args=[anke.pk])).content.decode()
    assert "Kai 11" not in text and at(anke, "postal") not in text and "Kai 11" not in anna.get(reverse("party-changes", args=[anke.pk])).content.decode()
    assert anna.get(at(anke, "postal", kai)).status_code == 400


@pytest.mark.parametrize("kind", ["nothing", "Phone", "key", "x" * 300])
def test_another_kind_is_a_wrong_address(cast, sign_in, anke, kind):
    assert sign_in(cast.anna).get(f"/contacts/{anke.pk}/addresses/{kind}/").status_code == 400


@pytest.mark.parametrize("old", ["", "[]", "null", "{", '{"number": 1}', "9" * 5000, '{"a":' * 3000, "\x00"])
def test_nonsense_is_answered_and_never_breaks(cast, sign_in, anke, old):
    anna = sign_in(cast.anna)
    anna.raise_request_exception = False
    answer = anna.post(at(anke, "phone", anke.phones.first()), {"old": old, "number": "0221 4711", "label": "office"}, htmx=True)
    assert answer.status_code in (400, 409) and mains(anke)[0] == "0221 98765-0"


# --- found, told, exported ------------------------------------------------------------------------------------------------------------


def found(user, text):
    return {party.pk for party in search_parties(Party.objects.visible_to(user), text)}


def test_a_contact_is_found_by_any_of_them(cast, sign_in, anke):
    anna = sign_in(cast.anna)
    for kind, data in (("phone", {"number": "030 5550-123"}), ("email", {"address": "lager@uebersee.example"}), ("postal", {"city": "Überlingen"})):
        assert anna.post(at(anke, kind), {**data, "label": "other"}).status_code == 302
    for text in ("0171 1234567", "rechnung@vogel.example", "hamburg", "20457", "5550-123", "lager@uebersee", "ueberl"):
        assert found(cast.anna, text) == {anke.pk}, text
    url = reverse("person-duplicates")
    for typed in ({"last_name": "Vogel", "email": "lager@uebersee.example"}, {"first_name": "A.", "last_name": "Vogel", "phone": "+49 30 5550123"},
                  {"first_name": "Anke", "last_name": "Vogel", "street": "Kai 9", "postcode": "20457", "city": "Hamburg"}):  # fmt: skip
        assert "Anke Vogel" in anna.get(url, typed, htmx=True).content.decode(), typed


def test_the_history_names_them_in_words(cast, sign_in, anke):
    anna, mobile, kai = sign_in(cast.anna), anke.phones.get(label="mobile"), anke.addresses.get(label="delivery")
    anna.post(at(anke, "phone", mobile), {"old": json.dumps({"number": "0171 1234567", "label": "mobile"}), "number": "0171 7654321", "label": "private"})
    anna.post(at(anke, "phone", mobile, "-main"))
    anna.post(at(anke, "postal", kai, "-delete"))
    entries = [entry.lines for entry in anna.get(reverse("party-changes", args=[anke.pk])).context["entries"]]
    assert entries[0] == [("Anschrift", "Kai 9, 20457 Hamburg, Deutschland (Lieferung)", "–")]
    assert set(entries[1]) == {
        ("Telefonnummer", "0221 98765-0 (Büro, Hauptnummer)", "0221 98765-0 (Büro)"), ("Telefonnummer", "0171 7654321 (privat)", "0171 7654321 (privat, Hauptnummer)")
    }  # fmt: skip
    assert entries[2] == [("Telefonnummer", "0171 1234567 (mobil)", "0171 7654321 (privat)")]
    made = [line for lines in entries[3:] for line in lines]
    assert ("Telefonnummer", "–", "0171 1234567 (mobil)") in made and ("E-Mail-Adresse", "–", "anke@vogel.example (Büro, Hauptadresse)") in made


def test_list_and_export_stay_with_the_main_one(cast, sign_in, anke):
    anna, columns = sign_in(cast.anna), "columns=phone,email,street"
    assert "1234567" not in anna.get(reverse("person-list") + "?" + columns).content.decode()
    text = b"".join(anna.get(reverse("person-export") + "?" + columns).streaming_content).decode("utf-8-sig")
    assert "0221 98765-0" in text and "Weg 1" in text and "1234567" not in text and "rechnung@" not in text and "Kai 9" not in text
