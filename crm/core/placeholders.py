"""Placeholders exist once: `{name}` in a text people wrote becomes a value from a flat dictionary of strings. No expressions, no attributes (D16)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

_PLACE = re.compile(r"\{([a-z][a-z0-9_]*)\}")


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with its placeholders filled in. One that is not known stays as it is written, so that it is seen."""
    return _PLACE.sub(lambda found: values.get(found[1], found[0]), text)


def unknown(text: str, names: Collection[str]) -> list[str]:
    """The placeholders of a text that are not among `names`, in order, each once."""
    return [name for name in dict.fromkeys(_PLACE.findall(text)) if name not in names]
