"""An import shows and changes no more of known records than its importer may: foreign ones stay unread, hidden fields untouched."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import FieldRule, Role
from contacts.models import Organisation
from sales.imports.models import ImportRow, ImportRun
from sales.models import Opportunity
from sales.pipelines import seed_pipeline
from tests.factories import OpportunityFactory, OrganisationFactory, grant_share
from tests.imports.steps import apply, begin, check

pytestmark = pytest.mark.django_db
Verdict = ImportRow.Verdict


@pytest.fixture
def foreign(cast: SimpleNamespace) -> Any:
    """David's, in the other team."""
    return OrganisationFactory(owner=cast.david, legal_name="Fremd Werke GmbH", revenue=Decimal("31.41"), employees=2_718)


def accounts(folder: Path, revenue: str, name: str = "Fremd Werke GmbH") -> Path:
    path = folder / "accounts.csv"
    path.write_text(f"account,revenue,employees\n{name},{revenue},9\nEigene Neue GmbH,5.00,3\n", encoding="utf-8")
    return path


def engaging() -> Any:
    return seed_pipeline("short").stages.get(key="engaging")


def rows_page(sign_in: Callable[[Any], Any], who: Any, run: ImportRun) -> str:
    return str(sign_in(who).get(reverse("import-rows", args=[run.pk])).content.decode())


@pytest.mark.parametrize("revenue", ["1.00", "31.41"], ids=["other", "guessed"])
def test_a_foreign_organisation_is_refused_unread(cast: SimpleNamespace, sign_in: Callable[[Any], Any], foreign: Any, tmp_path: Path, revenue: str) -> None:
    path = accounts(tmp_path, revenue)
    path.write_text(path.read_text().replace(",9\n", ",2718\n"))
    run = check(begin([path], cast.clara), cast.clara)
    row = run.rows.get(line=2)
    assert (row.verdict, row.changes, [reason[0] for reason in row.reasons]) == (Verdict.REFUSED, {}, ["no_right"])
    page = rows_page(sign_in, cast.clara, run)
    assert "31.41" not in page.replace(f"{revenue}", "") and "2718 →" not in page
    apply(run, cast.clara)
    foreign.refresh_from_db()
    assert foreign.revenue == Decimal("31.41")


def test_a_foreign_opportunity_is_refused_unread(cast: SimpleNamespace, sign_in: Callable[[Any], Any], tmp_path: Path) -> None:
    OpportunityFactory(owner=cast.david, stage=engaging(), source="Altsystem", external_id="X1", amount=Decimal("77123.45"), name="Geheimprojekt")
    path = tmp_path / "sales_pipeline.csv"
    path.write_text("opportunity_id,sales_agent,deal_stage,engage_date,close_value\nX1,Anna Probe,Engaging,2024-01-02,100\nX2,Anna Probe,Prospecting,2024-01-02,5\n")
    run = check(begin([path], cast.clara), cast.clara)
    row = run.rows.get(line=2)
    assert (row.verdict, row.changes, [reason[0] for reason in row.reasons]) == (Verdict.REFUSED, {}, ["no_right"])
    page = rows_page(sign_in, cast.clara, run)
    assert "77123" not in page and "Geheimprojekt" not in page


@pytest.fixture
def towards_a_foreign_one(cast: SimpleNamespace, foreign: Any, tmp_path: Path) -> Path:
    """A file that names David's organisation, one of one's own and one that nobody knows; what is there already was clara's own until now."""
    own = OrganisationFactory(owner=cast.clara, legal_name="Unsere GmbH")
    OpportunityFactory(owner=cast.clara, stage=engaging(), source="Altsystem", external_id="X1", party=own)
    OpportunityFactory(owner=cast.clara, stage=engaging(), source="Altsystem", external_id="X2", party=foreign)
    path = tmp_path / "sales_pipeline.csv"
    lines = ["X1,Fremd Werke GmbH,Engaging,", "X2,Fremd Werke GmbH,Engaging,", "X3,fremd werke gmbh,Won,2024-02-03", "X4,Unsere GmbH,Won,2024-02-03", "X5,Niemand AG,Engaging,"]
    path.write_text("opportunity_id,account,deal_stage,engage_date,close_date,close_value\n" + "".join("{},{},{},2024-01-02,{},100\n".format(*line.split(",")) for line in lines))
    return path


