"""The form of the mailbox."""

from __future__ import annotations

import ipaddress
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from crm.core.mail.addresses import BadAddress, normalise
from crm.core.mail.forms import HOST
from crm.core.mail.inbox.server import PURPOSE
from crm.core.models import MailboxSetup
from crm.core.seal import seal


class MailboxSetupForm(forms.ModelForm):  # type: ignore[type-arg]
    """One shared mailbox. The stored password is never shown; an empty field keeps it."""

    new_password = forms.CharField(
        label=_("Password"),
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "size": 50}),
        help_text=_("Kept encrypted and never shown. Leave it empty to keep the one that is stored; without a user name there is none."),
    )

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

    def clean_host(self) -> str:
        host = str(self.cleaned_data["host"]).strip()
        if host and not HOST.match(host):
            try:
                host = ipaddress.ip_address(host.strip("[]")).compressed
            except ValueError:
                raise forms.ValidationError(_("This is neither a host name nor an address.")) from None
        return host

    def clean_folder(self) -> str:
        folder = str(self.cleaned_data["folder"]).strip()
        if not folder.isprintable():
            raise forms.ValidationError(_("Please write this in one line, without control characters."))
        return folder

    def clean_username(self) -> str:
        name = str(self.cleaned_data["username"]).strip()
        if not name.isprintable():
            raise forms.ValidationError(_("Please write this in one line, without control characters."))
        return name

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

    def password(self) -> str | None:
        """The sealed password to store; None keeps the stored one."""
        typed: Any = self.cleaned_data.get("new_password", "")
        if not self.cleaned_data.get("username"):
            return ""
        return seal(str(typed), PURPOSE) if typed else None
