"""A template as a document of the house: its style sheet and its fonts, and nothing else (`crm.core.pdf` does the work)."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from crm.core import pdf
from crm.core.middleware import answer

log = logging.getLogger("lotse.paper")

# What a document may show, by the id it is named with in the HTML.
ASSETS = {
    "style": ("text/css", "css/pdf.css"),
    "inter": ("font/woff2", "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2"),
    "inter-ext": ("font/woff2", "@fontsource-variable/inter/files/inter-latin-ext-wght-normal.woff2"),
}


def print_html(html: str) -> bytes:
    """The document as PDF. Raises `pdf.PdfFailed`."""
    return pdf.render(html, {name: (kind, _static(path)) for name, (kind, path) in ASSETS.items()})


def download(request: HttpRequest, html: Callable[[], str], name: str, *, hint: str = "") -> HttpResponse:
    """The document as a file of this name, or in words why there is none; `hint` says what may help."""
    if not pdf.available():
        return answer(request, 503, _("PDF files cannot be made on this server, because the library Pango is missing."))
    try:
        data = print_html(html())
    except pdf.PdfFailed:
        log.exception("no PDF %s", name)
        return answer(request, 503, hint or _("The PDF could not be made. Please try again."))
    return HttpResponse(data, content_type="application/pdf", headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _static(path: str) -> bytes:
    """A file of ours, from where it lies in development or where collectstatic put it."""
    found = finders.find(path)
    with open(str(found) if found else staticfiles_storage.path(path), "rb") as file:
        return file.read()
