"""What can happen to an opportunity. Every change of state or stage goes through here and leaves a row in the ledger (D5, D6)."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Exists, Max, Min, OuterRef
from django.utils import timezone
from django.utils.translation import gettext as _

from contacts.diary import recount, touch
from contacts.models import Interaction, Party, Task
from contacts.preimages import change
from crm.core.conditions import holds, sentence, unmet
from crm.core.erasures import note_erased
from crm.core.errors import RuleBroken
from crm.core.events import emit
from crm.core.models import Undo
from crm.core.numbers import take_numbers
from crm.core.saving import changes_since
from crm.core.subjects import name_subject, of_subject
from crm.core.undo import offer_undo
from crm.core.work import work
from sales.models import LostReason, Opportunity, Stage, StageTransition

STEP = Decimal(1024)  # distance between neighbours in a column; a card dropped between two takes the middle


class MovedMeanwhile(RuleBroken):
    """Somebody else moved the opportunity since the mover looked: the page shows where it is now."""


class GateUnmet(RuleBroken):
    """The stage demands more. `missing` names the fields a dialog may ask for; empty if the condition is not about single fields."""

    def __init__(self, message: Any, missing: list[str]) -> None:
        super().__init__(message, field=missing[0] if missing else None)
        self.missing = missing


def open_opportunity(opportunity: Opportunity, *, by: Any, at: datetime | None = None) -> Opportunity:
    """Save a new opportunity: number, place at the top of its column, first ledger row. Raises RuleBroken if its stage's gate is not met."""
    at = at or timezone.now()
    with work(by=by):
        opportunity.number = take_numbers("opportunity")[0]
        opportunity.state, opportunity.stage_since = Opportunity.State.OPEN, at
        opportunity.opened_on = opportunity.opened_on or timezone.localtime(at).date()
        opportunity.rank = _top(opportunity.stage)
        opportunity.created_by = opportunity.updated_by = by
        opportunity.save()
        _check_gate(opportunity, opportunity.stage)
        record(opportunity, StageTransition.Kind.OPEN, None, opportunity.stage, by=by, at=at)
        _tell(opportunity, _("Opportunity opened: %(name)s") % {"name": opportunity.name}, by=by, at=at)
        return opportunity


def move_opportunity(
    opportunity: Opportunity, stage: Stage, *, by: Any, at: datetime | None = None, rank: Decimal | None = None, seen_stage: int | None = None
) -> Undo | None:
    """Move an open opportunity to a stage (and to a place in its column: `rank`, default the top). Returns the way back.

    `seen_stage` is the stage the mover saw: if somebody moved the card meanwhile, RuleBroken says where it is now. Only stage and
    rank are compared, so that an edit of the facts does not stop a drag (D7). Raises RuleBroken if the gate is not met.
    """
    at = at or timezone.now()
    with work(by=by):
        held = _hold(opportunity)
        if held.state != Opportunity.State.OPEN:
            raise RuleBroken(_("This opportunity is closed. Reopen it to move it."))
        if seen_stage is not None and held.stage_id not in (seen_stage, stage.pk):
            raise MovedMeanwhile(_("Somebody moved this opportunity to “%(stage)s” meanwhile.") % {"stage": held.stage})
        if not stage.active or stage.pipeline_id != held.stage.pipeline_id:
            raise RuleBroken(_("This stage belongs to another pipeline or is no longer used."))
        held.rank = _top(stage) if rank is None else rank
        if held.stage_id == stage.pk:
            held.save(update_fields=["rank"])
            return None
        _check_gate(held, stage)
        origin = held.stage
        held.stage, held.stage_since = stage, at
        _save_state(held, by, "stage", "stage_since", "rank")
        step = record(held, StageTransition.Kind.MOVE, origin, stage, by=by, at=at)
        words = _("%(name)s: %(from)s → %(to)s") % {"name": held.name, "from": origin, "to": stage}
        _tell(held, words, by=by, at=at)
        emit("sales.opportunity_moved", held, by=by, stage=stage.pk)
        _refresh(opportunity, held)
        return offer_undo(by, words, "sales.step", step=step.pk) if by is not None else None


