"""Journeys to begin with, in the language of whoever begins; everything in them can be changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.journeys.shape import Definition


@dataclass(frozen=True)
class Preset:
    """Its name, and the definition it begins with."""

    label: Any
    make: Callable[[], Definition]


def _win_back() -> Definition:
    text = _("{salutation},\n\nwe have not spoken for a while. Is there anything we can do for you? A short answer is enough.\n\nKind regards\n{house}")
    return {
        "trigger": {"kind": "inactive", "days": 180, "longer": False},
        "steps": [
            {"key": "s1", "kind": "wait", "days": 1, "from": 8, "to": 17},
            {"key": "s2", "kind": "mail", "subject": _("How are you getting on?"), "preheader": "", "blocks": [{"kind": "text", "text": text}]},
            {"key": "s3", "kind": "wait", "days": 7},
            {"key": "s4", "kind": "ask", "about": "answered", "yes": [], "no": [{"key": "s5", "kind": "task", "text": _("Call: no answer for a long time"), "days": 1}]},
        ],
        "last": 5,
    }


PRESETS = {"win_back": Preset(gettext_lazy("Win back: silence, a mail, and a task if nobody answers"), _win_back)}
