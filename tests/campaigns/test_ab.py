"""A/B tests that cannot lie: whoever looks all the time finds no winner where there is none."""

from __future__ import annotations

from collections import Counter

import pytest

from campaigns.ab import CONTROL, Race, needed, split
from tests.campaigns.ab_trials import Trial, max_rate, peeking, z_test
from tests.proofs import Figures

SAME = Trial((0.2, 0.2))


def run(trial: Trial, seed: int, effect: float = 0.2) -> tuple[str, int | None]:
    """What the race says at last, looked at after every batch: the first verdict stays."""
    race = Race(len(trial.rates), effect)
    for batch in trial.events(seed):
        for arm, answered, cohort in batch:
            race.answered(arm, cohort) if answered else race.handed(arm, cohort)
        if race.verdict.decided:
            break
    return race.verdict.kind, race.verdict.winner


def share(trial: Trial, runs: int, effect: float = 0.2) -> Counter[tuple[str, int | None]]:
    return Counter(run(trial, seed, effect) for seed in range(runs))


@pytest.mark.proof("ab")
def test_looking_all_the_time_names_no_false_winner(figures: Figures, prove_full: bool) -> None:
    runs = 4000 if prove_full else 250
    said = share(SAME, runs)
    false = 100 * sum(n for (kind, _), n in said.items() if kind == "winner") / runs
    figures.record(f"A/A, {runs} runs, 23 looks each: false winners", round(false, 2), "%", goal="≤ 5", holds=false <= 5)
    figures.record("A/A: said in words that no difference is worth having", round(100 * said["same", None] / runs, 1), "%")


@pytest.mark.proof("ab")
def test_three_mails_do_not_triple_the_chance(figures: Figures, prove_full: bool) -> None:
    runs = 1000 if prove_full else 80
    said = share(Trial((0.2, 0.2, 0.2), batch=100), runs)
    false = 100 * sum(n for (kind, _), n in said.items() if kind == "winner") / runs
    figures.record(f"A/A/A, {runs} runs: false winners", round(false, 2), "%", goal="≤ 5", holds=false <= 5)


@pytest.mark.proof("ab")
def test_a_real_difference_is_found(figures: Figures, prove_full: bool) -> None:
    runs = 1000 if prove_full else 80
    said = share(Trial((0.2, 0.24)), runs)
    power = 100 * said["winner", 1] / runs
    figures.record("20 % → 24 %, 4,000 mails an arm: found", round(power, 1), "%", goal="≥ 80", holds=power >= 80)
    wrong = 100 * (said["winner", 0] + said["same", None]) / runs
    figures.record("20 % → 24 %: the wrong mail named, or the difference denied", round(wrong, 1), "%", goal="≤ 5", holds=wrong <= 5)


@pytest.mark.proof("ab")
@pytest.mark.parametrize(("rate", "effect"), [(0.2, 0.25), (0.04, 0.5)])
def test_the_hint_asks_for_enough_mails(figures: Figures, prove_full: bool, rate: float, effect: float) -> None:
    runs, mails = 600 if prove_full else 60, needed(rate, effect)
    said = share(Trial((rate, rate * (1 + effect)), batch=-(-mails // 20)), runs, effect)
    power = 100 * said["winner", 1] / runs
    figures.record(f"{rate:.0%} and a quarter or half more: hint {mails} mails an arm, found", round(power, 1), "%", goal="70 … 97", holds=70 <= power <= 97)


@pytest.mark.proof("ab")
def test_what_others_do_would_fail(figures: Figures, prove_full: bool) -> None:
    runs = 1000 if prove_full else 150
    for name, judge in (("highest rate", max_rate), ("z-test at every look", z_test)):
        false = 100 * sum(peeking(SAME, seed, judge) is not None for seed in range(runs)) / runs
        figures.record(f"red control, A/A by {name}: false winners", round(false, 1), "%", goal="> 10", holds=false > 10)


def test_a_split_is_stable_fair_and_its_own_for_each_campaign() -> None:
    drawn = [split(7, party, arms=2, control=100) for party in range(20_000)]
    assert drawn == [split(7, party, arms=2, control=100) for party in range(20_000)]
    counts = Counter(drawn)
    assert set(counts) == {0, 1, CONTROL}
    assert abs(counts[CONTROL] - 2000) < 200
    assert abs(counts[0] - counts[1]) < 500
    other = [split(8, party, arms=2, control=100) for party in range(20_000)]
    again = sum(one == two == CONTROL for one, two in zip(drawn, other, strict=True))
    assert abs(again - 200) < 60  # who was left out once is not left out always


def test_a_larger_control_group_or_none_moves_nobody_between_mails() -> None:
    for party in range(2000):
        with_control = split(3, party, arms=2, control=200)
        assert with_control in {CONTROL, split(3, party, arms=2, control=0)}


def test_people_of_one_firm_are_held_out_together() -> None:
    firms = {firm: {split(5, 10 * firm + n, arms=1, control=300, house=firm) for n in range(4)} for firm in range(1, 300)}
    assert all(len(arms) == 1 for arms in firms.values())
    assert 60 < sum(arms == {CONTROL} for arms in firms.values()) < 120


def test_a_race_begins_undecided_and_a_verdict_stays() -> None:
    race = Race(2, 0.5)
    assert race.verdict.kind == "waiting"
    for _ in range(500):
        race.handed(0)
        race.handed(1)
    for _ in range(100):
        race.answered(1)
    assert (race.verdict.kind, race.verdict.winner) == ("winner", 1)
    for _ in range(200):
        race.answered(0)
    assert (race.verdict.kind, race.verdict.winner) == ("winner", 1)


def test_one_mail_alone_races_against_nobody() -> None:
    race = Race(1, 0.5)
    race.handed(0)
    race.answered(0)
    assert race.verdict.kind == "alone"


def test_an_answer_from_nobody_is_not_counted() -> None:
    race = Race(2, 0.5)
    race.answered(1)
    assert race.answers == [0, 0]
