"""The form of the mailbox."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from crm.core.mail.addresses import BadAddress, normalise
from crm.core.mail.forms import ServerForm
from crm.core.mail.inbox.server import PURPOSE
from crm.core.models import MailboxSetup


class MailboxSetupForm(ServerForm):
    """One shared mailbox."""

    purpose = PURPOSE

    class Meta:
        model = MailboxSetup
        fields = ["host", "port", "security", "username", "folder", "address", "active"]
        widgets = {name: forms.TextInput(attrs={"size": 50}) for name in ("host", "username", "folder", "address")}
        help_texts = {
            "host": _("Name or address of the IMAP server."),
            "security": _("TLS is usual on port 993, STARTTLS on port 143."),
            "folder": _("Usually INBOX. Mail is left there and marked as read once it is a case."),
            "address": _("The address customers write to; answers from the desk ask for answers there."),
            "active": _("Mail that arrives from the day on which this is switched on becomes cases. What came before is left alone."),
        }

    def clean_folder(self) -> str:
        return self._one_line("folder")

    def clean_address(self) -> str:
        text = str(self.cleaned_data["address"]).strip()
        try:
            return normalise(text) if text else ""
        except BadAddress:
            raise forms.ValidationError(_("This is not an e-mail address.")) from None

    def clean(self) -> dict[str, Any]:
        facts = super().clean() or self.cleaned_data
        if facts.get("active") and not facts.get("host") and "host" not in self.errors:
            self.add_error("host", _("Name the mail server first."))
        if facts.get("active") and not facts.get("address") and "address" not in self.errors:
            self.add_error("address", _("Without it customers would not know where to answer."))
        return facts
