"""Set-up of campaigns: how much advertising one address gets at most."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from campaigns.models import FrequencyCap
from crm.core.admin_site import GatedAdmin


@admin.register(FrequencyCap)
class FrequencyCapAdmin(GatedAdmin):
    """The one row of the house."""

    about = _("How many advertising mails one address gets at most; who is above it is left out of a campaign.")
    fields = ["mails", "days"]
    list_display = ["mails", "days"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and not FrequencyCap.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: FrequencyCap, form: forms.ModelForm, change: bool) -> None:
        obj.pk = 1
        super().save_model(request, obj, form, change)
