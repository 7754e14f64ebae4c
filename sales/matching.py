"""Where the columns and values of a foreign file belong: guesses a person confirms, never changes of their own."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from crm.core.fold import fold, likeness
from crm.core.tables import guess_kind

Verdict = Literal["exact", "doubtful", "similar", "none"]

EXACT = 1.0  # the same but for case and outer or doubled blanks
DOUBTFUL = 0.97  # the same but for spacing, punctuation, umlauts or the order of words: "GTXPro"
SIMILAR = 0.75  # share of characters that agree: "technolgy"

_COLUMN = 0.5  # below, a column is left to the person
_BY_KIND = 0.6  # score of a column whose values alone tell what it is
_OWN_KINDS = ("email", "phone", "url")
_READABLE = {
    "money": ("money", "number"),
    "number": ("number",),
    "date": ("date",),
    "email": ("email",),
    "phone": ("phone",),
    "url": ("url",),
}
_CAMEL = re.compile(r"(?<=[a-zäöüß0-9])(?=[A-ZÄÖÜ])")
_NOT_WORD = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class Target:
    """A field that columns may fill. `labels`: its names in German and English with their synonyms; `kind` as in `guess_kind`;
    `examples`: values it takes where they are known (stages, products)."""

    key: str
    labels: tuple[str, ...]
    kind: str = "text"
    examples: tuple[str, ...] = ()


def verdict(score: float) -> Verdict:
    """What a score of `closest` means. Only exact may be taken without asking."""
    if score >= EXACT:
        return "exact"
    return "doubtful" if score >= DOUBTFUL else "similar" if score >= SIMILAR else "none"


def closest(value: str, candidates: Sequence[str], limit: int = 3) -> list[tuple[str, float]]:
    """The candidates that `value` may mean, best first, with scores for `verdict`; an exact one stands alone; [] if none is near.

    Values whose digits differ are different things (GTK 500, GTK 600), however alike they look.
    """
    plain = _plain(value)
    if not plain:
        return []
    for candidate in candidates:
        if _plain(candidate) == plain:
            return [(candidate, EXACT)]
    words = _words(value)
    found = [(candidate, score) for candidate in candidates if (score := _near(words, _words(candidate))) >= SIMILAR]
    return sorted(found, key=lambda pair: -pair[1])[:limit]


def guess_columns(header: Sequence[str], samples: Sequence[Sequence[str]], targets: Sequence[Target]) -> dict[int, tuple[str, float]]:
    """{place of the column: (key of the target, score 0–1)}, each target at most once, the surest pair first.

    `samples`: some cells per column. A column whose values cannot be of the target's kind is not given to it, whatever its name.
    """
    pairs = [
        (score, column, place)
        for column, label in enumerate(header)
        for place, target in enumerate(targets)
        if (score := _fit(label, [cell for cell in samples[column] if cell.strip()], target)) >= _COLUMN
    ]
    found: dict[int, tuple[str, float]] = {}
    given: set[int] = set()
    for score, column, place in sorted(pairs, key=lambda pair: (-pair[0], pair[1], pair[2])):
        if column not in found and place not in given:
            found[column] = (targets[place].key, round(score, 2))
            given.add(place)
    return found


def _fit(label: str, cells: list[str], target: Target) -> float:
    kind = guess_kind(cells).kind
    readable = _READABLE.get(target.kind)
    if readable and kind not in (*readable, "empty"):
        return 0.0
    words = _words(_CAMEL.sub(" ", label))
    score = max((_same_name(words, _words(name)) for name in target.labels), default=0.0)
    score *= 1.0 if readable and kind != "empty" else 0.95
    if readable and kind in _OWN_KINDS:
        score = max(score, _BY_KIND + score / 4)
    if target.examples and cells:
        known = {"".join(_words(example)) for example in target.examples}
        share = sum("".join(_words(cell)) in known for cell in cells) / len(cells)
        if share >= _COLUMN:
            score = max(score, _BY_KIND + (1 - _BY_KIND) * share * 0.9)
    return score


def _same_name(header: list[str], label: list[str]) -> float:
    if not header or not label:
        return 0.0
    if header == label:
        return 1.0
    whole = _likeness_of_words("".join(header), "".join(label))
    left = list(label)
    agreed = 0.0
    for word in header:
        score, other = max(((_same_word(word, other), other) for other in left), default=(0.0, ""))
        if score:
            agreed += score * (len(word) + len(other))
            left.remove(other)
    shared = agreed / sum(map(len, header + label))
    return 0.98 if whole == 1 else 0.9 * max(shared, whole)


def _same_word(header: str, label: str) -> float:
    """A column may shorten the field's name (Chance for Verkaufschance); a longer word says something else (Kundennummer is no Nummer)."""
    if header == label:
        return 1.0
    if len(header) >= 3 and (label.startswith(header) or (len(header) >= 5 and header in label)):
        return 0.8
    return _likeness_of_words(header, label)


def _likeness_of_words(a: str, b: str) -> float:
    """Likeness, or 0 where it is below SIMILAR: the counts of letters tell most of these without measuring."""
    longer = max(len(a), len(b))
    if a == b:
        return 1.0
    if abs(len(a) - len(b)) > longer * (1 - SIMILAR) or (Counter(a) & Counter(b)).total() < longer * SIMILAR - 1:
        return 0.0
    score = likeness(a, b)
    return score if score >= SIMILAR else 0.0


def _near(value: list[str], candidate: list[str]) -> float:
    one, other = "".join(value), "".join(candidate)
    if not one or not other:
        return 0.0
    if one == other or sorted(value) == sorted(candidate):
        return DOUBTFUL
    if [char for char in one if char.isdigit()] != [char for char in other if char.isdigit()] or min(len(one), len(other)) < 4:
        return 0.0
    return min(_likeness_of_words(one, other), DOUBTFUL - 0.01)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _words(text: str) -> list[str]:
    return _NOT_WORD.sub(" ", fold(text)).split()
