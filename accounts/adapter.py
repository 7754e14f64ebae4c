"""How people get in: by invitation only; and every mail about it is one of our rows, in the reader's language (D16, D19)."""

from __future__ import annotations

import hashlib
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.utils import translation

from accounts.models import User
from accounts.services import password_address
from crm.core.mail import plan_mail


class ClosedSignup(DefaultAccountAdapter):
    """Nobody signs up by themselves: users are made by `accounts.services.invite_user`."""

    def is_open_for_signup(self, request: Any) -> bool:
        return False

    def is_safe_url(self, url: str | None) -> bool:
        """Where `?next=` may lead. What cannot be read as an address leads nowhere."""
        try:
            return bool(super().is_safe_url(url))
        except ValueError:
            return False

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Links in mails lead to the house's own address, never to what a request's Host header says."""
        return password_address(*key.split("-", 1))

    def format_email_subject(self, subject: str) -> str:
        return subject

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Write the mail down as an `OutgoingMail`; asking twice in the same second is the same mail."""
        user: User = context["user"]
        with translation.override(user.language):
            message = self.render_mail(template_prefix, email, context)
        once = hashlib.sha256(f"{email}\n{message.body}".encode()).hexdigest()
        plan_mail(user, kind="account", once=f"account:{once}", heading=message.subject, body=message.body)