@pytest.mark.parametrize("who", ["clara", "emil"])
def test_an_opportunity_is_attached_to_no_organisation_the_importer_may_not_see(
    cast: SimpleNamespace, sign_in: Callable[[Any], Any], foreign: Any, towards_a_foreign_one: Path, who: str
) -> None:
    by, sees = getattr(cast, who), who == "emil"
    run = check(begin([towards_a_foreign_one], by), by)
    why = [[reason[0] for reason in row.reasons] for row in run.rows.order_by("line")]
    assert why == ([[]] * 5 if sees else [["no_right"]] * 3 + [[]] * 2)
    assert ("→ Fremd Werke GmbH" in rows_page(sign_in, by, run)) == sees
    apply(run, by, account="create")
    assert [row.outcome == "refused" for row in run.rows.order_by("line")] == ([False] * 5 if sees else [True] * 3 + [False] * 2)
    attached = set(Opportunity.objects.filter(party=foreign).values_list("external_id", flat=True))
    assert attached == ({"X1", "X2", "X3"} if sees else {"X2"})
    assert Organisation.objects.filter(legal_name__iexact="Fremd Werke GmbH").count() == 1
    assert Opportunity.objects.get(external_id="X5").party.legal_name == "Niemand AG"


def test_an_answer_attaches_nothing_to_an_organisation_the_importer_may_not_see(cast: SimpleNamespace, foreign: Any, tmp_path: Path) -> None:
    path = tmp_path / "sales_pipeline.csv"
    path.write_text("opportunity_id,account,deal_stage,engage_date\nX1,Fremdwerk,Engaging,2024-01-02\n")
    run = check(begin([path], cast.clara), cast.clara)
    run.questions.update(choice="use:Fremd Werke GmbH")  # as decided in an earlier import of this source
    apply(run, cast.clara)
    assert [reason[0] for reason in run.rows.get().reasons] == ["no_right"] and not Opportunity.objects.exists()


def test_the_right_to_an_organisation_is_asked_once_for_all_rows(cast: SimpleNamespace, foreign: Any, tmp_path: Path) -> None:
    def asked(count: int) -> int:
        path = tmp_path / f"sales_pipeline_{count}.csv"
        rows = "".join(f"Y{count}-{number},{'Fremd Werke GmbH' if number % 2 else 'Unsere GmbH'},Engaging,2024-01-02\n" for number in range(count))
        path.write_text("opportunity_id,account,deal_stage,engage_date\n" + rows)
        run = begin([path], cast.clara)
        with CaptureQueriesContext(connection) as seen:
            check(run, cast.clara)
        assert run.rows.filter(verdict="refused").count() == count // 2
        return len(seen)

    OrganisationFactory(owner=cast.clara, legal_name="Unsere GmbH")
    asked(2)
    assert asked(4) == asked(40)


def test_an_organisation_belongs_to_none_the_importer_may_not_see(cast: SimpleNamespace, foreign: Any, tmp_path: Path) -> None:
    mine = OrganisationFactory(owner=cast.clara, legal_name="Unsere GmbH")
    path = tmp_path / "accounts.csv"
    path.write_text("account,subsidiary_of\nUnsere GmbH,Fremd Werke GmbH\nTochter GmbH,Fremd Werke GmbH\nEnkel GmbH,Unsere GmbH\n")
    run = check(begin([path], cast.clara), cast.clara)
    assert [[reason[0] for reason in row.reasons] for row in run.rows.order_by("line")] == [["no_right"], ["no_right"], []]
    apply(run, cast.clara)
    mine.refresh_from_db()
    assert mine.parent_id is None and not foreign.subsidiaries.exists() and list(mine.subsidiaries.values_list("legal_name", flat=True)) == ["Enkel GmbH"]


