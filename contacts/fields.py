"""Fields of contacts' forms: a contact, typed by name or number, with suggestions, and just as well without JavaScript; a country."""

from __future__ import annotations

import re
from typing import Any

import django_filters as filters
from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_filters.filters import QuerySetRequestMixin

from contacts.models import Party
from contacts.search import search_parties
from crm.core.fold import sort_key
from crm.core.formats import countries
from crm.core.keys import whole

SUGGESTED = 12
_NUMBER = re.compile(r"(?:^|·\s*)([A-Z]{1,10}-\d{1,15})\s*$")


def party_label(party: Party) -> str:
    """What stands in the field: the name people know and the number that makes it certain."""
    return f"{party.name} · {party.number}"


def numbered(text: str) -> str:
    """The contact number at the end of what was chosen or typed, or ''."""
    found = _NUMBER.search(text.strip())
    return found[1] if found else ""


class PartyInput(forms.TextInput):
    """A text field with a list of suggestions that htmx fills while somebody types. `kind` narrows them to people or organisations."""

    def __init__(self, attrs: dict[str, Any] | None = None, kind: str = "") -> None:
        super().__init__(attrs)
        self.kind = kind

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        attrs = {"id": f"id_{name}", **(attrs or {})}
        suggestions = f"{attrs['id']}_list"
        attrs |= {
            "list": suggestions,
            "autocomplete": "off",
            "hx-get": f"{reverse('party-options')}?field={name}&kind={self.kind}",
            "hx-trigger": "focus once, input changed delay:250ms",
            "hx-target": f"#{suggestions}",
            "hx-sync": "this:replace",
        }
        return super().get_context(name, value, attrs)

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        return format_html('{}<datalist id="{}_list"></datalist>', super().render(name, value, attrs, renderer), (attrs or {}).get("id", f"id_{name}"))


class PartyField(forms.ModelChoiceField):
    """A contact by name or number. `queryset` is narrowed by the form to what the user may see.

    Accepts "Name · K-10482", "K-10482", a primary key, or words that fit exactly one visible contact.
    """

    queryset: Any
    default_error_messages = {"invalid_choice": gettext_lazy("There is no such contact, or you cannot see it.")}

    def __init__(self, queryset: Any = None, *, kind: str = "", **kwargs: Any) -> None:
        rows = Party.objects.filter(kind=kind) if kind else Party.objects.all()
        kwargs.setdefault("widget", PartyInput(kind=kind))
        super().__init__(queryset=rows if queryset is None else queryset, **kwargs)

    @property
    def choices(self) -> list[Any]:  # type: ignore[override]
        """None are listed: there may be a million."""
        return []

    def prepare_value(self, value: Any) -> Any:
        if (key := whole(value)) is not None:
            value = self.queryset.filter(pk=key).first() or ""
        return party_label(value) if isinstance(value, Party) else value

    def to_python(self, value: Any) -> Party | None:
        if isinstance(value, Party):
            return value
        text = str(value or "").strip()[:200]
        if not text:
            return None
        if number := numbered(text):
            rows = self.queryset.filter(number=number)
        elif (key := whole(text)) is not None:
            rows = self.queryset.filter(pk=key)
        else:
            rows = search_parties(self.queryset, text)
        found = list(rows.order_by("sort_name", "pk")[:6])
        exact = [party for party in found if sort_key(party.name) == sort_key(text)]
        if len(found) == 1 or len(exact) == 1:
            return (exact or found)[0]
        if not found:
            raise ValidationError(self.error_messages["invalid_choice"], code="invalid_choice")
        names = ", ".join(party_label(party) for party in found[:5])
        raise ValidationError(_("Several contacts fit: %(names)s. Please add the number.") % {"names": names}, code="several")

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool((self.prepare_value(initial) or "") != (data or ""))


class PartyFilter(QuerySetRequestMixin, filters.Filter):
    """A contact by name or number narrows a list."""

    field_class = PartyField


class CountryField(forms.CharField):
    """A country by its ISO 3166 code, in capitals or not."""

    default_error_messages = {"unknown": gettext_lazy("There is no country with this code.")}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"label": gettext_lazy("Country"), "help_text": gettext_lazy("Two letters, for instance DE."), "max_length": 2, **kwargs})

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value)).upper()

    def validate(self, value: str) -> None:
        super().validate(value)
        if value and value not in countries("en"):
            raise ValidationError(self.error_messages["unknown"], code="unknown")
