"""Pages that read over several apps: home, the search behind the palette, and the error pages."""

from __future__ import annotations

import sys
from typing import Any

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from contacts.models import Party
from crm import searchables
from crm.core.access import hidden_fields, may
from crm.core.feedback import is_fragment, page_of
from crm.core.middleware import unreachable
from crm.core.pages import signed_in
from crm.core.views import gated
from crm.navigation import start_of
from crm.panels import LONGEST, cases_url, open_cases, open_opportunities, opportunities_url, with_next_step
from crm.today import today
from sales.models import Opportunity
from service.deadlines import calendars
from service.models import Case
from service.queue import clock


@require_GET
@gated(signed_in)
def home(request: HttpRequest) -> HttpResponse:
    """To the page the reader's role begins with."""
    return HttpResponseRedirect(reverse(start_of(request.user)))


@require_GET
@gated(signed_in)
def today_page(request: HttpRequest) -> HttpResponse:
    """What to do next, and why."""
    return render(request, "today.html", {"title": _("Today"), **today(request.user)})


@require_GET
@gated(signed_in)
def search(request: HttpRequest) -> HttpResponse:
    """Everything the reader may find under these letters; before typing, what was open last and what can be done."""
    text = request.GET.get("q", "").strip()[:100]
    groups = searchables.find(request.user, text)
    template = "shell/_palette_results.html" if is_fragment(request) else "shell/search.html"
    return render(request, template, {"title": _("Search"), "query": text, "groups": groups})


@require_GET
@gated(lambda user: may(user, "view", Party) and may(user, "view", Opportunity))
def party_opportunities(request: HttpRequest, pk: int) -> HttpResponse:
    """The panel of open opportunities on a contact's page; without htmx the whole list."""
    party = get_object_or_404(Party.objects.visible_to(request.user), pk=pk)
    if not is_fragment(request):
        return HttpResponseRedirect(opportunities_url(party))
    rows = with_next_step(open_opportunities(party, request.user), request.user)
    shown = list(rows[: LONGEST + 1])
    context = {"party": party, "rows": shown[:LONGEST], "more": len(shown) > LONGEST, "list_url": opportunities_url(party), "now": timezone.now()}
    return render(request, "contacts/_opportunities.html", context | {"may_add": may(request.user, "add", Opportunity), "hidden": hidden_fields(request.user, Opportunity)})


@require_GET
@gated(lambda user: may(user, "view", Party) and may(user, "view", Case))
def party_cases(request: HttpRequest, pk: int) -> HttpResponse:
    """The panel of open cases on a contact's page; without htmx the whole list."""
    party = get_object_or_404(Party.objects.visible_to(request.user), pk=pk)
    if not is_fragment(request):
        return HttpResponseRedirect(cases_url(party))
    now, known = timezone.now(), calendars()
    shown = list(open_cases(party, request.user)[: LONGEST + 1])
    rows = [{"case": row, "clock": clock(row, now, known)} for row in shown[:LONGEST]]
    context = {"party": party, "rows": rows, "more": len(shown) > LONGEST, "list_url": cases_url(party), "may_add": may(request.user, "add", Case)}
    return render(request, "contacts/_cases.html", context)


def bad_request(request: HttpRequest, exception: Any = None) -> HttpResponse:
    """400 without user or database."""
    too_much = isinstance(exception, RequestDataTooBig | TooManyFieldsSent)
    message = _("This form holds more than can be received. Please shorten it, or bring large amounts in as a file.") if too_much else ""
    return HttpResponse(render_to_string("400.html", {"message": message}), status=400)


def form_too_old(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form whose token belongs to another sign-in: its page comes again, with what was typed (static/js/drafts.js)."""
    if is_fragment(request):
        return HttpResponse(status=403, headers={"HX-Refresh": "true"})
    page = page_of(request)
    message = _("You have signed in anew since this form was opened. Nothing is saved yet; go back to it, and what you typed stands there again.")
    if not request.user.is_authenticated:
        message = _("This form was open for too long, or your browser keeps no cookies. Please go back and try again.")
    return render(request, "errors/message.html", {"message": message, "url": f"{page}#draft" if page else ""}, status=403)


def forbidden(request: HttpRequest, exception: Any = None) -> HttpResponse:
    """403: the verb is missing."""
    return render(request, "403.html", {"message": str(exception or "")}, status=403)


def not_found(request: HttpRequest, exception: Any = None) -> HttpResponse:
    """404: it does not exist, or its existence is none of the reader's business."""
    return render(request, "404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """500 without context: nothing here may fail a second time. What is gone for a moment is said so instead (503)."""
    return unreachable(request, sys.exc_info()[1]) or HttpResponse(render_to_string("500.html"), status=500)
