"""Writing down what somebody said about consent: by telephone, by letter, in person."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.consent_words import wordings
from contacts.models import ConsentEvent, ConsentPurpose
from contacts.public_forms import tick
from contacts.reach import Reach

Kind, How = ConsentEvent.Kind, ConsentEvent.How
EVERYTHING = "*"


class RecordForm(forms.Form):
    """What was said, about what, how and when. The words of each purpose stand beside it as they are to be read out, in the language the
    contact is written to in."""

    kind = forms.ChoiceField(
        label=gettext_lazy("What was said"),
        choices=[(Kind.GIVEN, Kind.GIVEN.label), (Kind.WITHDRAWN, gettext_lazy("consent withdrawn")), (Kind.OBJECTED, gettext_lazy("objection"))],
        widget=forms.RadioSelect,
        initial=Kind.GIVEN,
    )
    purposes = forms.MultipleChoiceField(
        label=gettext_lazy("About what"), widget=forms.CheckboxSelectMultiple, error_messages={"required": gettext_lazy("Please tick what it was about.")}
    )
    how = forms.ChoiceField(label=gettext_lazy("How"), choices=[(how, how.label) for how in (How.PHONE, How.LETTER, How.MAIL, How.TALK)])
    at = forms.DateTimeField(label=gettext_lazy("When"), widget=forms.DateTimeInput({"type": "datetime-local", "step": "1"}, format="%Y-%m-%dT%H:%M:%S"))
    note = forms.CharField(label=gettext_lazy("Note"), required=False, max_length=200, help_text=gettext_lazy("For instance who took the call, or where the letter is filed."))

    def __init__(self, to: Reach, language: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.words = {row.purpose.key: row for row in wordings(language, to.channel)}
        self.known = {row.key: row for row in ConsentPurpose.objects.filter(active=True)}
        self.fields["purposes"].choices = [*self.known.items(), (EVERYTHING, _("Everything (only to withdraw or to object)"))]
        self.fields["at"].initial = timezone.now

    def ticks(self) -> list[dict[str, Any]]:
        """What `components/_ticks.html` draws."""
        ticked = {str(value) for value in self["purposes"].value() or []}
        return [tick(key, label, self.words.get(key), key in ticked) for key, label in self.fields["purposes"].choices]

    def clean(self) -> dict[str, Any]:
        facts = super().clean() or self.cleaned_data
        chosen = facts.get("purposes", [])
        if facts.get("kind") == Kind.GIVEN:
            if EVERYTHING in chosen:
                self.add_error("purposes", _("A consent is given for a purpose, in its words. Please tick each one."))
            elif silent := [str(self.known[key]) for key in chosen if key not in self.words]:
                self.add_error("purposes", _("For this kind of address there are no words yet about: %(what)s. They are added in the set-up.") % {"what": ", ".join(silent)})
        if facts.get("at") and facts["at"] > timezone.now():
            self.add_error("at", _("This lies in the future."))
        return facts

    def chosen(self) -> list[ConsentPurpose] | None:
        """The purposes; None for everything."""
        keys = self.cleaned_data["purposes"]
        return None if EVERYTHING in keys else [self.known[key] for key in keys]
