"""What other apps show on a contact's page and in the list of organisations; the roof's table (`crm/panels.py`) names them (D11)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from crm.core.columns import Column
from crm.core.wiring import table


@dataclass(frozen=True)
class Panel:
    """One panel: `url_name` takes the contact's id and answers a fragment; `list_url` is the whole list as a page.

    `figure` (contact, reader) → {label, value, detail, url} for the strip on top (None: nothing there); `columns` belong to the
    list of organisations. All of it appears only to readers for whom `open_to` holds.
    """

    key: str
    label: Any
    url_name: str
    open_to: Callable[[Any], bool]
    list_url: Callable[[Any], str]
    figure: Callable[[Any, Any], dict[str, Any]] | None = None
    columns: list[Column] = field(default_factory=list)


def panels_for(reader: Any) -> list[Panel]:
    """The panels this reader may open."""
    return [panel for panel in table("LOTSE_PANELS") if panel.open_to(reader)]
