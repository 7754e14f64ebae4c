"""The e-mail addresses, telephone numbers and postal addresses of a contact: any number of each, one of each the main one.

They are children of the contact: seen with it, and written under its lock by whoever may change it, so that two people who choose
at once leave one main address and not two.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django import forms
from django.http import Http404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.forms import EmailForm, PhoneForm, PlaceForm
from contacts.labels import Label
from contacts.models import EmailAddress, Party, PhoneNumber, PostalAddress
from contacts.parts import TYPED, create_row, drop_row, make_main, mark_changed, row_words, save_row, twin
from contacts.search import index_parties
from contacts.services import Conflict
from contacts.stale import last_touch
from crm.core import formats
from crm.core.access import hidden_fields
from crm.core.errors import RuleBroken
from crm.core.work import work


@dataclass(frozen=True)
class Kind:
    """One of the three. `key` stands in addresses and ids, `rows` is its name on the contact."""

    key: str
    model: type[Any]
    rows: str
    form: type[forms.ModelForm]
    title: Any
    add: Any

    def shown(self, hidden: frozenset[str]) -> list[str]:
        """Its columns a reader may see."""
        return [column for column, name in TYPED[self.model].items() if name not in hidden]

    @property
    def main(self) -> str:
        """What the first of them is called."""
        return str(self.model._meta.get_field("is_primary").verbose_name)


KINDS = {
    kind.key: kind
    for kind in (
        Kind("phone", PhoneNumber, "phones", PhoneForm, gettext_lazy("Telephone"), gettext_lazy("Add a telephone number")),
        Kind("email", EmailAddress, "emails", EmailForm, gettext_lazy("E-mail"), gettext_lazy("Add an e-mail address")),
        Kind("postal", PostalAddress, "addresses", PlaceForm, gettext_lazy("Postal address"), gettext_lazy("Add a postal address")),
    )
}


# --- what happens to them -------------------------------------------------------------------------------------------------------------


def add_address(party: Party, kind: Kind, values: dict[str, str], *, by: Any) -> Any:
    """One more of this kind; the first one is the main one. A double is refused beside its field."""
    with work(by=by):
        rows = getattr(_hold(party, by), kind.rows)
        _refuse_double(kind, rows.all(), values)
        row = create_row(rows, values, by, is_primary=not rows.filter(is_primary=True).exists())
        _keep_in_step(party, by)
        return row


def change_address(row: Any, values: dict[str, str], seen: dict[str, str], *, by: Any) -> Any:
    """Store what was typed over what was `seen`, field by field: what only the other one changed stays, what both changed to something
    else raises `Conflict`."""
    with work(by=by):
        held = _hold_row(row, by)
        now = {name: getattr(held, name) for name in values}
        mine = {name: text for name, text in values.items() if text not in (seen.get(name), now[name])}
        if any(now[name] != seen.get(name) for name in mine):
            raise Conflict(as_seen(held, list(values)), *last_touch(held))
        if mine:
            kind = kind_of(held)
            whole = {name: getattr(held, name) for name in (*TYPED[kind.model], "label")} | mine
            _refuse_double(kind, getattr(held.party, kind.rows).exclude(pk=held.pk), whole)
            save_row(held, mine, by)
            _keep_in_step(held.party, by)
        return held


def choose_main(row: Any, *, by: Any) -> Any:
    """Make it the main one of its kind."""
    with work(by=by):
        held = _hold_row(row, by)
        if not held.is_primary:
            make_main(held, by)
            _keep_in_step(held.party, by)
        return held


def remove_address(row: Any, *, by: Any) -> None:
    """Remove it; after the main one the next one is the main one."""
    with work(by=by):
        held = _hold_row(row, by)
        drop_row(held, by)
        _keep_in_step(held.party, by)


def _hold(party: Party, by: Any) -> Party:
    """The contact under its lock, with the gate asked again."""
    held: Party | None = Party.objects.unrestricted().select_for_update().filter(pk=party.pk).first()
    if held is None or not Party.objects.visible_to(by, "change").filter(pk=party.pk).exists():
        raise Http404
    return held


def _hold_row(row: Any, by: Any) -> Any:
    party = _hold(row.party, by)
    held = type(row).objects.unrestricted().filter(pk=row.pk, party=party).first()
    if held is None:
        raise RuleBroken(gone())
    held.party = party
    return held


def _refuse_double(kind: Kind, rows: Any, values: dict[str, str]) -> None:
    if twin(rows, values) is not None:
        rule = next((rule for rule in kind.model._meta.constraints if rule.name.endswith("_once_per_party")), None)
        message = rule.violation_error_message if rule else _("This contact has this address already.")
        raise RuleBroken(message, field=next(iter(TYPED[kind.model])))


def _keep_in_step(party: Party, by: Any) -> None:
    mark_changed(party, by)
    index_parties([party.pk])


def gone() -> str:
    """What is said of an address that is not there any more."""
    return _("Somebody removed this entry meanwhile. Please reload the page.")


# --- how they are shown ---------------------------------------------------------------------------------------------------------------


def kind_of(row: Any) -> Kind:
    """The kind of a row."""
    return next(kind for kind in KINDS.values() if kind.model is type(row))


def as_seen(row: Any, names: list[str]) -> str:
    """What a form read of a row, to be sent back with what is typed over it."""
    return json.dumps({name: getattr(row, name) for name in names}, ensure_ascii=False)


def blocks(party: Party, reader: Any, *, editable: bool) -> list[dict[str, Any]]:
    """All kinds the reader may see, for the page of a contact."""
    hidden = hidden_fields(reader, Party)
    return [block(party, kind, hidden, editable=editable) for kind in KINDS.values() if kind.shown(hidden)]


def block(party: Party, kind: Kind, hidden: frozenset[str], *, editable: bool) -> dict[str, Any]:
    """One kind: the main one first, then in the order of their coming."""
    rows = sorted(getattr(party, kind.rows).all(), key=lambda row: (not row.is_primary, row.pk))
    cell = f"{kind.key}-{party.pk}"
    return {
        "id": f"reach-{cell}",
        "title": kind.title,
        "editable": editable,
        "rows": [drawn(party, kind, row, hidden, several=len(rows) > 1, editable=editable) for row in rows],
        "add": {"cell": f"{kind.key}-new", "label": kind.add, "url": reverse("party-address-add", args=[party.pk, kind.key])},
    }


def drawn(party: Party, kind: Kind, row: Any, hidden: frozenset[str], *, several: bool, editable: bool) -> dict[str, Any]:
    """What `contacts/_address.html` draws of one row. `main` names it where there are several."""
    cell = f"{kind.key}-{row.pk}"
    text = row_words(row, hidden)
    bad = getattr(row, "bounced_at", None)
    found = {"cell": cell, "bad": _("not reachable since %(day)s") % {"day": formats.day(timezone.localtime(bad))} if bad else "", "text": text, "href": link(row), "label": row.get_label_display(), "main": kind.main if several and row.is_primary else "", "editable": editable}
    if editable:
        urls = {name: reverse(f"party-address{page}", args=[party.pk, kind.key, row.pk]) for name, page in (("edit_url", ""), ("main_url", "-main"), ("delete_url", "-delete"))}
        found |= {**urls, "block": f"reach-{kind.key}-{party.pk}", "make_main": "" if row.is_primary else _("Make it the %(main)s") % {"main": kind.main}, "add_cell": f"{kind.key}-new"}
    return found


def link(row: Any) -> str:
    """Where a click leads: a call, a mail, or nowhere."""
    if isinstance(row, EmailAddress):
        return "mailto:" + quote(row.address, safe="@+")
    if isinstance(row, PhoneNumber) and row.label != Label.FAX:
        number = row.key or re.sub(r"[^\d+]", "", row.number)
        return f"tel:{number}" if number else ""
    return ""
