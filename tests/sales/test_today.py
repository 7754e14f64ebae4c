"""Today: where nothing happens, and what the quarter brings."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone, translation

from analytics.forecast import Ask, Forecast, current_period, likely
from contacts.models import Task
from crm.core import formats
from crm.core.subjects import name_subject
from crm.today import QUIET, today
from sales.models import Opportunity
from tests.factories import InteractionFactory, OpportunityFactory, OrganisationFactory, TaskFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def still(cast):
    """still(days, **facts): an open opportunity of anna's that was moved so many days ago, and nothing written about it."""

    def build(days, **facts):
        owner = facts.pop("owner", cast.anna)
        return OpportunityFactory(owner=owner, party=OrganisationFactory(owner=owner), stage_since=timezone.now() - timedelta(days=days), **facts)

    return build


def ago(days):
    return timezone.now() - timedelta(days=days, hours=1)


def lines(user, label):
    with translation.override("en"):
        return {line["title"]: line["reason"] for group in today(user)["groups"] if group["label"] == label for line in group["items"]}


def test_quiet_is_where_nothing_was_moved_written_or_done(cast, still):
    """One thing within the two weeks is enough, and so is a next step; what lies before them is no reason."""
    still(QUIET - 1, name="Moved")
    still(40, name="Nothing at all")
    still(40, name="Somebody else's", owner=cast.ben)
    for name, said, done in (("Spoken", 3, None), ("Spoken long ago", 20, None), ("Done", None, 3), ("Done long ago", None, 30), ("Both, one of them lately", 20, 2)):
        row = still(40, name=name)
        if said:
            InteractionFactory(party=row.party, occurred_at=ago(said), created_by=cast.anna, **name_subject(row))
        if done:
            TaskFactory(party=row.party, owner=cast.anna, created_by=cast.anna, done_at=ago(done), **name_subject(row))
    planned = still(40, name="Planned")
    TaskFactory(party=planned.party, owner=cast.ben, created_by=cast.anna, due_at=timezone.now() + timedelta(days=9), **name_subject(planned))
    found = lines(cast.anna, "Without a next step")
    assert {name: reason.split(" day")[0] for name, reason in found.items()} == {
        "Nothing at all": "For 40", "Spoken long ago": "For 20", "Done long ago": "For 30",
    }  # fmt: skip


def test_what_was_done_is_found_by_its_record(cast):
    """Not in the table of all tasks: a rep with hundreds of open opportunities waited seconds for that."""
    text, params = Task.objects.unrestricted().filter(subject_type=1, subject_id=1, done_at__gte=timezone.now()).query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {text}", params)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "task_of_subject" in plan and "subject_id = " in plan and "done_at >= " in plan.split("Index Cond")[1].splitlines()[0], plan


def test_the_quarter_is_that_of_the_forecast(cast, make):
    day = timezone.localdate()
    make(name="Won", amount=700)
    Opportunity.objects.filter(name="Won").update(state="won", closed_on=day)
    make(name="Open", amount=90, expected_close=day)
    make(name="Next year", amount=5, expected_close=day + timedelta(days=400))
    found = Forecast(Ask(cast.anna, current_period(), owner=cast.anna))
    assert found.alone == found.total and (found.total.n_won, found.total.n_open) == (1, 1)
    money = {figure["label"]: figure["value"] for figure in today(cast.anna)["figures"]}
    assert formats.money(found.total.won_revenue, found.currency, decimals=0) in money.values() and formats.money(likely(found.total), found.currency, decimals=0) in money.values()
