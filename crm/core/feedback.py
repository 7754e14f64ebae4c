"""What the page says after a change: one toast, with a way back where there is one."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.utils.http import url_has_allowed_host_and_scheme

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


def go(request: HttpRequest, url: str) -> HttpResponse:
    """On to another page (or the same one again) after a form was done, whether it was sent plainly or by htmx from a dialog."""
    return HttpResponse(status=204, headers={"HX-Redirect": url}) if is_fragment(request) else HttpResponseRedirect(url)


def page_of(request: HttpRequest) -> str:
    """The page of ours the reader is on, as path and query; "" where the browser does not say or it is not ours."""
    said = request.headers.get("HX-Current-URL") or request.headers.get("Referer", "")
    if not said or not url_has_allowed_host_and_scheme(said, {request.get_host()}, require_https=request.is_secure()):
        return ""
    parts = urlsplit(said)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