def win_opportunity(opportunity: Opportunity, *, by: Any, at: datetime | None = None, on: date | None = None) -> Undo | None:
    """Close as won. Needs its contact and an amount. The contact becomes a customer."""
    at = at or timezone.now()
    with work(by=by):
        held = _hold(opportunity)
        _still_open(held)
        if held.party_id is None:
            raise RuleBroken(_("A won opportunity needs its contact. Choose who bought."), field="party")
        if held.amount is None:
            raise RuleBroken(_("A won opportunity needs its amount."), field="amount")
        held.state, held.closed_on = Opportunity.State.WON, _closing_day(held, on, at)
        _save_state(held, by, "state", "closed_on")
        step = record(held, StageTransition.Kind.WIN, held.stage, held.stage, by=by, at=at)
        made = _make_customer(held.party_id, by)
        words = _("Won: %(name)s") % {"name": held.name}
        _tell(held, words, by=by, at=at)
        emit("sales.opportunity_won", held, by=by)
        _refresh(opportunity, held)
        return offer_undo(by, words, "sales.step", step=step.pk, **made) if by is not None else None


def lose_opportunity(
    opportunity: Opportunity, *, reason: LostReason, by: Any, to: Party | None = None, note: str = "", at: datetime | None = None, on: date | None = None
) -> Undo | None:
    """Close as lost, with the reason and, where known, the competitor who got it."""
    at = at or timezone.now()
    with work(by=by):
        held = _hold(opportunity)
        _still_open(held)
        if reason.needs_note and not note.strip():
            raise RuleBroken(_("Please say in a few words why."), field="note")
        held.state, held.closed_on = Opportunity.State.LOST, _closing_day(held, on, at)
        held.lost_reason, held.lost_to, held.lost_note = reason, to, note.strip()
        _save_state(held, by, "state", "closed_on", "lost_reason", "lost_to", "lost_note")
        step = record(held, StageTransition.Kind.LOSE, held.stage, held.stage, by=by, at=at)
        words = _("Lost: %(name)s") % {"name": held.name}  # not why: the reason may be hidden from readers of the contact's history
        _tell(held, words, by=by, at=at)
        emit("sales.opportunity_lost", held, by=by)
        _refresh(opportunity, held)
        return offer_undo(by, words, "sales.step", step=step.pk) if by is not None else None


def reopen_opportunity(opportunity: Opportunity, *, by: Any, at: datetime | None = None) -> None:
    """Open a closed opportunity again, in the stage it was decided in."""
    at = at or timezone.now()
    with work(by=by):
        held = _hold(opportunity)
        if held.state == Opportunity.State.OPEN:
            raise RuleBroken(_("This opportunity is open."))
        _open_again(held)
        _save_state(held, by, *_CLOSING)
        record(held, StageTransition.Kind.REOPEN, held.stage, held.stage, by=by, at=at)
        _tell(held, _("Reopened: %(name)s") % {"name": held.name}, by=by, at=at)
        emit("sales.opportunity_reopened", held, by=by)
        _refresh(opportunity, held)


def note_pricing(opportunity: Opportunity, pricing: str, *, by: Any) -> None:
    """Keep whether the amount was agreed or is the list price, after the facts were saved."""
    with work(by=by):
        Opportunity.objects.unrestricted().filter(pk=opportunity.pk).exclude(pricing=pricing).update(pricing=pricing)


def delete_opportunity(opportunity: Opportunity, *, by: Any) -> None:
    """Delete it with its tasks and its own lines in the history; what people wrote stays with the contact. The ledger keeps its steps."""
    with work(by=by):
        held = _hold(opportunity)
        Task.objects.unrestricted().filter(of_subject(held)).delete()
        told = Interaction.objects.unrestricted().filter(of_subject(held))
        told.filter(kind=Interaction.Kind.SYSTEM).delete()
        told.update(subject_type=None, subject_id=None)
        if held.party_id is not None:
            recount([held.party_id])
        note_erased(Opportunity, [held.pk])
        held.delete()


