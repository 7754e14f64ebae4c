"""What the ledger of stage transitions teaches: win rate, conversion and duration of each stage, and how long won ones took.

Learned from the opportunities of the house, whoever asks: a rate tells of a stage, never of a record. The answer is kept for five minutes;
a decision (won, lost, reopened, taken back) renews it at once. Beyond SAMPLE opportunities every second, third … one is read, by its id: that
draws without favour, so no rate is off by more than about a hundredth, and one decision more or less changes nothing that is shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models.functions import Mod
from django.utils import timezone

from crm.core.memory import keep, recall
from sales import forecast
from sales.models import Opportunity, Pipeline, Stage, StageTransition
from sales.services import live_transitions

KEPT = 300  # seconds
SAMPLE = 10_000  # opportunities
ENOUGH = 10  # decided visits from which a stage's own rate is used instead of the assumed one
_DECISIONS = {"win": "won", "lose": "lost", "reopen": "open"}


@dataclass(frozen=True)
class Learned:
    """What is known of one pipeline at `at`. Keys are stage ids; `ages` are the days won ones had spent in the stage, sorted. `every` second,
    third … opportunity was read (1: all of them)."""

    at: datetime
    rates: dict[int, forecast.StageRate] = field(default_factory=dict)
    flows: dict[int, forecast.StageFlow] = field(default_factory=dict)
    ages: dict[int, list[float]] = field(default_factory=dict)
    every: int = 1

    def is_learned(self, stage: Stage) -> bool:
        """Enough history for a rate of its own?"""
        rate = self.rates.get(stage.pk)
        return rate is not None and rate.n >= ENOUGH

    def rate(self, stage: Stage) -> Decimal:
        """The share of 1 an open opportunity in this stage counts with: learned, else the stage's assumed probability."""
        return self.rates[stage.pk].rate if self.is_learned(stage) else Decimal(stage.probability) / 100


def learned(pipeline: Pipeline) -> Learned:
    """What the ledger says of a pipeline, perhaps up to five minutes old."""
    sampled = f"learned:{pipeline.pk}:{timezone.localdate()}"
    found = recall(sampled)
    if found is not None:
        return found  # type: ignore[no-any-return]
    last = StageTransition.objects.unrestricted().exclude(kind__in=["open", "move"]).order_by("-pk").values_list("pk", flat=True).first()
    key = f"{sampled}:{last or 0}"
    found = recall(key)
    if found is None:
        found = learn(pipeline)
        keep(key if found.every == 1 else sampled, found, KEPT)
    return found  # type: ignore[no-any-return]


def learn(pipeline: Pipeline, now: datetime | None = None) -> Learned:
    """Read the ledger as known at `now`, or a sample of it."""
    now = timezone.localtime(now)
    stages = list(pipeline.stages.order_by("position").values_list("pk", flat=True))
    every = max(1, Opportunity.objects.unrestricted().count() // SAMPLE)
    transitions, outcomes = ledger_rows(pipeline, now, every=every)
    flows = {flow.stage: flow for flow in forecast.stage_flow(transitions, outcomes, now, stages)}
    return Learned(now, forecast.stage_rates(transitions, outcomes, now, stages=stages), flows, _won_ages(transitions, outcomes, stages), every)


def current_rates() -> dict[int, Decimal]:
    """Stage id → the share every open opportunity in it counts with, over all pipelines: what `sales.metrics` takes as `rates`."""
    rates = {}
    for pipeline in Pipeline.objects.unrestricted().prefetch_related("stages"):
        known = learned(pipeline)
        rates.update({stage.pk: known.rate(stage) for stage in pipeline.stages.all()})
    return rates


def ledger_rows(pipeline: Pipeline | None = None, now: datetime | None = None, *, every: int = 1) -> tuple[list[forecast.Transition], list[forecast.Outcome]]:
    """The ledger in the words of `sales.forecast`: who came to which stage, and what was decided. Amounts as stored, not converted. `every` draws
    opportunities whose id it divides."""
    rows = live_transitions().filter(at__lte=now or timezone.now())
    if pipeline is not None:
        rows = rows.filter(to_stage__pipeline=pipeline)
    if every > 1:
        drawn = Opportunity.objects.unrestricted().annotate(left_over=Mod("pk", every)).filter(left_over=0)
        rows = rows.filter(opportunity__in=drawn.values("pk"))
    transitions, outcomes = [], []
    columns = ("opportunity_id", "kind", "to_stage_id", "at", "amount", "expected_close")
    for opportunity, kind, stage, at, amount, expected in rows.order_by("at", "pk").values_list(*columns).iterator(10_000):
        if kind in _DECISIONS:
            outcomes.append(forecast.Outcome(opportunity, _DECISIONS[kind], at, amount))  # type: ignore[arg-type]
        else:
            transitions.append(forecast.Transition(opportunity, stage, at, amount, expected))
    return transitions, outcomes


def _won_ages(transitions: Iterable[forecast.Transition], outcomes: Iterable[forecast.Outcome], stages: Iterable[int]) -> dict[int, list[float]]:
    """Stage → days each won opportunity spent there in one stay, in rising order: what a card's age is compared with."""
    won: dict[int, datetime] = {}
    for outcome in outcomes:  # in order of time: the last word counts
        if outcome.state == "won":
            won[outcome.opportunity] = outcome.at
        else:
            won.pop(outcome.opportunity, None)
    paths: dict[int, list[forecast.Transition]] = {}
    for step in transitions:
        if step.opportunity in won:
            paths.setdefault(step.opportunity, []).append(step)
    ages: dict[int, list[float]] = {stage: [] for stage in stages}
    for opportunity, path in paths.items():
        ends = [step.at for step in path[1:]] + [won[opportunity]]
        for step, end in zip(path, ends, strict=True):
            if step.stage in ages and end >= step.at:
                ages[step.stage].append((end - step.at) / timedelta(days=1))
    return {stage: sorted(days) for stage, days in ages.items()}
