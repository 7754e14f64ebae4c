"""The forecast as a document: the page's numbers as PDF, and a few of them as the words of a mail."""

from __future__ import annotations

import logging

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.template.loader import render_to_string
from django.urls import reverse

from analytics import page, periods
from analytics.forecast import Forecast
from contacts.letters import greeting
from crm.core import pdf
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
    context = {**page.context(forecast, links=False), "greeting": greeting(forecast.ask.user), "with_pdf": with_pdf, "url": settings.BASE_URL + reverse("forecast")}
    heading = render_to_string("analytics/mail/heading.txt", context).strip()
    return heading, render_to_string("analytics/mail/forecast.txt", context).strip() + "\n"


def _static(path: str) -> bytes:
    """A file of ours, from where it lies in development or where collectstatic put it."""
    found = finders.find(path)
    with open(str(found) if found else staticfiles_storage.path(path), "rb") as file:
        return file.read()