def undo_step(payload: dict[str, Any], *, by: Any) -> None:
    """Take back the last step (named in `crm/undos.py`): the step is voided by a further ledger row, never erased."""
    step = StageTransition.objects.select_related("from_stage").get(pk=payload["step"])
    with work(by=by):
        held = Opportunity.objects.visible_to(by, "change").select_for_update(of=("self",)).filter(pk=step.opportunity_id).first()
        last = live_transitions().filter(opportunity_id=step.opportunity_id).order_by("-at", "-id").first()
        if held is None or last is None or last.pk != step.pk:
            raise RuleBroken(_("It cannot be taken back: the opportunity has moved on since."))
        previous = live_transitions().filter(opportunity_id=step.opportunity_id).exclude(pk=step.pk).order_by("-at", "-id").first()
        if step.kind == StageTransition.Kind.MOVE:
            assert step.from_stage is not None
            held.stage, held.rank = step.from_stage, _top(step.from_stage)
            held.stage_since = previous.at if previous else held.created_at
            _save_state(held, by, "stage", "stage_since", "rank")
        else:
            _open_again(held)
            _save_state(held, by, *_CLOSING)
            if "customer" in payload:
                _make_prospect(payload, by)
        StageTransition.objects.create(
            opportunity=held, kind=StageTransition.Kind.VOID, from_stage=step.to_stage, to_stage=step.from_stage, at=timezone.now(), by_id=by.pk, voids=step
        )
        _tell(held, _("Taken back: %(name)s is in “%(stage)s” again") % {"name": held.name, "stage": held.stage}, by=by, at=timezone.now())


def live_transitions() -> Any:
    """Ledger rows that count: steps that were not taken back, of opportunities that still exist."""
    there = Exists(Opportunity.objects.unrestricted().filter(pk=OuterRef("opportunity_id")))
    return StageTransition.objects.unrestricted().exclude(kind=StageTransition.Kind.VOID).filter(there, voided_by__isnull=True)


def record(opportunity: Opportunity, kind: str, origin: Stage | None, goal: Stage | None, *, by: Any, at: datetime) -> StageTransition:
    """One row of the ledger, with amount and expected close as they are now."""
    return StageTransition.objects.create(
        opportunity=opportunity,
        kind=kind,
        from_stage=origin,
        to_stage=goal,
        at=at,
        by_id=getattr(by, "pk", None),
        amount=opportunity.amount,
        expected_close=opportunity.expected_close,
    )


def rank_between(stage: Stage, above: Opportunity | None, below: Opportunity | None) -> Decimal:
    """A rank between two cards of a column (either may be missing: the top or the bottom). Where no number is left between them,
    the column is spread out anew."""
    if above is not None and below is not None:
        middle = ((above.rank + below.rank) / 2).quantize(_FINEST)
        if above.rank < middle < below.rank:
            return middle
        if (above.rank, above.pk) < (below.rank, below.pk):
            _spread(stage)
            above.refresh_from_db(fields=["rank"])
            return above.rank + STEP / 2
        return above.rank + STEP / 2  # they have changed places meanwhile: below the upper one is near enough
    if above is not None:
        last = Opportunity.objects.unrestricted().filter(stage=stage, state="open", rank__gt=above.rank).aggregate(next=Min("rank"))["next"]
        return above.rank + STEP if last is None else (above.rank + last) / 2
    if below is not None:
        first = Opportunity.objects.unrestricted().filter(stage=stage, state="open", rank__lt=below.rank).aggregate(before=Max("rank"))["before"]
        return below.rank - STEP if first is None else (below.rank + first) / 2
    return _top(stage)


