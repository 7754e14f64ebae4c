"""Two people bring in the same files at once, two workers on each import: nothing exists twice."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection

from accounts.models import Team, User
from contacts.models import Organisation
from crm.catalog.models import Product
from crm.core import jobs
from crm.core.models import Job
from sales.imports import applying, services
from sales.models import Opportunity, StageTransition
from tests.imports.export_files import write_export
from tests.imports.reference import figures_of
from tests.imports.steps import begin, check


@pytest.mark.django_db(transaction=True)
def test_two_imports_of_the_same_files_at_once(cast: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applying, "CHUNK", 15)
    write_export(tmp_path, opportunities=60)
    expected = figures_of(tmp_path)
    people = [cast.emil, User.objects.create(username="zwei", email="zwei@lotse.test", team=cast.emil.team, is_superuser=True, last_name="Zwei")]
    teams = Team.objects.count()
    runs = [check(begin(sorted(tmp_path.iterdir()), by), by) for by in people]
    started = [services.apply_import(run, by=by) for run, by in zip(runs, people, strict=True)]
    ended: list[Any] = []
    together = threading.Barrier(4)

    def work(job: Job) -> None:
        try:
            together.wait()
            while job.is_open:
                jobs.advance(job.pk)
                time.sleep(0.02)  # another has all there is to do
                job.refresh_from_db()
            ended.append(job)
        finally:
            connection.close()

    workers = [threading.Thread(target=work, args=(Job.objects.get(pk=job.pk),)) for job in [*started, *started]]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [job.state for job in ended] == ["done"] * 4, [job.error for job in ended]
    assert Opportunity.objects.count() == expected["opportunities"] == len(set(Opportunity.objects.values_list("external_id", flat=True)))
    assert Organisation.objects.count() == expected["organisations"]
    assert Product.objects.count() == expected["products"]
    assert User.objects.filter(is_active=False).count() == expected["agents"] + expected["managers"]
    assert Team.objects.count() == teams + expected["managers"] + len(expected["regions"])
    assert StageTransition.objects.filter(kind="open").count() == expected["opportunities"]
    outcomes = [dict.fromkeys(run.rows.values_list("outcome", flat=True)) for run in runs]
    assert {outcome for found in outcomes for outcome in found} == {"created", "matched"}
    assert sum(run.rows.filter(outcome="created").count() for run in runs) == expected["rows"]
