"""One line of the table: what an operation cost one persona, and what the floor cost."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from crm.bench import fragments
from crm.bench.measure import Cost, cost_of, rows_of
from crm.bench.operations import Operation
from crm.bench.personas import Persona

RATIO, FEW_BUFFERS = 3.0, 3_000
HEAD = f"{'operation':<32}{'persona':<12}{'ratio':>7}{'ours ms':>10}{'floor ms':>10}{'buffers':>10}{'floor':>9}{'queries':>9}{'whole ms':>10}{'fragment':>10}{'kB':>7}"


@dataclass(frozen=True)
class Result:
    """`sql_ratio` is our time in the database over the floor's, None without a floor. `same` says whether both return the same keys. Of lists:
    `fragment_ratio` is the time of the fragment over that of the least one, `weight` its bytes, compressed."""

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

    @property
    def holds(self) -> bool:
        """Same rows, and at most three times the floor or few buffers."""
        return self.same and (self.buffers < FEW_BUFFERS or (self.sql_ratio is not None and self.sql_ratio <= RATIO))

    def as_row(self) -> dict[str, Any]:
        """For a file."""
        return {**asdict(self), "holds": self.holds}

    def line(self) -> str:
        """For the terminal."""
        ratio = "" if self.sql_ratio is None else f"{self.sql_ratio:.1f}"
        floor = f"{self.floor_ms:.1f}" if self.floor_ms else ""
        fragment = "" if self.fragment_ratio is None else f"{self.fragment_ratio:>10.1f}{self.weight / 1000:>7.1f}"
        note = "" if self.holds else "  <- other rows" if not self.same else "  <-"
        return f"{self.operation:<32}{self.persona:<12}{ratio:>7}{self.ms:>10.1f}{floor:>10}{self.buffers:>10,}{self.floor_buffers or '':>9}{self.queries:>9}{self.all_ms:>10.1f}{fragment}{note}"


def held_against(operation: Operation, persona: Persona, ours: Cost) -> Result:
    """Measure the floors and compare with the fastest."""
    best: Cost | None = None
    same = True
    keys = operation.keys(persona) if operation.keys else None
    for sql in operation.floors(persona):
        found: list[Any] = []

        def ask(sql: Any = sql, found: list[Any] = found) -> None:
            found[:] = rows_of(sql)

        cost = cost_of(ask, 3)
        if keys is not None:
            same = same and found[: len(keys)] == keys
        if best is None or cost.ms < best.ms:
            best = cost
    ratio = ours.ms / best.ms if best else None
    fragment, weight = None, 0
    if operation.fragment:
        crud, query = operation.fragment
        fragment, weight = fragments.ratio_of(crud, persona, query), fragments.weight_of(fragments.answered(crud, persona, query))
    return Result(
        operation.name, persona.name, ratio, ours.buffers, best.buffers if best else 0, ours.queries, ours.ms, best.ms if best else 0, ours.all_ms, same, fragment, weight
    )
