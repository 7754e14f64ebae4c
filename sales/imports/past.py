"""An import tells the past: the steps of each opportunity in the ledger, a line in the contact's history, and when something last happened."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time

from django.contrib.contenttypes.models import ContentType
from django.utils import timezone
from django.utils.translation import gettext as _

from contacts.models import Interaction, Party, PartyActivity
from contacts.preimages import change
from sales.imports.context import Context, Plan
from sales.imports.rows import Row
from sales.models import Opportunity, Stage, StageTransition

Kind = StageTransition.Kind
Step = tuple[Row, Opportunity, str, Stage, Stage, datetime]
Told = tuple[Row, Opportunity, str, datetime]  # a line for the contact's history


def tell_new(context: Context, made: Sequence[Opportunity], stages: Sequence[Stage], plan: Plan) -> None:
    """The steps that led to where each one stands.

    An export tells only the day of the first contact and the day of the end. So an opportunity is taken to have come through all
    stages up to its own on the first day, and to have been decided on the last. Where no first day is told, it begins now.
    """
    rows = {finding.target_id: row for row, finding in plan}
    ledger: list[StageTransition] = []
    told: list[Told] = []
    for opportunity in made:
        begun = moment_of(opportunity.opened_on or opportunity.closed_on)
        origin = None
        for stage in stages[: stages.index(opportunity.stage) + 1]:
            ledger.append(_row(context, opportunity, Kind.MOVE if origin else Kind.OPEN, origin, stage, begun))
            origin = stage
        if opportunity.state != Opportunity.State.OPEN:
            ended = moment_of(opportunity.closed_on)
            kind = Kind.WIN if opportunity.state == Opportunity.State.WON else Kind.LOSE
            ledger.append(_row(context, opportunity, kind, opportunity.stage, opportunity.stage, ended))
            told.append((rows[opportunity.pk], opportunity, kind, ended))
        else:
            told.append((rows[opportunity.pk], opportunity, Kind.OPEN, begun))
    StageTransition.objects.bulk_create(ledger, batch_size=1000)
    _tell_contacts(context, told)


def tell_steps(context: Context, steps: Sequence[Step]) -> None:
    """Steps of opportunities that were here already."""
    StageTransition.objects.bulk_create([_row(context, opportunity, kind, origin, goal, at) for _r, opportunity, kind, origin, goal, at in steps])
    _tell_contacts(context, [(row, opportunity, kind, at) for row, opportunity, kind, _origin, _goal, at in steps])


def _row(context: Context, opportunity: Opportunity, kind: str, origin: Stage | None, goal: Stage, at: datetime) -> StageTransition:
    return StageTransition(
        opportunity=opportunity, kind=kind, from_stage=origin, to_stage=goal, at=at, by_id=context.by.pk,
        amount=opportunity.amount, expected_close=opportunity.expected_close, job_id=context.job,
    )  # fmt: skip


def _tell_contacts(context: Context, told: Sequence[Told]) -> None:
    lines = [(row, opportunity, opportunity.party_id, kind, at) for row, opportunity, kind, at in told if opportunity.party_id is not None]
    words = {
        Kind.OPEN: _("Opportunity opened: %(name)s"),
        Kind.WIN: _("Won: %(name)s"),
        Kind.LOSE: _("Lost: %(name)s"),
        Kind.MOVE: _("Moved on: %(name)s"),
    }
    subject = ContentType.objects.get_for_model(Opportunity)
    Interaction.objects.bulk_create(
        [
            Interaction(
                party_id=party, kind=Interaction.Kind.SYSTEM, occurred_at=at, heading=(words[Kind(kind)] % {"name": opportunity.name})[:200],
                created_by=context.by, updated_by=context.by, subject_type=subject, subject_id=opportunity.pk,
            )
            for _row, opportunity, party, kind, at in lines
        ]
    )  # fmt: skip
    _note_activity([(row, party, at) for row, _opportunity, party, _kind, at in lines])
    won = {party for _row, _opportunity, party, kind, _at in lines if kind == Kind.WIN}
    change(Party.objects.filter(pk__in=won, state=Party.State.PROSPECT), by=context.by, state=Party.State.CUSTOMER)


def _note_activity(lines: Sequence[tuple[Row, int, datetime]]) -> None:
    """The latest moment per contact. What stood there before is kept with the row, as no audit watches this table."""
    latest: dict[int, tuple[datetime, Row]] = {}
    for row, party, at in lines:
        if party not in latest or latest[party][0] < at:
            latest[party] = (at, row)
    known = {activity.party_id: activity for activity in PartyActivity.objects.select_for_update().filter(party__in=latest).order_by("pk")}
    fresh, later = [], []
    for party, (at, row) in latest.items():
        activity = known.get(party)
        if activity is not None and activity.last_at >= at:
            continue
        row.before = {"party": party, "was": activity.last_at.isoformat() if activity else None, "now": at.isoformat()}
        if activity is None:
            fresh.append(PartyActivity(party_id=party, last_at=at))
        else:
            activity.last_at = at
            later.append(activity)
    PartyActivity.objects.bulk_create(fresh)
    PartyActivity.objects.bulk_update(later, ["last_at"])


def moment_of(day: date | None) -> datetime:
    """Noon of the day in the house's time zone (an export knows days only), but never later than now; now where no day is told."""
    now = timezone.now()
    return min(timezone.make_aware(datetime.combine(day, time(12))), now) if day else now
