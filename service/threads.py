"""Which case a mail belongs to, pure: what it answers first, then a number in its subject, if the sender belongs to that case."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

NUMBER = re.compile(r"(?<![A-Za-z0-9])R-\d{5,12}(?!\d)", re.IGNORECASE)


def numbers_in(heading: str) -> list[str]:
    """Case numbers a subject names, in their order."""
    return [match.upper() for match in NUMBER.findall(heading)][:5]


def case_of(references: Sequence[str], heading: str, *, sent: Mapping[str, int], heard: Mapping[str, int], numbers: Mapping[str, int], belongs: Collection[int]) -> int | None:
    """The id of the case, or None: a new one.

    `references` from the nearest to the farthest; `sent`: Message-IDs of ours → case, which nobody can guess; `heard`: those of mails that
    came in → case; `numbers`: case numbers named in the subject → case; `belongs`: cases this sender has to do with. A number can be
    guessed, so a stranger who names one begins a case of their own.
    """
    for known in (sent, heard):
        for one in references:
            if one in known:
                return known[one]
    return next((numbers[number] for number in numbers_in(heading) if numbers.get(number) in belongs and number in numbers), None)
