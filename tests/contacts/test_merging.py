"""Two contacts become one and two again: everything goes over, nothing is lost, and an unmerge leaves the tables as they were."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone

from campaigns.models import Delivery, Run
from contacts.consent_gate import permitted
from contacts.consent_steps import object_to, record_consent
from contacts.diary import log_interaction, plan_task
from contacts.merging import better, merge_parties, moving
from contacts.models import (
    Affiliation,
    ConsentWording,
    DuplicatePair,
    EmailAddress,
    Interaction,
    MergeRecord,
    Party,
    PartyRole,
    PartySearch,
    PartyTag,
    PostalAddress,
    Tag,
)
from contacts.reach import reach
from contacts.relations import RELATIONS, SUBJECTS, Way
from contacts.search import index_parties, search_parties
from contacts.services import delete_party
from contacts.tombstones import family_of, survivor_of
from contacts.unmerging import unmerge
from crm.core.digest import digest
from crm.core.errors import RuleBroken
from crm.core.models import Erasure
from crm.core.sharing import share_record
from sales.models import Opportunity
from sales.services import open_opportunity
from service.models import Case
from service.services import open_case
from tests.factories import (
    AddressFactory,
    CampaignFactory,
    CaseFactory,
    EmailFactory,
    JourneyFactory,
    OpportunityFactory,
    OrganisationFactory,
    PersonFactory,
    PhoneFactory,
)
from tests.world import walk_through

pytestmark = pytest.mark.django_db
LEDGERS = {"core_change", "core_event", "core_undo", "core_oncekey", "core_notification", "contacts_mergerecord", "core_erasure", "django_session", "core_recentlyviewed"}


def business() -> dict[str, str]:
    return digest(model for model in apps.get_models(include_auto_created=True) if not model._meta.proxy and model._meta.db_table not in LEDGERS)


@pytest.fixture
def firms(cast: Any) -> tuple[Party, Party]:
    """Two organisations with everything that may hang on one, much of it on both."""
    one = OrganisationFactory(legal_name="Krüger Maschinenbau GmbH", owner=cast.anna, employees=40, vat_id="")
    two = OrganisationFactory(legal_name="Krueger Maschinenbau", owner=cast.david, team=cast.firm.south, vat_id="DE811", state="customer", source="Messe", external_id="M-7")
    for party in (one, two):
        EmailFactory(party=party, address="info@krueger.example")
        PhoneFactory(party=party, number="0221 4711", key="+492214711")
        AddressFactory(party=party)
        PartyRole.objects.create(party=party, role="supplier")
        share_record(Party.objects.get(pk=party.pk), cast.ben, by=cast.emil, actions=["view"])
        log_interaction(party, kind="call", body="Angebot besprochen", by=cast.anna)
        plan_task(party, text="nachfassen", due_at=timezone.now(), by=cast.anna)
        open_opportunity(OpportunityFactory.build(number="", name="Anlage", owner=cast.anna, team=cast.firm.north, party=party, stage=first_stage()), by=cast.anna)
        open_case(CaseFactory.build(number="", team=cast.firm.service, party=party, organisation=party), by=cast.sven)
    EmailFactory(party=two, address="einkauf@krueger.example", is_primary=False)
    EmailAddress.objects.filter(party=two, is_primary=True).update(bounced_at=timezone.now())
    AddressFactory(party=two, street="Weg 5", is_primary=False, label="delivery")
    tag, fair = Tag.objects.create(key="a", label_de="A", label_en="A"), Tag.objects.create(key="b", label_de="B", label_en="B")
    PartyTag.objects.create(party=one, tag=tag)
    PartyTag.objects.create(party=two, tag=tag)
    PartyTag.objects.create(party=two, tag=fair)
    both, other = PersonFactory(last_name="Beide"), PersonFactory(last_name="Andere")
    Affiliation.objects.create(person=both, organisation=one, is_primary=False)
    Affiliation.objects.create(person=both, organisation=two, function="Einkauf")
    Affiliation.objects.create(person=other, organisation=two)
    OrganisationFactory(legal_name="Tochter GmbH", parent=two)
    campaign = CampaignFactory(owner=cast.mia, team=cast.firm.marketing)
    Delivery.objects.create(campaign=campaign, party_id=one.pk, reason="no_address")
    Delivery.objects.create(campaign=campaign, party_id=two.pk, reason="no_address")
    Delivery.objects.create(campaign=CampaignFactory(owner=cast.mia, team=cast.firm.marketing), party_id=two.pk, reason="no_address")
    walk_through(JourneyFactory(owner=cast.mia, team=cast.firm.marketing), two, "X")
    index_parties([one.pk, two.pk])
    first, second = sorted((one.pk, two.pk))
    DuplicatePair.objects.create(first_id=first, second_id=second, score=0.9, reasons=["same_email"])
    third = OrganisationFactory(legal_name="Krüger Metall")
    DuplicatePair.objects.create(first_id=two.pk, second_id=third.pk, score=0.6, reasons=["similar_name"], state="not_same")
    return Party.objects.get(pk=one.pk), Party.objects.get(pk=two.pk)


def first_stage() -> Any:
    from sales.models import Stage

    return Stage.objects.order_by("position")[0]


def test_everything_goes_over(cast: Any, firms: tuple[Party, Party]) -> None:
    one, two = firms
    assert dict(moving(two))["Verkaufschancen"] == 1
    record = merge_parties(one, two, by=cast.emil)
    one.refresh_from_db()
    assert not Party.objects.filter(pk=two.pk).exists() and survivor_of(two.pk) == one.pk and family_of([one.pk]) == sorted([one.pk, two.pk])
    assert (one.legal_name, one.vat_id, one.state, one.employees, one.external_id) == ("Krüger Maschinenbau GmbH", "DE811", "customer", 40, "M-7")
    assert Opportunity.objects.filter(party=one.pk).count() == Case.objects.filter(party=one.pk, organisation=one.pk).count() == 2
    mails = {row.address: row for row in EmailAddress.objects.filter(party=one.pk)}
    assert set(mails) == {"info@krueger.example", "einkauf@krueger.example"} and mails["info@krueger.example"].bounced_at
    assert PostalAddress.objects.filter(party=one.pk).count() == 2 and PartyTag.objects.filter(party=one.pk).count() == 2
    ties = {row.person.last_name: row for row in Affiliation.objects.filter(organisation=one.pk)}
    assert set(ties) == {"Beide", "Andere"} and ties["Beide"].is_primary and ties["Beide"].function == "Einkauf"
    assert Delivery.objects.filter(party_id=one.pk).count() == 2 and Delivery.objects.filter(party_id=two.pk).count() == 1
    assert Run.objects.filter(party_id=one.pk).count() == 1
    told = Interaction.objects.get(pk=record.after["entry"])
    assert told.heading == f"Mit {two.number} Krueger Maschinenbau zusammengeführt von {cast.emil}"
    assert one in search_parties(Party.objects.all(), "einkauf@krueger") and PartySearch.objects.filter(party=one.pk).count() == 1
    assert [row.state for row in DuplicatePair.objects.all()] == ["not_same"], "what was called two different ones stays so"
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_an_unmerge_leaves_everything_as_it_was(cast: Any, firms: tuple[Party, Party]) -> None:
    one, two = firms
    before = business()
    record = merge_parties(one, two, by=cast.emil)
    assert business() != before
    assert unmerge(record, by=cast.emil) == []
    after = business()
    new = DuplicatePair.objects.filter(first=one.pk).exclude(second=two.pk) | DuplicatePair.objects.filter(second=one.pk).exclude(first=two.pk)
    new.delete()  # the survivor keeps what was decided for it
    assert {table for table, number in business().items() if number != before[table]} == set(), after
    with pytest.raises(RuleBroken, match="schon"):
        unmerge(record, by=cast.emil)
    assert survivor_of(two.pk) is None and MergeRecord.objects.count() == 2


def test_people_and_values_of_choice(cast: Any) -> None:
    one = Party.objects.get(pk=PersonFactory(first_name="Anna-Maria", last_name="Vogel", salutation="", form_of_address="sie").pk)
    two = Party.objects.get(pk=PersonFactory(first_name="Anna", last_name="Vogel", salutation="ms", form_of_address="du", website="https://vogel.example").pk)
    here, there = OrganisationFactory(), OrganisationFactory()
    Affiliation.objects.create(person=one, organisation=here)
    Affiliation.objects.create(person=two, organisation=there)
    assert better("salutation", one, two) == two and better("first_name", one, two) == one and better("form_of_address", one, two) == two
    plain, native = (Party(kind="person", last_name=name, team=cast.firm.north) for name in ("Kloeckner", "Klöckner"))
    assert better("last_name", plain, native) == better("last_name", native, plain) == native
    owned, other = Party(owner=cast.anna, team=cast.anna.team), Party(owner=cast.emil, team=cast.firm.root)
    assert better("owner", owned, other) == owned and better("owner", other, owned) == other and better("owner", Party(team=cast.firm.root), owned) == owned
    record = merge_parties(two, one, by=cast.emil, keep={"first_name": two.pk})
    two.refresh_from_db()
    assert (two.first_name, two.salutation) == ("Anna", "ms")
    assert set(Affiliation.objects.filter(person=two.pk).values_list("organisation", "is_primary")) == {(there.pk, True), (here.pk, False)}
    two.website = ""
    Party.objects.filter(pk=two.pk).update(first_name="Annabel")
    unmerge(record, by=cast.emil)
    assert Party.objects.get(pk=one.pk).first_name == "Anna-Maria" and Party.objects.get(pk=two.pk).first_name == "Annabel"
    assert Affiliation.objects.get(person=one.pk).is_primary


def test_what_was_changed_since_stays_and_is_said(cast: Any, firms: tuple[Party, Party]) -> None:
    one, two = firms
    record = merge_parties(one, two, by=cast.emil)
    Party.objects.filter(pk=one.pk).update(vat_id="DE999")
    moved = Opportunity.objects.get(pk=record.moved["sales.Opportunity.party"][0])
    Opportunity.objects.filter(pk=moved.pk).update(party=OrganisationFactory().pk)
    lost = unmerge(record, by=cast.emil)
    assert any("USt-IdNr" in words for words in lost) and any("Verkaufschancen: 1" in words for words in lost), lost
    assert Party.objects.get(pk=one.pk).vat_id == "DE999" and Party.objects.get(pk=two.pk).vat_id == "DE811"


def test_a_chain_comes_apart_from_its_end(cast: Any) -> None:
    a, b, c = (Party.objects.get(pk=OrganisationFactory(legal_name=f"Kette {n}").pk) for n in "ABC")
    first = merge_parties(b, a, by=cast.emil)
    second = merge_parties(c, b, by=cast.emil)
    assert survivor_of(a.pk) == c.pk and family_of([c.pk]) == sorted([a.pk, b.pk, c.pk])
    with pytest.raises(RuleBroken, match="anderen"):
        unmerge(first, by=cast.emil)
    unmerge(second, by=cast.emil)
    unmerge(first, by=cast.emil)
    assert Party.objects.filter(pk__in=[a.pk, b.pk, c.pk]).count() == 3


def test_who_said_no_is_not_written_to_under_another_address(cast: Any, firms: tuple[Party, Party]) -> None:
    one, two = firms
    words = ConsentWording.objects.filter(channel="email", purpose__key="newsletter" if ConsentWording.objects.filter(purpose__key="newsletter").exists() else "news").first()
    other = EmailFactory(party=one, address="zweite@krueger.example", is_primary=False)
    record_consent(reach("email", other.address), [words], how="phone", by=cast.emil, party=one)
    object_to(reach("email", "einkauf@krueger.example"), [words.purpose], how="phone", by=cast.emil, party=two)
    allowed = EmailAddress.objects.filter(permitted(words.purpose))
    assert list(allowed.values_list("address", flat=True)) == ["zweite@krueger.example"]
    record = merge_parties(one, two, by=cast.emil)
    assert not allowed.exists() and record.after["consents"]
    lost = unmerge(record, by=cast.emil)
    assert not allowed.exists() and any("nur die Person" in words for words in lost)


def test_refusals(cast: Any, firms: tuple[Party, Party]) -> None:
    one, two = firms
    person = Party.objects.get(pk=PersonFactory().pk)
    for pair in ((one, one), (one, person)):
        with pytest.raises(RuleBroken):
            merge_parties(*pair, by=cast.emil)
    with pytest.raises(RuleBroken, match="inzwischen geändert"):
        merge_parties(one, two, by=cast.emil, versions={two.pk: 99})
    merge_parties(one, two, by=cast.emil)
    with pytest.raises(RuleBroken, match="inzwischen zusammengeführt"):
        merge_parties(two, OrganisationFactory(), by=cast.emil)


def test_a_parent_may_be_merged_with_its_daughter_but_no_circle_arises(cast: Any) -> None:
    mother = Party.objects.get(pk=OrganisationFactory(legal_name="Mutter AG").pk)
    daughter = Party.objects.get(pk=OrganisationFactory(legal_name="Tochter AG", parent=mother).pk)
    grandchild = Party.objects.get(pk=OrganisationFactory(legal_name="Enkelin AG", parent=daughter).pk)
    record = merge_parties(daughter, mother, by=cast.emil)
    daughter.refresh_from_db()
    assert daughter.parent_id is None
    unmerge(record, by=cast.emil)
    daughter.refresh_from_db()
    assert daughter.parent_id == mother.pk
    with pytest.raises(RuleBroken, match="selbst"):
        merge_parties(Party.objects.get(pk=mother.pk), Party.objects.get(pk=grandchild.pk), by=cast.emil)


def test_the_erasure_covers_the_record(cast: Any, firms: tuple[Party, Party]) -> None:
    one = Party.objects.get(pk=PersonFactory(first_name="Vera", last_name="Vergessen").pk)
    two = Party.objects.get(pk=PersonFactory(first_name="Vera", last_name="Vergessenmann").pk)
    EmailFactory(party=two, address="vera@vergessen.example")
    born = two.created_at
    record = merge_parties(one, two, by=cast.emil)
    assert "Vergessenmann" in str(record.before)
    delete_party(one, by=cast.emil)
    record.refresh_from_db()
    assert (record.before, record.after, record.moved) == ({}, {}, {})
    assert set(Erasure.objects.values_list("subject_id", flat=True)) == {one.pk, two.pk}, "a restore erases the absorbed one, too"
    assert Erasure.objects.get(subject_id=two.pk).born == born
    with pytest.raises(RuleBroken, match="gelöscht"):
        unmerge(record, by=cast.emil)


def test_the_ledger_of_merges_is_append_only(cast: Any, firms: tuple[Party, Party]) -> None:
    record = merge_parties(*firms, by=cast.emil)
    with pytest.raises(Exception, match="append-only"):
        MergeRecord.objects.filter(pk=record.pk).update(absorbed=1)


def test_every_way_is_in_use() -> None:
    assert {relation.way for relation in RELATIONS} | set(SUBJECTS.values()) == set(Way)
