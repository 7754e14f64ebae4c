"""Who is in a segment: asked anew each time, by the reader's own eyes."""

from __future__ import annotations

from datetime import date
from typing import Any

from campaigns.words import vocabulary_for
from contacts.models import Party
from crm.core.conditions import Tree, to_query
from crm.core.records import RecordQuerySet


def members(tree: Tree, reader: Any, today: date | None = None) -> RecordQuerySet[Party]:
    """The contacts the reader may see and for whom the tree holds, each once. Raises ValidationError, in words, for a tree that cannot be asked."""
    return Party.objects.visible_to(reader).filter(to_query(tree, vocabulary_for(reader, today)))
