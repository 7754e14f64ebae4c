"""Placeholders exist once: `{name}` in a text people wrote becomes a value from a flat dictionary of strings (D16).

`{name|words}` says what stands there if the value is empty. A brace with a letter behind it is meant as a placeholder; any other brace is
itself. No expressions, no attributes, no template language: nothing a writer types can reach more than the dictionary.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from django.utils.translation import gettext as _

_PLACE = re.compile(r"\{ *([a-z][a-z0-9_]*) *(?:\|([^{}\n]*))?\}")
_MEANT = re.compile(r"\{ *(?=[^\W\d_])[^{}\n]*\}?")


@dataclass(frozen=True)
class Problem:
    """Something that looks like a placeholder and is none: where it stands (from 1), what is written, and what may have been meant ("" if nobody knows)."""

    at: int
    written: str
    meant: str = ""

    def __str__(self) -> str:
        facts = {"written": self.written, "at": self.at, "meant": self.meant}
        if self.meant:
            return _("Nobody fills in %(written)s (character %(at)s). Did you mean {%(meant)s}?") % facts
        return _("Nobody fills in %(written)s (character %(at)s).") % facts


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with its placeholders filled in. One that is not known stays as it is written, so that it is seen."""
    return _PLACE.sub(lambda found: found[0] if found[1] not in values else values[found[1]] or (found[2] or "").strip(), text)


def names(text: str) -> list[str]:
    """The placeholders of a text in order, each once."""
    return list(dict.fromkeys(found[1] for found in _PLACE.finditer(text)))


def gaps(text: str, values: Mapping[str, str]) -> list[str]:
    """The placeholders in whose place nothing would stand: their value is empty and no words stand in for it."""
    return list(dict.fromkeys(found[1] for found in _PLACE.finditer(text) if not values.get(found[1], "?") and not (found[2] or "").strip()))


def problems(text: str, known: Collection[str]) -> list[Problem]:
    """What in a text would not be filled in, in order. Nothing found means: `fill` leaves no placeholder behind."""
    found = []
    for meant in _MEANT.finditer(text):
        whole = _PLACE.fullmatch(meant[0])
        if whole is None or whole[1] not in known:
            name = whole[1] if whole else re.split(r"[^\w]", meant[0].strip("{} "), maxsplit=1)[0].lower()
            found.append(Problem(meant.start() + 1, meant[0], next(iter(get_close_matches(name, known, n=1)), "")))
    return found
