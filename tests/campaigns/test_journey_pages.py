"""The pages of journeys: nothing typed is lost, nobody writes over somebody else, a dry run writes nothing and says what would have been."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from campaigns.journeys import shape
from campaigns.journeys.dry import dry_run
from campaigns.models import Journey, Run
from contacts.diary import log_interaction
from contacts.models import PartyActivity, Tag, Task
from crm.core.events import emit
from crm.core.models import Event, OutgoingMail
from crm.core.work import work
from tests.campaigns.conftest import purpose
from tests.factories import JourneyFactory, OpportunityFactory, SegmentFactory

pytestmark = pytest.mark.django_db
MAIL = {"key": "s1", "kind": "mail", "subject": "Danke", "preheader": "", "blocks": [{"kind": "text", "text": "{salutation}, danke."}]}
ASK = {"key": "s3", "kind": "ask", "about": "answered", "yes": [{"key": "s4", "kind": "task", "text": "Zurückrufen", "days": 0}], "no": []}


@pytest.fixture
def journey(cast: Any) -> Journey:
    with work(by=cast.mia):
        row: Journey = JourneyFactory(owner=cast.mia, team=cast.mia.team, purpose=purpose(), draft={"trigger": {}, "steps": []})
    return row


def test_a_branch_is_no_step_that_could_be_removed_or_moved() -> None:
    step = {"key": "s1", "kind": "ask", "about": "answered", "yes": [{"key": "s2", "kind": "wait", "days": 1}], "no": []}
    draft = {"trigger": {}, "steps": [step]}
    for place in ("s1.yes", "s1.no", "", "s9", "s1.maybe"):
        assert shape.removed(draft, place) == draft and shape.moved(draft, place, -1) == draft and shape.moved(draft, place, 1) == draft


def test_steps_are_added_between_others_moved_and_removed() -> None:
    draft: Any = {"trigger": {}, "steps": []}
    draft, first = shape.added(draft, "ask", "")
    draft, inside = shape.added(draft, "task", f"{first}.no")
    draft, behind = shape.added(draft, "wait", first)
    draft, between = shape.added(draft, "mail", first)
    assert shape.links(draft["steps"]) == {first: {"": between, "yes": between, "no": inside}, inside: {"": between}, between: {"": behind}, behind: {"": ""}}
    draft = shape.moved(draft, behind, -1)
    assert [step["key"] for step in draft["steps"]] == [first, behind, between]
    draft = shape.removed(draft, first)
    assert [step["key"] for step in shape.every(draft["steps"])] == [behind, between]
    assert shape.added(draft, "task", "")[1] == "s5"  # a key is never had twice
    assert shape.added(draft, "nothing", "")[1] == "" and shape.added(draft, "task", "s99")[1] == ""


def test_a_tag_is_offered_where_the_house_has_one(sign_in: Any, cast: Any, journey: Journey) -> None:
    browser, url = sign_in(cast.mia), f"/campaigns/journeys/{journey.pk}/flow/"
    assert "add:task" in (page := browser.get(url).content.decode()) and "add:tag" not in page
    Tag.objects.create(key="fair", label_de="Messe", label_en="Fair")
    assert "add:tag" in browser.get(url).content.decode()


def test_the_builder_keeps_what_was_typed_and_says_what_is_wrong(sign_in: Any, cast: Any, journey: Journey) -> None:
    browser = sign_in(cast.mia)
    url = f"/campaigns/journeys/{journey.pk}"
    answer = browser.post(f"{url}/step/?step=trigger", {"version": journey.version, "kind": "inactive", "days": "0"})
    assert answer.status_code == 422 and 'value="0"' in answer.content.decode()
    browser.post(f"{url}/step/?step=trigger", {"version": journey.version, "kind": "inactive", "days": "90", "longer": "on"})
    journey.refresh_from_db()
    assert journey.draft["trigger"] == {"kind": "inactive", "days": 90, "longer": True}
    browser.post(f"{url}/arrange/", {"version": journey.version, "do": "add:wait", "place": ""})
    journey.refresh_from_db()
    answer = browser.post(f"{url}/step/?step=s1", {"version": journey.version, "days": "2", "start": "17", "end": "8"})
    assert answer.status_code == 422 and "Das Ende muss nach dem Anfang liegen." in answer.content.decode()
    page = browser.get(f"{url}/flow/").content.decode()
    assert "Noch wird nichts getan" in page and "/publish/" not in page
    assert browser.post(f"{url}/publish/", {"version": journey.version}).status_code == 422
    for odd in ("?step=s99", "?kind=x&step=trigger", "?about=x&step=s1"):
        assert browser.get(f"{url}/flow/{odd}").status_code == 200


def test_nobody_writes_over_somebody_else(sign_in: Any, cast: Any, journey: Journey) -> None:
    browser, url = sign_in(cast.mia), f"/campaigns/journeys/{journey.pk}/arrange/"
    assert browser.post(url, {"version": journey.version, "do": "add:task", "place": ""}).status_code == 302
    answer = browser.post(url, {"version": journey.version, "do": "add:mail", "place": ""})
    assert answer.status_code == 422 and "inzwischen geändert" in answer.content.decode()
    journey.refresh_from_db()
    assert [step["kind"] for step in journey.draft["steps"]] == ["task"]


def test_without_a_mail_server_no_journey_begins_to_write(sign_in: Any, cast: Any, journey: Journey, settings: Any) -> None:
    browser, url = sign_in(cast.emil), f"/campaigns/journeys/{journey.pk}"
    wait, won = {"key": "s2", "kind": "wait", "days": 3}, {"kind": "event", "event": "won"}
    Journey.objects.update(draft={"trigger": won, "steps": [MAIL, wait]})
    settings.SMTP_HOST = ""
    page = browser.get(f"{url}/flow/").content.decode()
    assert "noch kein Mailserver" in page and "/publish/" not in page
    assert browser.post(f"{url}/publish/", {"version": journey.version}).status_code == 422
    assert Journey.objects.get().state == "draft"
    settings.SHOW_DEMO_SIGN_INS = True
    assert "/publish/" in browser.get(f"{url}/flow/").content.decode()
    settings.SHOW_DEMO_SIGN_INS = False
    Journey.objects.update(draft={"trigger": won, "steps": [wait, {"key": "s3", "kind": "task", "text": "Anrufen", "days": 1}]})
    assert browser.post(f"{url}/publish/", {"version": journey.version}).status_code == 302, "one that writes no mail needs none"


def test_who_publishes_owns_it(sign_in: Any, cast: Any, journey: Journey) -> None:
    """So nobody looks through somebody else's eyes by changing their conditions."""
    Journey.objects.filter(pk=journey.pk).update(owner=cast.emil, draft={"trigger": {"kind": "event", "event": "won"}, "steps": [{"key": "s1", "kind": "task", "text": "Anrufen", "days": 1}]})
    browser = sign_in(cast.mia)
    assert browser.post(f"/campaigns/journeys/{journey.pk}/publish/", {"version": journey.version}).status_code == 422  # mia sees no opportunities
    trigger = {"kind": "segment", "segment": SegmentFactory(owner=cast.mia, team=cast.mia.team).pk}
    Journey.objects.filter(pk=journey.pk).update(draft={"trigger": trigger, "steps": [{"key": "s1", "kind": "task", "text": "Anrufen", "days": 1}]})
    assert browser.post(f"/campaigns/journeys/{journey.pk}/publish/", {"version": journey.version}).status_code == 302
    journey.refresh_from_db()
    assert (journey.owner, journey.state) == (cast.mia, "running")


