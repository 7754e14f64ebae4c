"""What is sent to a parser, and whether it answers: with a result or with its own error, and soon."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, unquote_to_bytes

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.fuzz.mutate import NODES
from tests.hostile import VALUES

SOON = 1.0  # seconds of work one input may take; none is longer than LONG
LONG = 20_000



def one_of(samples: Sequence[Any]) -> st.SearchStrategy[Any]:
    """As `sampled_from`, which would write them all down when one fails."""
    return st.integers(0, len(samples) - 1).map(lambda place: samples[place])


_samples = one_of([unquote(value, errors="ignore").replace("\x00", "") for value in VALUES])


def texts(*pieces: str) -> st.SearchStrategy[str]:
    """Any text, the corpus, what is made of these pieces, and one piece over and over: a reader that goes back and forth shows by that."""
    words = st.sampled_from(pieces)
    odd = st.text(max_size=4)
    mixed = st.lists(st.one_of(words, words, odd), max_size=30).map("".join)
    again = st.builds(lambda piece, tail, times: (piece * times)[:LONG] + tail, st.one_of(words, st.text(min_size=1, max_size=3)), odd, st.sampled_from([50, 1000, 20_000]))
    return st.one_of(st.text(max_size=60), _samples, mixed, mixed, again).map(storable)


def storable(text: str) -> str:
    """Without what `CleanInput` refuses at the door."""
    return text.replace("\x00", "").encode("utf-8", "ignore").decode()


def bodies(*pieces: bytes) -> st.SearchStrategy[bytes]:
    """The same as bytes, and here nothing is refused beforehand."""
    words = st.sampled_from(pieces)
    odd = st.binary(max_size=4)
    mixed = st.lists(st.one_of(words, words, odd), max_size=40).map(b"".join)
    again = st.builds(lambda piece, tail, times: (piece * times)[:LONG] + tail, words, odd, st.sampled_from([50, 1000, 20_000]))
    return st.one_of(st.binary(max_size=300), one_of([unquote_to_bytes(value) for value in VALUES]), mixed, mixed, again)


def values() -> st.SearchStrategy[Any]:
    """Whatever JSON can say, and some of it often."""
    leaf = st.one_of(one_of(NODES), st.none(), st.booleans(), st.integers(-(10**20), 10**20), st.floats(), texts("x", "2026-01-01"))
    return st.recursive(leaf, lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=3)), max_leaves=8)


def trees(fields: list[str], ops: list[str], relations: list[str], measures: list[str]) -> st.SearchStrategy[Any]:
    """Trees of conditions, most of them nearly right."""
    value = st.one_of(values(), st.sampled_from([1, "1", 10, "2026-01-01", "a", ["a"], [1, 2], {"days": 3}]))
    leaf = st.fixed_dictionaries({"field": st.one_of(st.sampled_from(fields), values()), "op": st.one_of(st.sampled_from(ops), st.sampled_from(ops), values())}, optional={"value": value})

    def joined(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        related = st.fixed_dictionaries(
            {"related": st.one_of(st.sampled_from(relations or ["x"]), values()), "measure": st.one_of(st.sampled_from(measures or ["count"]), values()), "op": st.sampled_from(["at_least", "at_most"]), "value": value},
            optional={"where": inner},
        )
        parts = st.lists(inner, max_size=3)
        return st.one_of(st.builds(lambda key, part: {key: part}, st.sampled_from(["all", "any"]), parts), st.builds(lambda part: {"not": part}, inner), related)

    return st.one_of(st.recursive(leaf, joined, max_leaves=6), values())


@dataclass
class Hunt:
    """One parser under fire. `own`: the errors by which it says no."""

    read: Callable[[Any], object]
    given: st.SearchStrategy[Any]
    own: tuple[type[Exception], ...] = ()
    tried: int = 0
    slow: list[tuple[float, str]] = field(default_factory=list)
    fell: list[str] = field(default_factory=list)

    def run(self, examples: int) -> None:
        """Each input once; the first that makes it fall is made as small as it goes. The same every time."""

        @settings(max_examples=examples, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate, Phase.shrink], report_multiple_bugs=False)
        @given(self.given)
        def one(sent: Any) -> None:
            if len(self.slow) > 2:
                return
            self.tried += 1
            begin = time.thread_time()
            with suppress(*self.own):
                self.read(sent)
            seconds = time.thread_time() - begin
            if seconds > SOON:
                self.slow.append((round(seconds, 2), repr(sent)[:200]))

        try:
            one()
        except Exception as error:
            notes = " ".join(getattr(error, "__notes__", []))
            self.fell.append(f"{type(error).__name__}: {error} {notes}"[:1500])
