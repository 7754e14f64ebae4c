"""What stands after which steps: a table written by hand, and a slow second opinion that reads the law's sentences one by one.

A step is written "purpose kind how @minute": `n` newsletter, `t` tracking, `*` everything. The order in the text is the order of recording;
the minute is when it happened.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
KINDS = ("requested", "confirmed", "given", "withdrawn", "objected")
PURPOSES = ("n", "t")


class Said(NamedTuple):
    """One step. `purpose` None means everything."""

    purpose: str | None
    kind: str
    how: str
    at: datetime


class Case(NamedTuple):
    """`state` of the newsletter and the minute since when; `blanket`: everything is stopped, whatever the purpose."""

    steps: str
    state: str
    since: int | None
    blanket: str = ""


def read(steps: str) -> list[Said]:
    """The steps of a case, in the order of recording."""
    found = []
    for step in filter(None, (part.strip() for part in steps.split(","))):
        purpose, kind, how, minute = step.split()
        found.append(Said(None if purpose == "*" else purpose, kind, how, START + timedelta(minutes=int(minute[1:]))))
    return found


CASES = [
    # nothing, and the way in
    Case("", "never", None),
    Case("t confirmed link @0", "never", None),
    Case("n requested form @0", "requested", 0),
    Case("n requested form @0, n requested form @9", "requested", 9),
    Case("n requested form @0, n confirmed link @3", "standing", 3),
    Case("n requested form @0, t confirmed link @3", "requested", 0),
    Case("n confirmed link @3", "standing", 3),
    Case("n given phone @1", "standing", 1),
    Case("n given letter @1", "standing", 1),
    Case("n given import @1", "standing", 1),
    Case("n given phone @1, n given letter @5", "standing", 1),
    Case("n given phone @1, n confirmed link @5", "standing", 1),
    Case("n confirmed link @3, n requested form @5", "standing", 3),
    Case("n requested form @0, n given phone @2", "standing", 2),
    Case("n requested form @0, n given import @2", "standing", 2),
    # withdrawing
    Case("n withdrawn link @5", "withdrawn", 5),
    Case("n confirmed link @3, n withdrawn link @5", "withdrawn", 5),
    Case("n confirmed link @3, n withdrawn link @5, n withdrawn link @8", "withdrawn", 5),
    Case("n confirmed link @3, t withdrawn link @5", "standing", 3),
    Case("n requested form @0, n withdrawn link @5", "withdrawn", 5),
    Case("n confirmed link @3, * withdrawn link @5", "withdrawn", 5, "withdrawn"),
    Case("* withdrawn link @5", "withdrawn", 5, "withdrawn"),
    # coming back after a withdrawal
    Case("n withdrawn link @5, n requested form @8", "withdrawn", 5),
    Case("n withdrawn link @5, n requested form @8, n confirmed link @9", "standing", 9),
    Case("n withdrawn link @5, n given phone @8", "standing", 8),
    Case("n withdrawn link @5, n given import @8", "withdrawn", 5),
    Case("n given import @1, n withdrawn link @5, n given import @8, n given import @9", "withdrawn", 5),
    Case("n confirmed link @1, n withdrawn link @5, n confirmed link @8, n withdrawn link @9", "withdrawn", 9),
    Case("* withdrawn link @5, n given phone @8", "standing", 8),
    Case("* withdrawn link @5, t given phone @8", "withdrawn", 5),
    Case("* withdrawn link @5, t given import @8", "withdrawn", 5, "withdrawn"),
    # objecting
    Case("n objected mail @5", "objected", 5),
    Case("n confirmed link @3, n objected phone @5", "objected", 5),
    Case("n confirmed link @3, * objected letter @5", "objected", 5, "objected"),
    Case("n objected mail @5, n objected phone @8", "objected", 5),
    Case("n objected mail @5, n withdrawn link @8", "objected", 5),
    Case("n withdrawn link @5, n objected mail @8", "objected", 8),
    Case("n withdrawn link @5, * objected mail @8", "objected", 8, "objected"),
    Case("* withdrawn link @5, * objected mail @8", "objected", 8, "objected"),
    Case("* objected mail @5, * withdrawn link @8", "objected", 5, "objected"),
    Case("t objected mail @5, n confirmed link @8", "standing", 8),
    # only the person lifts an objection, by a link sent to the address
    Case("n objected mail @5, n given phone @8", "objected", 5),
    Case("n objected mail @5, n given letter @8", "objected", 5),
    Case("n objected mail @5, n given import @8", "objected", 5),
    Case("n objected mail @5, n requested form @8", "objected", 5),
    Case("n objected mail @5, n confirmed link @8", "standing", 8),
    Case("* objected mail @5, n confirmed link @8", "standing", 8),
    Case("* objected mail @5, t confirmed link @8", "objected", 5),
    Case("* objected mail @5, t given phone @8", "objected", 5, "objected"),
    Case("n objected mail @5, n withdrawn link @6, n given phone @8", "objected", 5),
    Case("n objected mail @5, n confirmed link @8, n given phone @9", "standing", 8),
    Case("n objected mail @5, n confirmed link @8, n withdrawn link @9", "withdrawn", 9),
    Case("n objected mail @5, n confirmed link @8, n withdrawn link @9, n given phone @11", "standing", 11),
    Case("n objected mail @5, n confirmed link @8, * objected phone @9", "objected", 9, "objected"),
    # told late: what counts is when it happened
    Case("n withdrawn link @5, n given phone @1", "withdrawn", 5),
    Case("n objected mail @5, n confirmed link @1", "objected", 5),
    Case("n confirmed link @8, n withdrawn phone @5", "standing", 8),
    Case("n given import @3, n withdrawn letter @1", "withdrawn", 1),
    Case("n given phone @3, n objected letter @1", "objected", 1),
    Case("n confirmed link @3, n requested form @1", "standing", 3),
    # within the same second the order of recording decides
    Case("n confirmed link @5, n withdrawn link @5", "withdrawn", 5),
    Case("n withdrawn link @5, n confirmed link @5", "standing", 5),
    Case("n requested form @5, n confirmed link @5", "standing", 5),
    Case("* objected mail @5, n confirmed link @5", "standing", 5),
]


def slow_state(steps: list[Said], purpose: str) -> tuple[str, datetime | None]:
    """State and since when, found by asking of every state whether its sentence holds."""
    told = sorted((step for step in steps if step.purpose in (None, purpose)), key=lambda step: step.at)  # stable: recorded order within a second

    def after(index: int, kinds: tuple[str, ...]) -> list[int]:
        return [later for later in range(index + 1, len(told)) if told[later].kind in kinds]

    objections = [n for n, step in enumerate(told) if step.kind == "objected" and not after(n, ("confirmed",))]
    if objections:  # an objection holds until the person confirms anew
        return "objected", told[objections[0]].at

    def consents(index: int) -> bool:
        """Whether this step makes a consent, seen from what came before it alone."""
        if told[index].kind == "confirmed":
            return True
        if told[index].kind != "given":
            return False
        before = told[:index]
        objected = any(step.kind == "objected" and not any(later.kind == "confirmed" for later in before[n:]) for n, step in enumerate(before))
        stopped = any(step.kind in ("withdrawn", "objected") and not any(consents(later) for later in range(n + 1, index)) for n, step in enumerate(before))
        return not objected and not (stopped and told[index].how == "import")

    good = [n for n in range(len(told)) if consents(n)]
    stops = [n for n, step in enumerate(told) if step.kind in ("withdrawn", "objected")]
    if good and (not stops or good[-1] > stops[-1]):
        last = max(stops, default=-1)
        return "standing", told[next(n for n in good if n > last)].at
    if stops:
        last_good = max(good, default=-1)
        return "withdrawn", told[next(n for n in stops if n > last_good)].at
    requests = [step.at for step in told if step.kind == "requested"]
    return ("requested", requests[-1]) if requests else ("never", None)
