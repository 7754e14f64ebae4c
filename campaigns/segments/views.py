"""Beside the pages of segments: the builder drawn anew, whom it would hold, and keeping a state."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from campaigns.segments import services
from campaigns.segments.builder import Builder
from campaigns.segments.crud import Segments, may_build, result_of
from campaigns.segments.words import vocabulary_for
from crm.core import formats
from crm.core.feedback import go, say
from crm.core.views import action, gated


@require_safe
@gated(may_build)
def builder(request: HttpRequest) -> HttpResponse:
    """The conditions drawn anew from what was typed, after the step `do`, with whom they hold."""
    typed = Builder.typed(request.GET, vocabulary_for(request.user))
    found = result_of(typed, request.user)
    for group in typed.groups:
        for row in group.rows:
            _quiet(row)
    return render(request, "campaigns/segments/_builder.html", {"builder": typed, "oob": True, **found})


@require_safe
@gated(may_build)
def result(request: HttpRequest) -> HttpResponse:
    """Whom the conditions hold now."""
    typed = Builder.typed(request.GET, vocabulary_for(request.user))
    return render(request, "campaigns/segments/_result.html", result_of(typed, request.user, behind=True))


def _quiet(row: Any) -> None:
    """Who is still typing is not told what is missing; the count says that something is."""
    row.problem = "" if not row.values else row.problem
    for inner in row.inner:
        _quiet(inner)


@action(Segments, "change")
def keep(request: HttpRequest, segment: Any) -> HttpResponse:
    """Write down who is in it now."""
    kept = services.keep_segment(segment, by=request.user)
    say(request, _("Kept: %(n)s contacts are in “%(name)s” now.") % {"n": formats.number(kept.size), "name": segment})
    return go(request, Segments.url("detail", segment.pk))
