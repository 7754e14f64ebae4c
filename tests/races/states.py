"""Brings records into the states in which the rarer forms appear, so that each POST of the product can be sent from its own page."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from django.urls import reverse
from django.utils import timezone

from analytics.subscriptions import subscribe
from campaigns.journeys.services import pause_journey, publish_journey
from campaigns.models import MailDesign, Run
from campaigns.sending import begin
from campaigns.services import pause_campaign, release_campaign
from contacts.models import TRACKING, ConsentPurpose, DuplicatePair, Tag
from crm.core.models import Job, SavedView, Undo
from crm.core.sharing import share_record
from sales.models import LostReason
from sales.services import lose_opportunity
from service.models import Macro, Remedy
from service.remedies import grant_remedy
from service.services import open_case, solve_case, wait_case
from tests.access import admin_pages
from tests.campaigns.conftest import agree, purpose
from tests.factories import (
    CampaignFactory,
    CaseFactory,
    JourneyFactory,
    OpportunityFactory,
    OrganisationFactory,
    SegmentFactory,
    VariantFactory,
)
from tests.imports import steps
from tests.imports.export_files import write_export
from tests.pageforms import PageForm
from tests.world import mail_of

Hand = tuple[Any, PageForm]  # who sends it, what


def rare_pages(world: Any, folder: Path) -> list[tuple[Any, str]]:
    """(user, address) of pages whose forms appear only after something has happened."""
    emil, anna, ben, greta = world.cast.emil, world.cast.anna, world.cast.ben, world.cast.greta
    lost = OpportunityFactory(owner=anna, team=anna.team, party=world.own.organisation)
    lose_opportunity(lost, reason=LostReason.objects.exclude(needs_note=True)[0], by=anna)
    share_record(world.own.person, ben, by=anna)
    share_record(world.own.opportunity, ben, by=anna)
    for report in ("forecast", "overview"):
        subscribe(greta, report)
    stopped = Job.objects.create(kind="service.reckon", by=emil, label="Fristen", state=Job.State.CANCELLED)
    bare = OrganisationFactory(owner=emil, legal_name="Niemandes Werk")
    DuplicatePair.objects.filter(pk=world.team.pair.pk).update(state=DuplicatePair.State.NOT_SAME)
    runs = imports(emil, folder)
    found = [
        (anna, reverse("opportunity-detail", args=[lost.pk])),
        (anna, reverse("person-detail", args=[world.own.person.pk])),
        (anna, reverse("party-share", args=[world.own.person.pk])),
        (anna, reverse("opportunity-share", args=[world.own.opportunity.pk])),
        (greta, reverse("forecast")),
        (greta, reverse("overview")),
        (emil, reverse("job-detail", args=[stopped.pk])),
        (emil, reverse("organisation-delete", args=[bare.pk])),
        *((emil, reverse("import-detail", args=[run.pk])) for run in runs),
        *((emil, reverse("case-detail", args=[case.pk])) for case in cases(world)),
        (emil, reverse("case-contact", args=[unknown(world).pk])),
        *((emil, f"{reverse('duplicate-list')}?state={state}") for state in ("not_same", "merged")),
        *campaigns(world),
        *journeys(world),
    ]
    for key, pk in admin_pages.rows(world).items():
        made = admin_pages.MADE[key][1]
        found += [(emil, reverse(f"admin:{key}_change", args=[pk]))] if "change" in made else []
        found += [(emil, reverse(f"admin:{key}_{verb}", args=[pk] if verb == "delete" else [])) for verb in ("add", "delete") if verb in made]
    return found


def cases(world: Any) -> list[Any]:
    """One that is new, one that waits, one that is solved, one whose goodwill is to be approved."""
    sven, facts = world.cast.sven, {"party": world.own.organisation, "team": world.cast.firm.service, "channel": "letter", "number": ""}
    new, waiting, solved, asked = (open_case(CaseFactory.build(type=kind, **facts), by=sven) for kind in ("complaint", "fault", "question", "complaint"))
    wait_case(waiting, by=sven)
    solve_case(solved, by=sven)
    remedy = Remedy.objects.get(key="credit")
    grant_remedy(asked, cause=None, remedy=remedy, goodwill=(remedy.limit or Decimal(0)) + 100, own_cost=Decimal(0), by=sven)
    return [new, waiting, solved, asked]


def campaigns(world: Any) -> list[tuple[Any, str]]:
    """The steps of a draft that could leave, and one campaign in each later state; the second pair of eyes is mia's."""
    emil, mia = world.cast.emil, world.cast.mia
    MailDesign.objects.update_or_create(pk=1, defaults={"imprint": "Rheintal GmbH", "four_eyes_above": 50})
    ConsentPurpose.objects.filter(key=TRACKING).update(active=True)  # so that opens and clicks may be counted
    agree(world.own.email.address, by=emil)
    agree("eigentum@example.test", by=emil)
    segment = SegmentFactory(owner=emil, team=emil.team)
    draft, whole, asked, released, running, paused = (CampaignFactory(owner=emil, team=emil.team, segment=segment, purpose=purpose(), control=0) for _ in range(6))
    for row in (draft, whole, asked, released, running, paused):
        VariantFactory(campaign=row)
    VariantFactory(campaign=draft, position=1, subject="Anders")
    release_campaign(asked, recipients=1000, by=mia)
    for row in (released, running, paused):
        release_campaign(row, recipients=1, by=emil)
    for row in (running, paused):
        begin(row.pk, timezone.now())
    pause_campaign(paused, by=emil)
    steps_of = [(emil, f"{reverse('campaign-update', args=[draft.pk])}?step={step}") for step in ("content", "test")]
    return [*steps_of, (emil, f"{reverse('campaign-update', args=[whole.pk])}?step=check"), *((emil, reverse("campaign-detail", args=[row.pk])) for row in (asked, released, running, paused))]


