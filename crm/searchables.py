"""What the palette finds: which records, pages and actions (D11)."""

from typing import Any


def find(user: Any, text: str) -> list[dict[str, Any]]:
    return []


def today(user: Any) -> dict[str, Any]:
    return {}
