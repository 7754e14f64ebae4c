"""What consent stands, decided over plain steps: who asked, confirmed, gave, withdrew or objected, for which purpose, when.

Only what happened counts, in the order in which it happened: a consent by telephone told late does not undo a withdrawal made meanwhile.
An objection is lifted by the person alone, through a link sent to the address; an import lifts nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

NEVER, REQUESTED, STANDING, WITHDRAWN, OBJECTED = "never", "requested", "standing", "withdrawn", "objected"
STOPPED = (WITHDRAWN, OBJECTED)
KINDS = ("requested", "confirmed", "given", "withdrawn", "objected")
IMPORT = "import"


class Step(Protocol):
    """One entry of the ledger. `purpose` None: everything. `how` "import" is the one that is trusted least."""

    @property
    def purpose(self) -> object: ...
    @property
    def kind(self) -> str: ...
    @property
    def how(self) -> str: ...
    @property
    def at(self) -> datetime: ...


@dataclass(frozen=True)
class Standing:
    """never, requested, standing, withdrawn or objected; `since` when, `by` the step that made it so (index in what was given)."""

    state: str = NEVER
    since: datetime | None = None
    by: int | None = None


def stands(steps: Sequence[Step], purpose: object) -> Standing:
    """What holds for one purpose of one address. `steps` come in the order of recording, which decides within the same second."""
    now = Standing()
    for index in _in_order(steps):
        step = steps[index]
        if step.purpose in (None, purpose) and (state := _next(now.state, step.kind, step.how)) is not None:
            now = Standing(state, step.at, index)
    return now


def blanket(steps: Sequence[Step], purposes: Iterable[object]) -> str:
    """Whether everything is stopped, purposes yet to come included: "objected", "withdrawn" or "". It ends when a consent stands again."""
    whole = [step.kind for step in steps if step.purpose is None and step.kind in STOPPED]
    if not whole or any(stands(steps, purpose).state == STANDING for purpose in purposes):
        return ""
    return OBJECTED if OBJECTED in whole else WITHDRAWN


def may_give(state: str) -> bool:
    """Whether somebody of the house may still write down a consent: not over an objection."""
    return state != OBJECTED


def _next(state: str, kind: str, how: str) -> str | None:
    """The state after one step, or None if it changes nothing."""
    if kind == "confirmed" and state != STANDING:
        return STANDING
    if kind == "given" and state in ((NEVER, REQUESTED) if how == IMPORT else (NEVER, REQUESTED, WITHDRAWN)):
        return STANDING
    if kind == "requested" and state in (NEVER, REQUESTED):
        return REQUESTED
    if kind == "withdrawn" and state not in STOPPED:
        return WITHDRAWN
    if kind == "objected" and state != OBJECTED:
        return OBJECTED
    return None


def _in_order(steps: Sequence[Step]) -> list[int]:
    return sorted(range(len(steps)), key=lambda index: steps[index].at)