def test_what_became_foreign_meanwhile_is_not_attached_to(cast: SimpleNamespace, foreign: Any, tmp_path: Path) -> None:
    """Seen while checked, and no longer when it is brought in."""
    Organisation.objects.filter(pk=foreign.pk).update(owner=cast.clara, team=cast.clara.team)
    (tmp_path / "accounts.csv").write_text("account,subsidiary_of\nTochter GmbH,Fremd Werke GmbH\n")
    (tmp_path / "sales_pipeline.csv").write_text("opportunity_id,account,deal_stage,engage_date\nX1,Fremd Werke GmbH,Engaging,2024-01-02\n")
    run = check(begin([tmp_path / "accounts.csv", tmp_path / "sales_pipeline.csv"], cast.clara), cast.clara)
    assert not run.rows.filter(verdict="refused").exists()
    Organisation.objects.filter(pk=foreign.pk).update(owner=cast.david, team=cast.david.team)
    apply(run, cast.clara)
    assert Organisation.objects.get(legal_name="Tochter GmbH").parent_id is None and not Opportunity.objects.exists()
    assert {row.kind: [reason[0] for reason in row.reasons] for row in run.rows.all()} == {"organisation": ["no_right"], "opportunity": ["no_right"]}


def test_whom_an_organisation_belongs_to_needs_the_right_to_change_it(cast: SimpleNamespace, foreign: Any, tmp_path: Path) -> None:
    grant_share(foreign, cast.clara, "view")
    path = tmp_path / "accounts.csv"
    path.write_text("account,subsidiary_of\nFremd Werke GmbH,Eigene Neue GmbH\nEigene Neue GmbH,\nTochter GmbH,Eigene Neue GmbH\n")
    run = check(begin([path], cast.clara), cast.clara)
    assert run.rows.get(line=2).verdict == Verdict.REFUSED
    apply(run, cast.clara)
    foreign.refresh_from_db()
    assert foreign.parent_id is None
    assert Organisation.objects.get(legal_name="Tochter GmbH").parent.legal_name == "Eigene Neue GmbH"


def test_hidden_fields_are_neither_compared_nor_written(cast: SimpleNamespace, sign_in: Callable[[Any], Any], tmp_path: Path) -> None:
    FieldRule.objects.create(role=Role.objects.get(key="lead"), entity="party", field="revenue")
    FieldRule.objects.create(role=Role.objects.get(key="lead"), entity="opportunity", field="amount")
    mine = OrganisationFactory(owner=cast.clara, legal_name="Unsere GmbH", revenue=Decimal("31.41"), employees=1)
    known = OpportunityFactory(owner=cast.clara, stage=engaging(), source="Altsystem", external_id="X1", amount=Decimal("77123.45"))
    pipeline = tmp_path / "sales_pipeline.csv"
    pipeline.write_text("opportunity_id,sales_agent,deal_stage,engage_date,close_value\nX1,Clara Probe,Engaging,2024-01-02,100\n")
    run = check(begin([accounts(tmp_path, "1.00", "Unsere GmbH"), pipeline], cast.clara), cast.clara)
    page = rows_page(sign_in, cast.clara, run)
    assert "31.41" not in page and "77123" not in page
    assert run.rows.get(kind="organisation", line=2).changes == {"employees": ["1", "9"]}
    apply(run, cast.clara, no_account="empty")
    mine.refresh_from_db(), known.refresh_from_db()
    assert (mine.revenue, mine.employees, known.amount) == (Decimal("31.41"), 9, Decimal("77123.45"))
    assert Opportunity.objects.count() == 1


def test_what_changes_is_said_in_words(cast: SimpleNamespace, sign_in: Callable[[Any], Any], tmp_path: Path) -> None:
    known = OpportunityFactory(
        owner=cast.anna, stage=engaging(), source="Altsystem", external_id="X1", amount=Decimal("1234.50"), opened_on="2024-01-02", party=OrganisationFactory(legal_name="Alte GmbH", owner=cast.anna)
    )
    OrganisationFactory(legal_name="Neue GmbH", owner=cast.anna)
    path = tmp_path / "sales_pipeline.csv"
    path.write_text("opportunity_id,sales_agent,account,deal_stage,engage_date,close_date,close_value\nX1,Ben Probe,Neue GmbH,Won,2024-01-03,2024-02-04,99\n")
    run = check(begin([path], cast.emil), cast.emil)
    page = rows_page(sign_in, cast.emil, run)
    for words in ("Alte GmbH → Neue GmbH", "Anna Probe → Ben Probe", "1.234,50 → 99,00", "02.01.2024 → 03.01.2024", "offen → gewonnen"):
        assert words in page, words
    assert f"{known.party_id} →" not in page and "open →" not in page
