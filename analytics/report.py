"""The forecast as a document: the page's numbers as PDF, and a few of them as the words of a mail."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from analytics import overview, page, periods
from analytics.forecast import Forecast
from contacts.letters import greeting
from crm.core import formats
from crm.core.mail.texts import written
from crm.core.models import Installation

log = logging.getLogger("lotse.report")


@dataclass(frozen=True)
class Paper:
    """One report: its document before it becomes a PDF, and (heading, body) of its mail, both in the active language."""

    html: Callable[[Forecast], str]
    mail: Callable[[Forecast, bool], tuple[str, str]]


def as_html(forecast: Forecast) -> str:
    """The forecast before it becomes a PDF, in the active language."""
    return _document("forecast", page.context(forecast, links=False), forecast)


def overview_html(forecast: Forecast) -> str:
    """The overview likewise."""
    return _document("overview", overview.context(forecast, links=False), forecast)


def _document(key: str, context: dict[str, Any], forecast: Forecast) -> str:
    return render_to_string(f"pdf/{key}.html", {**context, "house": Installation.current(), "reader": forecast.ask.user})


def file_name(key: str, forecast: Forecast) -> str:
    """forecast-2017-Q1.pdf"""
    return f"{key}-{periods.name(forecast.period)}.pdf"


def mail(forecast: Forecast, with_pdf: bool) -> tuple[str, str]:
    """(heading, body) of the forecast's mail."""
    where = _("Teams, people and months are in the attached PDF.") if with_pdf else _("The PDF could not be made this time; you find teams, people and months on the page.")
    return _written("forecast", forecast, page.figures(forecast, None), [*overview.late_words(forecast), where])


def overview_mail(forecast: Forecast, with_pdf: bool) -> tuple[str, str]:
    """(heading, body) of the overview's mail."""
    sections = overview.context(forecast, links=False)["sections"]
    notes = [note for section in sections for note in section.notes]
    if with_pdf:
        notes.append(_("The same page is attached as PDF."))
    return _written("overview", forecast, [figure for section in sections for figure in section.figures], notes)


def _written(key: str, forecast: Forecast, figures: list[dict[str, Any]], notes: list[str]) -> tuple[str, str]:
    return written(
        key,
        greeting=greeting(forecast.ask.user),
        period=periods.label(forecast.period),
        at=formats.moment(forecast.now),
        day=formats.day(forecast.now),
        figures="\n".join(f"{figure['label']}: {figure['value']} ({figure['detail']})" for figure in figures),
        notes="\n".join(notes),
        url=settings.BASE_URL + reverse(key),
        company=Installation.current().name,
    )


PAPERS = {"forecast": Paper(as_html, mail), "overview": Paper(overview_html, overview_mail)}
