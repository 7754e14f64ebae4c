"""The mailbox over IMAP: one connection that looks, fetches without marking, and marks when it is told to."""

from __future__ import annotations

import contextlib
import imaplib
import ssl
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError

from crm.core.models import MailboxSetup
from crm.core.seal import Unreadable, unseal

PURPOSE = "mailbox"  # what the password is sealed for
FIRST = date(1970, 1, 1)  # no mail is older, and a year of fewer than four digits is no date to a server


class Unreachable(Exception):
    """There is no conversation with the mailbox any more. Says what the server or the network said."""


class Refused(Exception):
    """The server goes on talking, but does not give this."""


@dataclass(frozen=True)
class Place:
    """All that is needed to reach the mailbox, as plain values. `timeout` is seconds per answer."""

    host: str
    port: int = 993
    security: str = MailboxSetup.Security.TLS
    username: str = ""
    password: str = field(default="", repr=False)
    folder: str = "INBOX"
    timeout: float = 20


def place_of(setup: MailboxSetup) -> Place:
    """What holds at this moment. Raises Unreachable if the password cannot be read any more."""
    try:
        password = unseal(setup.password, PURPOSE)
    except Unreadable:
        raise Unreachable(_("The stored password cannot be read any more. Enter it again.")) from None
    return Place(setup.host, setup.port, setup.security, setup.username, password, setup.folder or "INBOX", settings.EMAIL_TIMEOUT)


@dataclass(frozen=True)
class Fetched:
    """A mail as the mailbox has it: its bytes, or only its head where the rest was not asked for."""

    uid: int
    raw: bytes
    arrived_at: datetime


class Mailbox:
    """An open folder. Raises Unreachable whenever the conversation ends."""

    def __init__(self, client: IMAPClient, facts: dict[bytes, Any]) -> None:
        self._client = client
        self.uidvalidity = int(facts.get(b"UIDVALIDITY", 0))
        self.count = int(facts.get(b"EXISTS", 0))

    def behind(self, cursor: int, since: date | None) -> list[int]:
        """The UIDs behind the cursor, in their order. `since` is a day of ours, but a server compares the day of its own clock (RFC 3501,
        6.4.4): of the days beside it each mail is asked when it arrived."""
        with _talking():
            if since is None:
                return self._search(cursor)
            found = self._search(cursor, "SINCE", _beside(since, 1))
            doubtful = sorted({*self._search(cursor, "SINCE", _beside(since, -1))} - {*found})
            for some in _pieces(doubtful):
                times = self._client.fetch(some, ["INTERNALDATE"])
                found += [uid for uid, facts in times.items() if timezone.localdate(_aware(facts.get(b"INTERNALDATE"))) >= since]
        return sorted(found)

    def _search(self, cursor: int, *criteria: Any) -> list[int]:
        found = self._client.search(["UID", f"{cursor + 1}:*", *criteria])
        return sorted(uid for uid in found if uid > cursor)  # "n:*" also names the last one below n

    def sizes(self, uids: list[int]) -> dict[int, int]:
        """UID → bytes. One that is gone meanwhile is left out."""
        with _talking():
            found = self._client.fetch(uids, ["RFC822.SIZE"])
        return {uid: int(facts[b"RFC822.SIZE"]) for uid, facts in found.items() if b"RFC822.SIZE" in facts}

    def fetch(self, uids: list[int], *, head_only: bool = False) -> dict[int, Fetched]:
        """UID → the mail, without marking it as read. One that is gone meanwhile is left out. Raises Refused."""
        part = "BODY.PEEK[HEADER]" if head_only else "BODY.PEEK[]"
        key = b"BODY[HEADER]" if head_only else b"BODY[]"
        with _talking():
            found = self._client.fetch(uids, [part, "INTERNALDATE"])
        return {uid: Fetched(uid, bytes(facts[key]), _aware(facts.get(b"INTERNALDATE"))) for uid, facts in found.items() if facts.get(key) is not None}

    def mark(self, uids: Iterable[int]) -> None:
        """Mark as read. Raises Refused."""
        for some in _pieces(list(uids)):
            with _talking():
                self._client.add_flags(some, [b"\\Seen"], silent=True)


@contextlib.contextmanager
def open_mailbox(place: Place, *, read_only: bool = False) -> Iterator[Mailbox]:
    """Connect, encrypt, sign in and open the folder as the settings say. Raises Unreachable."""
    context = ssl.create_default_context()
    client = None
    try:
        with _talking(refused=Unreachable):
            is_tls = place.security == MailboxSetup.Security.TLS
            client = IMAPClient(place.host, place.port, ssl=is_tls, ssl_context=context if is_tls else None, use_uid=True, timeout=place.timeout)
            client.normalise_times = False
            if place.security == MailboxSetup.Security.STARTTLS:
                client.starttls(context)
            client.login(place.username, place.password)
            facts = client.select_folder(place.folder, readonly=read_only)
        yield Mailbox(client, facts)
    finally:
        if client is not None:
            with contextlib.suppress(Exception):
                client.logout()
            with contextlib.suppress(Exception):
                client.shutdown()


@contextlib.contextmanager
def _talking(refused: type[Exception] = Refused) -> Iterator[None]:
    """What ends a conversation is Unreachable, a plain no is `refused`."""
    try:
        yield
    except (imaplib.IMAP4.abort, OSError, EOFError, UnicodeError) as error:
        raise Unreachable(said(error)) from error
    except (IMAPClientError, imaplib.IMAP4.error, ValueError, KeyError, AssertionError) as error:
        raise refused(said(error)) from error


def said(error: Exception) -> str:
    """What the server said, in its own words."""
    text = str(error) or type(error).__name__
    return text[2:-1] if text.startswith("b'") and text.endswith("'") else text


def _pieces(uids: list[int]) -> Iterator[list[int]]:
    """So many as fit into one line of a command, which servers limit."""
    return (uids[first : first + 500] for first in range(0, len(uids), 500))


def _beside(day: date, days: int) -> date:
    """So many days later, within what there is."""
    return date.fromordinal(min(max(day.toordinal() + days, FIRST.toordinal()), date.max.toordinal()))


def _aware(found: Any) -> datetime:
    """The mailbox's own time of arrival; now, if it has none."""
    if not isinstance(found, datetime):
        return datetime.now(UTC)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
