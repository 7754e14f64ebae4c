"""The forecast as a document: the page's numbers as PDF, and a few of them as the words of a mail."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from analytics import page, periods
from analytics.forecast import Forecast
from contacts.letters import greeting
from crm.core import formats, pdf
from crm.core.mail.texts import written
from crm.core.models import Installation

log = logging.getLogger("lotse.report")

# What the document may show, by the id it is named with in the HTML.
_ASSETS = {
    "style": ("text/css", "css/pdf.css"),
    "inter": ("font/woff2", "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2"),
    "inter-ext": ("font/woff2", "@fontsource-variable/inter/files/inter-latin-ext-wght-normal.woff2"),
}


def as_html(forecast: Forecast) -> str:
    """The document before it becomes a PDF, in the active language."""
    return render_to_string("pdf/forecast.html", {**page.context(forecast, links=False), "house": Installation.current(), "reader": forecast.ask.user})


def as_pdf(forecast: Forecast) -> bytes:
    """The document. Raises `PdfFailed`."""
    return pdf.render(as_html(forecast), {name: (kind, _static(path)) for name, (kind, path) in _ASSETS.items()})


def file_name(forecast: Forecast) -> str:
    """forecast-2017-Q1.pdf"""
    return f"forecast-{periods.name(forecast.period)}.pdf"


def mail(forecast: Forecast, *, with_pdf: bool) -> tuple[str, str]:
    """(heading, body) in the active language."""
    context = page.context(forecast, links=False)
    return written(
        "forecast",
        greeting=greeting(forecast.ask.user),
        period=context["period_label"],
        at=formats.moment(forecast.now),
        day=formats.day(forecast.now),
        figures="\n".join(f"{figure['label']}: {figure['value']} ({figure['detail']})" for figure in context["figures"]),
        notes="\n".join(_notes(context, with_pdf=with_pdf)),
        url=settings.BASE_URL + reverse("forecast"),
        company=Installation.current().name,
    )


def _notes(context: dict[str, Any], *, with_pdf: bool) -> Iterator[str]:
    """What asks for attention, and where the tables are."""
    for figures, words in (
        (context["late"].past, _("Open although the expected close is past: %(n)s, %(amount)s.")),
        (context["late"].undated, _("Open without an expected close, therefore in no period: %(n)s, %(amount)s.")),
    ):
        if figures.n:
            yield words % {"n": formats.number(figures.n), "amount": formats.money(figures.amount, context["currency"], decimals=0)}
    yield _("Teams, people and months are in the attached PDF.") if with_pdf else _("The PDF could not be made this time; you find teams, people and months on the page.")


def _static(path: str) -> bytes:
    """A file of ours, from where it lies in development or where collectstatic put it."""
    found = finders.find(path)
    with open(str(found) if found else staticfiles_storage.path(path), "rb") as file:
        return file.read()
