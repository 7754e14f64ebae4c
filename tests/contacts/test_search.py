"""Finding contacts: umlauts, parts of numbers and words, and only what the reader may see."""

from __future__ import annotations

import pytest

from contacts import search
from contacts.fields import PartyField, party_label
from contacts.models import Party, PartySearch
from contacts.search import first_parties, index_parties, search_parties
from crm import searchables
from crm.core.phone import phone_key
from tests.factories import AddressFactory, EmailFactory, OpportunityFactory, OrganisationFactory, PersonFactory, PhoneFactory, grant_share


@pytest.fixture
def people(cast):
    """Three contacts of team Nord, one of Süd."""
    anke = PersonFactory(first_name="Anke", last_name="Schürmann", owner=cast.anna)
    number = "05221 9834-120"
    PhoneFactory(party=anke, number=number, key=phone_key(number))
    EmailFactory(party=anke, address="anke.schuermann@moebel.example")
    AddressFactory(party=anke, city="Überlingen", postcode="88662", street="Weg 1")
    jens = PersonFactory(first_name="Jens", last_name="Mueller", owner=cast.ben)
    firm = OrganisationFactory(legal_name="Obermüller & Söhne GmbH", owner=cast.anna)
    far = PersonFactory(first_name="Søren", last_name="Schurmann", owner=cast.david)
    index_parties()
    return {"anke": anke, "jens": jens, "firm": firm, "far": far}


def found(user, text):
    return {party.pk for party in search_parties(Party.objects.visible_to(user), text)}


CASES = [
    ("schür", {"anke"}), ("schuer", {"anke"}), ("SCHUR", {"anke"}), ("müller", {"jens", "firm"}), ("muller", {"jens", "firm"}), ("ueberling", {"anke"}),
    ("soehne", {"firm"}), ("anke überl", {"anke"}), ("überl anke", {"anke"}), ("anke köln", set()), ("9834-120", {"anke"}), ("05221 9834", {"anke"}),
    ("+49 5221 9834120", {"anke"}), ("83412", {"anke"}), ("anke.schuermann@moebel.example", {"anke"}), ("@moebel", {"anke"}), ("oebel.ex", {"anke"}),
    ("88662", {"anke"}), ("j", {"jens"}), ("ermü", {"firm"}), ("%", set()), ("'", set()), ("'; drop", set()), ("\\", set()), ("a & b | !c", set()), ("x" * 5000, set()), ("j" * 121, set()),
]  # fmt: skip


@pytest.mark.parametrize(("few", "little"), [(0, 0), (0, 500), (500, 0)])
def test_what_is_typed_finds_what_is_meant(cast, people, few, little, monkeypatch):
    """Whether the hits are few enough to be kept as keys, the reader sees so few contacts that these are asked, or all are asked row by row."""
    monkeypatch.setattr(search, "FEW", few)
    monkeypatch.setattr(search, "LITTLE", little)
    assert {text: found(cast.anna, text) for text, _ in CASES} == {text: {people[name].pk for name in names} for text, names in CASES}


def test_a_number_finds_its_contact(cast, people):
    anke = people["anke"]
    assert found(cast.anna, anke.number) == {anke.pk} == found(cast.anna, anke.number.split("-")[1])


def test_nothing_beyond_the_rights_is_found(cast, people):
    assert found(cast.david, "schur") == {people["far"].pk}
    assert found(cast.greta, "schur") == {people["far"].pk, people["anke"].pk}
    assert found(cast.frieda, "schur") == set()
    grant_share(people["anke"], cast.david)
    assert found(cast.david, "schur") == {people["far"].pk, people["anke"].pk}


@pytest.mark.parametrize("little", [0, 500])
def test_words_that_begin_come_before_words_that_contain(cast, people, little, monkeypatch):
    monkeypatch.setattr(search, "LITTLE", little)
    assert first_parties(Party.objects.visible_to(cast.anna), "müller", 5) == [Party.objects.get(pk=people["jens"].pk), Party.objects.get(pk=people["firm"].pk)]


