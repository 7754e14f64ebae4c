"""One line of the table: what an operation cost one persona, and what the floor cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from crm.bench import fragments
from crm.bench.measure import Both, Cost, cost_of, rows_of
from crm.bench.operations import Operation, client_of
from crm.bench.personas import Persona
from crm.core.timelimit import TookTooLong, at_most

RATIO, FEW_BUFFERS, GROWTH, FRAGMENT = 3.0, 3_000, 1.3, 2.0
GIVEN_UP = 10  # times the best floor so far
FLOOR_TIMES = 3
LONGEST = 3600.0  # seconds of the first floor
LONG_HEAD = f"{'operation':<32}{'persona':<12}{'ratio':>7}{'ours ms':>10}{'floor ms':>10}{'buffers':>12}{'floor':>12}{'queries':>9}{'own ms':>10}{'rows':>9}{'µs/row':>9}{'buf/row':>9}{'growth':>8}{'floor':>8}"
HEAD = f"{'operation':<32}{'persona':<12}{'ratio':>7}{'ours ms':>10}{'floor ms':>10}{'buffers':>10}{'floor':>9}{'queries':>9}{'whole ms':>10}{'fragment':>10}{'least':>7}{'kB':>7}{'growth':>8}{'floor':>8}"


@dataclass(frozen=True)
class Result:
    """`sql_ratio` is our time in the database over the floor's, None without a floor. `same` says whether both return the same keys. Of lists:
    `fragment_ratio` is the time of the fragment over that of a plain view of the same rows and columns, `least_ratio` over that of a view that
    repeats one value (`crm.bench.fragments`); `weight` is the bytes of the whole page, compressed. `growth` is how
    many times the buffers of a smaller stock are touched, `floor_growth` the same of the floor; None where nobody said what they were."""

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
    least_ratio: float | None = None
    weight: int = 0
    growth: float | None = None
    floor_growth: float | None = None

    @property
    def holds(self) -> bool:
        """Same rows, and at most three times the floor or few buffers."""
        return self.same and (self.buffers < FEW_BUFFERS or (self.sql_ratio is not None and self.sql_ratio <= RATIO))

    @property
    def grows(self) -> bool:
        """More than a little, and to more than a few buffers."""
        return self.growth is not None and self.growth > GROWTH and self.buffers >= FEW_BUFFERS

    @property
    def outgrows(self) -> bool:
        """More than a little more than the floor: where ten times as much fits, the best SQL reads ten times as much."""
        return self.grows and (self.growth or 0) > GROWTH * max(self.floor_growth or 1, 1)

    def as_row(self) -> dict[str, Any]:
        """For a file."""
        return {**asdict(self), "holds": self.holds}

    def line(self) -> str:
        """For the terminal."""
        ratio = "" if self.sql_ratio is None else f"{self.sql_ratio:.1f}"
        floor = f"{self.floor_ms:.1f}" if self.floor_ms else ""
        fragment = " " * 24 if self.fragment_ratio is None else f"{self.fragment_ratio:>10.1f}{self.least_ratio:>7.1f}{self.weight / 1000:>7.1f}"
        growth = _growth(self)
        note = "" if self.holds else "  <- other rows" if not self.same else "  <-"
        return f"{self.operation:<32}{self.persona:<12}{ratio:>7}{self.ms:>10.1f}{floor:>10}{self.buffers:>10,}{self.floor_buffers or '':>9}{self.queries:>9}{self.all_ms:>10.1f}{fragment}{growth}{note}"


def _grown(earlier: Mapping[str, Any] | None, buffers: int, floor_buffers: int, rows: int = 1) -> tuple[float | None, float | None]:
    """How many times as many buffers a row as `earlier`, ours and the floor's."""
    if not earlier:
        return None, None
    before = earlier.get("rows") or 1
    pairs = (buffers, earlier["buffers"]), (floor_buffers, earlier["floor_buffers"])
    ours, floor = ((now / (rows or 1)) / max(then / before, 0.001) if now and then else None for now, then in pairs)
    return ours, floor


def _growth(result: Result | LongResult) -> str:
    return "".join(f"{'' if times is None else f'{times:.1f}':>8}" for times in (result.growth, result.floor_growth))


@dataclass(frozen=True)
class LongResult:
    """Of long work on `rows` rows. `ms` is all of it, the database's part and our own: much of it is no statement one could time. `sql_ratio` is
    that over the floor's. `growth` is how many times the buffers of one row are touched on a smaller stock, or where fewer rows were measured;
    `floor_growth` the same of the floor."""

    operation: str
    persona: str
    sql_ratio: float
    buffers: int
    floor_buffers: int
    queries: int
    ms: float
    floor_ms: float
    own_ms: float
    rows: int
    same: bool
    growth: float | None = None
    floor_growth: float | None = None

    holds, grows, outgrows, as_row = Result.holds, Result.grows, Result.outgrows, Result.as_row

    def line(self) -> str:
        """For the terminal."""
        each = f"{self.ms * 1000 / self.rows:>9.1f}{self.buffers / self.rows:>9.1f}" if self.rows else " " * 18
        growth = _growth(self)
        note = "" if self.holds else "  <- not the same" if not self.same else "  <-"
        return (
            f"{self.operation:<32}{self.persona:<12}{self.sql_ratio:>7.1f}{self.ms:>10.0f}{self.floor_ms:>10.0f}{self.buffers:>12,}{self.floor_buffers:>12,}"
            f"{self.queries:>9}{self.own_ms:>10.0f}{self.rows or '':>9}{each}{growth}{note}"
        )


def long_result(operation: str, persona: Persona, both: Both, smaller: Mapping[tuple[str, str], Mapping[str, Any]]) -> LongResult:
    """What was measured, beside what `smaller` says of fewer rows or a smaller stock."""
    growth, floor_growth = _grown(smaller.get((operation, persona.name)), both.ours.buffers, both.floor.buffers, both.rows)
    return LongResult(
        operation, persona.name, both.ours.ms / both.floor.ms, both.ours.buffers, both.floor.buffers, both.ours.queries, both.ours.ms, both.floor.ms,
        both.ours.own_ms, both.rows, both.same, growth, floor_growth,
    )  # fmt: skip


def held_against(operation: Operation, persona: Persona, ours: Cost, smaller: Mapping[tuple[str, str], Mapping[str, Any]]) -> Result:
    """Measure the floors and compare with the fastest. `smaller` are the results on a smaller stock, by operation and persona."""
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
    fragment, least, weight = None, None, 0
    if operation.fragment:
        crud, query = operation.fragment
        fragment, least = fragments.ratios_of(crud, persona, query)
        weight = fragments.weight_of(client_of(persona).get(f"{crud.url('list')}?{query}").content)
    growth, floor_growth = _grown(smaller.get((operation.name, persona.name)), ours.buffers, best.buffers if best else 0)
    return Result(
        operation.name, persona.name, ratio, ours.buffers, best.buffers if best else 0, ours.queries, ours.ms, best.ms if best else 0, ours.all_ms, same, fragment, least, weight,
        growth, floor_growth,
    )  # fmt: skip
