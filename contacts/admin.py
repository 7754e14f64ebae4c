"""Set-up of contacts: industries, tags, and what people may agree to in which words. Contacts themselves have their own pages behind their own rights."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from contacts.consent_words import write_wording
from contacts.models import ConsentPurpose, ConsentWording, Industry, Tag
from crm.core.admin_site import GatedAdmin, LabelledAdmin


@admin.register(Industry)
class IndustryAdmin(LabelledAdmin):
    """Branches of trade."""

    about = _("Branches of trade that organisations are sorted by.")


@admin.register(Tag)
class TagAdmin(LabelledAdmin):
    """Words contacts are gathered by."""

    about = _("Words that contacts are gathered by, whatever else they are: trade fair 2026, key customer. One that is no longer active is no longer offered.")


@admin.register(ConsentPurpose)
class ConsentPurposeAdmin(LabelledAdmin):
    """What people may agree to. A purpose that is no longer active is no longer offered; what stands for it stays and can be ended."""

    about = _("What people may agree to: newsletter, invitations and so on.")
    fields = ["label_de", "label_en", "active", "form_address"]
    readonly_fields = ["form_address"]

    @admin.display(description=_("sign-up form"))
    def form_address(self, purpose: ConsentPurpose) -> str:
        url = settings.BASE_URL + reverse("consent-sign-up")
        return format_html('<a href="{}">{}</a>', url, url)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(ConsentWording)
class ConsentWordingAdmin(GatedAdmin):
    """Words are added, never changed: who agreed to older ones agreed to those."""

    about = _("The exact words people agree to. New words are a new version; older consents keep theirs.")
    fields = ["purpose", "channel", "language", "text"]
    list_display = ["purpose", "channel", "language", "version", "text", "created_at"]
    list_filter = ["purpose", "channel", "language"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: ConsentWording, form: forms.ModelForm, change: bool) -> None:
        write_wording(obj, by=request.user)
