"""The form of a segment: its name, and the conditions as the builder's fields or as one JSON field."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from campaigns.models import Segment
from campaigns.segments.builder import Builder, TreeInput
from campaigns.segments.words import vocabulary_for
from crm.core.conditions import Tree, check, sentence
from crm.core.saving import FactsForm


def _read(text: str) -> Any:
    """What JSON says. Raises ValueError, also for what no person can type and no table can keep (half a character, NUL)."""
    found = json.loads(text)
    json.dumps(found, ensure_ascii=False).encode()
    if "\\u0000" in json.dumps(found):
        raise ValueError
    return found


class SegmentForm(FactsForm):
    """Facts of a segment. `builder` draws what was typed, or the stored tree; None where the tree has more levels than it draws."""

    tree = forms.Field(required=False, widget=TreeInput)

    class Meta:
        model = Segment
        fields = ("name", "note", "tree")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.known = vocabulary_for(self.user)
        if self.is_bound and self.add_prefix("tree") not in self.data:
            self.builder: Builder | None = Builder.typed(self.data, self.known)
        else:
            self.builder = Builder.of_tree(self._whole() if self.is_bound else self.initial.get("tree") or {}, self.known)

    def _whole(self) -> Tree:
        try:
            found = _read(self.data["tree"])
            check(found, self.known)
        except (ValueError, ValidationError, RecursionError):
            return {}
        return dict(found)

    def clean_tree(self) -> Tree:
        """The tree. What is missing stands beside its condition; here only that something is."""
        typed = self.cleaned_data.get("tree")
        if isinstance(typed, str):
            try:
                found = _read(typed or "{}")
            except (ValueError, RecursionError) as broken:
                raise ValidationError(_("This condition cannot be understood.")) from broken
            check(found, self.known)
            return dict(found)
        assert self.builder is not None
        tree = self.builder.tree()
        if tree is None:
            raise ValidationError(_("Please complete the marked conditions."))
        check(tree, self.known)
        return tree

    def tidy(self) -> None:
        """Drawn again for a further condition: what is missing so far is nobody's mistake yet."""
        self.is_bound, typed = False, self.data
        self.initial = {**self.initial, **{name: typed.get(name, "") for name in ("name", "note", "version")}}

    @property
    def stored_sentence(self) -> str:
        """The stored tree in words, where the builder cannot draw it."""
        return sentence(self.instance.tree, self.known) if self.instance.pk else ""
