"""What the board draws: columns with their figures, cards a page at a time. The number of queries does not depend on the number of cards."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cached_property, partial
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from contacts.models import Party, Task
from crm.core import formats
from crm.core.access import hidden_fields, may
from crm.core.lists import State
from crm.core.paging import keyset
from crm.core.rows import addresses
from sales import forecast, learning, metrics
from sales.filters import open_steps, with_party_seen
from sales.models import Opportunity, Pipeline, Stage

PAGE = 25
NOT_HERE = {"state", "stage", "pipeline", "closed", "forecast"}  # the board shows open ones, by stage, of one pipeline
_AGE_STATES = {"over_median": "warn", "over_p90": "bad"}
_CARD = ("pk", "rank", "number", "name", "party_id", "amount", "currency_id", "stage_id", "stage_since", "expected_close", "owner_id", "version")


@dataclass
class Board:
    """One reader's board: the pipeline, the filtered open rows, and what is needed to draw any part of it."""

    user: Any
    pipeline: Pipeline
    state: State
    now: datetime = field(default_factory=timezone.now)

    def __post_init__(self) -> None:
        self.hidden = hidden_fields(self.user, Opportunity)
        self.stages = list(self.pipeline.stages.filter(active=True).order_by("position"))
        self.learned = learning.learned(self.pipeline)
        self.house = metrics.house_currency()
        for name in NOT_HERE & set(self.state.filterset.form.fields):
            del self.state.filterset.form.fields[name]
            del self.state.filterset.filters[name]
        everything = with_party_seen(Opportunity.objects.visible_to(self.user), self.user).filter(stage__in=[stage.pk for stage in self.stages])
        self.rows: QuerySet[Opportunity] = self.state.narrowed(everything).filter(state=Opportunity.State.OPEN)

    def columns(self, only: Iterable[int] | None = None, *, shown: int | None = None, after: tuple[int, str] | None = None) -> list[dict[str, Any]]:
        """The columns (or `only` those) with figures and the first page of cards; `after` continues one of them at a cursor.

        `shown` is the stage a phone shows first.
        """
        figures = self._figures()
        wanted = [stage for stage in self.stages if only is None or stage.pk in set(only)]
        pages = {stage.pk: self._page(stage, after[1] if after and after[0] == stage.pk else "") for stage in wanted}
        cards = self._cards([row for rows, _more in pages.values() for row in rows])
        current = shown if shown in figures or shown in pages else self.stages[0].pk if self.stages else None
        return [
            {**self._head(stage, figures), "cards": [cards[row.pk] for row in pages[stage.pk][0]], "more_url": pages[stage.pk][1], "current": stage.pk == current}
            for stage in wanted
        ]

    def heads(self, only: Iterable[int] | None = None) -> list[dict[str, Any]]:
        """The figures of the columns without their cards: what a move changes."""
        figures = self._figures()
        return [self._head(stage, figures) for stage in self.stages if only is None or stage.pk in set(only)]

    def card(self, pk: int) -> dict[str, Any] | None:
        """One card as it is now, or None if it is not on this board."""
        rows = list(self.rows.filter(pk=pk).values_list(*_CARD, named=True))
        return self._cards(rows)[pk] if rows else None

    @staticmethod
    def totals(columns: list[dict[str, Any]]) -> dict[str, Any]:
        """Over all columns; a sum of what each shows."""
        return {key: sum((column[key] for column in columns if column[key] is not None), start=zero) for key, zero in (("count", 0), ("sum", Decimal(0)), ("weighted", Decimal(0)))}

    def _figures(self) -> dict[int, dict[str, Any]]:
        rates = {stage.pk: self.learned.rate(stage) for stage in self.stages}
        known = metrics.expressions(rates, self.house)
        shown = {name: known[name] for name in ("n_open", "open_pipeline", "weighted_pipeline")}
        return {row["stage"]: row for row in self.rows.order_by().values("stage").annotate(**shown)}

    def _head(self, stage: Stage, figures: dict[int, dict[str, Any]]) -> dict[str, Any]:
        found = figures.get(stage.pk, {})
        flow = self.learned.flows.get(stage.pk)
        money = "amount" not in self.hidden
        return {
            "id": stage.pk,
            "label": stage.label,
            "count": found.get("n_open", 0),
            "sum": found.get("open_pipeline", Decimal(0)) if money else None,
            "weighted": found.get("weighted_pipeline", Decimal(0)) if money else None,
            "currency": self.house,
            "probability": self.learned.rate(stage),
            "basis": self._basis(stage),
            "median_days": round(flow.median_days) if flow and flow.median_days is not None else None,
            "conversion": flow.conversion if flow else None,
        }

    def _basis(self, stage: Stage) -> str:
        """Where the rate of a column comes from, in words."""
        known = self.learned.rates.get(stage.pk)
        share = formats.percent(self.learned.rate(stage), 0)
        if known is None or not self.learned.is_learned(stage):
            return _("weighted with %(share)s, assumed until %(n)s were decided") % {"share": share, "n": formats.number(learning.ENOUGH)}
        words = _("weighted with %(share)s: %(won)s of %(n)s decided ones were won, all stages together %(prior)s") % {
            "share": share,
            "won": formats.number(known.won),
            "n": formats.number(known.n),
            "prior": formats.percent(known.prior, 0),
        }
        return words if self.learned.every == 1 else _("%(words)s (one in %(every)s was looked at)") % {"words": words, "every": formats.number(self.learned.every)}

    def _page(self, stage: Stage, after: str) -> tuple[list[Any], str]:
        page = keyset(self.rows.filter(stage=stage).values_list(*_CARD, named=True), "rank", descending=False, size=PAGE, after=after)
        more = f"{reverse('board')}{self.state.address(column=str(stage.pk))}&after={page.after}"
        return page.rows, more if page.after else ""

    def _cards(self, rows: list[Any]) -> dict[int, dict[str, Any]]:
        ids = [row.pk for row in rows]
        parties = self._parties({row.party_id for row in rows if row.party_id})
        owners = User.objects.in_bulk({row.owner_id for row in rows if row.owner_id})
        steps: dict[int, Task] = {}
        for step in open_steps(self.user).filter(subject_id__in=ids).order_by("subject_id", "due_at", "pk").distinct("subject_id"):
            steps[step.subject_id] = step  # type: ignore[index]
        movable: set[int] = set()
        if may(self.user, "change", Opportunity):
            movable = set(Opportunity.objects.visible_to(self.user, "change").filter(pk__in=ids).values_list("pk", flat=True))
        return {row.pk: self._card(row, parties.get(row.party_id), owners.get(row.owner_id), steps.get(row.pk), row.pk in movable) for row in rows}

    @cached_property
    def _at(self) -> dict[str, Callable[[int], str]]:
        """The addresses of an opportunity by its key."""
        return {page: addresses(partial(_address, page)) for page in ("detail", "move", "win", "lose")}

    def _parties(self, ids: set[int]) -> dict[int, str]:
        if "party" in self.hidden:
            return {}
        return dict(Party.objects.visible_to(self.user).filter(pk__in=ids).values_list("pk", "name"))

    def _card(self, row: Any, party: str | None, owner: User | None, step: Task | None, movable: bool) -> dict[str, Any]:
        days = max((self.now - row.stage_since).days, 0)
        verdict = forecast.age_verdict(days, self.learned.ages.get(row.stage_id, []))
        title = party or row.name
        return {
            "id": row.pk,
            "url": self._at["detail"](row.pk),
            "title": title,
            "subtitle": row.name if party else row.number,
            "amount": None if "amount" in self.hidden else row.amount,
            "currency": row.currency_id,
            "stage": row.stage_id,
            "age_days": days,
            "age_state": _AGE_STATES.get(verdict.verdict or "", ""),
            "age_words": _age_words(days, verdict),
            "owner": None if "owner" in self.hidden else owner,
            "step_label": step.text if step else _("no next step"),
            "step_state": "none" if step is None else "late" if step.due_at < self.now else "",
            "step_words": _step_words(step, self.now),
            "closes_on": None if "expected_close" in self.hidden else row.expected_close,
            "move_url": self._at["move"](row.pk) if movable else "",
            "win_url": self._at["win"](row.pk),
            "lose_url": self._at["lose"](row.pk),
            "version": row.version,
        }


def _address(page: str, pk: int) -> str:
    return reverse(f"opportunity-{page}", args=[pk])


def _age_words(days: int, verdict: forecast.AgeVerdict) -> str:
    here = ngettext("%(days)s day in this stage", "%(days)s days in this stage", days) % {"days": formats.number(days)}
    if verdict.median is None or verdict.p90 is None:
        return here
    compared = _("won ones took %(median)s days, nine in ten at most %(most)s (%(n)s compared)") % {
        "median": formats.number(round(verdict.median)),
        "most": formats.number(round(verdict.p90)),
        "n": formats.number(verdict.n),
    }
    return f"{here}; {compared}"


def _step_words(step: Task | None, now: datetime) -> str:
    if step is None:
        return _("no next step")
    words = _("overdue since %(day)s") if step.due_at < now else _("planned for %(day)s")
    return words % {"day": formats.moment(step.due_at)}
