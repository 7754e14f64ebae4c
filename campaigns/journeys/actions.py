"""What a step does: by the services everybody uses, as the house; the contact's owner gets the work, else the owner of the journey."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from typing import Any

from django.db.models import Model
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Team
from campaigns.journeys.asking import answer
from campaigns.journeys.mails import write_mail
from campaigns.journeys.shape import Step
from campaigns.models import Run
from contacts.diary import plan_task
from contacts.models import Party, Tag
from contacts.tags import tag_party
from crm.core.access import may
from crm.core.errors import RuleBroken
from sales.metrics import house_currency
from sales.models import Opportunity, Stage
from sales.services import open_opportunity
from service.models import Case, DeskSetup
from service.services import open_case

MORNING = time(9)  # when a task of a later day is due
DONE, UNCHANGEABLE = "done", "may_not_change"
TAKES: dict[str, tuple[str, type[Model]]] = {"opportunity": ("add", Opportunity), "case": ("add", Case), "tag": ("change", Party)}  # kind of step → the right its owner needs


def do(step: Step, run: Run, party: Party, now: datetime) -> tuple[str, Model | None]:
    """Do the step for this contact: (outcome, what it made). Raises RuleBroken, in words, where a rule forbids it."""
    kind = step["kind"]
    if kind == "wait":
        return "waited", None
    if kind == "ask":
        return answer(step, party.pk, run.journey.owner, run.began_at, now), None
    if kind == "mail":
        return write_mail(run, step)
    who = worker(party, run.journey.owner)
    if kind == "task":
        return DONE, plan_task(party, text=step["text"], due_at=due(step["days"], now), by=None, owner=who)
    if not may(run.journey.owner, *TAKES[kind]):
        raise RuleBroken(may_not(kind))
    if kind == "tag":
        tag = Tag.objects.filter(pk=step["tag"]).first()
        if tag is None:
            raise RuleBroken(tag_gone())
        if not changeable(run.journey.owner, [party.pk]):
            return UNCHANGEABLE, None
        tag_party(party, tag, by=None, take=step["way"] == "take")
        return DONE, None
    return DONE, _opportunity(step, party, who, now) if kind == "opportunity" else _case(step, party, now)


def may_not(kind: str) -> str:
    """Why a journey of somebody without the right does not do this."""
    if kind == "tag":
        return _("Whoever owns this journey may not change contacts, so the journey cannot tag them either.")
    if kind == "opportunity":
        return _("Whoever owns this journey may not add opportunities, so the journey cannot either.")
    return _("Whoever owns this journey may not add cases, so the journey cannot either.")


def changeable(owner: Any, ids: Iterable[int]) -> set[int]:
    """Those of these contacts the owner may change: a journey tags no other, and goes on."""
    return set(Party.objects.visible_to(owner, "change").filter(pk__in=list(ids)).values_list("pk", flat=True))


def tag_gone() -> str:
    """Why a step cannot give its tag."""
    return _("This tag does not exist any more.")


def worker(party: Party, owner: Any) -> Any:
    """Who gets the work."""
    return party.owner if party.owner is not None and party.owner.is_active else owner


def due(days: int, now: datetime) -> datetime:
    """When a task is due that is to be done within so many days."""
    return now if not days else timezone.make_aware(datetime.combine(timezone.localdate(now) + timedelta(days=days), MORNING))


def _opportunity(step: Step, party: Party, who: Any, now: datetime) -> Opportunity:
    stage = Stage.objects.unrestricted().filter(active=True, pipeline__active=True).order_by("pipeline__position", "pipeline", "position").first()
    if stage is None:
        raise RuleBroken(_("There is no pipeline with a stage an opportunity could begin in."))
    closes = timezone.localdate(now) + timedelta(days=step["days"]) if step["days"] is not None else None
    row = Opportunity(name=step["name"][:160], party=party, owner=who, team=who.team or party.team, stage=stage, currency_id=house_currency(), expected_close=closes)
    return open_opportunity(row, by=None, at=now)


def _case(step: Step, party: Party, now: datetime) -> Case:
    team = DeskSetup.current().team or Team.objects.get(parent=None)
    return open_case(Case(type=step["type"], channel=Case.Channel.MAIL, heading=step["heading"][:160], party=party, team=team), by=None, at=now)
