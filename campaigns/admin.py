"""Set-up of campaigns: the design of mails to many, and how much advertising one address gets at most."""

from __future__ import annotations

import re

from django import forms
from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from campaigns.models import FrequencyCap, MailDesign
from crm.core.admin_site import SingleAdmin

READABLE = 4.5  # contrast of white letters (WCAG 2.2, 1.4.3)


class MailDesignForm(forms.ModelForm):
    """What is locked in every campaign."""

    def clean_colour(self) -> str:
        text: str = self.cleaned_data["colour"].strip().lower()
        if not re.fullmatch("#[0-9a-f]{6}", text):
            raise forms.ValidationError(_("Please write the colour as # and six digits, for instance #0b6470."))
        if contrast(text) < READABLE:
            raise forms.ValidationError(_("White letters cannot be read on this colour. Please choose a darker one."))
        return text


def contrast(colour: str) -> float:
    """Of white on this colour, as WCAG reckons it: 1 to 21."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)


@admin.register(MailDesign)
class MailDesignAdmin(SingleAdmin):
    """The one row about mails to many."""

    about = _("Imprint and colour of every campaign, and from how many recipients a second person releases.")
    form = MailDesignForm
    fields = ["imprint", "colour", "four_eyes_above"]
    list_display = ["__str__", "colour", "four_eyes_above"]


@admin.register(FrequencyCap)
class FrequencyCapAdmin(SingleAdmin):
    """The one row of the house."""

    about = _("How many advertising mails one address gets at most; who is above it is left out of a campaign.")
    fields = ["mails", "days"]
    list_display = ["mails", "days"]
