"""Dry run, bringing in, a second import, a changed file, taking back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.db.models import Count, Sum
from django.test.utils import CaptureQueriesContext

from accounts.models import Membership, Team, User
from contacts.merging import merge_parties
from contacts.models import DuplicatePair, Organisation, Party, PartyActivity, PartySearch, PostalAddress
from contacts.search import index_parties
from crm.core.models import Change, Erasure, Job
from crm.core.work import work
from sales.imports import applying, forms, services
from sales.imports.models import ImportRow, ImportRun
from sales.models import Opportunity, StageTransition
from sales.pipelines import seed_pipeline
from tests.factories import InteractionFactory, OpportunityFactory, OrganisationFactory
from tests.imports.export_files import write_export
from tests.imports.reference import figures_of
from tests.imports.steps import apply, begin, business_digest, check, revert, run_to_end

pytestmark = pytest.mark.django_db


def verdicts(run: ImportRun) -> dict[str, int]:
    return dict(run.rows.values_list("verdict").annotate(Count("pk")))


def outcomes(run: ImportRun) -> dict[str, int]:
    return dict(run.rows.values_list("outcome").annotate(Count("pk")))


@pytest.fixture
def brought(cast: SimpleNamespace, tmp_path: Path) -> SimpleNamespace:
    """The small export, brought in with the proposals."""
    write_export(tmp_path)
    before = business_digest()
    run = check(begin(sorted(tmp_path.iterdir()), cast.emil), cast.emil)
    checked = verdicts(run)
    apply(run, cast.emil)
    return SimpleNamespace(run=run, before=before, folder=tmp_path, emil=cast.emil, checked=checked, expected=figures_of(tmp_path))


def test_new_cards_come_below_those_of_their_column_without_reading_them(cast: SimpleNamespace, tmp_path: Path) -> None:
    """The last rank is looked up for each column; an import without opportunities looks for none."""
    write_export(tmp_path, opportunities=60)
    run = check(begin(sorted(tmp_path.iterdir()), cast.emil), cast.emil)
    stage = seed_pipeline(run.pipeline).stages.order_by("position")[0]
    low = OpportunityFactory(stage=stage, owner=cast.anna, rank=5_000)
    with CaptureQueriesContext(connection) as seen:
        apply(run, cast.emil)
    fresh = Opportunity.objects.filter(state="open", source="Altsystem", stage=stage)
    assert fresh.exists() and not fresh.filter(rank__lte=low.rank).exists() and fresh.values("rank").distinct().count() == fresh.count()
    looked = [one["sql"] for one in seen if '"rank"' in one["sql"] and one["sql"].startswith("SELECT") and "sales_stage" in one["sql"] and "LIMIT 1" in one["sql"]]
    assert len(looked) == 1 and not any('MAX("sales_opportunity"."rank")' in one["sql"] for one in seen)
    others = tmp_path / "others"
    others.mkdir()
    (others / "firmen.csv").write_text("Firma;Ort\nNeu GmbH;Köln\n", encoding="utf-8")
    other = check(begin([others / "firmen.csv"], cast.emil), cast.emil)
    with CaptureQueriesContext(connection) as seen:
        apply(other, cast.emil)
    assert not any("sales_lostreason" in one["sql"] or '"sales_opportunity"' in one["sql"] for one in seen)


def test_every_row_has_a_verdict_and_the_doubts_are_asked_once(cast: SimpleNamespace, tmp_path: Path) -> None:
    write_export(tmp_path)
    expected = figures_of(tmp_path)
    run = check(begin(sorted(tmp_path.iterdir()), cast.emil), cast.emil)
    assert run.state == ImportRun.State.CHECKED
    assert sum(verdicts(run).values()) == expected["rows"]
    asked = {question.key: question for question in run.questions.all()}
    assert set(asked) == {"product:KranPro", "industry:technolgy", "country:Philipines", "no_account:"}
    assert asked["product:KranPro"].choice == "use:Kran Pro"
    assert asked["industry:technolgy"].choice == "use:Technology"
    assert asked["country:Philipines"].choice == "use:Philippines"
    assert asked["no_account:"].rows == expected["without account"]
    assert not Opportunity.objects.exists()


def test_brought_in_as_counted_by_hand(brought: SimpleNamespace) -> None:
    expected, rows = brought.expected, Opportunity.objects.unrestricted()
    assert outcomes(brought.run) == {"created": expected["rows"]}
    assert rows.count() == expected["opportunities"]
    assert rows.filter(state="won").aggregate(n=Count("pk"), worth=Sum("amount")) == {"n": expected["won"], "worth": expected["won worth"]}
    assert rows.filter(state="lost").count() == expected["lost"]
    assert rows.filter(stage__key="prospecting").count() == expected["prospecting"]
    assert rows.filter(state="open").aggregate(s=Sum("amount"))["s"] == expected["open at list"][1]
    assert rows.filter(state="lost", amount__isnull=False, pricing="list", lost_reason__key="not-stated").count() == expected["lost"]
    assert Organisation.objects.count() == expected["organisations"]
    assert PartySearch.objects.count() == Organisation.objects.count()
    werft = Organisation.objects.get(legal_name="Ahrens Werft")
    assert (werft.industry.key, werft.addresses.get().country, werft.subsidiaries.count()) == ("technology", "DE", 2)
    assert Organisation.objects.get(legal_name="Bergbahn Tal").addresses.get().country == "PH"
    assert Organisation.objects.get(legal_name="Dampf & Druck").addresses.get().country == "KR"


def test_people_wait_inactive_in_their_teams(brought: SimpleNamespace) -> None:
    harms = User.objects.get(last_name="Harms")
    assert (harms.is_active, harms.email, harms.has_usable_password(), harms.username) == (False, "", False, "anke.harms")
    assert (harms.team.name, harms.team.parent.name, harms.team.parent.parent) == ("Hanna Krogmann", "Küste", Team.objects.get(parent=None))
    assert Membership.objects.get(user=harms).role.key == "rep"
    assert Membership.objects.get(user__last_name="Krogmann").role.key == "lead"
    assert User.objects.filter(is_active=False).count() == brought.expected["agents"] + brought.expected["managers"]
    assert Opportunity.objects.filter(owner=harms).exclude(team=harms.team).count() == 0


def test_the_ledger_tells_the_past(brought: SimpleNamespace) -> None:
    won = Opportunity.objects.filter(state="won").select_related("stage").order_by("pk")[0]
    steps = list(won.transitions.order_by("at", "id"))
    assert [step.kind for step in steps] == ["open", "move", "win"]
    assert [step.at.date() for step in steps] == [won.opened_on, won.opened_on, won.closed_on]
    assert {step.job_id for step in steps} == {brought.run.apply_job_id}
    expected = brought.expected
    assert StageTransition.objects.count() == 3 * (expected["won"] + expected["lost"]) + 2 * expected["engaging"] + expected["prospecting"]
    for activity in PartyActivity.objects.select_related("party"):
        assert activity.last_at == max(activity.party.interactions.values_list("occurred_at", flat=True))


def test_every_change_names_the_job_and_its_person(brought: SimpleNamespace) -> None:
    rows = Change.objects.filter(relation="sales_opportunity")
    assert set(rows.values_list("job_id", "actor_id", "origin")) == {(brought.run.apply_job_id, brought.emil.pk, "user")}


def test_who_bought_is_a_customer_and_a_form_that_was_open_notices(brought: SimpleNamespace) -> None:
    turned = Change.objects.filter(relation="contacts_party", op="U", after__state="customer", job_id=brought.run.apply_job_id)
    assert turned.exists() and all({"version", "updated_at"} <= set(change.after) for change in turned)
    assert set(Party.objects.filter(pk__in=turned.values("row_id")).values_list("updated_by", flat=True)) == {brought.emil.pk}


def test_the_same_files_again_change_nothing(brought: SimpleNamespace) -> None:
    now = business_digest()
    again = check(begin(sorted(brought.folder.iterdir()), brought.emil), brought.emil)
    assert verdicts(again) == {"matched": brought.expected["rows"]}
    apply(again, brought.emil)
    assert outcomes(again) == {"matched": brought.expected["rows"]}
    assert business_digest() == now


def change_file(folder: Path) -> dict[str, Any]:
    """The export a week later: one opportunity was won, one got another product, one organisation has more employees."""
    path = folder / "sales_pipeline.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    at = next(i for i, line in enumerate(lines) if ",Engaging," in line and ",," not in line.split("Engaging")[0])
    number = lines[at].split(",")[0]
    lines[at] = lines[at].split("Engaging")[0] + "Won," + lines[at].split(",")[5] + ",2018-06-01,777"
    other = next(i for i, line in enumerate(lines) if ",Won," in line and "Winde Plus" in line)
    lines[other] = lines[other].replace("Winde Plus", "Portal 500")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    accounts = folder / "accounts.csv"
    accounts.write_text(accounts.read_text(encoding="utf-8").replace(",40,Germany", ",41,Germany"), encoding="utf-8")
    return {"won": number, "product": lines[other].split(",")[0]}


def test_a_changed_file_changes_only_what_changed(brought: SimpleNamespace) -> None:
    touched = Opportunity.objects.filter(state="open", amount__isnull=False).order_by("-pk")[0]
    Opportunity.objects.filter(pk=touched.pk).update(name="von Hand", amount=4)  # what people changed here stays
    now = business_digest()
    changed = change_file(brought.folder)
    run = check(begin(sorted(brought.folder.iterdir()), brought.emil), brought.emil)
    assert verdicts(run) == {"matched": brought.expected["rows"] - 3, "changed": 3}
    assert set(run.rows.get(key=changed["won"]).changes) >= {"state", "closed_on", "amount"}
    assert list(run.rows.get(key=changed["product"]).changes) == ["product_id"]
    apply(run, brought.emil)
    assert outcomes(run) == {"matched": brought.expected["rows"] - 3, "changed": 3}
    won = Opportunity.objects.get(external_id=changed["won"])
    assert (won.state, won.amount, won.closed_on.isoformat()) == ("won", 777, "2018-06-01")
    assert won.transitions.order_by("-id")[0].kind == "win"
    touched.refresh_from_db()
    assert (touched.name, touched.amount) == ("von Hand", 4)
    revert(run, brought.emil)
    assert business_digest() == now
    assert won.transitions.filter(kind="void").count() == 1


def test_taken_back_all_is_as_before(brought: SimpleNamespace) -> None:
    assert business_digest() != brought.before
    gone = {(model._meta.model_name, pk) for model in (Party, Opportunity) for pk in model.objects.values_list("pk", flat=True)}
    revert(brought.run, brought.emil)
    noted = Erasure.objects.values_list("subject_type__model", "subject_id")
    assert set(noted) == gone and len(noted) == len(gone) > 0  # a restore of an older backup will not bring them back
    after = business_digest()
    assert {table for table in after if after[table] != brought.before[table]} == set()
    assert brought.run.revert_job.result["kept_count"] == 0
    steps = StageTransition.objects.unrestricted()
    assert steps.filter(kind="void").count() == steps.exclude(kind="void").count() > 0


def test_what_came_in_row_by_row_goes_together(cast: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any) -> None:
    """Several workers write their rows between those of the others; taken back one by one, a million take a quarter of an hour."""
    monkeypatch.setattr(applying, "CHUNK", 1)
    (tmp_path / "firmen.csv").write_text("\n".join(["Firma;Ort", *(f"Werk {place};Bremen" for place in range(40))]), encoding="utf-8")
    run = apply(check(begin([tmp_path / "firmen.csv"], cast.emil), cast.emil), cast.emil)
    with django_assert_max_num_queries(150):
        revert(run, cast.emil)
    assert not Organisation.objects.filter(source="Altsystem").exists()


def test_what_went_makes_room_for_what_comes_back(cast: SimpleNamespace, tmp_path: Path) -> None:
    """A contact has one main address: the one that was brought in goes before the old one is that again."""
    write_export(tmp_path)
    known = OrganisationFactory(legal_name="Unser Werk GmbH", owner=cast.emil)
    old = PostalAddress.objects.create(party_id=known.pk, city="Bremen", is_primary=True)
    index_parties([known.pk])
    before = business_digest()
    run = apply(check(begin(sorted(tmp_path.iterdir()), cast.emil), cast.emil), cast.emil)
    with work(by=cast.emil, job=run.apply_job_id):
        PostalAddress.objects.filter(pk=old.pk).update(is_primary=False)
        PostalAddress.objects.create(party_id=known.pk, city="Emden", is_primary=True)
    revert(run, cast.emil)
    assert business_digest() == before


def test_what_somebody_worked_on_stays_with_all_it_needs(brought: SimpleNamespace) -> None:
    edited = Opportunity.objects.filter(state="won", party__legal_name="Ahrens Werft")[0]
    Opportunity.objects.filter(pk=edited.pk).update(name="Nachverhandelt")
    revert(brought.run, brought.emil)
    kept = Opportunity.objects.get()
    assert kept.pk == edited.pk
    assert kept.party.addresses.get().country == "DE" and kept.product is not None and kept.owner.team.parent.name
    assert kept.transitions.filter(voided_by__isnull=True).exclude(kind="void").count() == 3
    result = brought.run.revert_job.result
    assert ["sales.opportunity", edited.pk, "changed_since"] in result["kept"]
    assert Organisation.objects.filter(subsidiaries__isnull=False).count() == 0 and Organisation.objects.count() == 1


def test_decisions_hold_for_their_rows(cast: SimpleNamespace, tmp_path: Path) -> None:
    write_export(tmp_path)
    expected = figures_of(tmp_path)
    run = check(begin(sorted(tmp_path.iterdir()), cast.emil), cast.emil)
    apply(run, cast.emil, product="empty", no_account="refuse", industry="empty")
    rows = Opportunity.objects.unrestricted()
    refused = run.rows.filter(outcome="refused")
    assert refused.count() == expected["without account"] == sum(row.reasons[0][0] == "by_decision" for row in refused)
    assert rows.count() == expected["opportunities"] - expected["without account"]
    assert rows.filter(product=None).exists() and not rows.filter(party=None).exists()
    assert Organisation.objects.get(legal_name="Ahrens Werft").industry is None
    assert ImportRow.objects.filter(run=run, outcome="").count() == 0


def test_very_many_questions_are_decided_together(cast: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "MOST_ASKED", 3)
    write_export(tmp_path, opportunities=60)
    (tmp_path / "accounts.csv").unlink()
    run = check(begin(sorted(tmp_path.iterdir()), cast.emil), cast.emil)
    asked = run.questions.filter(kind="account")
    assert asked.count() == 10 and set(asked.values_list("choice", flat=True)) == {"create"}
    form = forms.DecisionForm(run=run)
    data = {name: form[name].initial or "" for name in form.fields} | {"rest-account": "empty"}
    form = forms.DecisionForm(data, run=run)
    assert form.is_valid(), form.errors
    services.decide(run, form.answers(), by=cast.emil)
    apply(run, cast.emil)
    assert Organisation.objects.count() == 3
    refused = run.rows.filter(outcome="refused")
    assert refused.count() and {row.reasons[0][0] for row in refused} == {"won_without_account"}


def test_an_organisation_that_was_here_is_matched_and_gets_its_past_back(cast: SimpleNamespace, tmp_path: Path) -> None:
    write_export(tmp_path)
    known = OrganisationFactory(legal_name="AHRENS WERFT", owner=cast.david, employees=7)
    InteractionFactory(party=known, occurred_at=datetime(2017, 1, 5, tzinfo=UTC), created_by=cast.david)
    PartyActivity.objects.create(party=known, last_at=datetime(2017, 1, 5, tzinfo=UTC))
    index_parties([known.pk])
    before = business_digest()
    run = check(begin(sorted(tmp_path.iterdir()), cast.emil), cast.emil)
    row = run.rows.get(kind="organisation", facts__name="Ahrens Werft")
    assert row.target_id == known.pk and row.changes["employees"] == ["7", "40"]
    apply(run, cast.emil)
    known.refresh_from_db()
    assert (known.employees, known.owner, known.legal_name) == (40, cast.david, "AHRENS WERFT")
    assert PartyActivity.objects.get(party=known).last_at > datetime(2017, 1, 5, tzinfo=UTC)
    revert(run, cast.emil)
    assert business_digest() == before


def test_what_a_search_found_goes_with_what_was_brought_in(cast: SimpleNamespace, tmp_path: Path) -> None:
    write_export(tmp_path)
    before = business_digest()
    run = check(begin(sorted(tmp_path.iterdir()), cast.emil), cast.emil)
    apply(run, cast.emil)
    first, second = sorted(Organisation.objects.filter(source="Altsystem").values_list("pk", flat=True)[:2])
    DuplicatePair.objects.create(first_id=first, second_id=second, score=0.9, reasons=["same_name"])
    revert(run, cast.emil)
    assert business_digest() == before


def test_what_was_merged_since_stays(brought: SimpleNamespace) -> None:
    """The import's contact went into one of ours: taking the import back leaves us what went over, names it, and breaks nothing."""
    ours = Party.objects.get(pk=OrganisationFactory(legal_name="Unser Werk GmbH").pk)
    theirs = Party.objects.filter(source="Altsystem", kind="organisation", opportunities__isnull=False).order_by("pk")[0]
    merge_parties(ours, theirs, by=brought.emil)
    moved = Opportunity.objects.filter(party=ours.pk).count()
    revert(brought.run, brought.emil)
    assert moved and Opportunity.objects.filter(party=ours.pk).count() == moved and not Party.objects.filter(pk=theirs.pk).exists()


