"""What can happen to a journey. Its facts and its draft change in the builder; versions and states only here."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.journeys import mails, triggers
from campaigns.journeys.actions import TAKES, may_not, tag_gone
from campaigns.journeys.asking import refusal
from campaigns.journeys.shape import Definition, Step, every
from campaigns.journeys.shape import faults as faults_of_shape
from campaigns.models import Journey, JourneyVersion, Run, Segment
from contacts.models import Tag
from crm.core.access import may
from crm.core.errors import RuleBroken
from crm.core.saving import save_facts
from crm.core.tasks import ring
from crm.core.work import work

State = Journey.State


def faults(journey: Journey, owner: Any) -> dict[str, list[str]]:
    """What keeps the draft from being published: key of a step ("" for the trigger and the whole) → sentences.

    `owner` is whoever would publish it, and own it from then on: it is asked with these eyes.
    """
    found, draft = faults_of_shape(journey.draft, purpose=journey.purpose_id is not None), journey.draft
    trigger = draft.get("trigger") or {}
    if triggers.closed(trigger, owner):
        found.setdefault("", []).append(_("Whoever publishes this may not see what sets it off."))
    elif trigger.get("kind") == "segment" and trigger.get("segment"):
        found.setdefault("", []).extend(refusal({"about": "tree", "tree": Segment.objects.get(pk=trigger["segment"]).tree}, owner))
    for step in every(draft.get("steps", [])):
        found.setdefault(step["key"], []).extend(_may_not(step, owner))
    return {key: words for key, words in found.items() if words}


def _may_not(step: Step, owner: Any) -> list[str]:
    """What this owner may not of a step."""
    if step["kind"] == "ask":
        return refusal(step, owner)
    if step["kind"] in TAKES and not may(owner, *TAKES[step["kind"]]):
        return [may_not(step["kind"])]
    if step["kind"] == "tag" and step["tag"] and not Tag.objects.filter(pk=step["tag"]).exists():
        return [tag_gone()]
    return []


def _under_way(journey: Journey) -> Any:
    """The versions with contacts on their way."""
    runs = Run.objects.unrestricted().filter(journey=journey, state__in=[Run.State.WAITING, Run.State.FAILED])
    return JourneyVersion.objects.unrestricted().filter(pk__in=runs.values("version"))


def hold(journey: Journey) -> Journey:
    """The row as it is now, locked until the transaction ends."""
    return Journey.objects.unrestricted().select_related("owner", "live").held(journey.pk)


def _save(held: Journey, by: Any, **values: Any) -> None:
    for name, value in values.items():
        setattr(held, name, value)
    held.version += 1
    held.updated_by = by
    held.save(update_fields=[*values, "version", "updated_by", "updated_at"])


def save_journey(form: Any, *, by: Any, draft: Definition | None = None) -> Journey:
    """Save facts; a new one belongs to whoever began it, with `draft` as its flow."""
    with work(by=by):
        if form.instance.pk is None:
            form.instance.owner, form.instance.team = by, by.team or form.instance.team
            form.instance.draft = draft or {"trigger": {}, "steps": []}
        row: Journey = save_facts(form, by=by)
        return row


def save_draft(journey: Journey, draft: Definition, *, by: Any, seen: int) -> Journey:
    """Write down the flow as it is being built. Raises RuleBroken if somebody else changed the journey since it was looked at (`seen`, its version)."""
    with work(by=by):
        held = hold(journey)
        if held.state == State.ENDED:
            raise RuleBroken(_("This journey has ended and does not change any more."))
        if held.version != seen:
            raise RuleBroken(_("Somebody else has changed this journey meanwhile. Please open it again."))
        _save(held, by, draft=draft)
        return held


def publish_journey(journey: Journey, *, by: Any, at: datetime | None = None, seen: int | None = None) -> JourneyVersion:
    """The draft becomes the version that runs, and whoever publishes it its owner. Whoever is on the way goes on with the version it began with."""
    with work(by=by):
        held = hold(journey)
        if held.state == State.ENDED:
            raise RuleBroken(_("This journey has ended and does not change any more."))
        if seen is not None and held.version != seen:
            raise RuleBroken(_("Somebody else has changed this journey meanwhile. Please open it again."))
        if faults(held, by):
            raise RuleBroken(_("Not yet: please put right what is marked."))
        if any(_may_not(step, by) for version in _under_way(held) for step in every(version.definition["steps"])):
            raise RuleBroken(_("Contacts are on their way through a version that asks or does what you may not. Somebody who may has to publish this."))
        at = at or timezone.now()
        number = held.versions.count() + 1
        made: JourneyVersion = JourneyVersion.objects.create(
            journey=held, number=number, definition=held.draft, purpose=held.purpose, language=held.language, published_by=by, published_at=at
        )
        same = held.live is not None and held.live.definition.get("trigger") == made.definition["trigger"]
        watched = same and held.owner_id == by.pk
        held.owner = by
        if not watched:
            triggers.begin_watching(held, made, at)
        _save(held, by, owner=by, live=made, since=held.since if same else at, looked_on=None, state=State.PAUSED if held.state == State.PAUSED else State.RUNNING)
        return made


def pause_journey(journey: Journey, *, by: Any) -> None:
    """Nobody begins, nobody moves on, and no mail leaves until it goes on."""
    with work(by=by):
        held = hold(journey)
        if held.state != State.RUNNING:
            raise RuleBroken(_("Only a running journey can be paused."))
        _save(held, by, state=State.PAUSED)


def resume_journey(journey: Journey, *, by: Any, at: datetime | None = None) -> None:
    """Go on where everybody stands. What was withheld while it rested is planned again."""
    with work(by=by):
        held = hold(journey)
        if held.state != State.PAUSED:
            raise RuleBroken(_("This journey is not paused."))
        _save(held, by, state=State.RUNNING)
        mails.plan_again(at or timezone.now())
        ring("campaigns.tasks.advance_journeys")


def end_journey(journey: Journey, *, by: Any, at: datetime | None = None) -> None:
    """For good: nobody begins any more, whoever is on the way leaves, what has not left never leaves."""
    with work(by=by):
        held = hold(journey)
        if held.state not in {State.RUNNING, State.PAUSED}:
            raise RuleBroken(_("There is nothing to end."))
        at = at or timezone.now()
        _save(held, by, state=State.ENDED, ended_at=at)
        Run.objects.filter(journey=held, state__in=[Run.State.WAITING, Run.State.FAILED]).update(state=Run.State.LEFT, ended_at=at)
        mails.withdraw_mails(held)


def retry_runs(journey: Journey, *, by: Any, at: datetime | None = None) -> int:
    """Try again what got stuck. Returns how many runs."""
    with work(by=by):
        stuck = Run.objects.filter(journey=journey, state=Run.State.FAILED)
        count = stuck.update(state=Run.State.WAITING, due_at=at or timezone.now(), tries=0)
        ring("campaigns.tasks.advance_journeys")
        return count


def delete_journey(journey: Journey, *, by: Any) -> None:
    """Remove one that was never published. What somebody went through stays."""
    with work(by=by):
        held = hold(journey)
        if held.live_id is not None:
            raise RuleBroken(_("This journey has been published and stays as it is; end it instead."))
        held.delete()
