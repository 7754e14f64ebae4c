"""Placeholders: a flat dictionary and nothing behind it; what would not be filled in is said with its place."""

from __future__ import annotations

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from crm.core.placeholders import fill, gaps, names, problems

VALUES = {"name": "Anna", "empty": "", "sign": "{name}", "number": "V-20001"}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("Hallo {name}", "Hallo Anna"),
        ("{ name }, {name}", "Anna, Anna"),
        ("{empty|dort}", "dort"),
        ("{empty | dort drüben }", "dort drüben"),
        ("{name|dort}", "Anna"),
        ("{empty}", ""),
        ("{empty|}", ""),
        ("{sign}", "{name}"),  # a value is never looked at again
        ("{empty|Anna (Nord) | Süd}", "Anna (Nord) | Süd"),
        ("{other} {other|x}", "{other} {other|x}"),  # not known: it stays, so that it is seen
        ("{a.b} {a!r} {name.__class__} {name[0]} {0} {} { } {{name}}", "{a.b} {a!r} {name.__class__} {name[0]} {0} {} { } {Anna}"),
        ("{NAME} {Name}", "{NAME} {Name}"),
        ("50 % {name} 100 %s %(name)s ${name}", "50 % Anna 100 %s %(name)s $Anna"),
        ("{empty|zwei\nZeilen}", "{empty|zwei\nZeilen}"),
    ],
)
def test_what_is_filled_in(text: str, filled: str) -> None:
    assert fill(text, VALUES) == filled


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Hallo {name}, {number|ohne}", []),
        ("Hallo {nmae}", [(7, "{nmae}", "name")]),
        ("Hallo { Name }", [(7, "{ Name }", "name")]),
        ("{name.__class__}", [(1, "{name.__class__}", "name")]),
        ("{name", [(1, "{name", "name")]),
        ("{xyz} und {nummer}", [(1, "{xyz}", ""), (11, "{nummer}", "number")]),
        ("{name}\n{nam", [(8, "{nam", "name")]),
        ("{ } {} {1} { 5 € }", []),  # braces that nobody means
        ("{größe}", [(1, "{größe}", "")]),
        ("{empty|{name}}", [(1, "{empty|", "empty")]),
    ],
)
def test_what_would_not_be_filled_in_is_said(text: str, found: list[tuple[int, str, str]]) -> None:
    assert [(problem.at, problem.written, problem.meant) for problem in problems(text, VALUES)] == found


def test_a_problem_reads_like_a_sentence() -> None:
    with translation.override("de"):
        near, far = problems("{nmae} {xyz}", VALUES)
        assert str(near) == "{nmae} füllt niemand aus (Zeichen 1). Meinten Sie {name}?"
        assert str(far) == "{xyz} füllt niemand aus (Zeichen 8)."


def test_the_names_of_a_text() -> None:
    assert names("{number} {name} {number|x} {a.b}") == ["number", "name"]


BRACES = st.text(alphabet="{}| \nanme_.%[]!", max_size=40) | st.text(max_size=40)


@given(BRACES, st.dictionaries(st.sampled_from(["a", "m", "name", "n_e"]), BRACES))
def test_no_text_breaks_it(text: str, values: dict[str, str]) -> None:
    fill(text, values)
    for problem in problems(text, values):
        assert text[problem.at - 1 :].startswith(problem.written) and str(problem)


@given(BRACES)
def test_a_text_without_problems_leaves_nothing_behind(text: str) -> None:
    """Whatever `problems` passes is filled in whole: no name survives."""
    known = {"a": "1", "m": "2", "name": "3", "n_e": "4"}
    if not problems(text, known):
        assert names(fill(text, known)) == []


def test_a_gap_is_an_empty_value_without_words_in_its_place() -> None:
    assert gaps("{a} {b|x} {c} {a} {d}", {"a": "", "b": "", "c": "there"}) == ["a"]
