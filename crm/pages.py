"""Pages that read over several apps: home, the search behind the palette, and the error pages."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from crm import searchables
from crm.core.feedback import is_fragment
from crm.core.pages import signed_in
from crm.core.views import gated


@require_GET
@gated(signed_in)
def home(request: HttpRequest) -> HttpResponse:
    """Today: what to do next, and why."""
    return render(request, "today.html", {"title": _("Today"), **searchables.today(request.user)})


@require_GET
@gated(signed_in)
def search(request: HttpRequest) -> HttpResponse:
    """Everything the reader may find under these letters; before typing, what was open last and what can be done."""
    text = request.GET.get("q", "").strip()[:100]
    groups = searchables.find(request.user, text)
    template = "shell/_palette_results.html" if is_fragment(request) else "shell/search.html"
    return render(request, template, {"title": _("Search"), "query": text, "groups": groups})


def bad_request(request: HttpRequest, exception: Any = None) -> HttpResponse:
    """400 without user or database."""
    return HttpResponse(render_to_string("400.html"), status=400)


def forbidden(request: HttpRequest, exception: Any = None) -> HttpResponse:
    """403: the verb is missing."""
    return render(request, "403.html", {"message": str(exception or "")}, status=403)


def not_found(request: HttpRequest, exception: Any = None) -> HttpResponse:
    """404: it does not exist, or its existence is none of the reader's business."""
    return render(request, "404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """500 without context: nothing here may fail a second time."""
    return HttpResponse(render_to_string("500.html"), status=500)
