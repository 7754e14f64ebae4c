"""A small firm at work, for tests that walk over all pages: one record of each kind and owner, numbers above 9,999, a mark in every text.

`canary` texts name their owner, so that a leak of a foreign record is found in any answer by looking for the word.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from django.db import connection
from django.utils import timezone

from accounts.models import User
from campaigns.models import JourneyVersion, Run, RunStep
from contacts.diary import log_interaction
from contacts.merging import merge_parties
from contacts.models import Affiliation, DuplicatePair, Party
from crm.core.models import IncomingMail, Job, MailFile, Notification, SavedView, Undo
from crm.core.subjects import name_subject
from crm.core.work import work
from sales.imports.models import ImportFile, ImportRun
from sales.models import Stage
from sales.services import open_opportunity
from service.merging import link_cases
from service.services import open_case
from tests.factories import (
    AddressFactory,
    CampaignFactory,
    CaseFactory,
    EmailFactory,
    InteractionFactory,
    JourneyFactory,
    OpportunityFactory,
    OrganisationFactory,
    PersonFactory,
    PhoneFactory,
    PriceFactory,
    ProductFactory,
    SegmentFactory,
    TaskFactory,
    VariantFactory,
    grant_share,
)
from tests.mail.incoming import multipart_mail

SECRET = "GEHEIM"  # stands in the field that some roles do not see
TABLES = [
    "contacts_party", "contacts_emailaddress", "contacts_phonenumber", "contacts_postaladdress",
    "sales_opportunity", "contacts_task", "contacts_interaction", "core_job", "catalog_product", "core_savedview", "sales_importrun", "accounts_user", "accounts_team",
    "service_case", "core_incomingmail", "contacts_duplicatepair", "contacts_mergerecord", "campaigns_segment", "campaigns_campaign", "campaigns_journey",
]  # fmt: skip


def raise_ids(floor: int = 12_344) -> None:
    """The next ids are above 9,999: in German a bare number in an attribute would become 12.345."""
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), greatest(%s, (SELECT coalesce(max(id), 1) FROM " + table + ")))", [table, floor])


def records_of(owner: Any, team: Any, mark: str) -> SimpleNamespace:
    """One of everything for one owner; every text carries `mark`."""
    with work(by=owner):
        firm = OrganisationFactory(owner=owner, team=team, legal_name=f"{mark} Werke GmbH", vat_id=f"DE{mark}"[:20], source=f"{SECRET}-{mark}")
        person = PersonFactory(owner=owner, team=team, first_name=f"{mark}", last_name=f"{mark}mann", source=f"{SECRET}-{mark}", salutation="mr", title="Professorin")  # a hint to see
        Affiliation.objects.create(person=person, organisation=firm, function=f"{mark} Einkauf")
        for party in (firm, person):
            EmailFactory(party=party, address=f"{mark.lower()}@example.test")
            PhoneFactory(party=party, number=f"0221 4711 {party.pk}")
            AddressFactory(party=party, street=f"{mark}weg 1", city=f"{mark}stadt")
        email = EmailFactory(party=firm, address=f"rechnung@{mark.lower()}.test", label="invoice", is_primary=False)
        phone = PhoneFactory(party=firm, number=f"0171 4711 {firm.pk}", label="mobile", is_primary=False)
        place = AddressFactory(party=firm, street=f"{mark}ufer 2", city=f"{mark}hafen", label="delivery", is_primary=False)
        opportunity = OpportunityFactory.build(
            number="", name=f"{mark} Anlage", owner=owner, team=team, party=firm, stage=Stage.objects.order_by("position")[0],
            amount=Decimal("12500.50"), expected_close=timezone.localdate() + timedelta(days=20), source=mark,
        )
        open_opportunity(opportunity, by=owner)
        note = InteractionFactory(party=firm, kind="call", heading=f"{mark} Anruf", body=f"{mark} am Telefon", created_by=owner)
        InteractionFactory(party=firm, kind="note", heading=f"QUELLE-{mark}", created_by=owner, **name_subject(opportunity))  # seen by who sees its source
        task = TaskFactory(party=firm, owner=owner, created_by=owner, text=f"{mark} nachfassen", **name_subject(opportunity))
        run = ImportRun.objects.create(owner=owner, team=team, created_by=owner, name=f"{mark}.csv", source=mark, pipeline="projects")
        case = desk_of(owner, team, mark, firm)
        mail = mail_of(case, mark)
        campaign = CampaignFactory(owner=owner, team=team, created_by=owner, name=f"{mark} Kampagne", segment=None)
        VariantFactory(campaign=campaign, subject=f"{mark} Betreff", blocks=[{"kind": "text", "text": f"{mark} schreibt {{salutation}}"}])
    twin, pair, merge = twice(owner, team, mark, firm)
    file = ImportFile.objects.create(run=run, name=f"{mark}.csv", digest="0" * 64, size=1, encoding="utf-8", delimiter=",", quotechar='"', header_row=1, header_key="x")
    job = Job.objects.create(kind="sales.import_check", by=owner, label=f"{mark} Auftrag", params={"run": run.pk})
    journey = JourneyFactory(owner=owner, team=team, created_by=owner, name=f"{mark} Automation", note=f"{mark} wofür")
    walk_through(journey, firm, mark)
    segment = SegmentFactory(owner=owner, team=team, created_by=owner, name=f"{mark} Segment", note=f"{mark} wofür")
    view = SavedView.objects.create(user=owner, page="person", name=f"{mark} Ansicht", query="state=customer")
    undo = Undo.objects.create(user=owner, way="facts", label=f"{mark} Schritt", payload={"work": "00000000-0000-0000-0000-000000000000"})
    return SimpleNamespace(
        organisation=firm, person=person, email=email, phone=phone, place=place, opportunity=opportunity, case=case, mail=mail, interaction=note, task=task, segment=segment, campaign=campaign, journey=journey, run=run, file=file, job=job,
        view=view, undo=undo, mark=mark, twin=twin, pair=pair, merge=merge,
    )  # fmt: skip


def twice(owner: Any, team: Any, mark: str, firm: Any) -> tuple[Any, Any, Any]:
    """The organisation written down once more, the pair of both, and a third one that was merged into the second."""
    with work(by=owner):
        twin, third = (OrganisationFactory(owner=owner, team=team, legal_name=f"{mark} {name}") for name in ("Werke", "Werk"))
        pair = DuplicatePair.objects.create(first_id=firm.pk, second_id=twin.pk, score=0.9, reasons=["same_name"])
    parties = Party.objects.in_bulk([twin.pk, third.pk])
    return twin, pair, merge_parties(parties[twin.pk], parties[third.pk], by=User.objects.get(username="emil"))


def walk_through(journey: Any, party: Any, mark: str) -> None:
    """Somebody is on the way through it: the name and the step's words are canaries."""
    steps = [{"key": "s1", "kind": "task", "text": f"{mark} anrufen", "days": 1}, {"key": "s2", "kind": "wait", "days": 9}]
    facts = {"definition": {"trigger": {"kind": "inactive", "days": 30, "longer": False}, "steps": steps}, "language": "de"}
    version = JourneyVersion.objects.create(journey=journey, number=1, published_by=journey.owner, **facts)
    run = Run.objects.create(journey=journey, version=version, party_id=party.pk, occurrence=f"{mark}:1", began_at=timezone.now(), step="s2", due_at=timezone.now() + timedelta(days=9))
    RunStep.objects.create(run=run, step="s1", kind="task", outcome="done")