def _spread(stage: Stage) -> None:
    """Give the open cards of a column equal distances again, in their order."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE sales_opportunity o SET rank = n.place * %s FROM"
            " (SELECT id, row_number() OVER (ORDER BY rank, id) AS place FROM sales_opportunity WHERE stage_id = %s AND state = 'open') n"
            " WHERE o.id = n.id",
            [STEP, stage.pk],
        )


_FINEST = Decimal("0.0000000001")
_CLOSING = ("state", "closed_on", "lost_reason", "lost_to", "lost_note")


def _open_again(held: Opportunity) -> None:
    held.state, held.closed_on = Opportunity.State.OPEN, None
    held.lost_reason = held.lost_to = None
    held.lost_note = ""


def _make_customer(pk: int, by: Any) -> dict[str, int]:
    """Who buys is a customer. Returns what the way back has to know: whom this win turned, and the version since."""
    party = Party.objects.unrestricted().select_for_update(no_key=True).get(pk=pk)  # else one that is just taken back would leave a prospect
    turned = change(Party.objects.unrestricted().filter(pk=pk, state=Party.State.PROSPECT), by=by, state=Party.State.CUSTOMER)
    return {"customer": pk, "version": party.version + 1} if turned else {}


def _make_prospect(payload: dict[str, Any], by: Any) -> None:
    """Whom the win turned is a prospect again, unless something else was won from them or somebody has set their state since."""
    party = Party.objects.unrestricted().select_for_update(no_key=True).filter(pk=payload["customer"], state=Party.State.CUSTOMER).first()
    if party is None or Opportunity.objects.unrestricted().filter(party=party.pk, state=Opportunity.State.WON).exists():
        return
    if "state" not in changes_since(party, payload["version"]):
        change(Party.objects.unrestricted().filter(pk=party.pk), by=by, state=Party.State.PROSPECT)


def _hold(opportunity: Opportunity) -> Opportunity:
    # Without a join: whoever waits for the lock while the stage changes would find that the joined row does not fit any more, and nothing.
    return Opportunity.objects.unrestricted().held(opportunity.pk)


def _still_open(held: Opportunity) -> None:
    if held.state != Opportunity.State.OPEN:
        raise RuleBroken(_("This opportunity is closed already: %(state)s.") % {"state": held.get_state_display()})


def _closing_day(held: Opportunity, on: date | None, at: datetime) -> date:
    day = on or timezone.localtime(at).date()
    if held.opened_on and day < held.opened_on:
        raise RuleBroken(_("It cannot be closed before it was opened."), field="on")
    return day


def _check_gate(held: Opportunity, stage: Stage) -> None:
    if not stage.gate or holds(stage.gate, held):
        return
    missing = list(dict.fromkeys(unmet(stage.gate, held)))
    if missing:
        names = ", ".join(str(Opportunity._meta.get_field(name).verbose_name) for name in missing)
        raise GateUnmet(_("For “%(stage)s” this is missing: %(fields)s.") % {"stage": stage, "fields": names}, missing)
    raise GateUnmet(_("For “%(stage)s” this must hold: %(condition)s.") % {"stage": stage, "condition": gate_sentence(stage)}, [])


def missing_for(opportunity: Opportunity, stage: Stage) -> list[str]:
    """The fields a stage demands and this opportunity lacks: what a dialog asks before the step. None for the stage it is in."""
    return [] if stage.pk == opportunity.stage_id else list(dict.fromkeys(unmet(stage.gate, opportunity)))


def gate_sentence(stage: Stage) -> str:
    """The stage's gate in words."""
    return sentence(stage.gate, Opportunity)


def _top(stage: Stage) -> Decimal:
    first = Opportunity.objects.unrestricted().filter(stage=stage, state=Opportunity.State.OPEN).aggregate(first=Min("rank"))["first"]
    return Decimal(0) if first is None else first - STEP


def _save_state(held: Opportunity, by: Any, *fields: str) -> None:
    held.version += 1
    held.updated_by = by
    held.save(update_fields=[*fields, "version", "updated_by", "updated_at"])


def _refresh(given: Opportunity, held: Opportunity) -> None:
    for field in ("stage", "stage_since", "rank", "state", "closed_on", "lost_reason", "lost_to", "lost_note", "version"):
        setattr(given, field, getattr(held, field))


def _tell(opportunity: Opportunity, words: str, *, by: Any, at: datetime) -> None:
    """The contact's history gets a line for people; the ledger is for machines."""
    if opportunity.party_id is None:
        return
    Interaction.objects.create(
        party_id=opportunity.party_id, kind=Interaction.Kind.SYSTEM, occurred_at=at, heading=words[:200], created_by=by, updated_by=by, **name_subject(opportunity)
    )
    touch([opportunity.party_id], at)

