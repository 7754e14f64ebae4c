"""No import makes an organisation belong to itself, by way of whatever others: neither forms nor deleting could deal with it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts.circles import LEVELS, closes_circle, lines_above
from contacts.models import Organisation
from sales.imports import applying, checking
from sales.imports.models import ImportRun
from tests.factories import OrganisationFactory
from tests.imports.steps import apply, begin, check

pytestmark = pytest.mark.django_db


def circles() -> list[str]:
    """The organisations that belong to themselves."""
    above = dict(Organisation.objects.unrestricted().values_list("pk", "parent_id"))
    found = []
    for pk, name in Organisation.objects.unrestricted().order_by("pk").values_list("pk", "legal_name"):
        at, seen = above[pk], set[Any]()
        while at is not None and at not in seen:
            seen.add(at)
            at = above[at]
        found += [name] if pk in seen else []
    return found


def lines(run: ImportRun, column: str) -> dict[str, tuple[str, list[str]]]:
    """Name → (verdict or outcome, reasons)."""
    return {row.facts["name"]: (getattr(row, column), [reason[0] for reason in row.reasons]) for row in run.rows.all()}


def file_of(folder: Path, *pairs: str) -> Path:
    """Pairs are written "A>B" for A that belongs to B, "A" for one that belongs to none."""
    path = folder / "accounts.csv"
    path.write_text("account,subsidiary_of\n" + "".join(f"{pair.replace('>', ',') if '>' in pair else pair + ','}\n" for pair in pairs))
    return path


@pytest.mark.parametrize("known", [False, True], ids=["new", "known"])
@pytest.mark.parametrize("chunk", [1, 2, 2_000])
@pytest.mark.parametrize("pairs", [("Ahn>Beck", "Beck>Ahn"), ("Ahn>Beck", "Frei", "beck>Carl", "Carl>AHN", "Dorn>Frei"), ("Dorn>Ahn", "Ahn>Beck", "Beck>Ahn", "Frei>Ei", "Ei")], ids=["two", "three", "with a tail"])
def test_a_circle_in_the_file_is_not_brought_in(cast: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pairs: tuple[str, ...], chunk: int, known: bool) -> None:
    for module in (applying, checking):
        monkeypatch.setattr(module, "CHUNK", chunk)
    if known:
        for name in ("Ahn", "Beck", "Carl", "Dorn", "Ei", "Frei"):
            OrganisationFactory(owner=cast.anna, legal_name=name)
    run = check(begin([file_of(tmp_path, *pairs)], cast.emil), cast.emil)
    found = lines(run, "verdict")
    assert ("refused", ["circle"]) in found.values()
    if chunk == 2_000:
        ring = {"Ahn", "Beck", "beck", "Carl"}
        assert {name for name, line in found.items() if line == ("refused", ["circle"])} == ring & set(found)
    apply(run, cast.emil)
    assert not circles()
    if "Dorn>Frei" in pairs:
        assert Organisation.objects.get(legal_name="Dorn").parent.legal_name == "Frei"
    elif "Frei>Ei" in pairs:
        assert Organisation.objects.get(legal_name="Frei").parent.legal_name == "Ei"


def test_a_circle_with_what_is_here_is_not_closed(cast: SimpleNamespace, tmp_path: Path) -> None:
    """Kopf belongs to Leit here; the file puts Neu below Kopf, and Leit below Neu."""
    leit = OrganisationFactory(owner=cast.anna, legal_name="Leit")
    OrganisationFactory(owner=cast.anna, legal_name="Kopf", parent=leit)
    run = apply(check(begin([file_of(tmp_path, "Neu>Kopf", "Leit>Neu")], cast.emil), cast.emil), cast.emil)
    assert lines(run, "outcome") == {"Neu": ("created", []), "Leit": ("refused", ["circle"])}
    assert not circles() and Organisation.objects.get(legal_name="Neu").parent.legal_name == "Kopf"


def test_a_circle_of_known_ones_is_seen_when_it_is_checked(cast: SimpleNamespace, tmp_path: Path) -> None:
    leit = OrganisationFactory(owner=cast.anna, legal_name="Leit")
    mitte = OrganisationFactory(owner=cast.anna, legal_name="Mitte", parent=leit)
    OrganisationFactory(owner=cast.anna, legal_name="Kopf", parent=mitte)
    run = check(begin([file_of(tmp_path, "Leit>Kopf")], cast.emil), cast.emil)
    assert lines(run, "verdict") == {"Leit": ("refused", ["circle"])}
    apply(run, cast.emil)
    assert not circles()


def test_an_answer_closes_no_circle(cast: SimpleNamespace, tmp_path: Path) -> None:
    run = check(begin([file_of(tmp_path, "Ahnwerk>Bekcwerk", "Beckwerk>Ahnwerk")], cast.emil), cast.emil)
    assert run.questions.get().choice == "use:Beckwerk"
    apply(run, cast.emil)
    assert sorted(lines(run, "outcome").values()) == [("created", []), ("created", ["circle"])] and not circles()


def test_a_long_line_is_brought_in_whole(cast: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (applying, checking):
        monkeypatch.setattr(module, "CHUNK", 4)
    run = check(begin([file_of(tmp_path, *(f"Werk {n}>Werk {n + 1}" for n in range(9)), "Werk 9")], cast.emil), cast.emil)
    apply(run, cast.emil)
    assert [Organisation.objects.get(legal_name=f"Werk {n}").parent.legal_name for n in range(9)] == [f"Werk {n + 1}" for n in range(9)]


def test_lines_are_looked_up_by_level_and_not_by_row(cast: SimpleNamespace, tmp_path: Path) -> None:
    def asked(count: int, do: Any) -> int:
        run = begin([file_of(tmp_path, "Kopf", *(f"Leit {count} {n}>Kopf" for n in range(count)), *(f"Werk {count} {n}>Leit {count} {n}" for n in range(count)))], cast.emil)
        with CaptureQueriesContext(connection) as seen:
            do(run)
        return len(seen)

    for do in (lambda run: check(run, cast.emil), lambda run: apply(check(run, cast.emil), cast.emil)):
        asked(2, do)
        assert asked(3, do) == asked(30, do)


def test_lines_end_whatever_is_above() -> None:
    """A circle that is there already and a line without end neither hold anybody up nor are taken for a circle of others."""
    ring, endless, times = {1: 2, 2: 3, 3: 2}, {n: n + 1 for n in range(1_000)}, []

    def parents(of: dict[int, int]) -> Any:
        return lambda ids: times.append(1) or {pk: of[pk] for pk in ids if pk in of}

    assert lines_above([1], parents(ring)) == ring and len(times) == 3
    assert not closes_circle(ring, 9, 1) and closes_circle(ring, 3, 1)
    times.clear()
    assert len(lines_above([0], parents(endless))) == len(times) == LEVELS
    assert not closes_circle(endless, -1, 0) and closes_circle(endless, LEVELS - 1, 0)
