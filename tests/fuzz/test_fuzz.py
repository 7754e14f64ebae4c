"""Hostile requests over all routes against the product as it runs: nothing breaks, nothing is told, nobody else has to wait, nothing grows."""

from __future__ import annotations

import os
import time
from typing import Any

import pytest

from crm.gunicorn import max_requests, max_requests_jitter
from tests.architecture.test_doors import routes
from tests.fuzz.crowd import Bystander, Crowd, Findings, Log, growth, memory, rested, workers
from tests.fuzz.mutate import Mutator
from tests.fuzz.town import Town
from tests.fuzz.wire import Asked

pytestmark = pytest.mark.django_db(transaction=True)  # its tables are copied into the house, in which this process works now and then

SEED = int(os.environ.get("LOTSE_FUZZ_SEED", "2026"))  # a finding names its number: the same seed makes the same requests again
LIFE = max_requests + max_requests_jitter  # requests after which a worker is replaced at the latest; here it goes on, to be seen longer
NO_ROUTE = {"admin:view_on_site"}  # answers 404 to everybody and is asked by its path alone


def trap(name: str, query: str = "") -> Asked:
    """A request to one of the traps."""
    return Asked("anna", b"GET", f"/trap/{name}/?page={query}".encode(), about=f"0 trap {name}")


