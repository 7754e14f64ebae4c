"""One line of the table: what an operation cost one persona, and what the floor cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from crm.bench import fragments
from crm.bench.measure import Cost, cost_of, rows_of
from crm.bench.operations import Operation, client_of
from crm.bench.personas import Persona
from crm.core.timelimit import TookTooLong, at_most

RATIO, FEW_BUFFERS, GROWTH = 3.0, 3_000, 1.3
GIVEN_UP = 10  # times the best floor so far
FLOOR_TIMES = 3
LONGEST = 3600.0  # seconds of the first floor
HEAD = f"{'operation':<32}{'persona':<12}{'ratio':>7}{'ours ms':>10}{'floor ms':>10}{'buffers':>10}{'floor':>9}{'queries':>9}{'whole ms':>10}{'fragment':>10}{'kB':>7}{'growth':>8}"


@dataclass(frozen=True)
class Result:
    """`sql_ratio` is our time in the database over the floor's, None without a floor. `same` says whether both return the same keys. Of lists:
    `fragment_ratio` is the time of the fragment over that of the least one, `weight` the bytes of the whole page, compressed. `growth` is how
    many times the buffers of a smaller stock are touched, None where nobody said what they were."""

    operation: str
    persona: str
    sql_ratio: float | None
    buffers: int
    floor_buffers: int
    queries: int
    ms: float
    floor_ms: float
    all_ms: float
    same: bool
    fragment_ratio: float | None = None
    weight: int = 0
    growth: float | None = None

    @property
    def holds(self) -> bool:
        """Same rows, and at most three times the floor or few buffers."""
        return self.same and (self.buffers < FEW_BUFFERS or (self.sql_ratio is not None and self.sql_ratio <= RATIO))

    @property
    def grows(self) -> bool:
        """More than a little, and to more than a few buffers."""
        return self.growth is not None and self.growth > GROWTH and self.buffers >= FEW_BUFFERS

    def as_row(self) -> dict[str, Any]:
        """For a file."""
        return {**asdict(self), "holds": self.holds}

    def line(self) -> str:
        """For the terminal."""
        ratio = "" if self.sql_ratio is None else f"{self.sql_ratio:.1f}"
        floor = f"{self.floor_ms:.1f}" if self.floor_ms else ""
        fragment = " " * 17 if self.fragment_ratio is None else f"{self.fragment_ratio:>10.1f}{self.weight / 1000:>7.1f}"
        growth = "" if self.growth is None else f"{self.growth:.1f}"
        note = "" if self.holds else "  <- other rows" if not self.same else "  <-"
        return f"{self.operation:<32}{self.persona:<12}{ratio:>7}{self.ms:>10.1f}{floor:>10}{self.buffers:>10,}{self.floor_buffers or '':>9}{self.queries:>9}{self.all_ms:>10.1f}{fragment}{growth:>8}{note}"


def held_against(operation: Operation, persona: Persona, ours: Cost, smaller: Mapping[tuple[str, str], int]) -> Result:
    """Measure the floors and compare with the fastest. `smaller` are the buffers on a smaller stock, by operation and persona."""
    best: Cost | None = None
    same = True
    keys = operation.keys(persona) if operation.keys else None
    for sql in operation.floors(persona):
        found: list[Any] = []

        def ask(sql: Any = sql, found: list[Any] = found) -> None:
            found[:] = rows_of(sql)

        try:
            with at_most(max(best.ms * GIVEN_UP / 1000, 1) * (FLOOR_TIMES + 1) if best else LONGEST):
                cost = cost_of(ask, FLOOR_TIMES)
        except TookTooLong:
            continue  # a plan that is no use to this reader
        if keys is not None:
            same = same and found[: len(keys)] == keys
        if best is None or cost.ms < best.ms:
            best = cost
    ratio = ours.ms / best.ms if best else None
    fragment, weight = None, 0
    if operation.fragment:
        crud, query = operation.fragment
        fragment = fragments.ratio_of(crud, persona, query)
        weight = fragments.weight_of(client_of(persona).get(f"{crud.url('list')}?{query}").content)
    growth = ours.buffers / max(smaller[operation.name, persona.name], 1) if (operation.name, persona.name) in smaller else None
    return Result(
        operation.name, persona.name, ratio, ours.buffers, best.buffers if best else 0, ours.queries, ours.ms, best.ms if best else 0, ours.all_ms, same, fragment, weight, growth
    )
