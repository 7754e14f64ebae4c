"""A step of a journey that tags: as its owner may, and with a tag that is there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from campaigns.journeys import engine, services
from campaigns.journeys.flow import Flow, counted
from campaigns.journeys.triggers import Occurrence
from campaigns.models import Run, RunStep
from contacts.models import Party, PartyTag, Tag, Task
from tests.campaigns.journeys import TASK, made, won

pytestmark = pytest.mark.django_db


def test_a_step_tags_and_takes_the_tag_away(cast: Any, audience: Any) -> None:
    tag = Tag.objects.create(key="won", label_de="Käufer", label_en="Buyer")
    steps = [{"key": "s1", "kind": "tag", "tag": tag.pk, "way": "add"}, {"key": "s2", "kind": "wait", "days": 1}, {"key": "s3", "kind": "tag", "tag": tag.pk, "way": "take"}]
    person = audience(1)[0]
    made(cast, steps)
    won(cast, person)
    engine.work_off(timezone.now())
    assert PartyTag.objects.filter(party=person, tag=tag).exists()
    engine.work_off(timezone.now() + timedelta(days=2))
    assert not PartyTag.objects.filter(party=person, tag=tag).exists() and Run.objects.get().state == "done"


def test_a_journey_tags_nobody_its_owner_may_not_change_and_goes_on(cast: Any, audience: Any) -> None:
    tag = Tag.objects.create(key="won", label_de="Käufer", label_en="Buyer")
    row, (mine, other) = made(cast, [{"key": "s1", "kind": "tag", "tag": tag.pk, "way": "add"}, TASK], trigger={"kind": "inactive", "days": 30, "longer": False}, publish=False), audience(2)
    Party.objects.filter(pk=mine.pk).update(owner=cast.mia)
    services.publish_journey(row, by=cast.mia, at=timezone.now() - timedelta(minutes=1))  # marketing sees all contacts and may change its own
    row.refresh_from_db()
    engine.begin(row, row.live, [Occurrence(person.pk, "x", timezone.now()) for person in (mine, other)])
    engine.work_off(timezone.now())
    assert [held.party_id for held in PartyTag.objects.filter(tag=tag)] == [mine.pk]
    assert dict(RunStep.objects.filter(step="s1").values_list("run__party", "outcome")) == {mine.pk: "done", other.pk: "may_not_change"}
    assert Task.objects.count() == 2
    node = Flow(row.draft, cast.emil, counts=counted(row)).nodes[0]
    assert (node.passed, node.lines) == (1, [("darf nicht geändert werden", 1)])


def test_a_tag_needs_to_be_chosen_to_be_there_and_an_owner_who_may_change_contacts(cast: Any, audience: Any) -> None:
    tag = Tag.objects.create(key="won", label_de="Käufer", label_en="Buyer")
    step = {"key": "s1", "kind": "tag", "tag": None, "way": "add"}
    assert "s1" in services.faults(made(cast, [step], publish=False), cast.emil)
    assert "s1" in services.faults(made(cast, [{**step, "tag": 0}], publish=False), cast.emil)
    assert "s1" in services.faults(made(cast, [{**step, "tag": tag.pk}], publish=False), cast.greta)
    row, person = made(cast, [{**step, "tag": tag.pk}]), audience(1)[0]
    won(cast, person)
    tag.delete()
    engine.work_off(timezone.now())
    run = Run.objects.get(journey=row)
    assert run.state != "done" and "Schlagwort" in run.trouble
