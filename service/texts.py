"""Text modules filled in for one case: a flat dictionary of words, nothing else (D16)."""

from __future__ import annotations

from typing import Any

from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _

from crm.core import formats
from crm.core.models import Installation
from crm.core.placeholders import fill
from service.models import Case, TextModule

# placeholder → what stands there, for the people who write text modules
PLACEHOLDERS = {
    "number": _("number of the case"),
    "subject": _("subject of the case"),
    "opened": _("day on which it was opened"),
    "deadline": _("by when it is to be solved"),
    "product": _("product"),
    "agent": _("name of whoever writes"),
    "company": _("name of our house"),
}


def language_of(case: Case) -> str:
    """The language to write to the customer in: theirs where it is known, otherwise the house's."""
    return (case.party.language if case.party else "") or Installation.current().language


def filled(module: TextModule, case: Case, agent: Any) -> str:
    """The text in the customer's language, for this case."""
    language = language_of(case)
    with translation.override(language):
        due = formats.moment(timezone.localtime(case.due_solution)) if case.due_solution else formats.DASH
        values = {
            "number": case.number,
            "subject": case.heading,
            "opened": formats.day(timezone.localtime(case.opened_at)),
            "deadline": due,
            "product": str(case.product or formats.DASH),
            "agent": str(agent),
            "company": Installation.current().name,
        }
        return fill(module.body(language), values)
