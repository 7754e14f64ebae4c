"""Yellow hints about a person's name and salutation: found by `contacts.namechecks`, settled with one click, remembered once dismissed.

The keys of open hints stand in the search row, so that a list can be narrowed to them; `contacts.search` writes them with every change.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.letters import COLUMNS, addressee, letter_typed, stored
from contacts.models import HintDismissal, Party
from contacts.namechecks import Hint, name_hints
from crm.core.access import hidden_fields
from crm.core.bulk import among
from crm.core.errors import RuleBroken
from crm.core.saving import said

# What the hint says; %(name)s are the values it is about, %(word)s those of the name.
QUESTIONS = {
    "first_name": gettext_lazy("“%(salutation)s” does not seem to go with the first name %(first_name)s."),
    "gendered_word": gettext_lazy("The title “%(word)s” does not go with “%(salutation)s”."),
    "untold": gettext_lazy("The title “%(word)s” tells the salutation that is still missing."),
    "salutation_typed": gettext_lazy("“%(word)s” begins with a salutation: that has a field of its own."),
    "title_typed": gettext_lazy("“%(word)s” begins with a title: that has a field of its own."),
    "rank_typed": gettext_lazy("“%(word)s” begins with a title of nobility: that has a field of its own."),
    "suffix_typed": gettext_lazy("“%(word)s” ends with a degree or the like: that has a field of its own."),
    "company": gettext_lazy("“%(word)s” looks like the name of a firm, not of a person."),
    "own_name": gettext_lazy("The own salutation “%(letter_salutation)s” seems to name somebody else."),
    "own_gender": gettext_lazy("The own salutation “%(letter_salutation)s” does not go with “%(salutation)s”."),
}


def open_hints(party: Party, reader: Any) -> list[dict[str, Any]]:
    """What the page shows: {key, text, fix} for each open hint about fields the reader may see; `fix` says in words what accepting sets."""
    if not party.is_person:
        return []
    hidden, gone = hidden_fields(reader, Party), _dismissed(reader, party.pk)
    return [{"key": hint.key, **told(hint)} for hint in _hints(stored(party)) if hint.key not in gone and not hidden & {*hint.about, *hint.fix}]


def typed_beginning(kind: str, values: Mapping[str, Any], reader: Any, party: int | None) -> dict[str, Any]:
    """How a letter would begin, and the hints, for what stands in a form so far: what `contacts/_letter.html` draws. `party` is being edited."""
    hints = _hints(values) if kind == Party.Kind.PERSON else []
    gone = _dismissed(reader, party) if hints and party else set()
    return {"letter": letter_typed(values), "hints": [told(hint) for hint in hints if hint.key not in gone]}


def told(hint: Hint) -> dict[str, Any]:
    """A hint in words."""
    values = {name: _said(name, value) for name, value in hint.about.items()}
    words = [value for name, value in values.items() if name not in {"salutation", "letter_salutation"}]
    untold = hint.code == "gendered_word" and not hint.about["salutation"]
    text = str(QUESTIONS["untold" if untold else hint.code]) % {**values, "word": " ".join(words)}
    return {"text": text, "fix": ", ".join(_fixed(name, value) for name, value in hint.fix.items())}


def open_keys(ids: Iterable[int]) -> dict[int, list[str]]:
    """Contact id → the keys of its open hints, for the search rows; acts for the house. People without any are left out."""
    chosen = among(ids)
    dismissed: dict[int, set[str]] = defaultdict(set)
    for party, key in HintDismissal.objects.unrestricted().filter(party__in=chosen).values_list("party_id", "key"):
        dismissed[party].add(key)
    found = {}
    for values in Party.objects.unrestricted().filter(pk__in=chosen, kind=Party.Kind.PERSON).values("pk", *COLUMNS):
        if keys := [key for hint in _hints(values) if (key := hint.key) not in dismissed[values["pk"]]]:
            found[values["pk"]] = keys
    return found


def _hints(values: Any) -> list[Hint]:
    return name_hints(addressee(values, "de"))


def _dismissed(reader: Any, party: int) -> set[str]:
    return set(HintDismissal.objects.visible_to(reader).filter(party=party).values_list("key", flat=True))


def find_hint(party: Party, key: str, by: Any) -> Hint:
    """The open hint with this key. Raises `RuleBroken` if there is none (any more)."""
    hidden = hidden_fields(by, Party)
    for hint in _hints(stored(party)):
        if hint.key == key and not hidden & {*hint.about, *hint.fix}:
            return hint
    raise RuleBroken(_("This hint is settled already: the name says something else by now."))


def label_of(name: str) -> str:
    """A field's name as it stands beside its value."""
    label = str(Party._meta.get_field(name).verbose_name)  # type: ignore[union-attr]
    return label[:1].upper() + label[1:]


def _fixed(name: str, value: str) -> str:
    if not value:
        return _("empty “%(field)s”") % {"field": label_of(name)}
    return _("%(field)s “%(value)s”") % {"field": label_of(name), "value": _said(name, value)}


def _said(name: str, value: str) -> str:
    if name == "salutation" and not value:
        return str(Party.Salutation.NONE.label)
    return said(Party._meta.get_field(name), value, None)  # no relation among them
