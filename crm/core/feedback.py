"""What the page says after a change: one toast, with a way back where there is one."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from crm.core.models import Undo


def say(request: HttpRequest, text: str, *, undo: Undo | None = None, response: HttpResponse | None = None) -> None:
    """Show `text` as a toast: with the next page, or out of band within `response` when htmx swaps a fragment."""
    if response is not None:
        response.content += render_to_string("_toast.html", {"message": text, "undo": undo, "oob": True}, request=request).encode()
        return
    messages.success(request, text, extra_tags=str(undo.token) if undo else "")


def is_fragment(request: Any) -> bool:
    """Does htmx ask for a fragment (and not for a boosted page)?"""
    return bool(request.htmx) and not request.htmx.boosted
