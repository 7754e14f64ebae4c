"""Country names in English and German to their ISO codes (Unicode CLDR through Babel)."""

from __future__ import annotations

from functools import cache

from crm.core.formats import countries
from sales.imports.context import Names

# Exports say these although CLDR does not.
_ALSO = {"Korea": "KR", "USA": "US", "U.S.": "US", "United States of America": "US", "UK": "GB", "Great Britain": "GB", "England": "GB", "Holland": "NL", "Czech Republic": "CZ", "Turkey": "TR", "Russland": "RU"}


@cache
def _codes() -> tuple[list[str], Names]:
    known: dict[str, str] = {}
    for language in ("en", "de"):
        for code, name in countries(language).items():
            known.setdefault(name, code)
            known.setdefault(code, code)
    known |= _ALSO
    codes = sorted(set(known.values()))
    return codes, Names((name, codes.index(code) + 1) for name, code in known.items())


def country_names() -> Names:
    """All names; their ids are for `country_code`."""
    return _codes()[1]


def country_code(pk: int) -> str:
    """The ISO code behind an id of `country_names`."""
    return _codes()[0][pk - 1]