@pytest.mark.parametrize("little", [0, 500])
def test_a_word_elsewhere_that_begins_comes_before_a_name_that_contains(cast, people, little, monkeypatch):
    monkeypatch.setattr(search, "LITTLE", little)
    monkeypatch.setattr(search, "FEW", 0)
    zorn = PersonFactory(first_name="Zita", last_name="Zorn", owner=cast.anna)
    AddressFactory(party=zorn, city="Müllerstadt")
    index_parties()
    shown = first_parties(Party.objects.visible_to(cast.anna), "müller", 5)
    assert [party.pk for party in shown] == [people["jens"].pk, zorn.pk, people["firm"].pk]


def test_one_row_and_all_rows_are_built_alike(cast, people):
    before = list(PartySearch.objects.order_by("pk").values_list("pk", "words", "keys"))
    PartySearch.objects.all().delete()
    assert index_parties([people["anke"].pk]) == 1
    assert index_parties() == 4
    assert list(PartySearch.objects.order_by("pk").values_list("pk", "words", "keys")) == before


def test_the_field_takes_name_number_or_label(cast, people):
    field = PartyField(kind="person")
    anke = Party.objects.get(pk=people["anke"].pk)
    for text in ("Anke Schürmann", anke.number, party_label(anke), str(anke.pk), "anke"):
        assert field.clean(text) == anke
    for text in ("nobody like this", "K-999999999999", "9" * 18, "Obermüller"):
        with pytest.raises(Exception, match=r".+"):
            field.clean(text)


def test_the_name_itself_comes_before_what_only_mentions_it(cast):
    """Three letters and Enter open the firm, not its first employee in the alphabet."""
    firm = OrganisationFactory(owner=cast.anna, legal_name="Schürmann Möbelwerke")
    person = PersonFactory(owner=cast.anna, first_name="Anna", last_name="Albers")
    EmailFactory(party=person, address="albers@schuermann.example")
    index_parties()
    assert [party.pk for party in first_parties(Party.objects.visible_to(cast.anna), "schü", 5)] == [firm.pk, person.pk]


def test_where_very_many_fit_the_palette_shows_what_hangs_on_those_it_shows(cast, monkeypatch):
    """Few of them are looked at, and still nothing that the reader may not see."""
    monkeypatch.setattr(search, "FEW", 2)
    monkeypatch.setattr(searchables, "MOST", 2)
    firms = [OrganisationFactory(legal_name=f"Stahlwerk {place}", owner=cast.anna) for place in "ABCD"]
    far = OrganisationFactory(legal_name="Stahlwerk 0", owner=cast.david)
    for firm, name in [(firms[0], "Presse"), (firms[3], "Ofen"), (far, "Fernofen"), (far, "Stahlwerk neu")]:
        OpportunityFactory(name=name, party=firm, owner=firm.owner, team=firm.team)
    other = OrganisationFactory(legal_name="Andere", owner=cast.anna)
    own = [OpportunityFactory(name=name, party=other, owner=cast.anna, team=other.team) for name in ("Stahlwerkhalle", "Stahlwerktor", "Stahlwerkkran")]
    index_parties()
    groups = {str(group["items"][0]["kind"]): [item["label"] for item in group["items"]] for group in searchables.find(cast.anna, "stahlwerk")}
    assert groups["party"] == ["Stahlwerk A", "Stahlwerk B"]
    monkeypatch.setattr(searchables, "MOST", 20)
    labels = {item["label"] for group in searchables.find(cast.anna, "stahlwerk") for item in group["items"] if item["kind"] == "opportunity"}
    assert {"Presse", "Ofen"} <= labels and len(labels & {str(row) for row in own}) == 2 and not labels & {"Fernofen", "Stahlwerk neu"}
