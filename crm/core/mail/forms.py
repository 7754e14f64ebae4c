"""The forms of the set-up pages about sending."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from django import forms
from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm.core.mail.addresses import BadAddress, ascii_domain, read_mailbox
from crm.core.mail.server import PURPOSE
from crm.core.mail.texts import text_kind
from crm.core.models import MailLimit, MailSetup, MailText
from crm.core.placeholders import names, problems
from crm.core.seal import seal

HOST = re.compile(r"^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$")


class ServerForm(forms.ModelForm):
    """A mail server we sign in to. The stored password is never shown; an empty field keeps it. `purpose` is what it is sealed for."""

    purpose = ""
    new_password = forms.CharField(
        label=_("Password"),
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "size": 50}),
        help_text=_("Kept encrypted and never shown. Leave it empty to keep the one that is stored; without a user name there is none."),
    )

    def clean_host(self) -> str:
        host = str(self.cleaned_data["host"]).strip()
        if host and not HOST.match(host):
            try:
                host = ipaddress.ip_address(host.strip("[]")).compressed
            except ValueError:
                raise forms.ValidationError(_("This is neither a host name nor an address.")) from None
        return host

    def clean_username(self) -> str:
        return self._one_line("username")

    def _one_line(self, field: str) -> str:
        text = str(self.cleaned_data[field]).strip()
        if not text.isprintable():
            raise forms.ValidationError(_("Please write this in one line, without control characters."))
        return text

    def clean(self) -> dict[str, Any]:
        """The stored password was given for one server and its encryption: it goes to no other, and not in the open, unless somebody who knows it says so."""
        facts = super().clean() or self.cleaned_data
        if not self.instance.password or not facts.get("username") or facts.get("new_password"):
            return facts
        host, none = facts.get("host", ""), MailSetup.Security.NONE  # without a host nothing is sent there; the next one asks
        if host and host.lower() != self.instance.host.lower():
            self.add_error("new_password", _("The stored password was given for another server. Please enter the one for this server."))
        elif facts.get("security") == none and self.instance.security != none:
            self.add_error("new_password", _("The stored password was given for an encrypted connection. Please enter it again if it may be sent without encryption."))
        return facts

    def password(self) -> str | None:
        """The sealed password to store; None keeps the stored one, as where the server is not asked for at all."""
        if "username" not in self.fields:
            return None
        typed: Any = self.cleaned_data.get("new_password", "")
        if not self.cleaned_data.get("username"):
            return ""
        return seal(str(typed), self.purpose) if typed else None


class MailSetupForm(ServerForm):
    """The mail server and the sender."""

    purpose = PURPOSE

    class Meta:
        model = MailSetup
        fields = ["host", "port", "security", "username", "sender", "reply_to", "dkim_selector", "connections", "per_hour"]
        widgets = {name: forms.TextInput(attrs={"size": 50}) for name in ("host", "username", "sender", "reply_to")}
        help_texts = {
            "host": _("Name or address. Leave it empty to use what the environment says (LOTSE_SMTP_HOST)."),
            "security": _("STARTTLS is usual on port 587, TLS on port 465; port 25 without encryption only within the house."),
            "sender": _("As recipients see it, for instance: Rheintal Fördertechnik &lt;post@rheintal.example&gt;. Empty: what the environment says (LOTSE_MAIL_FROM)."),
            "reply_to": _("Where answers go, if not to the sender."),
            "dkim_selector": _("The name under which your mail server signs, for instance “mail”. Needed only to look the key up."),
            "connections": _("How many mails may be handed over at the same time. Many mail servers allow only a few."),
            "per_hour": _("How many mails an hour go to one recipient domain, unless it has a limit of its own. Empty: no limit. Sign-in mails never wait."),
        }

    def clean_sender(self) -> str:
        return clean_mailbox(str(self.cleaned_data["sender"]))

    def clean_reply_to(self) -> str:
        return clean_mailbox(str(self.cleaned_data["reply_to"]))

    def clean_dkim_selector(self) -> str:
        selector = str(self.cleaned_data["dkim_selector"]).strip().lower()
        if selector and not HOST.match(selector):
            raise forms.ValidationError(_("Letters, digits, hyphens and dots."))
        return selector


def clean_mailbox(text: str) -> str:
    """A mailbox as it is kept: "Name <address>" or the address alone; "" stays "". Raises ValidationError in words."""
    if not text.strip():
        return ""
    try:
        name, address = read_mailbox(text.strip())
    except BadAddress:
        raise forms.ValidationError(_("Write it as: Name <address@domain.example>")) from None
    return f"{name} <{address}>" if name else address


class MailLimitForm(forms.ModelForm):
    """A domain in its one spelling."""

    class Meta:
        model = MailLimit
        fields = ["domain", "per_hour"]
        help_texts = {"domain": _("What follows the @, for instance gmx.de.")}

    def clean_domain(self) -> str:
        try:
            return ascii_domain(str(self.cleaned_data["domain"]).strip().lstrip("@"))
        except BadAddress:
            raise forms.ValidationError(_("This is not a domain.")) from None


class MailTextForm(forms.ModelForm):
    """The words of a mail in both languages. What is shown first is what is sent; emptied, a field says again what Lotse says."""

    class Meta:
        model = MailText
        fields = ["heading_de", "body_de", "heading_en", "body_en"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind = text_kind(self.instance.key)
        words = ", ".join(f"{{{name}}} {label}" for name, label in self.kind.names.items())
        for name in self.fields:
            self.initial[name] = getattr(self.instance, name) or self._default(name)
            if name.startswith("body"):
                self.fields[name].help_text = gettext("Filled in for each mail: %(words)s. {name|words} says what stands there if there is none.") % {"words": words}

    def _default(self, field: str) -> str:
        """As Lotse says it."""
        part, language = field.split("_")
        with translation.override(language):
            return str(self.kind.heading if part == "heading" else self.kind.body)

    def clean(self) -> dict[str, Any]:
        facts = super().clean() or self.cleaned_data
        for name in [name for name in self.fields if facts.get(name)]:
            text = facts[name] = str(facts[name]).replace("\r\n", "\n").strip()
            for problem in problems(text, self.kind.names):
                self.add_error(name, str(problem))
            missing = [one for one in self.kind.needed if name.startswith("body") and one not in names(text)]
            if missing:
                self.add_error(name, gettext("This must not be left out: %(names)s.") % {"names": ", ".join(f"{{{one}}}" for one in missing)})
            if text == self._default(name):
                facts[name] = ""
        return facts
