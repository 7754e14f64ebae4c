"""An organisation belongs to another one, never to itself, not even by way of others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from contacts.models import Party

LEVELS = 50  # looked at above one organisation: none has so many
Node = TypeVar("Node", int, str)


def lines_above(start: Iterable[Node], parents: Callable[[set[Node]], Mapping[Node, Node]]) -> dict[Node, Node]:
    """Whom each of these belongs to, and each of those above them; `parents` is asked once for a level."""
    above: dict[Node, Node] = {}
    asked: set[Node] = set()
    ask = set(start)
    for _level in range(LEVELS):
        if not ask:
            break
        found = parents(ask)
        above.update(found)
        asked |= ask
        ask = set(found.values()) - asked
    return above


def parents_here(ids: set[int]) -> dict[int, int]:
    """Whom these organisations belong to here."""
    # the gate: a circle is one whoever looks; only whether there is one is told
    return dict(Party.objects.unrestricted().filter(pk__in=list(ids), parent__isnull=False).values_list("pk", "parent_id"))


def closes_circle(above: Mapping[Node, Node], child: Node, parent: Node) -> bool:
    """Would the child belong to itself if it belonged to this parent?"""
    at: Node | None = parent
    for _level in range(LEVELS):
        if at is None:
            return False
        if at == child:
            return True
        at = above.get(at)
    return False