def test_a_file_that_was_left_out_is_not_read(cast: SimpleNamespace, tmp_path: Path) -> None:
    write_export(tmp_path)
    run = begin(sorted(tmp_path.iterdir()), cast.emil)
    mappings = {file.pk: ("", {}) if file.kind == "opportunity" else (file.kind, file.mapping) for file in run.files.all()}
    job = run_to_end(services.map_files(run, mappings, pipeline=run.pipeline, by=cast.emil))
    assert job.state == Job.State.DONE, job.error
    assert run.rows.exists() and not run.rows.filter(kind="opportunity").exists()


def test_long_names_that_begin_alike_are_two(cast: SimpleNamespace, tmp_path: Path) -> None:
    names = [f"{'Gesellschaft für angewandte Förderung ' * 4}{end}"[:155] + end for end in ("Nord", "Süd")]
    (tmp_path / "firmen.csv").write_text("\n".join(["Firma;Ort", *(f"{name};Bremen" for name in names)]), encoding="utf-8")
    for created in (2, 0):
        run = apply(check(begin([tmp_path / "firmen.csv"], cast.emil), cast.emil), cast.emil)
        assert run.apply_job is not None and run.apply_job.state == Job.State.DONE, run.apply_job
        assert outcomes(run).get("created", 0) == created
    assert Party.objects.filter(legal_name__in=names).count() == 2
