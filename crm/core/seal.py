"""Secrets that must be kept in the database and read again (a mail server's password), encrypted with a key made from SECRET_KEY.

Fernet: AES-128-CBC with HMAC-SHA256. A dump of the database alone gives nothing away; who holds SECRET_KEY, too, reads everything anyway.
"""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.utils.crypto import salted_hmac


class Unreadable(Exception):
    """The secret was sealed under another SECRET_KEY, or is damaged: it must be entered again."""


def seal(secret: str, purpose: str) -> str:
    """The secret as text for the database; "" stays "". What is sealed for one purpose opens for no other."""
    return _box(purpose).encrypt(secret.encode()).decode() if secret else ""


def unseal(sealed: str, purpose: str) -> str:
    """The secret again. Raises Unreadable."""
    if not sealed:
        return ""
    try:
        return _box(purpose).decrypt(sealed.encode()).decode()
    except (InvalidToken, UnicodeError):
        raise Unreadable from None


def _box(purpose: str) -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(salted_hmac(f"lotse.seal.{purpose}", "", secret=key, algorithm="sha256").digest())) for key in keys])