def test_a_dry_run_tells_what_would_have_been_and_writes_nothing(cast: Any, audience: Any, sign_in: Any, journey: Journey) -> None:
    answered, silent = audience(2)
    now = timezone.now()
    with work(by=cast.emil):
        for person in (answered, silent):
            event = emit("sales.opportunity_won", OpportunityFactory(party=person, owner=cast.emil, team=cast.emil.team))
            Event.objects.filter(pk=event.pk).update(at=now - timedelta(days=10))
        log_interaction(answered, kind="call", direction="in", body="Ja, gern", by=cast.emil, at=now - timedelta(days=9))
        log_interaction(silent, kind="call", direction="in", body="Zu spät", by=cast.emil, at=now - timedelta(days=2))
    definition = {"trigger": {"kind": "event", "event": "won"}, "steps": [MAIL, {"key": "s2", "kind": "wait", "days": 3}, ASK, {"key": "s5", "kind": "wait", "days": 30}]}
    found = dry_run(journey, definition, cast.emil)
    ways = {trial.party.pk: [(passed.step["key"], passed.outcome) for passed in trial.way] for trial in found.trials}
    assert ways == {
        answered.pk: [("s1", "sent"), ("s2", "waited"), ("s3", "yes"), ("s4", "done")],
        silent.pk: [("s1", "sent"), ("s2", "waited"), ("s3", "no")],
    }
    assert not dry_run(journey, definition, cast.mia).trials  # who sees no opportunities is told of none
    assert not Run.objects.exists() and not Task.objects.exists() and not OutgoingMail.objects.exists()
    silence = {"trigger": {"kind": "inactive", "days": 30, "longer": False}, "steps": [MAIL]}
    PartyActivity.objects.filter(party=silent).update(last_at=now - timedelta(days=50))
    PartyActivity.objects.filter(party=answered).update(last_at=now - timedelta(days=9))
    Journey.objects.filter(pk=journey.pk).update(draft=silence)
    assert sign_in(cast.mia).get(f"/campaigns/journeys/{journey.pk}/dry-run/").status_code == 200
