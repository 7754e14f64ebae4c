"""The shape of a journey: a trigger and steps, what is wrong with them, and how one leads to the next. Pure over plain values.

A definition: {"trigger": trigger, "steps": [step, …]}.

    trigger   {"kind": "event", "event": key of EVENTS} | {"kind": "date", "date": key of DATES, "days": −365 … 365}
              | {"kind": "segment", "segment": id} | {"kind": "inactive", "days": n, "longer": bool}
    step      {"key": "s1", "kind": …} and, by kind:
              wait          days, and perhaps from and to: an hour within which it ends (8 and 17: from eight, before five)
              ask           about: answered, opportunity, purchase or tree (then tree: a condition); yes, no: steps. Both lead on to what follows
              mail          subject, preheader, blocks (`campaigns.content`)
              task          text, days until it is due
              opportunity   name, days until the expected close (None: open)
              case          heading, type
              tag           tag: its id (None: not chosen), way: add or take

Steps are a tree, so nobody meets a step twice. A step ends with an outcome: waited, yes, no, done, sent, or a reason of the waterfall.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

Definition = dict[str, Any]
Step = dict[str, Any]

KINDS: dict[str, tuple[Any, str]] = {  # kind → (its name, its sign)
    "wait": (pgettext_lazy("step", "Wait"), "hourglass"),
    "ask": (pgettext_lazy("step", "Question"), "git-fork"),
    "mail": (pgettext_lazy("step", "E-mail"), "mail"),
    "task": (pgettext_lazy("step", "Task"), "checkbox"),
    "opportunity": (pgettext_lazy("step", "Opportunity"), "chart-funnel"),
    "case": (pgettext_lazy("step", "Case"), "headset"),
    "tag": (pgettext_lazy("step", "Tag"), "tag"),
}
ABOUT: dict[str, Any] = {
    "answered": gettext_lazy("Did they answer since the beginning?"),
    "opportunity": gettext_lazy("Was an opportunity opened since the beginning?"),
    "purchase": gettext_lazy("Did they buy since the beginning?"),
    "tree": gettext_lazy("Does a condition hold?"),
}
TRIGGERS: dict[str, Any] = {
    "inactive": gettext_lazy("No contact for some time"),
    "date": gettext_lazy("A day before or after a date"),
    "event": gettext_lazy("Something happens"),
    "segment": gettext_lazy("Somebody comes into a segment"),
}
MOST_STEPS = 40
DEEPEST = 3  # questions within questions
MOST_DAYS = 365


def until(step: Step, arrived: datetime) -> datetime:
    """When a wait that began at `arrived` is over, by the clock on the wall; `arrived` is aware and in the house's zone.

    Days keep the time of day. Outside of the window it goes on to the next hour within. A time that clocks jump over is the moment after
    the jump, one they show twice the first of both.
    """
    naive = arrived.replace(tzinfo=None) + timedelta(days=step["days"])
    begins, ends = step.get("from", 0), step.get("to", 24)
    if naive.hour >= ends:
        naive = (naive + timedelta(days=1)).replace(hour=begins, minute=0, second=0, microsecond=0)
    elif naive.hour < begins:
        naive = naive.replace(hour=begins, minute=0, second=0, microsecond=0)
    found = _moment(naive, arrived)
    if begins <= found.hour < ends:
        return found if found > arrived else arrived
    return until({**step, "days": 0}, found)  # the window lies within what the clocks jumped over: the next day's


def _moment(naive: datetime, like: datetime) -> datetime:
    """The first moment at which the wall shows this time, or the first after it where clocks jump over it."""
    assert like.tzinfo is not None
    found = naive.replace(tzinfo=like.tzinfo).astimezone(UTC).astimezone(like.tzinfo)
    if found.replace(tzinfo=None) != naive:
        return found.replace(minute=0, second=0, microsecond=0)
    return found


def first(steps: list[Step]) -> str:
    """The key of the first step, "" where there is none."""
    return str(steps[0]["key"]) if steps else ""


def links(steps: list[Step], after: str = "") -> dict[str, dict[str, str]]:
    """Key → {outcome: key that follows, "" at the end}; "" stands for every outcome that is not named."""
    found: dict[str, dict[str, str]] = {}
    for place, step in enumerate(steps):
        then = first(steps[place + 1 :]) or after
        found[step["key"]] = {"": then}
        if step["kind"] == "ask":
            for branch in ("yes", "no"):
                found[step["key"]][branch] = first(step[branch]) or then
                found |= links(step[branch], then)
    return found


def following(definition: Definition, key: str, outcome: str) -> str:
    """The key of what comes after a step that ended so."""
    ways = links(definition["steps"])[key]
    return ways.get(outcome, ways[""])


def every(steps: list[Step]) -> Iterator[Step]:
    """All steps, those of branches included, in the order they are drawn."""
    for step in steps:
        yield step
        if step["kind"] == "ask":
            yield from every(step["yes"])
            yield from every(step["no"])


def step_of(definition: Definition, key: str) -> Step | None:
    """The step of this key."""
    return next((step for step in every(definition.get("steps", [])) if step["key"] == key), None)


@dataclass(frozen=True)
class Passed:
    """A step as somebody passes it: its outcome, and when."""

    step: Step
    outcome: str
    at: datetime


def walk(definition: Definition, began: datetime, outcome_of: Callable[[Step, datetime], str | None], now: datetime) -> list[Passed]:
    """The way of somebody who began then, as far as it leads until `now`. `outcome_of` says what becomes of a step at a moment; waits are
    passed by the clock alone."""
    passed: list[Passed] = []
    key, at = first(definition["steps"]), began
    while key:
        step = step_of(definition, key)
        assert step is not None
        if step["kind"] == "wait":
            at = until(step, at)
        if at > now:
            break
        outcome = "waited" if step["kind"] == "wait" else outcome_of(step, at)
        if outcome is None:
            break
        passed.append(Passed(step, outcome, at))
        key = following(definition, key, outcome)
    return passed


# --- building -----------------------------------------------------------------------------------------------------------------------------


def fresh_key(definition: Definition) -> str:
    """A key that no step has had: keys go up."""
    numbers = [int(step["key"][1:]) for step in every(definition.get("steps", []))]
    return f"s{max([*numbers, int(definition.get('last', 0))], default=0) + 1}"


def empty_step(kind: str, key: str) -> Step:
    """A new step of a kind, as it stands before anything is typed."""
    facts: dict[str, dict[str, Any]] = {
        "wait": {"days": 3},
        "ask": {"about": "answered", "yes": [], "no": []},
        "mail": {"subject": "", "preheader": "", "blocks": [{"kind": "text", "text": ""}]},
        "task": {"text": "", "days": 1},
        "opportunity": {"name": "", "days": None},
        "case": {"heading": "", "type": "request"},
        "tag": {"tag": None, "way": "add"},
    }
    return {"key": key, "kind": kind, **copy.deepcopy(facts[kind])}


def added(definition: Definition, kind: str, place: str) -> tuple[Definition, str]:
    """The definition with a new step at `place` ("" the beginning, "s3" behind that step, "s3.yes" first in its branch), and its key."""
    found = copy.deepcopy(definition)
    key = fresh_key(found)
    target = _list_at(found, place)
    if target is None or kind not in KINDS or sum(1 for _step in every(found["steps"])) >= MOST_STEPS:
        return definition, ""
    steps, at = target
    steps.insert(at, empty_step(kind, key))
    if depth(found["steps"]) > DEEPEST:
        return definition, ""
    found["last"] = int(key[1:])
    return found, key


def removed(definition: Definition, key: str) -> Definition:
    """The definition without a step; of a question both branches go with it."""
    found = copy.deepcopy(definition)
    if step_of(found, key) is not None and (target := _list_at(found, key)) is not None:
        steps, at = target
        del steps[at - 1]
    return found


def moved(definition: Definition, key: str, by: int) -> Definition:
    """The definition with a step one place up (−1) or down (1) among its like."""
    found = copy.deepcopy(definition)
    if step_of(found, key) is not None and (target := _list_at(found, key)) is not None:
        steps, at = target
        here, there = at - 1, at - 1 + by
        if 0 <= there < len(steps):
            steps[here], steps[there] = steps[there], steps[here]
    return found


def replaced(definition: Definition, key: str, facts: dict[str, Any]) -> Definition:
    """The definition with other facts of one step; its key, kind and branches stay."""
    found = copy.deepcopy(definition)
    step = step_of(found, key)
    if step is not None:
        kept = {name: step[name] for name in ("key", "kind", "yes", "no") if name in step}
        step.clear()
        step.update({**facts, **kept})
    return found


def depth(steps: list[Step]) -> int:
    """How many questions lie within each other."""
    return max((1 + max(depth(step["yes"]), depth(step["no"])) for step in steps if step["kind"] == "ask"), default=0)


def _list_at(definition: Definition, place: str) -> tuple[list[Step], int] | None:
    """The list a place lies in, and the position behind it."""
    key, _dot, branch = place.partition(".")
    if not key:
        return definition["steps"], 0
    if branch in {"yes", "no"}:
        step = step_of(definition, key)
        return (step[branch], 0) if step is not None and step["kind"] == "ask" else None

    def look(steps: list[Step]) -> tuple[list[Step], int] | None:
        for at, step in enumerate(steps):
            if step["key"] == key:
                return steps, at + 1
            if step["kind"] == "ask":
                found = look(step["yes"]) or look(step["no"])
                if found:
                    return found
        return None

    return look(definition["steps"])


# --- faults -------------------------------------------------------------------------------------------------------------------------------


def faults(definition: Definition, *, purpose: bool) -> dict[str, list[str]]:
    """What keeps the definition from being published: key of the step ("" for the trigger and the whole) → sentences."""
    found: dict[str, list[str]] = {}

    def say(key: str, words: str | Promise) -> None:
        found.setdefault(key, []).append(str(words))

    trigger, steps = definition.get("trigger") or {}, definition.get("steps") or []
    if trigger.get("kind") not in TRIGGERS:
        say("", _("What sets it off? Please choose a trigger."))
    if trigger.get("kind") == "segment" and not trigger.get("segment"):
        say("", _("Please choose the segment."))
    if not any(step["kind"] not in {"wait", "ask"} for step in every(steps)):
        say("", _("Nothing is done yet: please add a mail, a task, an opportunity, a case or a tag."))
    for step in every(steps):
        key, kind = step["key"], step["kind"]
        if kind == "mail":
            if not purpose:
                say(key, _("Please choose the purpose people have agreed to, above."))
            if not step["subject"].strip():
                say(key, _("The mail has no subject."))
            if not any(block.get("text", "").strip() for block in step["blocks"]):
                say(key, _("The mail says nothing."))
        if kind == "task" and not step["text"].strip():
            say(key, _("What is to be done?"))
        if kind == "opportunity" and not step["name"].strip():
            say(key, _("The opportunity has no name."))
        if kind == "case" and not step["heading"].strip():
            say(key, _("The case has no subject."))
        if kind == "tag" and not step["tag"]:
            say(key, _("Which tag?"))
        if kind == "ask" and not step["yes"] and not step["no"]:
            say(key, _("The question changes nothing: please add a step below yes or no."))
        if kind == "ask" and step["about"] == "tree" and not step.get("tree"):
            say(key, _("Please say what is to hold."))
    return found
