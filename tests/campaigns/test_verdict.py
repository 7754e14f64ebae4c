"""People and machines told apart (C10): forty scenarios of machines, and generated people; no database."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from campaigns.verdict import Agent, Judged, Reason, Seen, Verdict, agent_of, judge, together
from tests.campaigns.agents import MACHINE, PERSON, SCENARIOS, UNCLEAR, Hit, Scenario, people
from tests.proofs import Figures

HANDED = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def judged(scenario: Scenario) -> list[Judged]:
    """What the product says of each hit, as its door and its report ask."""
    seen = []
    for hit in scenario.hits:
        after = timedelta(seconds=hit.after)
        found = judge(hit.kind, agent_of(hit.agent), after, head=hit.method == "HEAD", ahead=bool(hit.prefetch))
        seen.append(Seen(hit.kind, hit.link, HANDED + after, found))
    return together(seen, scenario.links)


def by_agent_alone(scenario: Scenario) -> list[Judged]:
    """The red control: what many systems do."""
    return [judge("open" if hit.kind == "trap" else hit.kind, agent_of(hit.agent), timedelta(days=1)) for hit in scenario.hits]


def share(scenarios: Iterable[Scenario], ask: Callable[[Scenario], list[Judged]], truth: str) -> tuple[float, int]:
    """Of the hits with this truth, the share called a machine's; and how many there were."""
    said = [found.verdict == Verdict.MACHINE for one in scenarios for hit, found in zip(one.hits, ask(one), strict=True) if hit.truth == truth]
    return sum(said) / len(said), len(said)


@pytest.mark.proof("verdict")
def test_machines_are_told_from_people(figures: Figures, prove_full: bool) -> None:
    crowd = people(20_000 if prove_full else 2_000)
    recall, hits = share(SCENARIOS, judged, MACHINE)
    figures.record(f"machines called machines, {hits} hits of {len(SCENARIOS)} scenarios", round(recall, 4), goal="≥ 0.95", holds=recall >= 0.95)
    whole = [one for one in SCENARIOS if any(hit.truth == MACHINE for hit in one.hits)]
    caught = sum(share([one], judged, MACHINE)[0] == 1 for one in whole) / len(whole)
    figures.record("scenarios in which no hit of a machine is missed", round(caught, 4), goal="≥ 0.95", holds=caught >= 0.95)
    wrong, hits = share(crowd, judged, PERSON)
    figures.record(f"people called machines, {hits} hits of {len(crowd)} people", round(wrong, 5), goal="≤ 0.01", holds=wrong <= 0.01)
    beside = [one for one in SCENARIOS if any(hit.truth == PERSON for hit in one.hits)]
    wrong = share(beside, judged, PERSON)[0]
    figures.record("people beside a machine on the same mail called machines", wrong, goal="0", holds=wrong == 0)


@pytest.mark.proof("verdict")
def test_the_agent_alone_misses_too_many(figures: Figures) -> None:
    recall, _hits = share(SCENARIOS, by_agent_alone, MACHINE)
    figures.record("red control, by what an agent calls itself alone: machines called machines", round(recall, 4), goal="< 0.95", holds=recall < 0.95)


def test_what_nobody_can_tell_is_said_so() -> None:
    unclear = [found for one in SCENARIOS for hit, found in zip(one.hits, judged(one), strict=True) if hit.truth == UNCLEAR]
    assert unclear and {found.verdict for found in unclear} == {Verdict.UNKNOWN}


@pytest.mark.parametrize(
    ("hit", "verdict", "reason"),
    [
        (Hit(PERSON, "click", 1, 60), "human", "plain"),
        (Hit(MACHINE, "click", 1, 4.9), "machine", "soon"),
        (Hit(MACHINE, "click", 1, 60, method="HEAD"), "machine", "head"),
        (Hit(MACHINE, "click", 1, 60, prefetch="prefetch"), "machine", "ahead"),
        (Hit(MACHINE, "trap", 0, 9000), "machine", "trap"),
        (Hit(MACHINE, "click", 1, 60, ""), "machine", "scanner"),
        (Hit(UNCLEAR, "open", 0, 60, "Nokia6100/1.0"), "unknown", "strange"),
    ],
)
def test_a_touch_by_itself(hit: Hit, verdict: Any, reason: Any) -> None:
    [found] = judged(Scenario("one", 3, (hit,)))
    assert (found.verdict, found.reason) == (verdict, reason)


def test_a_person_may_open_two_links_side_by_side_and_click_twice() -> None:
    two = Scenario("two", 2, (Hit(PERSON, "click", 1, 60), Hit(PERSON, "click", 2, 62.5)))
    twice = Scenario("twice", 1, (Hit(PERSON, "click", 1, 60), Hit(PERSON, "click", 1, 60.2)))
    assert {found.verdict for one in (two, twice) for found in judged(one)} == {Verdict.HUMAN}


def test_what_was_said_at_once_is_not_changed_by_looking() -> None:
    seen = [Seen("click", link, HANDED + timedelta(minutes=1), Judged(Verdict.HUMAN, Reason.PLAIN)) for link in (1, 2, 3)]
    assert {found.reason for found in together(seen, 3)} == {Reason.SWEEP} and {one.judged.verdict for one in seen} == {Verdict.HUMAN}
    assert together([], 3) == [] and agent_of("x" * 10_000) == Agent.OTHER
