"""Text modules filled in for one case: a flat dictionary of words, nothing else (D16)."""

from __future__ import annotations

from typing import Any

from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _

from contacts.letters import letter_to
from contacts.models import Party
from contacts.salutation import Addressee, Language, letter_salutation
from crm.core import formats
from crm.core.access import hidden_fields
from crm.core.models import Installation
from crm.core.placeholders import fill
from service.models import Case, TextModule

# placeholder → what stands there, for the people who write text modules
PLACEHOLDERS = {
    "salutation": _("how a letter to the customer begins"),
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


def _spoken(case: Case) -> Language:
    return "en" if language_of(case) == "en" else "de"


def words_for(case: Case, agent: Any) -> dict[str, str]:
    """Placeholder → its words for this case, in the customer's language. Who may not see the customer greets nobody by name; a hidden field is a dash."""
    hidden = hidden_fields(agent, Case)
    known = case.party is not None and Party.objects.visible_to(agent).filter(pk=case.party_id).exists()
    with translation.override(language_of(case)):
        due = formats.moment(timezone.localtime(case.due_solution)) if case.due_solution and "due_solution" not in hidden else formats.DASH
        return {
            "salutation": letter_to(case.party, agent).salutation if case.party is not None and known else letter_salutation(Addressee(language=_spoken(case))),
            "number": case.number,
            "subject": case.heading,
            "opened": formats.day(timezone.localtime(case.opened_at)),
            "deadline": due,
            "product": str(("product" not in hidden and case.product) or formats.DASH),
            "agent": str(agent),
            "company": Installation.current().name,
        }


def filled(module: TextModule, case: Case, agent: Any, words: dict[str, str] | None = None) -> str:
    """The text in the customer's language, for this case; `words` are those of `words_for`, where many texts are filled in."""
    return fill(module.body(language_of(case)), words_for(case, agent) if words is None else words)