@pytest.mark.proof("fuzz")
def test_hostile_requests(town: Town, figures: Any, prove_full: bool) -> None:
    total = int(os.environ.get("LOTSE_FUZZ_REQUESTS", 100_000 if prove_full else 1_500))
    rounds = max(1, total // 5_000) if prove_full else 1  # after each the town is made anew
    make, findings, plain = Mutator(town, SEED), Findings(), Findings()
    log, share, begin = Log(town.house.folder / "house.log"), total // rounds, time.monotonic()
    with Bystander(town.bystander, town.world.team.organisation.pk) as bystander:
        for _ in range(4 if prove_full else 1):  # each process has to have seen each page and each form before its memory is measured
            Crowd(town, plain).send(make.each, range(make.all))
        before, lived = rested(town), {}
        bystander.watch("idle", 60 if prove_full else 4)
        for number in range(rounds):
            if number:
                town.renew(number)
            bystander.phase = "ordinary"
            Crowd(town, plain).send(make.ordinary, range(number * share, number * share + share // 5))
            bystander.phase = "hostile"
            Crowd(town, findings).send(make.hostile, range(number * share, (number + 1) * share))
            bystander.phase = ""
            findings.settle(town)
            if not lived and (number + 1) * share >= LIFE * len(before):  # they share the work
                lived = rested(town)
            if prove_full:
                print(f"{(number + 1) * share} after {time.monotonic() - begin:.0f} s, MB: {[(round(memory(pid)), round(memory(pid, 'Anonymous'))) for pid in workers(town.house)]}, broken {len(findings.broken)}", flush=True)
    after = rested(town)
    lived = lived or after
    traces = log.tracebacks()
    for line in (*findings.broken, *findings.told, *plain.broken, *traces[:5], *bystander.refused[:2]):
        print(line)
    alone, ordinary, hostile = (bystander.percentile(phase, 0.99) for phase in ("idle", "ordinary", "hostile"))
    print(dict(findings.statuses), *findings.slowest[:5], before, lived, after, f"p99 of the bystander alone, beside ordinary and hostile requests: {alone:.3f}, {ordinary:.3f}, {hostile:.3f} s", sep="\n")
    named = {name for name, _pattern, _written in routes() if name}
    asked = {name for name in named if name in findings.routes}
    figures.record("hostile requests", findings.sent, f"requests, seed {SEED}")
    figures.record("routes they were sent to", len(asked), f"of {len(named)} routes", "all" if prove_full else "> 9 in 10", len(asked) >= (len(named - NO_ROUTE) if prove_full else 0.9 * len(named)))
    figures.record("answered to somebody signed in", round(1 - findings.sent_away / findings.signed_in, 3), "of their requests", "> 0.9", findings.sent_away < 0.1 * findings.signed_in)
    figures.record("answers of 500 and more, hanging, or none", len(findings.broken) + len(plain.broken), "answers", "0", not findings.broken and not plain.broken)
    figures.record("… 503 that say what is gone and when to come again", findings.held_back, "answers", "0", not findings.held_back)
    figures.record("… 501 to a way of transfer nobody knows (RFC 9112, 6.1)", findings.not_known, "answers")
    figures.record("traces in the log of page, worker and beat", len(traces), "traces", "0", not traces)
    figures.record("answers that tell of a foreign record", len(findings.told), "answers", "0", not findings.told)
    figures.record("a bystander's refused pages and forms", len(bystander.refused), "answers", "0", not bystander.refused)
    figures.record("the bystander's p99 beside as many senders of ordinary requests", round(ordinary * 1000), f"ms ({len(bystander.times['ordinary'])} answers)")
    figures.record("… beside hostile ones", round(hostile / ordinary, 2), "times that", "≤ 2" if prove_full else "≤ 3", hostile <= (2 if prove_full else 3) * ordinary)
    figures.record("… p99 beside hostile ones, with nobody else there as measure", round(hostile / alone, 2), f"times {round(alone * 1000)} ms")
    figures.record("workers that ended", len(before.keys() - after.keys()), "workers", "0", before.keys() == after.keys())
    grown, in_the_end = growth(before, lived, 0), growth(before, after, 0)
    figures.record(f"memory of a worker, from when it had seen all over the {LIFE} requests it lives for", round(100 * grown, 1), f"% of {round(min(share for share, _all in before.values()))} MB", "< 5 %" if prove_full else "< 40 %", grown < (0.05 if prove_full else 0.4))
    figures.record("… never replaced, to the end of all requests", round(100 * in_the_end, 1), "%", "< 15 %" if prove_full else "< 40 %", in_the_end < (0.15 if prove_full else 0.4))
    figures.record("… and all it holds, shared with others or not", round(100 * growth(before, after, 1), 1), f"% of {round(min(all_of_it for _share, all_of_it in before.values()))} MB")


@pytest.mark.proof("fuzz")
def test_red_controls(town: Town, figures: Any) -> None:
    """Each of the four faults is seen by the same means."""
    make, findings, log = Mutator(town, SEED), Findings(), Log(town.house.folder / "house.log")
    values = [value for value in dict.fromkeys(["1", *make.samples]) if "%" not in value]
    Crowd(town, findings).send(lambda number: trap("raises", values[number]), range(len(values)))
    figures.record("red control: 500 and traces where a page raises for one value", len(findings.broken), "answers", "1", len(findings.broken) == 1 and len(log.tracebacks()) >= 1)
    Crowd(town, findings).send(lambda _number: trap("tells"), range(3))
    findings.settle(town)
    figures.record("red control: a page that names everybody", len(findings.told), "answers", "3", len(findings.told) == 3)
    times = 0.0
    for _ in range(3):  # where much else runs, a quiet house is slow, too
        with Bystander(town.bystander, town.world.team.organisation.pk) as bystander:
            bystander.watch("idle", 2)
            bystander.phase = "hostile"
            Crowd(town, findings).send(lambda _number: trap("blocks"), range(20))
            bystander.phase = ""
        print(bystander.times, findings.statuses, findings.slowest)
        times = max(times, bystander.percentile("hostile", 0.9) / bystander.percentile("idle", 0.5))
        if times > 3:
            break
    figures.record("red control: the bystander beside a page that blocks", round(times, 1), "times as long", "> 3", times > 3)
    before = rested(town)
    Crowd(town, findings).send(lambda _number: trap("leaks"), range(120))
    after = rested(town)
    grown = growth(before, after, 0)
    figures.record("red control: memory where a page keeps what it was asked", round(100 * grown), "% more", "> 40", grown > 0.4)
