"""The forecast page and the overview, their PDFs, and who gets them by mail."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from analytics import overview as over
from analytics import page, report, subscriptions
from analytics.forecast import Ask, Forecast, may_read
from analytics.forms import AskForm
from analytics.models import ReportSubscription
from crm.core import lists, paper, pdf
from crm.core.access import may
from crm.core.errors import RuleBroken
from crm.core.feedback import is_fragment, say
from crm.core.views import gated
from sales.models import Opportunity


def may_export(user: Any) -> bool:
    """May take the forecast away: as PDF, or by mail."""
    return may_read(user, "export")


@require_GET
@vary_on_headers("HX-Request")
@gated(may_read)
def forecast(request: HttpRequest) -> HttpResponse:
    """What is closed, likely and open in a period; the address holds what is asked."""
    form = AskForm(request.GET, user=request.user)
    asked = form.ask()
    found = Forecast(asked)
    context = {
        **page.context(found),
        **_chips(form, found),
        "charts": page.charts(found),
        "switcher": page.switcher(found),
        "empty": {"title": _("No opportunities yet"), "text": _("As soon as there are opportunities that you may see, this page sums what is won and what is likely to come.")}
        if not found.rows.exists() and not page.narrowed_words(asked)
        else None,
        "create_url": reverse("opportunity-create") if may(request.user, "add", Opportunity) else "",
        **_taken_away(request, asked, ReportSubscription.Report.FORECAST),
    }
    return render(request, "analytics/_forecast.html" if is_fragment(request) else "analytics/forecast.html", context)


@require_GET
@vary_on_headers("HX-Request")
@gated(may_read)
def overview(request: HttpRequest) -> HttpResponse:
    """Money and complaints of a period on one page."""
    asked = AskForm(request.GET, user=request.user).ask()
    found = Forecast(Ask(request.user, asked.period))
    context = {
        **over.context(found),
        "charts": page.charts(found),
        "switcher": page.switcher(found, "overview"),
        **_taken_away(request, found.ask, ReportSubscription.Report.OVERVIEW),
    }
    return render(request, "analytics/_overview.html" if is_fragment(request) else "analytics/overview.html", context)


def _taken_away(request: HttpRequest, asked: Ask, which: ReportSubscription.Report) -> dict[str, Any]:
    """What leaves the house of a page: its PDF, and the mail on Mondays."""
    subscribed = ReportSubscription.objects.visible_to(request.user).filter(report=which).exists()
    url = f"{reverse(f'{which.value}-pdf')}?{page.query(asked)}" if may_export(request.user) and pdf.available() else ""
    return {"pdf_url": url, "may_subscribe": may_export(request.user), "subscribed": subscribed, "subscribe_url": reverse(f"{which.value}-subscribe"), "unsubscribe_url": reverse(f"{which.value}-unsubscribe")}


def _chips(form: AskForm, found: Forecast) -> dict[str, Any]:
    """The form's fields as chips; the period always says its value."""
    asked = found.ask
    form.show(page.periods.name(asked.period), page.period_choices(found))
    values = {"period": page.periods.label(asked.period), "team": asked.team, "owner": asked.owner, "pipeline": asked.pipeline}
    chips = []
    for name, value in values.items():
        if name not in form.fields:
            continue
        words = _("nobody") if name == "owner" and isinstance(value, str) else str(value or "")
        chips.append(
            {
                "name": name, "label": form.fields[name].label, "active": value is not None, "value": words, "form_field": form[name],
                "options": lists.options(lists.flat_choices(form[name]), [str(form[name].value() or "")], partial(_address, asked, name)),
                "clear_url": _address(asked, name, None),
            }
        )
    return {"filter_chips": chips, "filtered": any(chip["active"] for chip in chips if chip["name"] != "period"), "clear_url": reverse("forecast")}


def _address(asked: Ask, name: str, value: str | None) -> str:
    return f"{reverse('forecast')}?{page.query(asked, **{name: value})}"


@require_GET
@gated(may_export)
def report_pdf(request: HttpRequest, report_key: str) -> HttpResponse:
    """The same numbers as a file."""
    found = Forecast(AskForm(request.GET, user=request.user, action="export").ask())
    hint = _("The PDF could not be made. Please try again, or narrow the forecast to one team.")
    return paper.download(request, lambda: report.PAPERS[report_key].html(found), report.file_name(report_key, found), hint=hint)


@require_POST
@gated(may_export)
def subscribe(request: Any, report_key: str) -> HttpResponse:
    """Get the report by mail every Monday."""
    if not request.user.email:
        raise RuleBroken(_("Your profile has no e-mail address the report could be sent to."))
    subscriptions.subscribe(request.user, report_key)
    say(request, _("From next Monday on you get this report by mail."))
    return HttpResponseRedirect(reverse(report_key))


@require_POST
@gated(may_read)
def unsubscribe(request: Any, report_key: str) -> HttpResponse:
    """No longer."""
    subscriptions.unsubscribe(request.user, report_key)
    say(request, _("You no longer get this report by mail."))
    return HttpResponseRedirect(reverse(report_key))
