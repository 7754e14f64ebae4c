"""The people of the house as choices: hundreds of names are offered by every list, so they are read as plain values and drawn without templates."""

from __future__ import annotations

from html import escape
from typing import Any

from django import forms
from django.forms.utils import flatatt
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.models import User


def people(reader: Any, *, active: bool = False) -> list[tuple[str, str]]:
    """(id, name) of everybody the reader may see, by name; only those who can sign in with `active`."""
    rows = User.objects.visible_to(reader)
    if active:
        rows = rows.filter(is_active=True)
    return [(str(pk), f"{first} {last}".strip() or username) for pk, first, last, username in rows.values_list("pk", "first_name", "last_name", "username")]


class PlainSelect(forms.Select):
    """A menu of very many choices, drawn without a template for each of them."""

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        chosen = {str(one) for one in (value if isinstance(value, list | tuple) else [value]) if one is not None}
        keys = (("" if key is None else str(key), str(label)) for key, label in self.choices)
        options = "".join(f'<option value="{escape(key)}"{" selected" if key in chosen else ""}>{escape(label)}</option>' for key, label in keys)
        return format_html("<select{}>{}</select>", flatatt({**self.build_attrs(self.attrs, attrs), "name": name}), SafeString(options))
