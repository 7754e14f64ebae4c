"""The pytest plugin of the proofs: tests marked `proof("NAME")` record the figures of a promise.

    @pytest.mark.proof("edits")
    def test_no_edit_is_lost(figures):
        figures.record("acknowledged edits lost", lost, "edits", goal="0", holds=lost == 0)

The figures of a run are printed as a table after the tests; `./lotse prove [NAME…]` runs the proofs alone, `--full` the
long form (`prove_full`), `--from DIR` on real files (`prove_from`), `--json FILE` keeps the figures.
"""

import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

FOLDER = "LOTSE_FIGURES"  # the folder where all processes of a run leave their figures


@dataclass(frozen=True)
class Figure:
    """One measured number or fact: `goal` says in words what was promised, `holds` whether it is kept."""

    proof: str
    name: str
    value: float | str
    unit: str
    goal: str
    holds: bool


class Figures:
    """Writes the figures of one test."""

    def __init__(self, proof: str) -> None:
        self.proof = proof

    def record(self, name: str, value: float | str, unit: str = "", goal: str = "", holds: bool = True) -> None:
        """Keep a figure, then fail the test if it does not hold."""
        figure = Figure(self.proof, name, value, unit, goal, bool(holds))
        with (Path(os.environ[FOLDER]) / f"{os.getpid()}.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(figure), ensure_ascii=False) + "\n")
        assert holds, f"{self.proof}: {name} is {value} {unit}, promised: {goal}"


def recorded() -> list[Figure]:
    """All figures of this run, by proof, in the order they were recorded."""
    lines = [line for file in sorted(Path(os.environ[FOLDER]).glob("*.jsonl")) for line in file.read_text(encoding="utf-8").splitlines()]
    return sorted((Figure(**json.loads(line)) for line in lines), key=lambda figure: figure.proof)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--proof NAME`, once for each wanted proof."""
    parser.addoption("--proof", action="append", default=[], metavar="NAME", help="only the tests of this proof (may be repeated)")


def pytest_configure(config: pytest.Config) -> None:
    """One folder for all workers: they inherit our environment."""
    if FOLDER not in os.environ:
        folder = tempfile.TemporaryDirectory(prefix="lotse-figures-")
        os.environ[FOLDER] = folder.name

        def forget() -> None:
            folder.cleanup()
            del os.environ[FOLDER]

        config.add_cleanup(forget)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave only the wanted proofs; a name that no test bears is an error, not an empty success."""
    wanted = set(config.getoption("--proof"))
    if not wanted:
        return
    names = {item: {mark.args[0] for mark in item.iter_markers("proof")} for item in items}
    known = set().union(*names.values()) if names else set()
    if missing := wanted - known:
        raise pytest.UsageError(f"no proof named {', '.join(sorted(missing))}; there are: {', '.join(sorted(known))}")
    config.hook.pytest_deselected(items=[item for item in items if not names[item] & wanted])
    items[:] = [item for item in items if names[item] & wanted]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The table."""
    figures = recorded()
    if not figures:
        return
    terminalreporter.section("proofs")
    rows = [("proof", "figure", "value", "unit", "goal", "holds")]
    rows += [(f.proof, f.name, f"{f.value:,}" if isinstance(f.value, int) else str(f.value), f.unit, f.goal, "yes" if f.holds else "NO") for f in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    for row in rows:
        terminalreporter.write_line("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Figures:
    """The recorder of this test's proof."""
    mark = request.node.get_closest_marker("proof")
    if mark is None:
        raise pytest.UsageError(f"{request.node.nodeid} records figures but is not marked proof(NAME)")
    return Figures(mark.args[0])


@pytest.fixture(scope="session")
def prove_full() -> bool:
    """Whether the long form is wanted (`./lotse prove --full`)."""
    return os.environ.get("LOTSE_PROVE_FULL") == "1"


@pytest.fixture(scope="session")
def prove_from() -> Path | None:
    """The folder with real files (`./lotse prove --from DIR`), if one was named."""
    folder = os.environ.get("LOTSE_PROVE_FROM")
    return Path(folder) if folder else None
