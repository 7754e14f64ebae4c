"""A template as a document of the house: its style sheet and its fonts, and nothing else (`crm.core.pdf` does the work)."""

from __future__ import annotations

from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage

from crm.core import pdf

# What a document may show, by the id it is named with in the HTML.
ASSETS = {
    "style": ("text/css", "css/pdf.css"),
    "inter": ("font/woff2", "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2"),
    "inter-ext": ("font/woff2", "@fontsource-variable/inter/files/inter-latin-ext-wght-normal.woff2"),
}


def print_html(html: str) -> bytes:
    """The document as PDF. Raises `pdf.PdfFailed`."""
    return pdf.render(html, {name: (kind, _static(path)) for name, (kind, path) in ASSETS.items()})


def _static(path: str) -> bytes:
    """A file of ours, from where it lies in development or where collectstatic put it."""
    found = finders.find(path)
    with open(str(found) if found else staticfiles_storage.path(path), "rb") as file:
        return file.read()