def desk_of(owner: Any, team: Any, mark: str, party: Any) -> Any:
    """A complaint of one owner with a linked one, an entry and a note; nobody but the owner and its team follows it by itself."""
    facts = {"owner": owner, "team": team, "party": party, "number": ""}
    case, other = (
        open_case(CaseFactory.build(heading=f"{mark} Störung {n}", description=f"{mark} steht still", demanded=f"{mark} Ersatz", lot=f"{mark}-7", **facts), by=owner) for n in (1, 2)
    )
    link_cases(case, other, by=owner)
    for kind, direction in (("note", ""), ("call", "out")):
        InteractionFactory(party=party, kind=kind, direction=direction, body=f"AKTE-{mark}", created_by=owner, **name_subject(case))  # seen by who sees the case
    return case


def mail_of(case: Any, mark: str) -> Any:
    """A mail with HTML and an attachment that came in to this case."""
    text = f"{mark} schreibt"
    raw = multipart_mail(text, f"<p>{text}</p>", (f"{mark}.txt", text.encode()), from_=f"{mark} <{mark.lower()}@example.test>", message_id=f"<{mark.lower()}@example.test>")
    digest = hashlib.sha256(raw).hexdigest()
    entry = log_interaction(case.party, kind="email", direction="in", body=text, by=None, about=case)
    MailFile.objects.get_or_create(digest=digest, defaults={"data": raw})
    return IncomingMail.objects.create(
        identity=digest, uidvalidity=1, uid=case.pk, raw_id=digest, size=len(raw), sender=f"{mark.lower()}@example.test", sender_name=mark, heading=text, nature="human", state="filed",
        files=[[f"{mark}.txt", "text/plain", len(text)]], has_html=True, entry=entry.pk, **name_subject(case),
    )  # fmt: skip


def build(cast: Any) -> SimpleNamespace:
    """The whole world: what anna has, her team-mate, another team, and what david shares with her."""
    raise_ids()
    firm = cast.firm
    product = ProductFactory(name="Rollenbahn")
    world = SimpleNamespace(cast=cast, product=product, price=PriceFactory(product=product))
    world.own = records_of(cast.anna, firm.north, "EIGENTUM")
    world.team = records_of(cast.ben, firm.north, "KOLLEGE")
    world.foreign = records_of(cast.david, firm.south, "FREMDHAUS")
    world.shared = records_of(cast.david, firm.south, "GETEILT")
    world.editable = records_of(cast.david, firm.south, "FREIGEGEBEN")
    for record in (world.shared.person, world.shared.organisation, world.shared.opportunity, world.shared.case):
        grant_share(record, cast.anna, "view")
    for record in (world.editable.person, world.editable.organisation, world.editable.opportunity, world.editable.case):
        grant_share(record, cast.anna, "view", "change")
    Affiliation.objects.create(person=world.foreign.person, organisation=world.own.organisation, function="Beirat", is_primary=False)  # seen by who sees both
    Notification.objects.create(user=cast.anna, text="Neu für Sie", url="/")
    return world
