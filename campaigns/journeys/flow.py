"""A journey as its page draws it: the trigger and the steps from top to bottom, with how many are where, and what is wrong beside each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from campaigns.journeys.asking import closed_steps
from campaigns.journeys.shape import KINDS, Definition, Passed, Step
from campaigns.journeys.words import outcome_words, step_words, trigger_detail, trigger_words
from campaigns.models import Journey, Run, RunStep
from crm.core import formats

TRIGGER = "trigger"  # the key of the trigger in addresses
REACHED = {"mail": "sent", "tag": "done"}  # kind of step that does not reach everybody → the outcome of those it reached
TONES = {"ask": "warn", "opportunity": "good", "mail": "", "trigger": "acc"}


@dataclass
class Counts:
    """How many: `began`, by step and outcome, and by step on the way (`waiting`) or stuck (`failed`)."""

    began: int = 0
    ended: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))
    waiting: dict[str, int] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)

    def of(self, key: str) -> int:
        """How many passed a step."""
        return sum(self.ended[key].values()) if key in self.ended else 0


def counted(journey: Journey) -> Counts:
    """The counts of all runs so far."""
    found = Counts(Run.objects.unrestricted().filter(journey=journey).count())
    for step, outcome, n in RunStep.objects.unrestricted().filter(run__journey=journey).values_list("step", "outcome").annotate(n=Count("pk")):
        found.ended[step][outcome] = n
    standing = Run.objects.unrestricted().filter(journey=journey, state__in=[Run.State.WAITING, Run.State.FAILED])
    for state, step, n in standing.values_list("state", "step").annotate(n=Count("pk")):
        (found.waiting if state == Run.State.WAITING else found.failed)[step] = n
    return found


def counted_dry(ways: Iterable[list[Passed]]) -> Counts:
    """The counts of a dry run."""
    found = Counts()
    for way in ways:
        found.began += 1
        for passed in way:
            found.ended[passed.step["key"]][passed.outcome] += 1
    return found


def stuck(journey: Journey) -> list[Run]:
    """A few runs that got stuck, each with what went wrong."""
    return list(Run.objects.unrestricted().filter(journey=journey, state=Run.State.FAILED).order_by("-due_at")[:3])


def figures(journey: Journey) -> list[dict[str, Any]]:
    """How many began, are on the way, reached the end, left, and are stuck."""
    runs, n = Run.objects.unrestricted().filter(journey=journey), formats.number
    by_state = {state: runs.filter(state=state).count() for state in Run.State.values}
    people = reverse("journey-people", args=[journey.pk])
    return [
        {"label": _("Began"), "value": n(sum(by_state.values())), "detail": _("each once for every occasion"), "url": people},
        {"label": _("On the way"), "value": n(by_state["waiting"]), "detail": _("waiting for their next step"), "url": f"{people}?state=waiting"},
        {"label": _("At the end"), "value": n(by_state["done"]), "detail": _("all steps done"), "url": f"{people}?state=done"},
        {"label": _("Left"), "value": n(by_state["left"]), "detail": _("deleted, or the journey was ended"), "url": f"{people}?state=left"},
        {"label": _("Stuck"), "value": n(by_state["failed"]), "detail": _("a step failed several times"), "url": f"{people}?state=failed", "state": "bad" if by_state["failed"] else ""},
    ]


@dataclass
class Node:
    """One box of the flow. `place` is where a step behind it would go; `yes` and `no` are the boxes of a question's branches."""

    key: str
    kind: str
    icon: str
    tone: str
    title: str
    detail: str
    url: str
    selected: bool
    faults: list[str]
    passed: int = 0
    waiting: int = 0
    failed: int = 0
    lines: list[tuple[str, int]] = field(default_factory=list)  # reasons for which a mail was not written
    yes: list[Node] = field(default_factory=list)
    no: list[Node] = field(default_factory=list)
    n_yes: int = 0
    n_no: int = 0
    untold: bool = False  # its numbers would answer a question the reader may not ask

    @property
    def is_ask(self) -> bool:
        """Has it branches?"""
        return self.kind == "ask"

    @property
    def place(self) -> str:
        """Where a step behind it goes."""
        return "" if self.key == TRIGGER else self.key


class Flow:
    """All boxes of a definition. `base` is the address a box leads to, "" where boxes are only looked at."""

    def __init__(self, definition: Definition, reader: Any, *, counts: Counts | None = None, faults: dict[str, list[str]] | None = None, base: str = "", selected: str = "") -> None:
        self.reader, self.base, self.selected = reader, base, selected
        self.counts, self.faults = counts or Counts(), faults or {}
        self.counted = counts is not None
        questions, telling = closed_steps(definition, reader) if self.counted else (set[str](), set[str]())
        self.untold = questions | telling
        self.trigger = self._trigger(definition.get("trigger") or {})
        self.nodes = self._nodes(definition.get("steps") or [])

    def _url(self, key: str) -> str:
        return f"{self.base}?{urlencode({'step': key})}" if self.base else ""

    def _trigger(self, trigger: dict[str, Any]) -> Node:
        title = trigger_words(trigger, self.reader)
        node = Node(TRIGGER, TRIGGER, "bolt", "acc", title, trigger_detail(trigger), self._url(TRIGGER), self.selected == TRIGGER, self.faults.get("", []))
        node.passed = self.counts.began
        return node

    def _nodes(self, steps: list[Step]) -> list[Node]:
        return [self._node(step) for step in steps]

    def _node(self, step: Step) -> Node:
        key, kind = step["key"], step["kind"]
        title, detail = step_words(step, self.reader)
        node = Node(key, kind, KINDS[kind][1], TONES.get(kind, ""), title, detail, self._url(key), self.selected == key, self.faults.get(key, []))
        if kind == "ask":
            node.yes, node.no = self._nodes(step["yes"]), self._nodes(step["no"])
        if key in self.untold:
            node.untold = True
            return node
        ended = self.counts.ended.get(key, {})
        node.waiting, node.failed = self.counts.waiting.get(key, 0), self.counts.failed.get(key, 0)
        node.passed = ended.get(REACHED[kind], 0) if kind in REACHED else self.counts.of(key)
        if kind in REACHED:
            node.lines = [(outcome_words(outcome), n) for outcome, n in sorted(ended.items(), key=lambda pair: -pair[1]) if outcome != REACHED[kind]]
        if kind == "ask":
            node.n_yes, node.n_no = ended.get("yes", 0), ended.get("no", 0)
        return node
