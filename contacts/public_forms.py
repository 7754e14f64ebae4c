"""What strangers fill in: the sign-up, and the choices of an address."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from contacts.models import ConsentWording
from contacts.reach import EMAIL, reach
from crm.core.errors import RuleBroken


class WordsField(forms.ModelMultipleChoiceField):
    """Ticks beside the exact words of consents."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self, words: Sequence[ConsentWording], **kwargs: Any) -> None:
        super().__init__(ConsentWording.objects.filter(pk__in=[row.pk for row in words]).select_related("purpose"), **kwargs)
        self.words = words

    def clean(self, value: Any) -> list[ConsentWording]:
        chosen = {row.pk for row in super().clean(value)}
        return [row for row in self.words if row.pk in chosen]


class SignUpForm(forms.Form):
    """E-mail address, perhaps a name, and what for. `website` is for machines: people do not see it."""

    email = forms.EmailField(label=_("E-mail"), max_length=254, widget=forms.EmailInput({"autocomplete": "email"}))
    first_name = forms.CharField(label=_("First name"), max_length=80, required=False, widget=forms.TextInput({"autocomplete": "given-name"}))
    last_name = forms.CharField(label=_("Last name"), max_length=80, required=False, widget=forms.TextInput({"autocomplete": "family-name"}))
    website = forms.CharField(required=False, max_length=200)

    def __init__(self, words: Sequence[ConsentWording], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["words"] = WordsField(
            words,
            label=_("What may we write to you about?"),
            error_messages={"required": _("Please tick what we may write to you about."), "invalid_choice": _("The words have changed meanwhile. Please read and tick them again.")},
        )

    def ticks(self) -> list[dict[str, Any]]:
        """What `components/_ticks.html` draws."""
        ticked = {str(value) for value in self["words"].value() or []}
        return [tick(str(row.pk), row.purpose, row, str(row.pk) in ticked) for row in self.fields["words"].words]

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        try:
            reach(EMAIL, email)
        except RuleBroken as broken:
            raise ValidationError(str(broken)) from None
        return email


def tick(value: str, purpose: Any, words: ConsentWording | None, checked: bool) -> dict[str, Any]:
    """One of the ticks of `components/_ticks.html`: a purpose, and the words it is asked for in."""
    return {"value": value, "title": str(purpose), "text": words.text if words else "", "language": words.language if words else "", "checked": checked}


class ChoicesForm(forms.Form):
    """What stays ticked. `seen` are the keys of the purposes that were ticked when the page was read: only what the person changed counts."""

    purposes = forms.MultipleChoiceField(required=False)
    seen = forms.MultipleChoiceField(required=False)

    def __init__(self, keys: Sequence[str], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("purposes", "seen"):
            self.fields[name].choices = [(key, key) for key in keys]

    def changes(self) -> tuple[set[str], set[str]]:
        """(newly ticked, no longer ticked)."""
        ticked, seen = set(self.cleaned_data["purposes"]), set(self.cleaned_data["seen"])
        return ticked - seen, seen - ticked
