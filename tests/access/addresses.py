"""Real addresses for every route of the table: `{pk}` filled with the record a cell is about."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from tests.access.routes import ROUTES, Rule


def record(world: Any, rule: Rule, of: Any) -> Any:
    """The record a rule's address names, out of the set `of` (own, team, foreign, shared, editable) or the world itself."""
    return getattr(of, rule.row) if hasattr(of, rule.row) else getattr(world, rule.row)


def address(world: Any, name: str, rule: Rule, of: Any) -> str:
    """The address of a route for one record."""
    values: dict[str, Any] = {}
    for key, value in rule.values:
        if isinstance(value, str) and value.startswith("@"):
            value = (getattr(of, value[1:], None) or getattr(world, value[1:])).pk
        values[key] = value
    if rule.row:
        found = record(world, rule, of)
        values["token" if rule.row == "undo" else "pk"] = found.token if rule.row == "undo" else found.pk
    return reverse(name, kwargs=values)


def pages(world: Any, of: Any) -> dict[str, str]:
    """Every page (GET) with an address, by route name."""
    return {name: address(world, name, rule, of) for name, rule in ROUTES.items() if "GET" in rule.methods and not rule.download}