def journeys(world: Any) -> list[tuple[Any, str]]:
    """A draft at one of its steps, one that could be published, one to delete, one that runs and where somebody got stuck, one that is paused."""
    emil, now = world.cast.emil, timezone.now()
    step, whole, spare, running, paused = (JourneyFactory(owner=emil, team=emil.team) for _ in range(5))
    for row in (running, paused):
        publish_journey(row, by=emil)
        row.refresh_from_db()
    Run.objects.create(journey=running, version=running.live, party_id=world.own.person.pk, occurrence="inactive:2026-01-01", began_at=now, step="s1", due_at=now, state="failed", trouble="?")
    pause_journey(paused, by=emil)
    flow = [f"{reverse('journey-flow', args=[step.pk])}?step=s1", reverse("journey-flow", args=[whole.pk]), reverse("journey-delete", args=[spare.pk])]
    return [(emil, address) for address in (*flow, *(reverse("journey-detail", args=[row.pk]) for row in (running, paused)))]


def unknown(world: Any) -> Any:
    """A case somebody wrote whom nobody knows yet."""
    case = open_case(CaseFactory.build(type="question", team=world.cast.firm.service, channel="mail", number="", party=None), by=world.cast.sven)
    mail_of(case, "NEU")
    return case


def imports(emil: Any, folder: Path) -> list[Any]:
    """Runs that are checked, are being applied, are brought in, were stopped on the way."""
    paths = write_export(folder, opportunities=12)
    checked, running, halted, done = (steps.check(steps.begin(paths, emil, source=f"Quelle {n}"), emil) for n in range(4))
    steps.services.apply_import(running, by=emil)
    job = steps.services.apply_import(halted, by=emil)
    Job.objects.filter(pk=job.pk).update(state=Job.State.CANCELLED)
    steps.apply(done, emil)
    return [checked, running, done, halted]


def by_hand(world: Any) -> dict[str, Hand]:
    """What is sent by script or with files: no form on a page holds it as it is sent."""
    emil, own = world.cast.emil, world.own
    people, firms = [str(own.person.pk), str(world.team.person.pk)], [str(own.organisation.pk)]
    undo = Undo.objects.create(user=emil, way="facts", label="Schritt", payload={"work": "00000000-0000-0000-0000-000000000000"})
    tag = Tag.objects.create(key="fair", label_de="Messe", label_en="Trade fair")
    view = SavedView.objects.create(user=emil, page="person", name="Meine", query="state=customer")
    return {
        "person-assign": (emil, PageForm("post", reverse("person-assign"), {"pk": people, "owner": [str(world.cast.ben.pk)]})),
        "organisation-assign": (emil, PageForm("post", reverse("organisation-assign"), {"pk": firms, "owner": [str(world.cast.ben.pk)]})),
        "person-tag": (emil, PageForm("post", reverse("person-tag"), {"pk": people, "tag": [str(tag.pk)], "way": ["add"]})),
        "organisation-tag": (emil, PageForm("post", reverse("organisation-tag"), {"pk": firms, "tag": [str(tag.pk)], "way": ["add"]})),
        "person-merge": (emil, PageForm("post", reverse("person-merge"), {"pk": people})),
        "organisation-merge": (emil, PageForm("post", reverse("organisation-merge"), {"pk": [*firms, str(own.twin.pk)]})),
        "party-cell": (emil, PageForm("post", reverse("party-cell", args=[own.organisation.pk, "vat_id"]), {"old": [own.organisation.vat_id], "vat_id": ["DE123"]})),
        "party-share": (emil, PageForm("post", reverse("party-share", args=[own.person.pk]), {"who": [f"user-{world.cast.ben.pk}"], "action": ["view"]})),
        "party-consent-record": (emil, PageForm("post", reverse("party-consent-record", args=[own.organisation.pk, "email", own.email.pk]), {"kind": ["given"], "purposes": ["newsletter"], "how": ["phone"], "at": ["2026-01-15T10:00:00"]})),
        "opportunity-share": (emil, PageForm("post", reverse("opportunity-share", args=[own.opportunity.pk]), {"who": [f"user-{world.cast.ben.pk}"], "action": ["view"]})),
        "undo": (emil, PageForm("post", reverse("undo", args=[undo.token]))),
        "view-save": (emil, PageForm("post", reverse("view-save"), {"page": ["person"], "name": ["Kunden"], "query": ["state=customer"]})),
        "view-delete": (emil, PageForm("post", reverse("view-delete", args=[view.pk]))),
        "campaign-preview": (emil, PageForm("post", reverse("campaign-preview", args=[own.campaign.pk]), {"count": ["0"], "version": ["1"], "subject": ["Neu"]})),
        "case-macro": (emil, PageForm("post", reverse("case-macro", args=[own.case.pk]), {"macro": [str(Macro.objects.get(key="urgent").pk)]})),
        "import-create": (emil, PageForm("post", reverse("import-create"), {"source": ["Altsystem"]}, uploads=["files"])),
    }
