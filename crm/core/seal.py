"""Encryption, in one place: secrets kept in the database, and the parts of a backup.

Secrets that must be read again (a mail server's password) are sealed with a key made from SECRET_KEY. Fernet: AES-128-CBC with HMAC-SHA256. A
dump of the database alone gives nothing away; who holds SECRET_KEY, too, reads everything anyway.

Backups are sealed with a passphrase of their own, as streams: AES-256-GCM in pieces of 1 MiB, whose nonces count on and mark the last one, so
that a stream that was cut, put together anew or changed in one bit does not open (the STREAM construction, as in age).
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from django.conf import settings
from django.utils.crypto import salted_hmac

PIECE = 1 << 20  # bytes of a stream that are sealed at once
SALT = 16


class Unreadable(Exception):
    """What was sealed does not open: another key, or it is damaged. A secret must be entered again."""


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


class StreamSeal:
    """Seals and opens the streams of one backup: a key per stream, made of the passphrase, the backup's salt and the stream's name."""

    def __init__(self, passphrase: bytes, salt: bytes) -> None:
        self._master = Scrypt(salt=salt, length=32, n=2**15, r=8, p=1).derive(passphrase)

    def seal(self, pieces: Iterable[bytes], name: str) -> Iterator[bytes]:
        """The stream, sealed; a stream sealed under one name opens under no other."""
        salt = os.urandom(SALT)
        box, number, waiting = self._box(salt, name), 0, b""
        yield salt
        for piece in pieces:
            waiting += piece
            while len(waiting) > PIECE:  # the last piece is held back until it is known to be the last
                yield box.encrypt(_nonce(number, last=False), waiting[:PIECE], None)
                waiting, number = waiting[PIECE:], number + 1
        yield box.encrypt(_nonce(number, last=True), waiting, None)

    def open(self, file: BinaryIO, name: str) -> Iterator[bytes]:
        """The stream again, piece by piece, each one proven before it is given out. Raises Unreadable."""
        box, number = self._box(file.read(SALT), name), 0
        sealed = file.read(PIECE + 16)
        while True:
            following = file.read(PIECE + 16)
            try:
                yield box.decrypt(_nonce(number, last=not following), sealed, None)
            except InvalidTag:
                raise Unreadable from None
            if not following:
                return
            sealed, number = following, number + 1

    def _box(self, salt: bytes, name: str) -> AESGCM:
        return AESGCM(HKDF(SHA256(), 32, salt, name.encode()).derive(self._master))


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])
